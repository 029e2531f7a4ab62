//! Options of the commands that look at images and machines: `audit`, `doctor` and `clean`. Only shapes and help texts.

use super::EngineArgs;
use crate::app::inspect::doctor;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// Options of `audit`.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    after_help = "The image is read without a shell in it, and started three times without network and capabilities. \
Of a run, the scorecards are printed that it kept.\n\n\
Exit codes: 0 every demand is met, 3 one is not.\n\n\
Examples:\n  layerbench audit my-image:latest --no-root --max-bytes 200MB --writable-paths 3\n  \
layerbench audit results/latest --format markdown"
)]
pub struct AuditArgs {
    /// Name or id of an image, or the folder of a run
    #[arg(value_name = "IMAGE or RUN")]
    pub image: String,
    /// Which engine has the image: `host` (the one that DOCKER_HOST names), or an address [default: host]
    #[arg(long)]
    pub engine: Option<String>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = AuditFormat::Text)]
    pub format: AuditFormat,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Demand that its files have at most this many bytes together, e.g. 200MB
    #[arg(long, value_name = "SIZE")]
    pub max_bytes: Option<String>,
    /// Demand that it is not run as root
    #[arg(long)]
    pub no_root: bool,
    /// Demand that its user can write at most this many paths
    #[arg(long, value_name = "N")]
    pub writable_paths: Option<u64>,
    /// Take the demands of this study, as far as no option overrules them
    #[arg(long, value_name = "STUDY")]
    pub study: Option<PathBuf>,
    /// A poetry.lock or requirements.txt that says what is needed at run time
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
    /// How long it may run each time that it is started [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub run_limit: Option<u64>,
}

/// Forms of a scorecard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// Lines for people
    Text,
    /// For a pull request or a job summary
    Markdown,
    /// Everything for other programs
    Json,
    /// What fails, for code scanning
    Sarif,
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
    pub only: Vec<TopicArg>,
    /// Which engines to build on
    #[command(flatten)]
    pub engines: EngineArgs,
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
pub enum TopicArg {
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

impl From<TopicArg> for doctor::Topic {
    fn from(topic: TopicArg) -> Self {
        match topic {
            TopicArg::Machine => Self::Machine,
            TopicArg::Engine => Self::Engine,
            TopicArg::Bases => Self::Bases,
            TopicArg::Pulls => Self::Pulls,
            TopicArg::Noise => Self::Noise,
        }
    }
}

/// Options of `clean`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = "Examples:\n  layerbench clean\n  LAYERBENCH_HOME=/mnt/big/layerbench layerbench clean")]
pub struct CleanArgs {
    /// Wait this long for runs that are just ending
    #[arg(long, default_value_t = 0, value_name = "SECONDS", hide = true)]
    pub wait: u64,
}
