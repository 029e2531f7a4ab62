//! Suspects of the gate, measured afresh: baseline and current files built in turns in one run.

use super::alone::{self, Alone};
use super::args::{GateArgs, OriginArgs, RunArgs};
use super::bases::{Needs, known};
use super::checkout::checkout;
use super::keeper::with_waits;
use super::pick::{Picked, Wanted, pick, wanted};
use super::record::{self, Facts};
use super::run::{run_id, seed_from_clock};
use super::{Stop, facts, prepare, signals, source};
use crate::analysis::nights::CellName;
use crate::engine::build::rfc3339;
use crate::engine::machine::{Folder, ThisMachine};
use crate::engine::remains::Workspace;
use crate::engine::{Client, Interrupt};
use crate::model::{ChainKind, Event, IdError, Status};
use crate::plan::pair::{BASELINE, CURRENT, Cell, approach, state};
use crate::plan::{Plan, PlanOptions};
use crate::progress::Display;
use crate::runner::{self, Around, Materials};
use crate::store::{RunFolder, RunRecord, RunStatus};
use crate::study::Study;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use time::OffsetDateTime;

/// Fresh samples of each suspect.
pub struct Fresh {
    /// Seconds of baseline and current, in the order of the suspects.
    pub samples: Vec<(Vec<f64>, Vec<f64>)>,
    /// What must be known of them.
    pub notes: Vec<String>,
}

/// Builds the suspects of two runs afresh.
pub fn rebuild(
    args: &GateArgs,
    baseline: &RunRecord,
    current: &RunRecord,
    suspects: &[CellName],
) -> Result<Fresh, Stop> {
    let interrupt = Interrupt::default();
    signals::watch(&interrupt, signals::InFlight::Cancelled);
    let id = run_id();
    let name = alone::name(&id, &study_path(args, current).display().to_string(), &args.confirm_out);
    let _alone = Alone::wait(&name, args.no_wait, &interrupt, || Ok(()))?;
    let workspace = Workspace::new(&id)?;
    let (old, new, mut notes) = studies(args, baseline, current, workspace.path())?;
    let cells: Vec<Cell> =
        suspects.iter().map(|cell| (cell.engine.clone(), cell.approach.clone(), cell.scenario.clone())).collect();
    let call = call(args, current, &cells);
    let engines = engines(args, suspects)?;
    let (plan, mut materials) = paired(&old, &new, &call, &engines, &cells, (workspace.path(), &id))?;
    let Picked { mut engines, lines } = pick(&args.engines, &engines, &id, Some(&new), ChainKind::Article, None)?;
    for line in lines {
        say!("engine: {line}");
    }
    let replacements = prepare::replacements(&new, &call.base)?;
    let found = Facts {
        study: &new,
        plan: &plan,
        args: &call,
        engines: known(&mut engines, &mut materials, &replacements, &Needs::new(), &interrupt)?.engines,
        git: record::git(new.folder()),
        notes: Vec::new(),
        started_at: rfc3339(SystemTime::now()),
    };
    let record = confirm_record(record::record(&found)?, &plan);
    let folder = RunFolder::create(&args.confirm_out, OffsetDateTime::now_utc(), &id, &record).map_err(Stop::failed)?;
    let what = if suspects.len() == 1 { "suspect" } else { "suspects" };
    say!("measuring {} {what} afresh: {}", suspects.len(), folder.path().display());
    notes.push(format!("The fresh samples are in {}.", folder.path().display()));
    let machine = ThisMachine::new(vec![Folder::of_results(folder.path())]);
    let display = Display::standard_error(plan.builds().map(|build| build.key.clone()).collect());
    let mut keeper = Keeper { folder, record, display, seconds: HashMap::new(), invalid: 0 };
    let hints = keeper.display.hints();
    let mut sink = |event: Event| keeper.take(&event);
    let around = Around { machine: &machine, progress: hints.as_ref(), interrupt: &interrupt, more: &|| false };
    let ended = runner::run(&plan, &materials, &mut engines, &around, &mut sink);
    drop(engines);
    keeper.finish(ended, notes, &cells)
}

/// The plan that builds both sides in turns, and the files of both; `place` is the run's folder and its name.
fn paired(
    old: &Study,
    new: &Study,
    call: &RunArgs,
    engines: &[Wanted],
    cells: &[Cell],
    place: (&Path, &str),
) -> Result<(Plan, Materials), Stop> {
    let seed = seed_from_clock();
    let plan_of = |study: &Study| {
        let options = PlanOptions {
            reps: call.reps,
            most: call.reps,
            engines: engines.iter().filter_map(|engine| engine.name.clone()).collect(),
            approaches: call.approach.clone(),
            scenarios: call.scenario.clone(),
            seed,
            chain: ChainKind::Article,
        };
        Plan::new(study, &options).map_err(Stop::wrong)
    };
    let (old_plan, new_plan) = (plan_of(old)?, plan_of(new)?);
    let plan = Plan::pair(&old_plan, &new_plan, cells).map_err(Stop::wrong)?;
    let (workspace, id) = place;
    let before = side(old, &old_plan, call, &workspace.join("old"), id)?;
    let mut materials = rename(before, BASELINE).map_err(Stop::wrong)?;
    let after = rename(side(new, &new_plan, call, &workspace.join("new"), id)?, CURRENT).map_err(Stop::wrong)?;
    materials.recipes.extend(after.recipes);
    materials.contexts.extend(after.contexts);
    materials.marks.extend(after.marks);
    materials.context_digests.extend(after.context_digests);
    materials.prints = after.prints.filter(|prints| Some(prints) == materials.prints.as_ref());
    Ok((plan, materials))
}

/// The engines that the suspects were measured on: by name where the run had several.
fn engines(args: &GateArgs, suspects: &[CellName]) -> Result<Vec<Wanted>, Stop> {
    let named = suspects.iter().any(|cell| cell.engine.is_some());
    let mut engines = wanted(&args.engines, ChainKind::Article, named)?;
    let missing = suspects.iter().find(|cell| !engines.iter().any(|wanted| wanted.name == cell.engine));
    match missing {
        None => {
            engines.retain(|wanted| suspects.iter().any(|cell| wanted.name == cell.engine));
            Ok(engines)
        }
        Some(CellName { engine: Some(name), .. }) => Err(Stop::cannot_tell(format!(
            "--engine: found no engine {name}, on which suspects were measured; add --engine {name}=ENGINE"
        ))),
        Some(_) => Err(Stop::wrong("--engine: found several; expected the one that the run was made on")),
    }
}

/// The call that would build this, as `run` knows it.
fn call(args: &GateArgs, current: &RunRecord, cells: &[Cell]) -> RunArgs {
    let texts = |key: &str| -> Vec<String> {
        let list = current.options.get(key).and_then(|value| value.as_array());
        list.into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mut approaches: Vec<String> = cells.iter().map(|(_, a, _)| a.to_string()).collect();
    let mut scenarios: Vec<String> = cells.iter().map(|(.., s)| s.to_string()).collect();
    for names in [&mut approaches, &mut scenarios] {
        names.sort_unstable();
        names.dedup();
    }
    RunArgs {
        client: super::args::ClientName::Layerbench,
        chain: super::args::ChainArg::Article,
        study: study_path(args, current),
        call: super::args::CallArgs::default(),
        origin: origin(args),
        reps: args.reps,
        precision: None,
        approach: approaches,
        scenario: scenarios,
        engines: args.engines.clone(),
        base: texts("base"),
        seed: None,
        out: args.confirm_out.clone(),
        timeout: current.options.get("timeout").and_then(serde_json::Value::as_u64).unwrap_or(1800),
        registry_cache: None,
        resume: None,
        finish_build: false,
        dry_run: false,
        no_wait: args.no_wait,
    }
}

/// What lets a call do harm is not taken from a record: it has to be said again.
fn origin(args: &GateArgs) -> OriginArgs {
    OriginArgs { allow_run: args.allow_run, allow_outside: args.allow_outside, uncommitted: None }
}

/// A study with all its files; what cannot be had ends the confirmation.
fn load(path: &Path, args: &GateArgs, place: &Path) -> Result<Study, Stop> {
    let mut subject = source::load(path, &origin(args), Path::new("results"), place)?;
    source::settle(&mut subject, &origin(args), place);
    subject.stop_with(None).map_or(Ok(subject.study), Err)
}

fn study_path(args: &GateArgs, current: &RunRecord) -> PathBuf {
    let recorded = || current.options.get("study").and_then(|value| value.as_str()).unwrap_or("scenarios/article");
    args.study.clone().unwrap_or_else(|| PathBuf::from(recorded()))
}

/// The files of both sides, proved to be those that the runs were made of.
fn studies(
    args: &GateArgs,
    baseline: &RunRecord,
    current: &RunRecord,
    workspace: &Path,
) -> Result<(Study, Study, Vec<String>), Stop> {
    if args.study.is_none() && current.options.get("call").is_some_and(|call| !call.is_null()) {
        return Err(Stop::wrong(
            "--confirm: found a run without a study file; expected a study, so that both states can be built again; write one with layerbench init",
        ));
    }
    let path = study_path(args, current);
    let new = load(&path, args, &workspace.join("new"))?;
    let proved = |study: &Study, record: &RunRecord, remedy: &str| {
        let hash = study.hash().map_err(Stop::failed)?;
        if hash == record.study_hash {
            return Ok(());
        }
        Err(Stop::cannot_tell(format!(
            "{}: found files with the hash {}; expected {} as in the record of the run of {}; {remedy}",
            study.folder().display(),
            facts::short(&hash),
            facts::short(&record.study_hash),
            record.started_at
        )))
    };
    proved(&new, current, "name the files that tonight's run was made of with --study, or run it again")?;
    if let Some(path) = &args.baseline_study {
        let old = load(path, args, &workspace.join("old"))?;
        proved(&old, baseline, "name the files that the baseline was made of")?;
        return Ok((old, new, Vec::new()));
    }
    if baseline.study_hash == current.study_hash {
        let note = "Baseline and current files are the same: what differs comes from outside the study.";
        let again = load(&path, args, &workspace.join("again"))?;
        return Ok((again, new, vec![note.to_owned()]));
    }
    let git = baseline.git.as_ref().filter(|git| !git.dirty).ok_or_else(|| {
        Stop::cannot_tell(format!(
            "the baseline's files: found no clean git revision in the record of the run of {}; expected one; name the files with --baseline-study",
            baseline.started_at
        ))
    })?;
    let to = workspace.join("baseline");
    checkout(new.folder(), &git.revision, &to)?;
    let file = new.file().file_name().map_or_else(|| to.clone(), |name| to.join(name));
    let old = load(&file, args, &workspace.join("old"))?;
    proved(&old, baseline, "one of the records was edited; name the baseline's files with --baseline-study")?;
    Ok((old, new, vec![format!("The baseline was built from revision {}.", facts::short(&git.revision))]))
}

/// What one side needs to be built.
fn side(study: &Study, plan: &Plan, call: &RunArgs, folder: &Path, id: &str) -> Result<Materials, Stop> {
    let replacements = prepare::replacements(study, &call.base)?;
    let recipes = prepare::recipes(study, plan, &replacements, 0)?;
    let failed = std::collections::BTreeSet::new();
    let way = prepare::Way { run: id, timeout: call.timeout, client: Client::Layerbench, failed: &failed };
    prepare::materials(study, plan, recipes, folder, way)
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

/// Keeps rows on the disk and durations at hand.
struct Keeper {
    folder: RunFolder,
    record: RunRecord,
    display: Display,
    seconds: HashMap<Cell, Vec<f64>>,
    invalid: usize,
}

impl Keeper {
    fn take(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::BuildFinished { sample, steps } => {
                let rows = with_waits(steps, sample.seconds);
                self.folder.append_sample(sample, &rows).map_err(|e| e.to_string())?;
                if sample.status == Status::Ok {
                    let key = (sample.engine.clone(), sample.key.approach.clone(), sample.key.scenario.clone());
                    self.seconds.entry(key).or_default().push(sample.seconds.get());
                } else {
                    self.invalid += 1;
                }
            }
            Event::Warning { text } => self.record.notes.push(text.clone()),
            _ => {}
        }
        self.display.event(event);
        Ok(())
    }

    fn finish(
        mut self,
        ended: Result<runner::End, runner::RunError>,
        mut notes: Vec<String>,
        cells: &[Cell],
    ) -> Result<Fresh, Stop> {
        self.record.ended_at = Some(rfc3339(SystemTime::now()));
        let complete = matches!(ended, Ok(runner::End::Complete));
        self.record.status = if complete { RunStatus::Finished } else { RunStatus::Interrupted };
        self.folder.write_record(&self.record).map_err(Stop::failed)?;
        super::report::write_all(self.folder.path())?;
        match ended {
            Err(error) => return Err(Stop::failed(error)),
            Ok(runner::End::Interrupted) => {
                return Err(Stop::cannot_tell("stopped before the suspects were measured afresh"));
            }
            Ok(runner::End::Complete) => {}
        }
        if self.invalid > 0 {
            notes.push(format!("{} of the fresh builds are not valid, and in no figure.", self.invalid));
        }
        let mut samples = Vec::new();
        for (engine, name, scenario) in cells {
            let mut of = |side| -> Result<Vec<f64>, Stop> {
                let key = (engine.clone(), approach(side, name).map_err(Stop::wrong)?, scenario.clone());
                Ok(self.seconds.remove(&key).unwrap_or_default())
            };
            samples.push((of(BASELINE)?, of(CURRENT)?));
        }
        Ok(Fresh { samples, notes })
    }
}
