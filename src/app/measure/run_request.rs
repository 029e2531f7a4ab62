//! What a run is asked for, and what a record keeps of it: as it was recorded, a run goes on and suspects are built again.

use crate::app::prepare::request::{EngineChoice, Origin, Wish};
use crate::model::{ChainKind, ClientKind};
use crate::store::{CallOptions, RunOptions};
use std::path::PathBuf;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    /// What is built.
    pub wish: Wish,
    /// Where its files may come from.
    pub origin: Origin,
    /// Repetitions on each engine, from 1.
    pub reps: u32,
    /// The part of its median that the half-width of each interval is to be at most, if blocks are added until then.
    pub precision: Option<f64>,
    /// Names or patterns of approaches; all if empty.
    pub approaches: Vec<String>,
    /// Names or patterns of scenarios; all if empty.
    pub scenarios: Vec<String>,
    /// On which engines.
    pub engines: EngineChoice,
    /// Base images used in place of others, each `FROM=TO`.
    pub bases: Vec<String>,
    /// What decides the order; taken from the clock if not given.
    pub seed: Option<u64>,
    /// Folder for the results.
    pub out: PathBuf,
    /// Time limit of each build in seconds.
    pub timeout: u64,
    /// Which cache state scenarios start from.
    pub chain: ChainKind,
    /// Who asks the engine.
    pub client: ClientKind,
    /// The registry that a pull-through cache asks once for each image.
    pub registry_cache: Option<String>,
    /// A run that was broken off and is to go on; what is in its record stands above the rest.
    pub resume: Option<PathBuf>,
    /// Whether the build in flight comes to its end when the run is stopped.
    pub finish_build: bool,
    /// Whether the plan is only shown.
    pub dry_run: bool,
    /// Whether the run is refused while another one builds on this machine.
    pub no_wait: bool,
}

impl RunRequest {
    /// How a recorded run was made: everything but what was built, and what could do harm.
    #[must_use]
    pub fn recorded(options: &RunOptions) -> Self {
        Self {
            wish: Wish::Study(PathBuf::from(options.study.as_deref().unwrap_or("scenarios/article"))),
            origin: Origin::default(),
            reps: options.reps,
            precision: options.precision,
            approaches: options.approach.clone(),
            scenarios: options.scenario.clone(),
            engines: EngineChoice::recorded(options),
            bases: options.base.clone(),
            seed: None,
            out: PathBuf::from("results"),
            timeout: options.timeout,
            chain: options.chain,
            client: options.client,
            registry_cache: options.registry_cache.clone(),
            resume: None,
            finish_build: false,
            dry_run: false,
            no_wait: false,
        }
    }

    /// What a record says of the call: all of it but values of build arguments, and what lets it do harm.
    #[must_use]
    pub fn options(&self) -> RunOptions {
        let (study, call) = match &self.wish {
            Wish::Study(study) => (Some(study.display().to_string()), None),
            Wish::Call(call) => {
                let names = call.build_args.iter().map(|arg| arg.split('=').next().unwrap_or_default().to_owned());
                let call = CallOptions {
                    context: call.context.clone(),
                    dockerfiles: call.dockerfiles.iter().map(|path| path.display().to_string()).collect(),
                    changes: call.changes.clone(),
                    build_args: names.collect(),
                    target: call.target.clone(),
                };
                (None, Some(call))
            }
        };
        RunOptions {
            study,
            call,
            allow_run: self.origin.allow_run,
            reps: self.reps,
            approach: self.approaches.clone(),
            scenario: self.scenarios.clone(),
            engine: self.engines.engines.clone(),
            may_empty: self.engines.may_empty.clone(),
            dind_image: Some(self.engines.dind_image.clone()),
            uncommitted: self.origin.uncommitted,
            base: self.bases.clone(),
            timeout: self.timeout,
            chain: self.chain,
            registry_cache: self.registry_cache.clone(),
            client: self.client,
            precision: self.precision,
            ..RunOptions::default()
        }
    }
}
