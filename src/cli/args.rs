//! What the program is called with. Only shapes and help texts; what an option does is in its command's file.

mod audit;
mod build;
mod engines;
mod exchange;
mod own;

pub use audit::{AuditArgs, AuditFormat};
pub use build::{BuildArgs, EngineArgs};
pub use engines::EngineChoice;
pub use exchange::{ExchangeForm, ExportArgs, ImportArgs};
pub use own::{CallArgs, InitArgs, OriginArgs, Uncommitted};

use crate::engine::private::registry::DOCKER_HUB;
use crate::model::ChainKind;
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

/// Options of `run`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench run scenarios/article --reps 10\n  \
layerbench run --reps 3 --approach '05-*' --approach 06-final-slim-build --seed 7 --dry-run\n  \
layerbench run --reps 10 --engine private --engine ci=tcp://build.example.org:2376\n  \
layerbench run --resume results/latest\n  \
layerbench run --context . --dockerfile Dockerfile --dockerfile Dockerfile.new \\\n    \
--change sources=src/main.py --change deps=requirements.txt --reps 5")]
pub struct RunArgs {
    /// Folder of the study, or its file
    #[arg(default_value = "scenarios/article")]
    pub study: PathBuf,
    /// What to build, without a study file
    #[command(flatten)]
    pub call: CallArgs,
    /// Where the files may come from
    #[command(flatten)]
    pub origin: OriginArgs,
    /// Repetitions on each engine: each builds every approach once, in an order of its own
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub reps: u32,
    /// After these repetitions, add more of them, two at a time and 30 in all, until every median is known this well
    #[arg(long, value_name = "PERCENT", value_parser = super::precise::percentage)]
    pub precision: Option<f64>,
    /// Only these approaches; `*` and `?` stand for any text and any character
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub approach: Vec<String>,
    /// Only these scenarios; what they build on is built too, but not reported
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub scenario: Vec<String>,
    /// Which engines to build on
    #[command(flatten)]
    pub engines: EngineChoice,
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
    /// What scenarios start from: the cache that the one before left (as the article did it), or a checkpoint of the
    /// engine after the approach's only cold build
    #[arg(long, value_enum, default_value_t = ChainArg::Article)]
    pub chain: ChainArg,
    /// Who asks the engine: Layerbench, or the installed docker client, timed as a whole process
    #[arg(long, value_enum, default_value_t = ClientName::Layerbench)]
    pub client: ClientName,
    /// Ask Docker Hub (or the registry at URL) once for each base image: a pull-through cache answers the private
    /// engines, and is filled before the first build. Needs the program docker-registry
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = DOCKER_HUB)]
    pub registry_cache: Option<String>,
    /// Go on with a run that was broken off, in its folder and with its options; a chain that was cut is made again.
    /// Only what could do harm has to be said again: --allow-run, --allow-outside, --may-empty, and values of --build-arg
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "study", "context", "dockerfile", "change", "target", "uncommitted", "reps", "precision", "approach", "scenario",
        "engine", "dind_image", "base", "seed", "out", "timeout", "chain", "client", "registry_cache",
    ])]
    pub resume: Option<PathBuf>,
    /// On Ctrl-C, let the build in flight come to its end instead of cancelling it
    #[arg(long)]
    pub finish_build: bool,
    /// Print the builds in their order, and build nothing
    #[arg(long)]
    pub dry_run: bool,
    /// While another run builds on this machine, refuse instead of waiting for its end
    #[arg(long)]
    pub no_wait: bool,
}

/// What scenarios start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ChainArg {
    /// The cache that the scenario before left
    Article,
    /// The engine as it was after the cold build, restored for each sample
    Checkpoint,
}

impl ChainArg {
    /// The word of the model for it.
    #[must_use]
    pub fn kind(self) -> ChainKind {
        match self {
            Self::Article => ChainKind::Article,
            Self::Checkpoint => ChainKind::Checkpoint,
        }
    }
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

/// Options of `compare`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    after_help = "BASE and NEW are folders of runs, or RUN:APPROACH for one row of a run. The runs must be of one \
study and made on the same engine and machine in the same way.\n\n\
Exit codes: 0 nothing got worse, 3 something got slower or larger, 4 cannot tell.\n\n\
Examples:\n  layerbench compare results/article/20260101T000000Z-aaaaaaaa results/latest\n  \
layerbench compare results/latest --approach 01-simple --approach 02-simple-slim"
)]
pub struct CompareArgs {
    /// Folder of the run to compare with, or RUN:APPROACH
    pub base: PathBuf,
    /// Folder of the run that is judged, or RUN:APPROACH; may be left out with two --approach
    pub new: Option<PathBuf>,
    /// Compare these two approaches, the first being the base
    #[arg(long, value_name = "ID")]
    pub approach: Vec<String>,
    /// Compare even runs that were made in unlike ways
    #[arg(long)]
    pub force: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Options of `gate`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    after_help = "With 10 or more comparable nights since the last accepted change, tonight is judged by where they \
let expect it. With fewer, or with --rule baseline, it is held against one night, which shows suspects only. \
With --confirm, what is slower is built again from tonight's files and those of the night before it became so, in \
turns, and only these builds decide.\n\n\
Exit codes: 0 no regression, 3 regression, 4 cannot tell.\n\n\
Examples:\n  layerbench gate results/latest\n  layerbench gate results/latest --confirm --format markdown --out gate.md"
)]
pub struct GateArgs {
    /// Folder of the run that is judged
    #[arg(default_value = "results/latest")]
    pub run: PathBuf,
    /// Folder of the runs before it; that of the run by default
    #[arg(long, value_name = "DIR")]
    pub history: Option<PathBuf>,
    /// By which rule
    #[arg(long, value_enum, default_value_t = Rule::Auto)]
    pub rule: Rule,
    /// Run to hold tonight against, instead of the last one; implies --rule baseline
    #[arg(long, value_name = "RUN")]
    pub baseline: Option<PathBuf>,
    /// Measure what is slower afresh
    #[arg(long)]
    pub confirm: bool,
    /// With --confirm: fresh builds of each side
    #[arg(long, default_value_t = 15, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub reps: u32,
    /// With --confirm: tonight's study, if not where its run says
    #[arg(long, value_name = "STUDY")]
    pub study: Option<PathBuf>,
    /// With --confirm: the baseline's study, if its recorded git revision cannot be checked out
    #[arg(long, value_name = "STUDY")]
    pub baseline_study: Option<PathBuf>,
    /// With --confirm: carry out the commands of the study's changes, as for run
    #[arg(long)]
    pub allow_run: bool,
    /// With --confirm: let the study read what lies outside of it, as for run
    #[arg(long)]
    pub allow_outside: bool,
    /// With --confirm: which engines to build on
    #[command(flatten)]
    pub engines: EngineChoice,
    /// With --confirm: while another run builds on this machine, refuse instead of waiting for its end
    #[arg(long)]
    pub no_wait: bool,
    /// With --confirm: folder for the fresh samples
    #[arg(long, default_value = "results/confirm", value_name = "DIR")]
    pub confirm_out: PathBuf,
    /// Use nights even if they were made in unlike ways
    #[arg(long)]
    pub force: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How the gate judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// By history if there is one, else by one night
    Auto,
    /// By what the nights before let expect
    History,
    /// By one night: shows suspects, which --confirm decides
    Baseline,
}

/// Options of `history`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench history results/article --since 2026-01-01\n  \
layerbench history results/article accept 20260115T020000Z-1a2b3c4d --cell 05-final/cold --reason 'newer Poetry'")]
pub struct HistoryArgs {
    /// Folder of runs
    #[arg(default_value = "results/article")]
    pub dir: PathBuf,
    /// Only runs from this date or run on
    #[arg(long, value_name = "DATE or RUN")]
    pub since: Option<String>,
    /// Use runs even if they were made in unlike ways
    #[arg(long)]
    pub force: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = ShortForm::Text)]
    pub format: ShortForm,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write a picture of all nights into this folder, as SVG
    #[arg(long, value_name = "DIR")]
    pub charts: Option<PathBuf>,
    /// With --charts: write them as PNG too, in the light theme
    #[arg(long, requires = "charts")]
    pub png: bool,
    /// What to do instead
    #[command(subcommand)]
    pub call: Option<HistoryCall>,
}

/// What can be done with a history.
#[derive(Clone, Debug, Subcommand)]
pub enum HistoryCall {
    /// Mark a change as wanted: nights before it are no measure for those after
    Accept(AcceptArgs),
}

/// Options of `history accept`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  layerbench history results/article accept 20260115T020000Z-1a2b3c4d --reason 'new machine'\n  \
layerbench history results/article accept 20260115T020000Z-1a2b3c4d --cell 05-final --reason 'newer Poetry'"
)]
pub struct AcceptArgs {
    /// The first run after the change
    pub run: String,
    /// What changed: APPROACH or APPROACH/SCENARIO; everything if not given
    #[arg(long, value_name = "CELL", num_args = 1..)]
    pub cell: Vec<String>,
    /// Why it is wanted
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Options of `explain`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    after_help = "A cell is APPROACH/SCENARIO, or ENGINE/APPROACH/SCENARIO of a run on several engines. The parts are those of the critical path, and add up to the difference.\n\n\
Examples:\n  layerbench explain results/latest 05-final/cold 06-final-slim-build/cold\n  \
layerbench explain results/latest 05-final/cold --against results/article/20260101T000000Z-aaaaaaaa"
)]
pub struct ExplainArgs {
    /// Folder of a run
    pub run: PathBuf,
    /// The base cell
    #[arg(value_name = "A")]
    pub first: String,
    /// The new cell; the same one if a second run is given
    #[arg(value_name = "B")]
    pub second: Option<String>,
    /// A second run: the base cell is taken from it
    #[arg(long, value_name = "RUN")]
    pub against: Option<PathBuf>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = ShortForm::Text)]
    pub format: ShortForm,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Forms of an answer that no pull request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShortForm {
    /// For a terminal
    Text,
    /// For other programs
    Json,
}

/// Forms of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For a terminal
    Text,
    /// For a pull request or a job summary
    Markdown,
    /// For other programs
    Json,
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

/// Options of `doctor`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  layerbench doctor\n  layerbench doctor scenarios/article --only bases --format json"
)]
pub struct DoctorArgs {
    /// Folder of the study, or its file; without it, scenarios/article if that is there
    pub study: Option<PathBuf>,
    /// Look at this only
    #[arg(long, value_enum)]
    pub only: Vec<Topic>,
    /// Which engines to build on
    #[command(flatten)]
    pub engines: EngineChoice,
    /// As for `run`
    #[arg(long)]
    pub allow_outside: bool,
    /// As for `run`
    #[arg(long, value_name = "FROM=TO", num_args = 1..)]
    pub base: Vec<String>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = DoctorFormat::Text)]
    pub format: DoctorFormat,
}

/// Forms of doctor's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// Lines for people
    Text,
    /// Everything for other programs
    Json,
}

/// What `doctor` looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Disk, frequency scaling, load
    Machine,
    /// The engine, and how it is isolated
    Engine,
    /// Whether every base image can be had
    Bases,
    /// Manifests that ten blocks ask for, against the limit
    Pulls,
    /// How much cached builds of a tiny image differ
    Noise,
}

/// Options of `clean`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench clean\n  LAYERBENCH_HOME=/mnt/big/layerbench layerbench clean")]
pub struct CleanArgs {
    /// Wait this long for runs that are just ending
    #[arg(long, default_value_t = 0, value_name = "SECONDS", hide = true)]
    pub wait: u64,
}
