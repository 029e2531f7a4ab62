//! Everything that a plan refers to, ready to be built. Values only: nothing here knows how a run goes.

use crate::engine::{BuildSettings, Client, Engine, EngineError};
use crate::model::{ApproachId, EngineId, Scorecard, StateId};
use crate::plan::PlannedBuild;
use crate::study::Marks;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What an approach needs to be built.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The Dockerfile's text, after base images were replaced.
    pub dockerfile: Arc<Vec<u8>>,
    /// The Dockerfile's path, for messages.
    pub dockerfile_name: String,
    /// Its own `NAME.dockerignore`.
    pub ignore: Option<Arc<Vec<u8>>>,
    /// What its builds are asked for beside the files.
    pub settings: BuildSettings,
    /// External base images, after replacement.
    pub bases: BTreeSet<String>,
}

/// Everything a plan refers to, ready to be built.
#[derive(Clone, Debug)]
pub struct Materials {
    /// Names this run in tags and context keys.
    pub run: String,
    /// A recipe for each approach of the plan.
    pub recipes: BTreeMap<ApproachId, Recipe>,
    /// A folder for each state of the plan.
    pub contexts: BTreeMap<StateId, PathBuf>,
    /// What of the states is different for each sample.
    pub marks: Marks,
    /// Digest of what an approach's build sees of a state.
    pub context_digests: BTreeMap<(ApproachId, StateId), String>,
    /// Time limit of one build.
    pub timeout: Duration,
    /// Who asks the engine for the builds.
    pub client: Client,
    /// Digests of the base images at the run's start, by engine and full reference; without those of no registry.
    pub bases: BTreeMap<EngineId, BTreeMap<String, String>>,
    /// What each image must print when it is run; absent when the study does not ask.
    pub prints: Option<String>,
    /// Looks closer at the image of each approach, outside any clock, once.
    pub audit: Option<Auditor>,
}

/// Called with the engine that holds an image, its name, what was built, and the image's id.
#[derive(Clone)]
pub struct Auditor(pub Rc<AuditFn>);

/// What an [`Auditor`] does; its error is a warning of the run. No scorecard comes of an image that has one.
pub type AuditFn =
    dyn Fn(&mut dyn Engine, &EngineId, &PlannedBuild, &str) -> Result<Option<Box<Scorecard>>, EngineError>;

impl std::fmt::Debug for Auditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auditor")
    }
}
