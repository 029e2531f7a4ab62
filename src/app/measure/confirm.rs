//! Suspects of the gate, measured afresh: baseline and current files built in turns in one run, in the way of the run
//! that is judged: its client, its chain, its registry cache.

use super::keeper::{Keeper, Kept};
use super::run::registry_cache;
use super::run_request::RunRequest;
use crate::app::prepare::alone::{self, Alone};
use crate::app::prepare::bases::{Needs, known};
use crate::app::prepare::checkout;
use crate::app::prepare::engines::{Picked, Wanted, pick, wanted};
use crate::app::prepare::new_record::{self, Facts};
use crate::app::prepare::recipes as files;
use crate::app::prepare::request::{EngineChoice, Origin, Wish};
use crate::app::prepare::run_id::{run_id, seed_from_clock};
use crate::app::prepare::subject;
use crate::app::read::Run;
use crate::app::{Failure, InFlight, World};
use crate::engine::machine::places::Folder;
use crate::engine::machine::workspace::Workspace;
use crate::engine::{Interrupt, Named};
use crate::model::{Cell, Event, IdError};
use crate::plan::pair::{BASELINE, CURRENT, approach, state};
use crate::plan::{Plan, PlanOptions};
use crate::runner::{self, Around, Materials, SinkError};
use crate::store::{RunFolder, RunRecord};
use crate::study::Study;
use crate::text::short;
use crate::text::time::rfc3339;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use time::OffsetDateTime;

/// How suspects are measured afresh.
pub struct ConfirmRequest {
    /// Fresh builds of each side.
    pub reps: u32,
    /// Tonight's study, if not where its run says.
    pub study: Option<PathBuf>,
    /// The baseline's study, if its recorded revision cannot be checked out.
    pub baseline_study: Option<PathBuf>,
    /// What lets the study do harm; not taken from a record.
    pub origin: Origin,
    /// On which engines.
    pub engines: EngineChoice,
    /// Whether it is refused while another run builds on this machine.
    pub no_wait: bool,
    /// Folder for the fresh samples.
    pub out: PathBuf,
}

/// Fresh samples of a suspect: seconds of its valid builds.
pub struct Sides {
    /// From the files of the baseline.
    pub baseline: Vec<f64>,
    /// From the files that are judged.
    pub current: Vec<f64>,
}

/// Fresh samples of all suspects.
pub struct Fresh {
    /// In the order of the suspects.
    pub samples: Vec<Sides>,
    /// What must be known of them.
    pub notes: Vec<String>,
}

/// Builds the suspects of two runs afresh.
///
/// # Errors
/// When the files of both cannot be had, or the builds cannot be made.
pub fn rebuild(
    world: World<'_>,
    request: &ConfirmRequest,
    baseline: &RunRecord,
    current: &RunRecord,
    suspects: &[Cell],
) -> Result<Fresh, Failure> {
    let interrupt = world.watcher.interrupt(InFlight::Cancelled);
    let id = run_id();
    let name = alone::name(&id, &study_path(request, current).display().to_string(), &request.out);
    let _alone = Alone::wait(world, &name, request.no_wait, &interrupt, || Ok(()))?;
    let workspace = Workspace::new(world.home, &id)?;
    let (old, new, mut notes) = studies(world, request, baseline, current, workspace.path())?;
    let call = call(request, current, suspects);
    let engines = engines(&call, suspects)?;
    let (plan, mut materials) = paired(world, &old, &new, &call, &engines, suspects, (workspace.path(), &id))?;
    let cache = registry_cache(call.registry_cache.as_deref(), workspace.path())?;
    let Picked { mut engines, lines } = pick(world, &call.engines, &engines, &id, Some(&new), plan.chain, cache)?;
    for line in lines {
        world.say(format!("engine: {line}"));
    }
    let replacements = files::replacements(&new, &call.bases)?;
    let found = Facts {
        study: &new,
        plan: &plan,
        options: call.options(),
        engines: known(world, &mut engines, &mut materials, &replacements, &Needs::new(), &interrupt)?.engines,
        git: new_record::git(new.folder()),
        notes: Vec::new(),
        started_at: rfc3339(SystemTime::now()),
    };
    let record = confirm_record(new_record::record(&found)?, &plan);
    let folder = RunFolder::create(&request.out, OffsetDateTime::now_utc(), &id, &record).map_err(Failure::failed)?;
    let what = if suspects.len() == 1 { "suspect" } else { "suspects" };
    world.say(format!("measuring {} {what} afresh: {}", suspects.len(), folder.path().display()));
    notes.push(format!("The fresh samples are in {}.", folder.path().display()));
    let keeper = Keeper::new(folder, record, world.watcher)?;
    let run = build(world, keeper, (&plan, &materials), &mut engines, &interrupt)?;
    let invalid: usize = run.strata.iter().map(|stratum| stratum.problems.len()).sum();
    if invalid > 0 {
        notes.push(format!("{invalid} of the fresh builds are not valid, and in no figure."));
    }
    Ok(Fresh { samples: samples(&run, suspects)?, notes })
}

/// Makes the builds; a run that does not come to its end says nothing.
fn build(
    world: World<'_>,
    mut keeper: Keeper<'_>,
    (plan, materials): (&Plan, &Materials),
    engines: &mut Vec<Named>,
    interrupt: &Interrupt,
) -> Result<Run, Failure> {
    let folders = [Folder::of_results(keeper.path())];
    let hints = world.watcher.expect(plan.builds().map(|build| build.key.clone()).collect());
    let mut sink = |event: Event| keeper.take(event).map_err(|failure| SinkError(failure.text));
    let progress = hints.as_ref();
    let around = Around { machine: world.machine, folders: &folders, progress, interrupt, more: &|| false };
    let ended = runner::run(plan, materials, engines, &around, &mut sink);
    engines.clear();
    let Kept { run, .. } = keeper.finish(&ended, None);
    let run = run?;
    match ended {
        Err(error) => Err(Failure::failed(error)),
        Ok(runner::End::Interrupted) => Err(Failure::cannot_tell("stopped before the suspects were measured afresh")),
        Ok(runner::End::Complete) => Ok(run),
    }
}

/// Seconds of baseline and current of each cell.
fn samples(run: &Run, cells: &[Cell]) -> Result<Vec<Sides>, Failure> {
    let mut samples = Vec::new();
    for Cell { engine, approach: name, scenario } in cells {
        let of = |side| -> Result<Vec<f64>, Failure> {
            let row = approach(side, name).map_err(Failure::wrong)?;
            let cell = run.table(engine).and_then(|table| table.cell(&row, scenario));
            Ok(cell.map(|cell| cell.seconds.clone()).unwrap_or_default())
        };
        samples.push(Sides { baseline: of(BASELINE)?, current: of(CURRENT)? });
    }
    Ok(samples)
}

/// The plan that builds both sides in turns, and the files of both; `place` is the run's folder and its name.
fn paired(
    world: World<'_>,
    old: &Study,
    new: &Study,
    call: &RunRequest,
    engines: &[Wanted],
    cells: &[Cell],
    place: (&Path, &str),
) -> Result<(Plan, Materials), Failure> {
    let seed = seed_from_clock();
    let plan_of = |study: &Study| {
        let options = PlanOptions {
            reps: call.reps,
            most: call.reps,
            engines: engines.iter().map(|engine| engine.name.clone()).collect(),
            approaches: call.approaches.clone(),
            scenarios: call.scenarios.clone(),
            seed,
            chain: call.chain,
        };
        Plan::new(study, &options).map_err(Failure::wrong)
    };
    let (old_plan, new_plan) = (plan_of(old)?, plan_of(new)?);
    let plan = Plan::pair(&old_plan, &new_plan, cells).map_err(Failure::wrong)?;
    let (workspace, id) = place;
    let before = side(world, old, &old_plan, call, &workspace.join("old"), id)?;
    let mut materials = rename(before, BASELINE).map_err(Failure::wrong)?;
    let after =
        rename(side(world, new, &new_plan, call, &workspace.join("new"), id)?, CURRENT).map_err(Failure::wrong)?;
    materials.recipes.extend(after.recipes);
    materials.contexts.extend(after.contexts);
    materials.marks.extend(after.marks);
    materials.context_digests.extend(after.context_digests);
    materials.prints = after.prints.filter(|prints| Some(prints) == materials.prints.as_ref());
    Ok((plan, materials))
}

/// The engines that the suspects were measured on: by name where the run had several.
fn engines(call: &RunRequest, suspects: &[Cell]) -> Result<Vec<Wanted>, Failure> {
    let named = suspects.iter().any(|cell| cell.engine.shown().is_some());
    let mut engines = wanted(&call.engines, call.chain, named)?;
    let missing = suspects.iter().find(|cell| !engines.iter().any(|wanted| wanted.name == cell.engine));
    match missing {
        None => {
            engines.retain(|wanted| suspects.iter().any(|cell| wanted.name == cell.engine));
            Ok(engines)
        }
        Some(Cell { engine, .. }) if engine.shown().is_some() => Err(Failure::cannot_tell(format!(
            "--engine: found no engine {engine}, on which suspects were measured; add --engine {engine}=ENGINE"
        ))),
        Some(_) => Err(Failure::wrong("--engine: found several; expected the one that the run was made on")),
    }
}

/// The run that is judged, asked for once more with other repetitions, only the suspects, and the leaves of this call.
fn call(request: &ConfirmRequest, current: &RunRecord, cells: &[Cell]) -> RunRequest {
    let mut approaches: Vec<String> = cells.iter().map(|cell| cell.approach.to_string()).collect();
    let mut scenarios: Vec<String> = cells.iter().map(|cell| cell.scenario.to_string()).collect();
    for names in [&mut approaches, &mut scenarios] {
        names.sort_unstable();
        names.dedup();
    }
    let recorded = current.options.call().cloned().unwrap_or_default();
    RunRequest {
        wish: Wish::Study(study_path(request, current)),
        origin: request.origin,
        reps: request.reps,
        precision: None,
        approaches,
        scenarios,
        engines: request.engines.clone(),
        out: request.out.clone(),
        no_wait: request.no_wait,
        ..RunRequest::recorded(&recorded)
    }
}

/// A study with all its files; what cannot be had ends the confirmation.
fn load(world: World<'_>, path: &Path, request: &ConfirmRequest, place: &Path) -> Result<Study, Failure> {
    let mut subject = subject::load(world, path, &request.origin, Path::new("results"), place)?;
    subject::settle(world, &mut subject, &request.origin, place);
    subject.stop_with(None).map_or(Ok(subject.study), Err)
}

fn study_path(request: &ConfirmRequest, current: &RunRecord) -> PathBuf {
    let recorded = || current.options.call().and_then(|options| options.study.clone());
    let usual = || "scenarios/article".to_owned();
    request.study.clone().unwrap_or_else(|| PathBuf::from(recorded().unwrap_or_else(usual)))
}

/// The files of both sides, proved to be those that the runs were made of.
fn studies(
    world: World<'_>,
    request: &ConfirmRequest,
    baseline: &RunRecord,
    current: &RunRecord,
    workspace: &Path,
) -> Result<(Study, Study, Vec<String>), Failure> {
    if request.study.is_none() && current.options.call().is_some_and(|options| options.call.is_some()) {
        return Err(Failure::wrong(
            "--confirm: found a run without a study file; expected a study, so that both states can be built again; write one with layerbench init",
        ));
    }
    let path = study_path(request, current);
    let new = load(world, &path, request, &workspace.join("new"))?;
    let proved = |study: &Study, record: &RunRecord, remedy: &str| {
        let hash = study.hash().map_err(Failure::failed)?;
        if hash == record.study_hash {
            return Ok(());
        }
        Err(Failure::cannot_tell(format!(
            "{}: found files with the hash {}; expected {} as in the record of the run of {}; {remedy}",
            study.folder().display(),
            short(&hash),
            short(&record.study_hash),
            record.started_at
        )))
    };
    proved(&new, current, "name the files that tonight's run was made of with --study, or run it again")?;
    if let Some(path) = &request.baseline_study {
        let old = load(world, path, request, &workspace.join("old"))?;
        proved(&old, baseline, "name the files that the baseline was made of")?;
        return Ok((old, new, Vec::new()));
    }
    if baseline.study_hash == current.study_hash {
        let note = "Baseline and current files are the same: what differs comes from outside the study.";
        let again = load(world, &path, request, &workspace.join("again"))?;
        return Ok((again, new, vec![note.to_owned()]));
    }
    let git = baseline.git.as_ref().filter(|git| !git.dirty).ok_or_else(|| {
        Failure::cannot_tell(format!(
            "the baseline's files: found no clean git revision in the record of the run of {}; expected one; name the files with --baseline-study",
            baseline.started_at
        ))
    })?;
    let to = workspace.join("baseline");
    checkout(new.folder(), &git.revision, &to)?;
    let file = new.file().file_name().map_or_else(|| to.clone(), |name| to.join(name));
    let old = load(world, &file, request, &workspace.join("old"))?;
    proved(&old, baseline, "one of the records was edited; name the baseline's files with --baseline-study")?;
    Ok((old, new, vec![format!("The baseline was built from revision {}.", short(&git.revision))]))
}

/// What one side needs to be built.
fn side(
    world: World<'_>,
    study: &Study,
    plan: &Plan,
    call: &RunRequest,
    folder: &Path,
    id: &str,
) -> Result<Materials, Failure> {
    let replacements = files::replacements(study, &call.bases)?;
    let recipes = files::recipes(study, plan, &replacements, 0)?;
    let failed = BTreeSet::new();
    let client = world.engines.client(call.client, folder)?;
    let way = files::Way { run: id, timeout: call.timeout, client, failed: &failed };
    files::materials(study, plan, recipes, folder, way)
}

fn rename(materials: Materials, side: &str) -> Result<Materials, IdError> {
    let recipes = materials.recipes.into_iter().map(|(id, recipe)| Ok((approach(side, &id)?, recipe)));
    let contexts = materials.contexts.into_iter().map(|(id, path)| Ok((state(side, &id)?, path)));
    let digests = materials
        .context_digests
        .into_iter()
        .map(|((a, s), digest)| Ok(((approach(side, &a)?, state(side, &s)?), digest)));
    Ok(Materials {
        recipes: recipes.collect::<Result<_, IdError>>()?,
        contexts: contexts.collect::<Result<_, IdError>>()?,
        context_digests: digests.collect::<Result<_, IdError>>()?,
        marks: materials.marks.renamed(|id| state(side, id))?,
        ..materials
    })
}

/// A run of its own kind, so that no history takes it for a night.
fn confirm_record(record: RunRecord, plan: &Plan) -> RunRecord {
    let mut approaches: Vec<String> =
        plan.builds().filter(|build| build.measured).map(|build| build.key.approach.to_string()).collect();
    approaches.sort_unstable();
    approaches.dedup();
    let scenarios = record.scenarios.into_iter();
    let measured = |id: &str| plan.builds().any(|build| build.measured && build.key.scenario.as_str() == id);
    RunRecord {
        study: format!("{}.confirm", record.study),
        title: format!("{}: suspects measured afresh", record.title),
        approaches,
        scenarios: scenarios.filter(|scenario| measured(&scenario.id)).collect(),
        findings: Vec::new(),
        published: None,
        ..record
    }
}
