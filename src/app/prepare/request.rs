//! What calls that build something have in common: which files, on which engines.

use crate::engine::kinds::dind::USUAL_IMAGE;
use crate::model::Uncommitted;
use crate::store::RunOptions;
use std::path::PathBuf;

/// Which engines a call builds on, and what may be done to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineChoice {
    /// Each `[NAME=]ENGINE`: `auto`, `private`, `dind`, `host`, or an address.
    pub engines: Vec<String>,
    /// Addresses of engines that may be emptied before each cold build.
    pub may_empty: Vec<String>,
    /// Image of an engine that is started inside the user's.
    pub dind_image: String,
}

impl Default for EngineChoice {
    fn default() -> Self {
        Self { engines: vec!["auto".to_owned()], may_empty: Vec::new(), dind_image: USUAL_IMAGE.to_owned() }
    }
}

/// What is built: a study, or what the call itself says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The folder of a study, or its file.
    Study(PathBuf),
    /// A context and Dockerfiles, without a study file.
    Call(CallRequest),
}

/// What to build, said in the call itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRequest {
    /// The build context: a folder, or a git repository as `PATH#REF`, `URL` or `URL#REF:FOLDER`.
    pub context: String,
    /// The Dockerfiles; the context's own if none is given.
    pub dockerfiles: Vec<PathBuf>,
    /// The changes, each `NAME=CHANGE`.
    pub changes: Vec<String>,
    /// Build arguments, each `NAME=VALUE`, or a name alone, which takes the value of the environment.
    pub build_args: Vec<String>,
    /// The stage to build.
    pub target: Option<String>,
}

/// Where a project's files may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The commands of changes may be carried out, on copies of the files.
    pub allow_run: bool,
    /// The study may read what lies outside of it and of the project around it.
    pub allow_outside: bool,
    /// What to do about uncommitted changes; built with, if nothing is said.
    pub uncommitted: Option<Uncommitted>,
}

impl EngineChoice {
    /// The engines of a recorded call; none may be emptied.
    #[must_use]
    pub fn recorded(options: &RunOptions) -> Self {
        let usual = Self::default();
        Self {
            engines: options.engine.clone(),
            may_empty: Vec::new(),
            dind_image: options.dind_image.clone().unwrap_or(usual.dind_image),
        }
    }
}
