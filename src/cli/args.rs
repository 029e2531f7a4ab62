//! What the program is called with. Only shapes and help texts; the files are named like the folders of `app`.

mod author;
mod inspect;
mod judge;
mod measure;
mod prepare;
mod read;

pub use author::{ImportArgs, InitArgs};
pub use inspect::{AuditArgs, AuditFormat, CleanArgs, DoctorArgs, DoctorFormat};
pub use judge::{CompareArgs, ExplainArgs, Form, GateArgs, HistoryArgs, HistoryCall, ShortForm};
pub use measure::{BuildArgs, LendArgs, RunArgs};
pub use prepare::{CallArgs, EngineArgs, OriginArgs};
#[cfg(test)]
pub use read::ExchangeForm;
pub use read::{ExportArgs, ReportArgs};

use clap::{Parser, Subcommand};

/// Measures how long Docker images take to build, and proves the cache state of every sample.
#[derive(Debug, Parser)]
#[command(name = "layerbench", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 fine, 1 failed, 2 the call or the study is wrong, 3 regression, 4 cannot tell.\n\n\
Examples:\n  layerbench run --reps 1\n  layerbench report results/latest --format markdown"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// Whether nothing but the answer is wanted.
    pub fn is_quiet(&self) -> bool {
        matches!(&self.command, Command::Build(args) if args.quiet)
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a study: build everything in it, cold, again, and with its changes, and print the table
    Run(RunArgs),
    /// Print the table of a run that was made before
    Report(ReportArgs),
    /// Build one image as docker build does, on the engine that DOCKER_HOST names, and print its id
    Build(BuildArgs),
    /// Start a private engine, run a command with DOCKER_HOST set to it, and throw it away
    Engine(LendArgs),
    /// Hold a run against another one, or an approach against another: what became slower, faster, larger, smaller
    Compare(CompareArgs),
    /// Judge tonight's run by the runs before it, for a nightly job
    Gate(GateArgs),
    /// Show a folder of runs over time: medians, changes of level, and which of these are wanted
    History(HistoryArgs),
    /// Say which steps make the difference between two cells
    Explain(ExplainArgs),
    /// Write a run in a form that another program reads
    Export(ExportArgs),
    /// Judge an image by six criteria: size, build-time dependencies, root, attack surface, writing, cache use
    Audit(AuditArgs),
    /// Write a study for a project: its Dockerfiles, and changes of its sources and dependencies
    Init(InitArgs),
    /// Make a run of figures that were measured elsewhere
    Import(ImportArgs),
    /// Say what would be used to build, and what is in the way
    Doctor(DoctorArgs),
    /// Remove what interrupted runs left behind, and nothing else
    Clean(CleanArgs),
}
