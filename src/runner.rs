//! Carries out a plan on an engine: one chain after the other, each build checked before it counts.
//! It emits events and nothing else: it never prints, and opens no file but those that a study wants to be different
//! for each sample, which it has written anew before the clock starts.

mod course;
mod guards;
mod images;
#[cfg(test)]
mod tests;
pub mod validity;

use crate::engine::machine::{Look, Machine};
use crate::engine::refusal::{Patience, Refusal, given_up, wait, waiting};
use crate::engine::{BuildRequest, BuildSettings, CacheContents, Client, Engine, EngineError, Interrupt, Named};
use crate::model::{
    ApproachId, Bytes, CacheState, ChainKind, ColdKind, EngineId, Event, Outcome, Progress, Sample, Seconds, StateId,
    Status, StepKind,
};
use crate::plan::{Chain, Plan, PlannedBuild};
use crate::study::Marks;
use guards::Guard;
pub use images::{AuditFn, Auditor};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use validity::Expected;

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
    pub bases: BTreeMap<Option<EngineId>, BTreeMap<String, String>>,
    /// What each image must print when it is run; absent when the study does not ask.
    pub prints: Option<String>,
    /// Looks closer at the image of each approach, outside any clock, once.
    pub audit: Option<Auditor>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every build of the plan was done.
    Complete,
    /// The user stopped it.
    Interrupted,
}

/// Why a run could not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// The engine could not be used any more.
    Engine(EngineError),
    /// Whoever gets the events refused one, e.g. because the disk is full.
    Sink(String),
    /// The machine or a registry does not let it go on: the reason.
    Stopped(String),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Sink(text) | Self::Stopped(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for RunError {}

impl From<EngineError> for RunError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// Takes events; its refusal stops the run.
pub type Sink<'a> = &'a mut dyn FnMut(Event) -> Result<(), String>;

/// How often, and after what pause, a busy engine is looked at again before somebody else is blamed.
const LET_GO_LOOKS: u32 = 60;
const LET_GO_PAUSE: Duration = Duration::from_millis(50);

/// How long an image's own command may take.
const RUN_LIMIT: Duration = Duration::from_secs(60);

/// A run under way, as far as one engine is concerned: what one engine holds says nothing of another.
struct Run<'a> {
    materials: &'a Materials,
    /// The engine's name, where there are several.
    name: Option<EngineId>,
    engine: &'a mut dyn Engine,
    emit: &'a dyn Fn(Event) -> Result<(), RunError>,
    progress: &'a dyn Progress,
    interrupt: &'a Interrupt,
    machine: &'a dyn Machine,
    guard: Guard,
    chain: ChainKind,
    /// Digests of base images as the run's start, or its first build of each, saw them.
    bases: BTreeMap<String, String>,
    /// What the engine held when the chain's last build had ended.
    left: Option<CacheContents>,
    /// The cold builds whose cache was kept: state and outcome.
    kept: BTreeMap<ApproachId, (StateId, Outcome)>,
    /// The approaches whose image was looked at closely.
    audited: BTreeSet<ApproachId>,
}

/// What a run is watched and steered by.
pub struct Around<'a> {
    /// The machine that the run is made on.
    pub machine: &'a dyn Machine,
    /// Gets the name of the step that started last.
    pub progress: &'a dyn Progress,
    /// Stops the run.
    pub interrupt: &'a Interrupt,
    /// Asked before each further group of blocks of the plan, after everything that was built was emitted.
    pub more: &'a dyn Fn() -> bool,
}

/// Carries out a plan. One engine builds at a time, the others stand still. Whatever happens, all engines are told to
/// clean up.
///
/// # Errors
/// When an engine cannot be used any more, or the sink refuses an event. Builds that fail are events.
pub fn run(
    plan: &Plan,
    materials: &Materials,
    engines: &mut [Named],
    around: &Around<'_>,
    sink: Sink<'_>,
) -> Result<End, RunError> {
    let Around { machine, progress, interrupt, more } = *around;
    let start = machine.now();
    let builds = plan.chains.iter().map(|chain| chain.builds.len()).sum::<usize>();
    let sink = RefCell::new(sink);
    let emit = |event: Event| (sink.borrow_mut())(event).map_err(RunError::Sink);
    let mut runs: Vec<Run<'_>> = engines
        .iter_mut()
        .map(|named| Run {
            materials,
            name: named.name.clone(),
            engine: named.engine.as_mut(),
            emit: &emit,
            progress,
            interrupt,
            machine,
            guard: Guard::default(),
            chain: plan.chain,
            bases: materials.bases.get(&named.name).cloned().unwrap_or_default(),
            left: None,
            kept: BTreeMap::new(),
            audited: BTreeSet::new(),
        })
        .collect();
    emit(Event::RunStarted { builds: u32::try_from(builds).unwrap_or(u32::MAX) })?;
    let done = course::whole(plan, &mut runs, interrupt, &|chains: &[Chain]| {
        let wanted = more();
        let keys = chains.iter().flat_map(|chain| chain.builds.iter().map(|build| build.key.clone()));
        if wanted { emit(Event::PlanGrew { builds: keys.collect() }).map(|()| true) } else { Ok(false) }
    });
    let finished: Vec<EngineError> = runs.iter_mut().filter_map(|run| run.engine.finish().err()).collect();
    let end = done?;
    for error in finished {
        emit(Event::Warning { text: format!("cleaning up: {error}") })?;
    }
    let elapsed = Seconds::from(machine.now().duration_since(start));
    emit(Event::RunFinished { elapsed, interrupted: end == End::Interrupted })?;
    Ok(end)
}

impl Run<'_> {
    fn emit(&self, event: Event) -> Result<(), RunError> {
        (self.emit)(event)
    }

    /// ` on NAME` where there are several engines.
    fn place(&self) -> String {
        self.name.as_ref().map_or(String::new(), |name| format!(" on {name}"))
    }

    /// Base images that cold builds of kind *warm base* must find, or that a registry cache is to hold.
    fn fetch_bases(&mut self, plan: &Plan) -> Result<End, RunError> {
        if !self.engine.wants_bases() {
            return Ok(End::Complete);
        }
        let chains = plan.chains.iter().chain(plan.further.iter().flatten());
        let used = chains.map(|chain| &chain.approach).collect::<BTreeSet<_>>();
        let recipes = used.into_iter().filter_map(|approach| self.materials.recipes.get(approach));
        let references: BTreeSet<String> = recipes.flat_map(|recipe| recipe.bases.iter().cloned()).collect();
        self.emit(Event::Preparing { what: format!("fetching base images{}", self.place()) })?;
        let mut patience = Patience::default();
        loop {
            let Err(error) = self.engine.fetch_bases(&references, self.interrupt) else { return Ok(End::Complete) };
            if self.interrupt.is_raised() {
                return Ok(End::Interrupted);
            }
            let refusal = Refusal::find(&error.found).ok_or(error)?;
            if !self.wait_out(&mut patience, &refusal)? {
                return Ok(End::Interrupted);
            }
        }
    }

    /// Waits until a registry may be asked again; `false` when the user stops the run meanwhile.
    fn wait_out(&mut self, patience: &mut Patience, refusal: &Refusal) -> Result<bool, RunError> {
        let pause = patience.next(refusal).ok_or_else(|| RunError::Stopped(given_up(refusal)))?;
        self.emit(Event::Warning { text: waiting(refusal, pause) })?;
        Ok(wait(pause, self.interrupt))
    }

    /// A chain from its beginning to its end.
    fn whole_chain(&mut self, kind: ChainKind, chain: &Chain) -> Result<End, RunError> {
        let what = format!("block {}{}, {}: making the engine ready", chain.block, self.place(), chain.approach);
        self.emit(Event::Preparing { what })?;
        let end = match kind {
            ChainKind::Article => {
                self.engine.begin_chain()?;
                self.chain(chain)?
            }
            ChainKind::Checkpoint => self.chain_of_restores(chain)?,
        };
        self.engine.end_chain()?;
        Ok(end)
    }

    fn chain(&mut self, chain: &Chain) -> Result<End, RunError> {
        let mut last: Option<(StateId, Outcome)> = None;
        self.left = None;
        for planned in &chain.builds {
            if self.interrupt.is_raised() {
                return Ok(End::Interrupted);
            }
            let outcome = self.one(planned, last.as_ref())?;
            if matches!(outcome.result, Err((Status::Interrupted, _))) {
                return Ok(End::Interrupted);
            }
            last = Some((planned.state.clone(), outcome));
        }
        if let (Some(planned), Some((_, outcome))) = (chain.builds.last(), &last) {
            self.look_at_image(&planned.key, outcome)?;
            self.audit(planned, outcome)?;
        }
        Ok(End::Complete)
    }

    /// A chain whose scenarios all start from the cache that the approach's cold build left.
    fn chain_of_restores(&mut self, chain: &Chain) -> Result<End, RunError> {
        for planned in &chain.builds {
            if self.interrupt.is_raised() {
                return Ok(End::Interrupted);
            }
            let approach = &planned.key.approach;
            let cold = planned.cache == CacheState::Cold;
            let kept = self.kept.get(approach).cloned();
            let outcome = match (cold, &kept) {
                (true, _) => {
                    self.engine.begin_chain()?;
                    self.one(planned, None)?
                }
                (false, Some(kept)) => {
                    self.engine.restore(approach.as_str())?;
                    self.one(planned, Some(kept))?
                }
                (false, None) => {
                    self.give_up(planned)?;
                    continue;
                }
            };
            match (&outcome.result, cold) {
                (Err((Status::Interrupted, _)), _) => return Ok(End::Interrupted),
                (Ok(()), true) => {
                    self.look_at_image(&planned.key, &outcome)?;
                    self.engine.save(approach.as_str())?;
                    // After the checkpoint: no sample starts from what an audit leaves.
                    self.audit(planned, &outcome)?;
                    self.kept.insert(approach.clone(), (planned.state.clone(), outcome));
                }
                _ => {}
            }
        }
        Ok(End::Complete)
    }

    /// A build that cannot be made, because there is no cache to start from.
    fn give_up(&mut self, planned: &PlannedBuild) -> Result<(), RunError> {
        let why = "there is no checkpoint to start from: the cold build of this approach did not end well";
        let outcome = crate::engine::build::not_built(&why);
        let sample = Box::new(self.sample(planned, &outcome, (Status::Failed, why.to_owned()), Bytes(0)));
        self.emit(Event::BuildFinished { sample, steps: Vec::new() })
    }

    /// One build: request, outcome, judgement, event. What a registry refused is built again, from the same state.
    fn one(&mut self, planned: &PlannedBuild, last: Option<&(StateId, Outcome)>) -> Result<Outcome, RunError> {
        let mut patience = Patience::default();
        loop {
            let mut outcome = self.attempt(planned, last)?;
            let Some(refusal) = Refusal::of(&outcome) else { return Ok(outcome) };
            if !self.wait_out(&mut patience, &refusal)? {
                outcome.result = Err((Status::Interrupted, "stopped by the user".to_owned()));
                return Ok(outcome);
            }
            match (planned.cache, self.chain) {
                (CacheState::Cold, _) => {
                    self.engine.end_chain()?;
                    self.engine.begin_chain()?;
                    self.left = None;
                }
                (_, ChainKind::Checkpoint) => self.engine.restore(planned.key.approach.as_str())?,
                (_, ChainKind::Article) => {}
            }
        }
    }

    fn attempt(&mut self, planned: &PlannedBuild, last: Option<&(StateId, Outcome)>) -> Result<Outcome, RunError> {
        let request = self.request(planned)?;
        let key = &planned.key;
        let mark = format!("{} block {}{} {}", self.materials.run, key.block, self.place(), key.approach);
        self.materials.marks.write(&planned.state, &mark).map_err(|error| RunError::Sink(error.to_string()))?;
        let before = self.quiet_contents()?;
        let looked = self.look_before()?;
        self.emit(Event::BuildStarted { key: planned.key.clone() })?;
        let mut outcome = self.engine.build(&request, self.progress, self.interrupt);
        let looks = (looked, self.machine.look(&self.engine.places()));
        if Refusal::of(&outcome).is_some() {
            return Ok(outcome);
        }
        let after = match self.quiet_contents() {
            Ok(after) => after,
            // An engine that died with the build, or right after it: the row first, then the end.
            Err(error) => {
                if outcome.result.is_ok() {
                    let why = format!("nobody can tell what the engine held afterwards: {error}");
                    outcome.result = Err((Status::Invalid, why));
                }
                self.judge(planned, last, (&before, &CacheContents::default()), &looks, &mut outcome)?;
                return Err(error.into());
            }
        };
        let reason = self.judge(planned, last, (&before, &after), &looks, &mut outcome)?;
        if outcome.result.is_err() && guards::filled_a_disk(&reason) {
            return Err(RunError::Stopped(format!("a disk is full: {reason}")));
        }
        if self.chain == ChainKind::Article {
            self.left = Some(after);
        }
        Ok(outcome)
    }

    /// Looks at the machine before a build; the run ends here when a disk is about to fill.
    fn look_before(&mut self) -> Result<Look, RunError> {
        let look = self.machine.look(&self.engine.places());
        self.guard.room(&look).map_err(RunError::Stopped)?;
        if let Some(text) = self.guard.jump_between(&look) {
            self.emit(Event::Warning { text })?;
        }
        Ok(look)
    }

    /// What the engine holds. An engine lets go of a build's records a moment after it has answered: only one that
    /// stays busy is used by somebody else.
    fn quiet_contents(&mut self) -> Result<CacheContents, EngineError> {
        let mut contents = self.engine.contents()?;
        for _ in 0..LET_GO_LOOKS {
            if !contents.busy {
                break;
            }
            std::thread::sleep(LET_GO_PAUSE);
            contents = self.engine.contents()?;
        }
        Ok(contents)
    }

    /// Judges, emits, and gives the reason why the sample is not `ok`.
    fn judge(
        &mut self,
        planned: &PlannedBuild,
        last: Option<&(StateId, Outcome)>,
        (before, after): (&CacheContents, &CacheContents),
        looks: &(Look, Look),
        outcome: &mut Outcome,
    ) -> Result<String, RunError> {
        let digest = |state: &StateId| {
            self.materials.context_digests.get(&(planned.key.approach.clone(), state.clone())).map(String::as_str)
        };
        let machine = self.guard.objections(&looks.0, &looks.1);
        let expected = Expected {
            cache: planned.cache,
            cold: self.engine.cold_kind(),
            left: self.left.as_ref(),
            before,
            after,
            bases: &self.bases,
            context_changed: last.map(|(state, _)| digest(state) != digest(&planned.state)),
            broken: last.is_some_and(|(_, outcome)| outcome.result.is_err()),
            machine: &machine,
        };
        let mut verdict = validity::check(&expected, outcome);
        for (reference, digest) in &outcome.bases {
            self.bases.entry(reference.clone()).or_insert_with(|| digest.clone());
        }
        let image = match &outcome.image_id {
            Some(id) if outcome.result.is_ok() => self.engine.image(id).map(|facts| facts.bytes),
            _ => Ok(Bytes(0)),
        };
        if let Err(error) = &image {
            verdict = (Status::Invalid, format!("nobody can tell what came out: {error}"));
        }
        let image_bytes = image.clone().unwrap_or(Bytes(0));
        let sample = self.sample(planned, outcome, verdict, image_bytes);
        let reason = sample.reason.clone();
        if planned.measured {
            self.emit(Event::BuildFinished { sample: Box::new(sample), steps: outcome.steps.clone() })?;
        } else if sample.status != Status::Ok {
            let text = format!("{} {} (not measured): {}", planned.key.approach, planned.key.scenario, sample.reason);
            self.emit(Event::Warning { text })?;
        }
        // The row first, then the end.
        image?;
        Ok(reason)
    }

    fn request(&self, planned: &PlannedBuild) -> Result<BuildRequest, RunError> {
        let key = &planned.key;
        let (recipes, contexts) = (&self.materials.recipes, &self.materials.contexts);
        let recipe = recipes.get(&key.approach).ok_or_else(|| course::not_prepared(&key.approach))?;
        let context = contexts.get(&planned.state).ok_or_else(|| course::not_prepared(&planned.state))?;
        Ok(BuildRequest {
            context: context.clone(),
            dockerfile: recipe.dockerfile.clone(),
            dockerfile_name: recipe.dockerfile_name.clone(),
            ignore: recipe.ignore.clone(),
            settings: recipe.settings.clone(),
            no_cache: planned.cache == CacheState::Cold && self.engine.cold_kind() == ColdKind::WarmBase,
            // A name of its own: one that takes another's lets containerd collect the layers that it is unpacked on.
            tag: format!("layerbench/{}:{}-{}", self.materials.run, key.block, key.position),
            context_key: format!("layerbench-{}-{}", self.materials.run, key.approach),
            timeout: self.materials.timeout,
            client: self.materials.client.clone(),
        })
    }

    /// Puts a judged outcome into the form of a row.
    fn sample(
        &self,
        planned: &PlannedBuild,
        outcome: &Outcome,
        verdict: (Status, String),
        image_bytes: Bytes,
    ) -> Sample {
        let work = || outcome.steps.iter().filter(|step| step.kind == StepKind::Work);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Sample {
            key: planned.key.clone(),
            engine: self.name.clone(),
            status: verdict.0,
            reason: verdict.1,
            seconds: outcome.seconds,
            engine_seconds: outcome.engine_seconds,
            pull_seconds: outcome.pull_seconds,
            context_bytes: outcome.context_bytes,
            pulled_bytes: outcome.pulled_bytes,
            steps: count(work().count()),
            steps_cached: count(work().filter(|step| step.cached).count()),
            image_id: outcome.image_id.clone().unwrap_or_default(),
            image_bytes,
            started_at: outcome.started_at.clone(),
        }
    }
}
