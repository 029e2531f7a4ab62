//! Study, plan, engines, runner, folder, reports: in this order.

use super::auditor::auditor;
use super::keeper::{Keeper, Kept};
use super::precision::Demand;
use super::resume::Earlier;
use super::run_request::RunRequest;
use crate::analysis::gate::Precision;
use crate::app::prepare::alone::{self, Alone};
use crate::app::prepare::bases::{self, Known, Needs};
use crate::app::prepare::engines::{Picked, Wanted, pick, wanted};
use crate::app::prepare::new_record::{self, Facts};
use crate::app::prepare::recipes::{self as files, Replacement};
use crate::app::prepare::request::Wish;
use crate::app::prepare::run_id::{run_id, seed_from_clock};
use crate::app::prepare::subject::{self, Subject};
use crate::app::prepare::{clean, pulls, without_study};
use crate::app::read::Run;
use crate::app::read::rows::{Faster, faster};
use crate::app::{Ending, Failure, InFlight, World};
use crate::engine::kinds::private::registry::{DOCKER_HUB, RegistryCache};
use crate::engine::machine::places::Folder;
use crate::engine::machine::workspace::Workspace;
use crate::engine::{Interrupt, Named};
use crate::model::{ApproachId, BuildKey, ColdKind, Event};
use crate::plan::{Plan, PlanOptions, Remaining};
use crate::runner::{self, Around, Materials, Recipe, SinkError};
use crate::store::RunFolder;
use crate::study::Study;
use crate::text::time::rfc3339;
use crate::text::without_logins;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;
use time::OffsetDateTime;

/// A run that was made, as far as it came.
pub struct Made {
    /// The run, if what is to be shown of it could be kept.
    pub run: Result<Run, Failure>,
    /// What went wrong with its builds and images, a line each.
    pub failures: Vec<String>,
    /// How the builds ended; an error where they broke off.
    pub ended: Result<Ending, Failure>,
    /// Which of its approaches is faster, where that is the question.
    pub faster: Vec<Faster>,
}

/// What came of it.
pub enum Answer {
    /// The builds that would be made.
    Plan(Plan),
    /// The run that was to go on has every build already.
    NothingLeft,
    /// The run.
    Made(Box<Made>),
}

/// Makes a run, goes on with one, or shows what would be built.
///
/// # Errors
/// When the call or the study is wrong, or the world stands in the way of the first build. What goes wrong later is part
/// of what was made.
pub fn run(world: World<'_>, given: &RunRequest) -> Result<Answer, Failure> {
    let earlier = given.resume.as_deref().map(Earlier::open).transpose()?;
    let request = &match &earlier {
        Some(earlier) => earlier.request(given)?,
        None => given.clone(),
    };
    let id = run_id();
    let mut interrupt = Interrupt::default();
    let _alone = alone(world, request, earlier.as_ref(), &id, &mut interrupt)?;
    let place = Place::new(world, request, &id)?;
    let prepared = Prepared::of(world, request, earlier.as_ref(), place.path())?;
    if earlier.as_ref().is_some_and(|earlier| earlier.complete(&prepared.plan)) {
        return Ok(Answer::NothingLeft);
    }
    if request.dry_run {
        return prepared.subject.stop_with(None).map_or(Ok(Answer::Plan(prepared.plan)), Err);
    }
    let measured = begin(world, request, earlier, prepared, (place.path(), &id, &interrupt))?;
    measure(measured, &interrupt, matches!(request.wish, Wish::Call(_))).map(|made| Answer::Made(Box::new(made)))
}

/// Everything between the plan and the first build.
fn begin<'w>(
    world: World<'w>,
    request: &RunRequest,
    earlier: Option<Earlier>,
    prepared: Prepared,
    (place, id, interrupt): (&Path, &str, &Interrupt),
) -> Result<Measured<'w>, Failure> {
    let Prepared { mut subject, engines, options, whole, plan, cut, replacements, recipes } = prepared;
    let mut materials = materials(world, request, &mut subject, &plan, recipes, (place, id))?;
    let study = &subject.study;
    tell(world, "files", &subject.files.remarks);
    let cards = earlier.as_ref().map(Earlier::cards).transpose()?.unwrap_or_default();
    materials.audit = Some(auditor(study, &materials.contexts, interrupt, &cards));
    if earlier.is_some() {
        clean::before_going_on(world);
    }
    let cache = registry_cache(request.registry_cache.as_deref(), place)?;
    let Picked { mut engines, lines } = pick(world, &request.engines, &engines, id, Some(study), plan.chain, cache)?;
    tell(world, "engine", &lines);
    announce_pulls(world, request, options.most, &engines, &materials);
    // What a run was begun with it goes on with.
    let needs = if earlier.is_some() { Needs::new() } else { bases::needs(study) };
    let known = bases::known(world, &mut engines, &mut materials, &replacements, &needs, interrupt)?;
    let (whole, plan) = left(world, (whole, plan), study, &options, &materials, &known)?;
    let facts = Facts {
        study,
        plan: &whole,
        options: request.options(),
        engines: known.engines,
        git: subject.files.git.clone(),
        notes: subject.files.remarks.iter().chain(known.left_out.values()).cloned().collect(),
        started_at: rfc3339(SystemTime::now()),
    };
    let record = new_record::record(&facts)?;
    let mut demand = Demand::new(request.precision, &whole);
    let keeper = match earlier {
        None => {
            let folder =
                RunFolder::create(&request.out, OffsetDateTime::now_utc(), id, &record).map_err(Failure::failed)?;
            Keeper::new(folder, record, world.watcher)?
        }
        Some(earlier) => {
            earlier.samples(&cut).for_each(|sample| demand.add(sample));
            earlier.go_on(&record, &cut, world.watcher)?
        }
    };
    world.say(format!("results: {}", keeper.path().display()));
    Ok(Measured { world, plan, materials, engines, demand, keeper })
}

/// Waits for the machine; a dry run builds nothing, and waits for nobody.
fn alone(
    world: World<'_>,
    request: &RunRequest,
    earlier: Option<&Earlier>,
    id: &str,
    interrupt: &mut Interrupt,
) -> Result<Option<Alone>, Failure> {
    if request.dry_run {
        return Ok(None);
    }
    *interrupt = world.watcher.interrupt(if request.finish_build { InFlight::Finished } else { InFlight::Cancelled });
    let what = match &request.wish {
        Wish::Study(study) => std::path::absolute(study).unwrap_or_else(|_| study.clone()).display().to_string(),
        Wish::Call(call) => call.context.clone(),
    };
    let check = || {
        let place = subject::passing()?;
        Prepared::of(world, request, earlier, place.path())?.subject.stop_with(None).map_or(Ok(()), Err)
    };
    let name = alone::name(id, &without_logins(&what), &request.out);
    Alone::wait(world, &name, request.no_wait, interrupt, check).map(Some)
}

/// What is known of a run before its files are laid out.
struct Prepared {
    subject: Subject,
    engines: Vec<Wanted>,
    options: PlanOptions,
    whole: Plan,
    /// What of the plan is left to do, and the builds that have to be made again.
    plan: Plan,
    cut: Vec<BuildKey>,
    replacements: Vec<Replacement>,
    recipes: BTreeMap<ApproachId, Recipe>,
}

impl Prepared {
    fn of(world: World<'_>, request: &RunRequest, earlier: Option<&Earlier>, place: &Path) -> Result<Self, Failure> {
        let subject = match &request.wish {
            Wish::Study(study) => subject::load(world, study, &request.origin, &request.out, place)?,
            Wish::Call(call) => without_study::derive(world, call, &request.origin, &request.out, place)?,
        };
        let engines = wanted(&request.engines, request.chain, false)?;
        let options = options(request, &engines);
        let whole = Plan::new(&subject.study, &options).map_err(Failure::wrong)?;
        let Remaining { plan, cut } = match earlier {
            Some(earlier) => earlier.remaining(whole.clone())?,
            None => Remaining { plan: whole.clone(), cut: Vec::new() },
        };
        let replacements = files::replacements(&subject.study, &request.bases)?;
        let recipes = recipes(request, &subject, &plan, &replacements)?;
        Ok(Self { subject, engines, options, whole, plan, cut, replacements, recipes })
    }
}

/// Lines of one kind, for people.
fn tell(world: World<'_>, of: &str, lines: &[String]) {
    for line in lines {
        world.say(format!("{of}: {line}"));
    }
}

/// A run that is about to build.
struct Measured<'w> {
    world: World<'w>,
    plan: Plan,
    materials: Materials,
    engines: Vec<Named>,
    demand: Demand,
    keeper: Keeper<'w>,
}

/// Builds, keeps, reports. Approaches of a call without a study file are always held against the first.
fn measure(run: Measured<'_>, interrupt: &Interrupt, always: bool) -> Result<Made, Failure> {
    let Measured { world, plan, materials, mut engines, demand, mut keeper } = run;
    let folders = [Folder::of_results(keeper.path())];
    let hints = world.watcher.expect(plan.builds().map(|build| build.key.clone()).collect());
    let demand = RefCell::new(demand);
    let mut sink = |event: Event| {
        if let Event::BuildFinished { sample, .. } = &event {
            demand.borrow_mut().add(sample);
        }
        keeper.take(event).map_err(|failure| SinkError(failure.text))
    };
    let more = || demand.borrow().more();
    let progress = hints.as_ref();
    let around = Around { machine: world.machine, folders: &folders, progress, interrupt, more: &more };
    let ended = runner::run(&plan, &materials, &mut engines, &around, &mut sink);
    drop(engines);
    let note = demand.borrow().note();
    let path = keeper.path().to_path_buf();
    let Kept { run, failures } = keeper.finish(&ended, note);
    let faster = match (&run, &ended) {
        (Ok(run), Ok(runner::End::Complete)) => faster(run, always)?,
        _ => Vec::new(),
    };
    let ended = match ended {
        Err(error) => Err(broken_off(&path, &error)),
        Ok(runner::End::Interrupted) => Ok(Ending::Interrupted),
        Ok(runner::End::Complete) if failures.is_empty() => Ok(Ending::Fine),
        Ok(runner::End::Complete) => Ok(Ending::Failed),
    };
    Ok(Made { run, failures, ended, faster })
}

/// Why the run ended before its end, and how to go on if there is something to go on with.
fn broken_off(path: &Path, error: &runner::RunError) -> Failure {
    let remedy = format!("\n  when that is mended: layerbench run --resume {}", path.display());
    Failure::failed(format!("{error}{}", if path.join("run.json").is_file() { remedy.as_str() } else { "" }))
}

/// The whole plan and what remains of it, without the approaches that cannot be built here, each of which is named.
fn left(
    world: World<'_>,
    plans: (Plan, Plan),
    study: &Study,
    options: &PlanOptions,
    materials: &Materials,
    known: &Known,
) -> Result<(Plan, Plan), Failure> {
    for why in known.left_out.values() {
        world.say(format!("left out: {why}"));
    }
    if known.left_out.is_empty() {
        return Ok(plans);
    }
    let approaches = materials.recipes.keys().map(ToString::to_string).collect();
    let plan = Plan::new(study, &PlanOptions { approaches, ..options.clone() }).map_err(Failure::wrong)?;
    Ok((plan.clone(), plan))
}

/// What is asked of the plan.
fn options(request: &RunRequest, engines: &[Wanted]) -> PlanOptions {
    let cap = u32::try_from(Precision::CAP).unwrap_or(u32::MAX);
    PlanOptions {
        reps: request.reps,
        most: request.precision.map_or(request.reps, |_| request.reps.max(cap)),
        engines: engines.iter().map(|engine| engine.name.clone()).collect(),
        approaches: request.approaches.clone(),
        scenarios: request.scenarios.clone(),
        seed: request.seed.unwrap_or_else(seed_from_clock),
        chain: request.chain,
    }
}

/// The recipes, under the names that Dockerfiles have for people.
fn recipes(
    request: &RunRequest,
    subject: &Subject,
    plan: &Plan,
    replacements: &[Replacement],
) -> Result<BTreeMap<ApproachId, Recipe>, Failure> {
    let recipes = files::recipes(&subject.study, plan, replacements, request.bases.len());
    let mut recipes = recipes.map_err(|failure| subject.stop_with(Some(failure.clone())).unwrap_or(failure))?;
    for (approach, shown) in &subject.shown {
        if let Some(recipe) = recipes.get_mut(approach) {
            recipe.dockerfile_name.clone_from(shown);
        }
    }
    Ok(recipes)
}

/// All files that the builds need; or all that is wrong with them.
fn materials(
    world: World<'_>,
    request: &RunRequest,
    subject: &mut Subject,
    plan: &Plan,
    recipes: BTreeMap<ApproachId, Recipe>,
    (place, id): (&Path, &str),
) -> Result<Materials, Failure> {
    subject::settle(world, subject, &request.origin, place);
    let client = world.engines.client(request.client, place)?;
    let way = files::Way { run: id, timeout: request.timeout, client, failed: &subject.failed };
    let materials = files::materials(&subject.study, plan, recipes, place, way);
    match subject.stop_with(materials.as_ref().err().cloned()) {
        Some(failure) => Err(failure),
        None => materials,
    }
}

/// Says how many manifests the run asks a registry for.
fn announce_pulls(world: World<'_>, request: &RunRequest, most: u32, engines: &[Named], materials: &Materials) {
    let pristine = engines.iter().filter(|named| named.engine.cold_kind() == ColdKind::Pristine).count();
    let blocks = most.saturating_mul(u32::try_from(pristine.max(1)).unwrap_or(u32::MAX));
    let (within, pulls) = pulls::examine(&materials.recipes, blocks, request.registry_cache.is_some());
    world.say(format!("pulls: {pulls}"));
    if !within && pristine > 0 {
        world.say(format!("warning: that is more than the limit; {}", pulls::REMEDY));
    }
}

/// Where a run keeps its files.
enum Place {
    /// A dry run leaves nothing, not even for `clean`.
    Passing(tempfile::TempDir),
    Kept(Workspace),
}

impl Place {
    fn new(world: World<'_>, request: &RunRequest, id: &str) -> Result<Self, Failure> {
        if request.dry_run {
            subject::passing().map(Self::Passing)
        } else {
            Ok(Self::Kept(Workspace::new(world.home, id)?))
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept(workspace) => workspace.path(),
        }
    }
}

/// The registry cache that is asked for, with its storage in the run's workspace.
pub(super) fn registry_cache(url: Option<&str>, workspace: &Path) -> Result<Option<RegistryCache>, Failure> {
    let Some(url) = url else { return Ok(None) };
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let host = host.trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '@', '?', '#']) || host.contains(|c: char| !c.is_ascii_graphic()) {
        return Err(Failure::wrong(format!(
            "--registry-cache {url:?}: expected the address of a registry without a path or a password, e.g. {DOCKER_HUB}"
        )));
    }
    let upstream = url.trim_end_matches('/').to_owned();
    Ok(Some(RegistryCache { upstream, storage: workspace.join("registry-cache") }))
}

#[cfg(test)]
mod tests;
