//! A run in the forms that other programs read, one file per form. Their shapes are given by those
//! programs; what each figure becomes in them stands in `docs/exports.md`.
//! Nothing is judged in here. Cells are called `approach/scenario` everywhere, or
//! `engine/approach/scenario` where a run has several engines.

mod bencher;
mod hyperfine;
mod junit;
mod openmetrics;
mod otava;
mod smaller;
#[cfg(test)]
mod tests;

pub use otava::{Night, night_columns, write_nights};

use super::Report;
use crate::analysis::table::Cell;
use crate::model::{ApproachId, Bytes, EngineId, ScenarioId};
use serde::Serialize;
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

/// A run, and what its report does not hold.
#[derive(Clone, Debug)]
pub struct Exported<'a> {
    /// The report of each engine, with its name where there are several.
    pub strata: Vec<(Option<EngineId>, Report<'a>)>,
    /// Name of the study.
    pub study: String,
    /// Its title.
    pub title: String,
    /// UTC start, RFC 3339.
    pub started_at: String,
    /// Revision of the study's files.
    pub revision: Option<String>,
    /// Version of the program that made the run.
    pub program: String,
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

/// What a cell is called.
fn name(engine: Option<&EngineId>, approach: &ApproachId, scenario: &ScenarioId) -> String {
    format!("{}{approach}/{scenario}", prefix(engine))
}

/// `engine/`, where there are several.
fn prefix(engine: Option<&EngineId>) -> String {
    engine.map_or(String::new(), |engine| format!("{engine}/"))
}

impl Exported<'_> {
    /// All cells, each with its name.
    fn cells(&self) -> impl Iterator<Item = (Place<'_>, &Cell)> {
        self.strata.iter().flat_map(|(engine, report)| {
            let cells = report.table.cells();
            cells.map(move |(row, scenario, cell)| {
                let (engine, approach, scenario) = (engine.as_ref(), &row.approach, &scenario.id);
                (Place { engine, approach, scenario }, cell)
            })
        })
    }

    /// All images that there are: engine, approach and size.
    fn images(&self) -> impl Iterator<Item = (Option<&EngineId>, &ApproachId, Bytes)> {
        self.strata.iter().flat_map(|(engine, report)| {
            let rows = report.table.rows.iter();
            rows.filter_map(move |row| Some((engine.as_ref(), &row.approach, row.image?)))
        })
    }
}

/// Where a cell stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    engine: Option<&'a EngineId>,
    approach: &'a ApproachId,
    scenario: &'a ScenarioId,
}

impl Place<'_> {
    fn name(self) -> String {
        name(self.engine, self.approach, self.scenario)
    }
}

/// `2 failed, 1 invalid`; empty if every build of the cell is in its figures.
fn others(cell: &Cell) -> String {
    let kinds = cell.others.kinds().map(|(status, count)| format!("{count} {status}"));
    kinds.collect::<Vec<_>>().join(", ")
}

/// Indented JSON and a newline.
fn json(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
