//! Options of the commands that build: `run`, `build` and `engine`. Only shapes and help texts.

use super::{CallArgs, EngineArgs, OriginArgs};
use crate::engine::kinds::private::registry::DOCKER_HUB;
use crate::model::{ChainKind, ClientKind};
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

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
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    pub precision: Option<f64>,
    /// Only these approaches; `*` and `?` stand for any text and any character
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub approach: Vec<String>,
    /// Only these scenarios; what they build on is built too, but not reported
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub scenario: Vec<String>,
    /// Which engines to build on
    #[command(flatten)]
    pub engines: EngineArgs,
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

impl From<ChainArg> for ChainKind {
    fn from(arg: ChainArg) -> Self {
        match arg {
            ChainArg::Article => Self::Article,
            ChainArg::Checkpoint => Self::Checkpoint,
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

impl From<ClientName> for ClientKind {
    fn from(name: ClientName) -> Self {
        match name {
            ClientName::Layerbench => Self::Layerbench,
            ClientName::Docker => Self::Docker,
        }
    }
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
    /// Named contexts: known, so that they can be refused with the reason
    #[arg(long, value_name = "NAME=VALUE", hide = true)]
    pub build_context: Vec<String>,
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
pub struct LendArgs {
    /// The command
    #[arg(value_name = "COMMAND")]
    pub program: String,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub arguments: Vec<String>,
}

/// Reads a percentage as a part of one.
fn percentage(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let part = number.filter(|percent| (0.1..=50.0).contains(percent)).map(|percent| percent / 100.0);
    part.ok_or_else(|| "expected a percentage from 0.1% to 50%, such as 3%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_read() {
        assert_eq!(percentage("3%"), Ok(0.03));
        assert_eq!(percentage(" 0.5 % "), Ok(0.005));
        for bad in ["3", "0%", "nan%", "-1%", "51%", "%", ""] {
            assert!(percentage(bad).is_err(), "{bad:?}");
        }
    }
}
