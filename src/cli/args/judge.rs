//! Options of the commands that hold runs against each other: `compare`, `gate`, `history` and `explain`. Only shapes and
//! help texts.

use super::EngineArgs;
use crate::app::judge::gate;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use std::path::PathBuf;

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
    #[arg(long, value_enum, default_value_t = RuleArg::Auto)]
    pub rule: RuleArg,
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
    pub engines: EngineArgs,
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
pub enum RuleArg {
    /// By history if there is one, else by one night
    Auto,
    /// By what the nights before let expect
    History,
    /// By one night: shows suspects, which --confirm decides
    Baseline,
}

impl From<RuleArg> for gate::Rule {
    fn from(rule: RuleArg) -> Self {
        match rule {
            RuleArg::Auto => Self::Auto,
            RuleArg::History => Self::History,
            RuleArg::Baseline => Self::Baseline,
        }
    }
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
