//! Options of the commands that build a single image, or lend an engine to another program.

use clap::Args as ClapArgs;
use std::path::PathBuf;

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
pub struct EngineArgs {
    /// The command
    #[arg(value_name = "COMMAND")]
    pub program: String,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub arguments: Vec<String>,
}
