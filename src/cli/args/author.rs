//! Options of the commands that make studies and runs of what is there: `init` and `import`. Only shapes and help texts.

use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Options of `init`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench init\n  \
layerbench init https://git.example.org/team/app.git#main --out studies/app")]
pub struct InitArgs {
    /// Folder of the project, or a git repository as PATH#REF or URL#REF; one with branches such as 01-basic and
    /// 02-sources-changed gets a state for each
    #[arg(default_value = ".", value_name = "PROJECT")]
    pub project: String,
    /// Folder for the study; PROJECT/layerbench if not given, and layerbench for a repository
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write over a study that is there
    #[arg(long)]
    pub force: bool,
}

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
