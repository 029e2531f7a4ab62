//! What calls that build have in common: what is built, where its files come from, on which engines.

use crate::app::prepare::request::{CallRequest, EngineChoice, Origin};
use crate::engine::kinds::dind::USUAL_IMAGE;
use crate::model;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// What to build, said in the call itself.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Without a study file")]
pub struct CallArgs {
    /// The build context: a folder, or a git repository as PATH#REF, URL or URL#REF:FOLDER
    #[arg(long, value_name = "CONTEXT", conflicts_with = "study")]
    pub context: Option<String>,
    /// A Dockerfile, a row of the table each; CONTEXT/Dockerfile if none is given
    #[arg(long, value_name = "FILE", conflicts_with = "study")]
    pub dockerfile: Vec<PathBuf>,
    /// A change, a column of the table each, on top of the one before: NAME=FILE adds a comment to that file, another
    /// one for each sample. NAME=files:DIR lays files over the context, NAME=patch:FILE applies a patch, NAME=ref:GITREF
    /// takes the files of a revision, NAME=run:COMMAND runs a command on a copy
    #[arg(long, value_name = "NAME=CHANGE", conflicts_with = "study")]
    pub change: Vec<String>,
    /// Build argument for the Dockerfiles that declare it; a name alone takes the value of the environment
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "study")]
    pub build_arg: Vec<String>,
    /// Stage to build
    #[arg(long, value_name = "STAGE", conflicts_with = "study")]
    pub target: Option<String>,
}

impl CallArgs {
    /// Whether the call says itself what to build.
    #[must_use]
    pub fn given(&self) -> bool {
        self.context.is_some()
            || self.target.is_some()
            || [self.dockerfile.len(), self.change.len(), self.build_arg.len()].iter().any(|count| *count > 0)
    }
}

impl From<&CallArgs> for CallRequest {
    fn from(args: &CallArgs) -> Self {
        Self {
            context: args.context.clone().unwrap_or_else(|| ".".to_owned()),
            dockerfiles: args.dockerfile.clone(),
            changes: args.change.clone(),
            build_args: args.build_arg.clone(),
            target: args.target.clone(),
        }
    }
}

/// Where a project's files may come from.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct OriginArgs {
    /// Carry out the commands of changes, on copies of the files, before anything is built
    #[arg(long)]
    pub allow_run: bool,
    /// Let a study read what lies outside of it and of the project around it: folders and repositories elsewhere, files
    /// and variables for secrets
    #[arg(long)]
    pub allow_outside: bool,
    /// What to do about uncommitted changes of a folder in git: build with them (as docker build does), or refuse
    #[arg(long, value_enum)]
    pub uncommitted: Option<UncommittedArg>,
}

/// What to do about uncommitted changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UncommittedArg {
    /// They are built
    Use,
    /// Nothing is built
    Refuse,
}

impl From<&OriginArgs> for Origin {
    fn from(args: &OriginArgs) -> Self {
        let uncommitted = args.uncommitted.map(|choice| match choice {
            UncommittedArg::Use => model::Uncommitted::Use,
            UncommittedArg::Refuse => model::Uncommitted::Refuse,
        });
        Self { allow_run: args.allow_run, allow_outside: args.allow_outside, uncommitted }
    }
}

/// Engines, and what may be done to them.
#[derive(Clone, Debug, ClapArgs)]
pub struct EngineArgs {
    /// Which engine: `auto`, `private`, `dind`, `host`, or an address such as unix:///run/docker.sock. Given several
    /// times, whole repetitions are shared out among the engines, one builds at a time, and no figure mixes them; NAME=
    /// in front says what one is called in the results
    #[arg(long, default_value = "auto", value_name = "[NAME=]ENGINE")]
    pub engine: Vec<String>,
    /// DANGEROUS: removes ALL images and the WHOLE build cache of the engine at this address, whoever made them, before
    /// each cold build, so that cold means pristine there. Must be said of exactly the address of an --engine, tcp:// or
    /// ssh://; containers, volumes and networks are left alone, and an engine that holds a container is refused
    #[arg(long, value_name = "ADDRESS")]
    pub may_empty: Vec<String>,
    /// Image of the engine that `--engine dind` starts inside yours; it must be there
    #[arg(long, default_value = USUAL_IMAGE, value_name = "IMAGE")]
    pub dind_image: String,
}

impl From<&EngineArgs> for EngineChoice {
    fn from(args: &EngineArgs) -> Self {
        Self { engines: args.engine.clone(), may_empty: args.may_empty.clone(), dind_image: args.dind_image.clone() }
    }
}
