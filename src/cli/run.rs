//! `layerbench run`: study, plan, engine, runner, folder, report — in this order.

use super::alone::{self, Alone};
use super::args::{ClientName, RunArgs};
use super::audit;
use super::bases::{self, Known, Needs};
use super::clean;
use super::compare;
use super::keeper::Keeper;
use super::pick::{Picked, Wanted, pick, wanted};
use super::precise::Demand;
use super::prepare::{self, Replacement};
use super::pulls;
use super::record::{self, Facts};
use super::resume::Earlier;
use super::signals::{self, InFlight};
use super::source::{self, Subject};
use super::{End, Stop};
use crate::analysis::gate::Precision;
use crate::engine::build::rfc3339;
use crate::engine::docker_client::DockerClient;
use crate::engine::machine::{Folder, ThisMachine};
use crate::engine::private::registry::{DOCKER_HUB, RegistryCache};
use crate::engine::remains::Workspace;
use crate::engine::{Client, Interrupt, Named};
use crate::model::{ApproachId, BuildKey, ColdKind, Event};
use crate::plan::{Plan, PlanOptions, Remaining};
use crate::project::git::without_logins;
use crate::runner::{self, Around, Materials, Recipe};
use crate::store::RunFolder;
use crate::study::Study;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// Carries out the command.
pub fn run(given: &RunArgs) -> Result<End, Stop> {
    let earlier = given.resume.as_deref().map(Earlier::open).transpose()?;
    let args = &match &earlier {
        Some(earlier) => earlier.call(given)?,
        None => given.clone(),
    };
    let interrupt = Interrupt::default();
    let id = run_id();
    let _alone = alone(args, earlier.as_ref(), &id, &interrupt)?;
    let place = Place::new(args, &id)?;
    let prepared = Prepared::of(args, earlier.as_ref(), place.path())?;
    let Prepared { mut subject, engines, options, whole, plan, cut, replacements, recipes } = prepared;
    if earlier.as_ref().is_some_and(|earlier| earlier.complete(&plan)) {
        say!("every build of the run is there: nothing is left to do");
        return Ok(End::Fine);
    }
    if args.dry_run {
        return subject.stop_with(None).map_or_else(|| Ok(shown(&plan)), Err);
    }

    let mut materials = materials(args, &mut subject, &plan, recipes, place.path(), &id)?;
    let study = &subject.study;
    tell("files", &subject.files.remarks);
    let cards = Rc::new(RefCell::new(Vec::new()));
    materials.audit = Some(audit::auditor(study, &materials.contexts, &interrupt, &cards));
    if earlier.is_some() {
        clean::before_going_on();
    }
    let cache = cache(args, place.path())?;
    let Picked { mut engines, lines } = pick(&args.engines, &engines, &id, Some(study), plan.chain, cache)?;
    tell("engine", &lines);
    announce_pulls(args, options.most, &engines, &materials);
    // What a run was begun with it goes on with.
    let needs = if earlier.is_some() { Needs::new() } else { bases::needs(study) };
    let known = bases::known(&mut engines, &mut materials, &replacements, &needs, &interrupt)?;
    let (whole, plan) = left((whole, plan), study, &options, &materials, &known)?;
    let facts = Facts {
        study,
        plan: &whole,
        args,
        engines: known.engines,
        git: subject.files.git.clone(),
        notes: subject.files.remarks.iter().chain(known.left_out.values()).cloned().collect(),
        started_at: rfc3339(SystemTime::now()),
    };
    let record = record::record(&facts)?;
    let mut demand = Demand::new(args.precision, &whole);
    let keeper = match earlier {
        None => {
            let folder = RunFolder::create(&args.out, OffsetDateTime::now_utc(), &id, &record).map_err(Stop::failed)?;
            Keeper::new(folder, record, &plan, cards)
        }
        Some(earlier) => {
            earlier.samples(&cut).for_each(|sample| demand.add(sample));
            earlier.go_on(&record, &cut, &plan, cards)?
        }
    };
    say!("results: {}", keeper.path().display());
    measure(Measured { args, plan: &plan, materials: &materials, engines, demand, keeper, interrupt: &interrupt })
}

/// Waits for the machine; a dry run builds nothing, and waits for nobody.
fn alone(args: &RunArgs, earlier: Option<&Earlier>, id: &str, interrupt: &Interrupt) -> Result<Option<Alone>, Stop> {
    if args.dry_run {
        return Ok(None);
    }
    signals::watch(interrupt, if args.finish_build { InFlight::Finished } else { InFlight::Cancelled });
    let study = std::path::absolute(&args.study).unwrap_or_else(|_| args.study.clone()).display().to_string();
    let what = if args.call.given() { args.call.context.clone().unwrap_or_else(|| ".".to_owned()) } else { study };
    let check = || {
        let place = source::passing()?;
        Prepared::of(args, earlier, place.path())?.subject.stop_with(None).map_or(Ok(()), Err)
    };
    Alone::wait(&alone::name(id, &without_logins(&what), &args.out), args.no_wait, interrupt, check).map(Some)
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
    fn of(args: &RunArgs, earlier: Option<&Earlier>, place: &Path) -> Result<Self, Stop> {
        let subject = source::subject(args, place)?;
        let engines = wanted(&args.engines, args.chain.kind(), false)?;
        let options = options(args, &engines);
        let whole = Plan::new(&subject.study, &options).map_err(Stop::wrong)?;
        let Remaining { plan, cut } = match earlier {
            Some(earlier) => earlier.remaining(whole.clone())?,
            None => Remaining { plan: whole.clone(), cut: Vec::new() },
        };
        let replacements = prepare::replacements(&subject.study, &args.base)?;
        let recipes = recipes(args, &subject, &plan, &replacements)?;
        Ok(Self { subject, engines, options, whole, plan, cut, replacements, recipes })
    }
}

/// Lines of one kind, for people.
fn tell(of: &str, lines: &[String]) {
    for line in lines {
        say!("{of}: {line}");
    }
}

fn shown(plan: &Plan) -> End {
    print!("{plan}");
    End::Fine
}

/// A run that is about to build.
struct Measured<'a> {
    args: &'a RunArgs,
    plan: &'a Plan,
    materials: &'a Materials,
    engines: Vec<Named>,
    demand: Demand,
    keeper: Keeper,
    interrupt: &'a Interrupt,
}

/// Builds, keeps, reports.
fn measure(run: Measured<'_>) -> Result<End, Stop> {
    let Measured { args, plan, materials, mut engines, demand, mut keeper, interrupt } = run;
    let machine = ThisMachine::new(vec![Folder::of_results(keeper.path())]);
    let hints = keeper.hints();
    let demand = RefCell::new(demand);
    let mut sink = |event: Event| {
        if let Event::BuildFinished { sample, .. } = &event {
            demand.borrow_mut().add(sample);
        }
        keeper.take(event)
    };
    let more = || demand.borrow().more();
    let around = Around { machine: &machine, progress: hints.as_ref(), interrupt, more: &more };
    let ended = runner::run(plan, materials, &mut engines, &around, &mut sink);
    drop(engines);
    let path = keeper.path().to_path_buf();
    let complete = ended == Ok(runner::End::Complete);
    let end = keeper.finish(ended, demand.borrow().note())?;
    if complete {
        compare::faster(&path, args.call.given())?;
    }
    Ok(end)
}

/// The whole plan and what remains of it, without the approaches that cannot be built here, each of which is named.
fn left(
    plans: (Plan, Plan),
    study: &Study,
    options: &PlanOptions,
    materials: &Materials,
    known: &Known,
) -> Result<(Plan, Plan), Stop> {
    for why in known.left_out.values() {
        say!("left out: {why}");
    }
    if known.left_out.is_empty() {
        return Ok(plans);
    }
    let approaches = materials.recipes.keys().map(ToString::to_string).collect();
    let plan = Plan::new(study, &PlanOptions { approaches, ..options.clone() }).map_err(Stop::wrong)?;
    Ok((plan.clone(), plan))
}

/// What is asked of the plan.
fn options(args: &RunArgs, engines: &[Wanted]) -> PlanOptions {
    PlanOptions {
        reps: args.reps,
        most: args.precision.map_or(args.reps, |_| args.reps.max(u32::try_from(Precision::CAP).unwrap_or(u32::MAX))),
        engines: engines.iter().filter_map(|engine| engine.name.clone()).collect(),
        approaches: args.approach.clone(),
        scenarios: args.scenario.clone(),
        seed: args.seed.unwrap_or_else(seed_from_clock),
        chain: args.chain.kind(),
    }
}

/// The recipes, under the names that Dockerfiles have for people.
fn recipes(
    args: &RunArgs,
    subject: &Subject,
    plan: &Plan,
    replacements: &[Replacement],
) -> Result<BTreeMap<ApproachId, Recipe>, Stop> {
    let recipes = prepare::recipes(&subject.study, plan, replacements, args.base.len());
    let mut recipes = recipes.map_err(|stop| subject.stop_with(Some(stop.clone())).unwrap_or(stop))?;
    for (approach, shown) in &subject.shown {
        if let Some(recipe) = recipes.get_mut(approach) {
            recipe.dockerfile_name.clone_from(shown);
        }
    }
    Ok(recipes)
}

/// All files that the builds need; or all that is wrong with them.
fn materials(
    args: &RunArgs,
    subject: &mut Subject,
    plan: &Plan,
    recipes: BTreeMap<ApproachId, Recipe>,
    place: &Path,
    id: &str,
) -> Result<Materials, Stop> {
    source::settle(subject, &args.origin, place);
    let client = match args.client {
        ClientName::Layerbench => Client::Layerbench,
        ClientName::Docker => Client::Docker(DockerClient::find(&place.join("context"))?),
    };
    let way = prepare::Way { run: id, timeout: args.timeout, client, failed: &subject.failed };
    let materials = prepare::materials(&subject.study, plan, recipes, place, way);
    match subject.stop_with(materials.as_ref().err().cloned()) {
        Some(stop) => Err(stop),
        None => materials,
    }
}

/// Says how many manifests the run asks a registry for.
fn announce_pulls(args: &RunArgs, most: u32, engines: &[Named], materials: &Materials) {
    let pristine = engines.iter().filter(|named| named.engine.cold_kind() == ColdKind::Pristine).count();
    let blocks = most.saturating_mul(u32::try_from(pristine.max(1)).unwrap_or(u32::MAX));
    let (within, pulls) = pulls::examine(&materials.recipes, blocks, args.registry_cache.is_some());
    say!("pulls: {pulls}");
    if !within && pristine > 0 {
        say!("warning: that is more than the limit; {}", pulls::REMEDY);
    }
}

/// Where a run keeps its files.
enum Place {
    /// A dry run leaves nothing, not even for `clean`.
    Passing(tempfile::TempDir),
    Kept(Workspace),
}

impl Place {
    fn new(args: &RunArgs, id: &str) -> Result<Self, Stop> {
        if args.dry_run { source::passing().map(Self::Passing) } else { Ok(Self::Kept(Workspace::new(id)?)) }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept(workspace) => workspace.path(),
        }
    }
}

/// The registry cache that a call asks for, with its storage in the run's workspace.
fn cache(args: &RunArgs, workspace: &Path) -> Result<Option<RegistryCache>, Stop> {
    let Some(url) = &args.registry_cache else { return Ok(None) };
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let host = host.trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '@', '?', '#']) || host.contains(|c: char| !c.is_ascii_graphic()) {
        return Err(Stop::wrong(format!(
            "--registry-cache {url:?}: expected the address of a registry without a path or a password, e.g. {DOCKER_HUB}"
        )));
    }
    let upstream = url.trim_end_matches('/').to_owned();
    Ok(Some(RegistryCache { upstream, storage: workspace.join("registry-cache") }))
}

/// A seed that nobody chose.
pub fn seed_from_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs() ^ u64::from(now.subsec_nanos())
}

/// Tells runs of one second on one machine apart.
pub fn run_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mix = u64::from(now.subsec_nanos()) ^ (u64::from(std::process::id()) << 20) ^ now.as_secs();
    format!("{:08x}", mix & 0xffff_ffff)
}
