//! Carries out a plan on an engine: one chain after the other, each build checked before it counts.
//! It emits events and nothing else: it never prints, and never opens a file.

pub mod validity;

use crate::engine::{BuildRequest, BuildSettings, CacheContents, Client, Engine, EngineError, Interrupt, Named};
use crate::model::{
    ApproachId, Bytes, CacheState, ChainKind, ColdKind, EngineId, Event, Outcome, Progress, Sample, Seconds, StateId,
    Status, StepKind,
};
use crate::plan::{Chain, Plan, PlannedBuild};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
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
    /// Digest of what an approach's build sees of a state.
    pub context_digests: BTreeMap<(ApproachId, StateId), String>,
    /// Time limit of one build.
    pub timeout: Duration,
    /// Who asks the engine for the builds.
    pub client: Client,
    /// What each image must print when it is run; absent when the study does not ask.
    pub prints: Option<String>,
    /// Looks closer at the image of each approach, outside any clock, once.
    pub audit: Option<Auditor>,
}

/// Called with the engine that holds an image, its name where there are several, what was built, and the image's id.
#[derive(Clone)]
pub struct Auditor(pub Rc<AuditFn>);

/// What an [`Auditor`] does; its error is a warning of the run.
pub type AuditFn = dyn Fn(&mut dyn Engine, Option<&EngineId>, &PlannedBuild, &str) -> Result<(), String>;

impl std::fmt::Debug for Auditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auditor")
    }
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
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Sink(text) => f.write_str(text),
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
    /// Digests of base images as the run's first build of each saw them.
    bases: BTreeMap<String, String>,
    /// The cold builds whose cache was kept: state and outcome.
    kept: BTreeMap<ApproachId, (StateId, Outcome)>,
    /// The approaches whose image was looked at closely.
    audited: BTreeSet<ApproachId>,
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
    clock: &dyn Fn() -> Instant,
    sink: Sink<'_>,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<End, RunError> {
    let start = clock();
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
            bases: BTreeMap::new(),
            kept: BTreeMap::new(),
            audited: BTreeSet::new(),
        })
        .collect();
    emit(Event::RunStarted { builds: u32::try_from(builds).unwrap_or(u32::MAX) })?;
    let done = chains(plan, &mut runs, interrupt);
    let finished: Vec<EngineError> = runs.iter_mut().filter_map(|run| run.engine.finish().err()).collect();
    let end = done?;
    for error in finished {
        emit(Event::Warning { text: format!("cleaning up: {error}") })?;
    }
    let elapsed = Seconds::from(clock().duration_since(start));
    emit(Event::RunFinished { elapsed, interrupted: end == End::Interrupted })?;
    Ok(end)
}

/// Each chain on its engine, one after the other.
fn chains(plan: &Plan, runs: &mut [Run<'_>], interrupt: &Interrupt) -> Result<End, RunError> {
    for run in runs.iter_mut() {
        run.fetch_bases(plan)?;
    }
    for chain in &plan.chains {
        if interrupt.is_raised() {
            return Ok(End::Interrupted);
        }
        let run = runs.iter_mut().find(|run| run.name == chain.engine).ok_or_else(|| {
            let name = chain.engine.as_ref().map_or("an engine", EngineId::as_str);
            RunError::Sink(format!("the plan names {name}, which was not prepared"))
        })?;
        if run.whole_chain(plan.chain, chain)? == End::Interrupted {
            return Ok(End::Interrupted);
        }
    }
    Ok(End::Complete)
}

impl Run<'_> {
    fn emit(&self, event: Event) -> Result<(), RunError> {
        (self.emit)(event)
    }

    /// ` on NAME` where there are several engines.
    fn place(&self) -> String {
        self.name.as_ref().map_or(String::new(), |name| format!(" on {name}"))
    }

    /// Base images that cold builds of kind *warm base* must find.
    fn fetch_bases(&mut self, plan: &Plan) -> Result<(), RunError> {
        if self.engine.cold_kind() != ColdKind::WarmBase {
            return Ok(());
        }
        let used = plan.chains.iter().map(|chain| &chain.approach).collect::<BTreeSet<_>>();
        let recipes = used.into_iter().filter_map(|approach| self.materials.recipes.get(approach));
        let references: BTreeSet<String> = recipes.flat_map(|recipe| recipe.bases.iter().cloned()).collect();
        self.emit(Event::Preparing { what: format!("fetching base images{}", self.place()) })?;
        Ok(self.engine.fetch_bases(&references, self.interrupt)?)
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
            self.look_at_image(planned, outcome)?;
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
                    self.look_at_image(planned, &outcome)?;
                    self.engine.save(approach.as_str())?;
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
        let outcome = crate::engine::build::not_built(&EngineError::new("restoring the engine", why, ""));
        let sample = self.sample(planned, &outcome, (Status::Failed, why.to_owned()), Bytes(0));
        self.emit(Event::BuildFinished { sample: Box::new(sample), steps: Vec::new() })
    }

    /// One build: request, outcome, judgement, event.
    fn one(&mut self, planned: &PlannedBuild, last: Option<&(StateId, Outcome)>) -> Result<Outcome, RunError> {
        let request = self.request(planned)?;
        let before = self.quiet_contents()?;
        self.emit(Event::BuildStarted { key: planned.key.clone() })?;
        let mut outcome = self.engine.build(&request, self.progress, self.interrupt);
        let lost = |outcome: &Outcome| outcome.result.is_err();
        let after = match self.quiet_contents() {
            Ok(after) => after,
            // An engine that died with the build: the row first, then the end.
            Err(error) if lost(&outcome) => {
                self.judge(planned, last, &before, &CacheContents::default(), &mut outcome)?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        self.judge(planned, last, &before, &after, &mut outcome)?;
        Ok(outcome)
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

    fn judge(
        &mut self,
        planned: &PlannedBuild,
        last: Option<&(StateId, Outcome)>,
        before: &CacheContents,
        after: &CacheContents,
        outcome: &mut Outcome,
    ) -> Result<(), RunError> {
        let digest = |state: &StateId| {
            self.materials.context_digests.get(&(planned.key.approach.clone(), state.clone())).map(String::as_str)
        };
        let expected = Expected {
            cache: planned.cache,
            cold: self.engine.cold_kind(),
            before,
            after,
            bases: &self.bases,
            context_changed: last.map(|(state, _)| digest(state) != digest(&planned.state)),
        };
        let verdict = validity::check(&expected, outcome);
        for (reference, digest) in &outcome.bases {
            self.bases.entry(reference.clone()).or_insert_with(|| digest.clone());
        }
        let image_bytes = match &outcome.image_id {
            Some(id) if outcome.result.is_ok() => self.engine.image(id)?.bytes,
            _ => Bytes(0),
        };
        let sample = self.sample(planned, outcome, verdict, image_bytes);
        if planned.measured {
            self.emit(Event::BuildFinished { sample: Box::new(sample), steps: outcome.steps.clone() })?;
        } else if sample.status != Status::Ok {
            let text = format!("{} {} (not measured): {}", planned.key.approach, planned.key.scenario, sample.reason);
            self.emit(Event::Warning { text })?;
        }
        Ok(())
    }

    fn request(&self, planned: &PlannedBuild) -> Result<BuildRequest, RunError> {
        let key = &planned.key;
        let missing = |what: String| RunError::Sink(format!("the plan names {what}, which was not prepared"));
        let recipe = self.materials.recipes.get(&key.approach).ok_or_else(|| missing(key.approach.to_string()))?;
        let context = self.materials.contexts.get(&planned.state).ok_or_else(|| missing(planned.state.to_string()))?;
        Ok(BuildRequest {
            context: context.clone(),
            dockerfile: recipe.dockerfile.clone(),
            dockerfile_name: recipe.dockerfile_name.clone(),
            ignore: recipe.ignore.clone(),
            settings: recipe.settings.clone(),
            no_cache: planned.cache == CacheState::Cold && self.engine.cold_kind() == ColdKind::WarmBase,
            tag: format!("layerbench/{}:{}", self.materials.run, key.approach).to_lowercase(),
            context_key: format!("layerbench-{}-{}", self.materials.run, key.approach),
            timeout: self.materials.timeout,
            client: self.materials.client.clone(),
        })
    }

    /// After a chain: what the image is made of, and whether it does what it should.
    fn look_at_image(&mut self, planned: &PlannedBuild, outcome: &Outcome) -> Result<(), RunError> {
        let (Ok(()), Some(id)) = (&outcome.result, &outcome.image_id) else { return Ok(()) };
        let facts = self.engine.image(id)?;
        let check = self.materials.prints.as_ref().map(|expected| match self.engine.run_image(id, RUN_LIMIT) {
            Ok(printed) if &printed == expected => Ok(()),
            Ok(printed) => Err(format!("it printed {printed:?}, expected {expected:?}")),
            Err(error) => Err(error.to_string()),
        });
        let key = planned.key.clone();
        self.emit(Event::ImageInspected { key, engine: self.name.clone(), layers: facts.layers, check })?;
        // One image of an approach stands for all: ten repetitions do not pay ten times.
        if let Some(Auditor(audit)) =
            self.materials.audit.as_ref().filter(|_| self.audited.insert(planned.key.approach.clone()))
        {
            self.emit(Event::Preparing { what: format!("auditing the image of {}", planned.key.approach) })?;
            if let Err(why) = audit(self.engine, self.name.as_ref(), planned, id) {
                self.emit(Event::Warning {
                    text: format!("the image of {} was not audited: {why}", planned.key.approach),
                })?;
            }
        }
        Ok(())
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
