//! Options of the commands that show runs: `report` and `export`. Only shapes and help texts.

use crate::app::read::Form;
use crate::report::Exchange;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// Options of `report`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench report results/latest\n  \
layerbench report results/latest --format html --out report.html --charts charts --png")]
pub struct ReportArgs {
    /// Folder of a run
    #[arg(default_value = "results/latest")]
    pub run: PathBuf,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the pictures into this folder, as SVG
    #[arg(long, value_name = "DIR")]
    pub charts: Option<PathBuf>,
    /// With --charts: write them as PNG too, in the light theme
    #[arg(long, requires = "charts")]
    pub png: bool,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The table for a terminal
    Text,
    /// The table for a pull request or a job summary
    Markdown,
    /// A page for a browser, with pictures, in one file
    Html,
    /// A line for each cell, as in summary.csv
    Csv,
    /// Everything for other programs
    Json,
}

impl From<Format> for Form {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Markdown => Self::Markdown,
            Format::Html => Self::Html,
            Format::Csv => Self::Csv,
            Format::Json => Self::Json,
        }
    }
}

/// Options of `export`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "What becomes what stands in docs/exports.md.\n\n\
Examples:\n  layerbench export results/latest --format junit --out junit.xml\n  \
layerbench export results/article --format otava --out nights.csv")]
pub struct ExportArgs {
    /// Folder of a run; for Otava also a folder of runs, which become a row each
    #[arg(default_value = "results/latest")]
    pub run: PathBuf,
    /// Form of the export
    #[arg(long, value_enum)]
    pub format: ExchangeForm,
    /// Use runs even if they were made in unlike ways
    #[arg(long)]
    pub force: bool,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExchangeForm {
    /// Bencher Metric Format (JSON)
    Bencher,
    /// For github-action-benchmark (JSON)
    #[value(name = "customSmallerIsBetter", alias = "github-action-benchmark")]
    SmallerIsBetter,
    /// As hyperfine 1 exports it (JSON)
    Hyperfine,
    /// For Otava (CSV)
    Otava,
    /// For continuous integration (JUnit XML)
    Junit,
    /// For Prometheus (OpenMetrics text)
    Openmetrics,
}

impl From<ExchangeForm> for Exchange {
    fn from(form: ExchangeForm) -> Self {
        match form {
            ExchangeForm::Bencher => Self::Bencher,
            ExchangeForm::SmallerIsBetter => Self::SmallerIsBetter,
            ExchangeForm::Hyperfine => Self::Hyperfine,
            ExchangeForm::Otava => Self::Otava,
            ExchangeForm::Junit => Self::Junit,
            ExchangeForm::Openmetrics => Self::OpenMetrics,
        }
    }
}
