//! What the program is called with. Only shapes and help texts; what an option does is in its command's file.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

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
    pub call: Call,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Call {
    /// Run a study: build everything in it, cold, again, and with its changes, and print the table
    Run(RunArgs),
    /// Print the table of a run that was made before
    Report(ReportArgs),
    /// Build one image as docker build does, on the engine that DOCKER_HOST names, and print its id
    Build(BuildArgs),
    /// Start a private engine, run a command with DOCKER_HOST set to it, and throw it away
    Engine(EngineArgs),
    /// Say what would be used to build, and what is in the way
    Doctor(DoctorArgs),
    /// Remove what interrupted runs left behind, and nothing else
    Clean(CleanArgs),
}

/// Options of `run`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench run scenarios/article --reps 10\n  \
layerbench run --reps 3 --approach '05-*' --approach 06-final-slim-build --seed 7 --dry-run")]
pub struct RunArgs {
    /// Folder of the study, or its file
    #[arg(default_value = "scenarios/article")]
    pub study: PathBuf,
    /// Repetitions: each builds every approach once, in an order of its own
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub reps: u32,
    /// Only these approaches; `*` and `?` stand for any text and any character
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub approach: Vec<String>,
    /// Only these scenarios; what they build on is built too, but not reported
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub scenario: Vec<String>,
    /// Which engine: `auto`, `private`, `host`, or an address such as unix:///run/docker.sock
    #[arg(long, default_value = "auto", value_name = "ENGINE")]
    pub engine: String,
    /// Use another base image wherever a Dockerfile says FROM this one; files stay as they are
    #[arg(long, value_name = "FROM=TO", num_args = 1..)]
    pub base: Vec<String>,
    /// Decides the order of the builds; taken from the clock if not given
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Folder for the results
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub out: PathBuf,
    /// Time limit for each build
    #[arg(long, default_value_t = 1800, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Who asks the engine: Layerbench, or the installed docker client, timed as a whole process
    #[arg(long, value_enum, default_value_t = ClientName::Layerbench)]
    pub client: ClientName,
    /// Print the builds in their order, and build nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// The clients of `run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClientName {
    /// The build call alone, without a client's process
    Layerbench,
    /// `docker build`, from its start to its exit
    Docker,
}

/// Options of `report`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench report results/latest\n  \
layerbench report results/latest --format markdown --out table.md")]
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
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The table for a terminal
    Text,
    /// The table for a pull request or a job summary
    Markdown,
    /// A line for each cell, as in summary.csv
    Csv,
    /// Everything for other programs
    Json,
}

/// Options of `doctor`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench doctor\n  layerbench doctor --only bases scenarios/article")]
pub struct DoctorArgs {
    /// Folder of the study, or its file
    #[arg(default_value = "scenarios/article")]
    pub study: PathBuf,
    /// Look at this only
    #[arg(long, value_enum)]
    pub only: Option<Topic>,
    /// Which engine, as for `run`
    #[arg(long, default_value = "auto", value_name = "ENGINE")]
    pub engine: String,
    /// As for `run`
    #[arg(long, value_name = "FROM=TO", num_args = 1..)]
    pub base: Vec<String>,
}

/// What `doctor` looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// The engine, and how it is isolated
    Engine,
    /// Whether every base image can be had
    Bases,
}

/// Options of `clean`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench clean\n  LAYERBENCH_HOME=/mnt/big/layerbench layerbench clean")]
pub struct CleanArgs {
    /// Wait this long for runs that are just ending
    #[arg(long, default_value_t = 0, value_name = "SECONDS", hide = true)]
    pub wait: u64,
}

/// Options of `build`; they mean what they mean to `docker build`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench build -t hello scenarios/article/project \\\n    \
-f scenarios/article/dockerfiles/05-final.Dockerfile\n  \
layerbench build -q --build-arg PYTHON=3.12 --secret id=token,env=TOKEN .")]
pub struct BuildArgs {
    /// Folder of the build context
    #[arg(default_value = ".")]
    pub context: PathBuf,
    /// The Dockerfile; CONTEXT/Dockerfile if not given
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Name of the image
    #[arg(short, long, value_name = "NAME")]
    pub tag: Option<String>,
    /// Stage to build
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Build argument; a name alone takes the value of the environment
    #[arg(long, value_name = "NAME=VALUE")]
    pub build_arg: Vec<String>,
    /// Label of the image
    #[arg(long, value_name = "NAME=VALUE")]
    pub label: Vec<String>,
    /// Secret that RUN steps may mount: id=NAME,src=FILE or id=NAME,env=VARIABLE
    #[arg(long, value_name = "SECRET")]
    pub secret: Vec<String>,
    /// Platform to build for, e.g. linux/arm64
    #[arg(long)]
    pub platform: Option<String>,
    /// Network of RUN steps: default, none or host
    #[arg(long)]
    pub network: Option<String>,
    /// A name that RUN steps know
    #[arg(long, value_name = "NAME:ADDRESS")]
    pub add_host: Vec<String>,
    /// Take no step from the cache
    #[arg(long)]
    pub no_cache: bool,
    /// Print the image's id only
    #[arg(short, long)]
    pub quiet: bool,
    /// Time limit
    #[arg(long, default_value_t = 86_400, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
}

/// Options of `engine`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench engine -- docker info\n  \
PATH=$PWD/target/engines/26.1/bin:$PATH layerbench engine -- sh -c 'layerbench build -q . && docker images'")]
pub struct EngineArgs {
    /// The command and its arguments
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}
