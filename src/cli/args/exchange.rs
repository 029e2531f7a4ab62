//! Options of the commands that take figures from other programs, and give runs to them.

use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// Options of `import`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "FILE is separated by semicolons: a first line `scenario;cold;warm;…`, then one line for each \
approach and repetition, with seconds. Names that the study does not have are taken for those that differ by dashes \
only, and reqs-changed, dev-reqs-changed for the main and dev requirements; what was taken for what is printed.\n\n\
Examples:\n  layerbench import results/article/published-raw.csv\n  \
layerbench import mine.csv --study none --name mine --rename build=cold")]
pub struct ImportArgs {
    /// The table of durations
    pub file: PathBuf,
    /// Study whose names, titles and findings apply; `none` to take the names as they are
    #[arg(long, default_value = "scenarios/article", value_name = "STUDY")]
    pub study: PathBuf,
    /// Name of the study in the results, if not the study's own
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// What an approach or a column of the file is called in the study
    #[arg(long, value_name = "FROM=TO", num_args = 1..)]
    pub rename: Vec<String>,
    /// Table of image sizes: approach,size with sizes as docker prints them
    #[arg(long, value_name = "FILE")]
    pub sizes: Option<PathBuf>,
    /// Folder for the results
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub out: PathBuf,
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
