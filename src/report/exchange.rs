//! A run in the forms that other programs read, one file per form. Their shapes are given by those
//! programs; what each figure becomes in them stands in `docs/exports.md`.
//! Nothing is judged in here. Cells are called `approach/scenario` everywhere, or
//! `engine/approach/scenario` where a run has several engines.

mod bencher;
mod exported;
mod hyperfine;
mod junit;
mod openmetrics;
mod otava;
mod smaller;
#[cfg(test)]
mod tests;

pub use exported::Exported;
pub use otava::{NightRow, night_columns, write_nights};

use std::io::{self, Write};

/// A form that another program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Bencher Metric Format, JSON.
    Bencher,
    /// What github-action-benchmark calls `customSmallerIsBetter`, JSON.
    SmallerIsBetter,
    /// As `hyperfine --export-json` of version 1 writes it.
    Hyperfine,
    /// CSV for Otava, one row for the run.
    Otava,
    /// JUnit XML.
    Junit,
    /// OpenMetrics text, which Prometheus' older text format takes as well.
    OpenMetrics,
}

impl Exchange {
    /// Writes a run.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write(self, run: &Exported<'_>, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Bencher => bencher::write(run, out),
            Self::SmallerIsBetter => smaller::write(run, out),
            Self::Hyperfine => hyperfine::write(run, out),
            Self::Otava => otava::write(run, out),
            Self::Junit => junit::write(run, out),
            Self::OpenMetrics => openmetrics::write(run, out),
        }
    }
}
