//! Options of `run` for Dockerfiles without a study file, and for projects in git.

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
    pub uncommitted: Option<Uncommitted>,
}

/// What to do about uncommitted changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Uncommitted {
    /// They are built
    Use,
    /// Nothing is built
    Refuse,
}

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
