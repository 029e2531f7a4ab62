//! `layerbench run`: study, plan, engine, runner, folder, report — in this order.

use super::args::{ClientName, RunArgs};
use super::audit;
use super::compare;
use super::pick::{Picked, pick, wanted};
use super::precise::Demand;
use super::prepare::{self, Replacement};
use super::pulls;
use super::record::{self, Facts};
use super::report;
use super::signals;
use super::sizes;
use super::source::{self, Subject};
use super::style;
use super::{End, Stop};
use crate::analysis::gate::Precision;
use crate::analysis::path::waits;
use crate::audit::Scorecard;
use crate::engine::build::rfc3339;
use crate::engine::docker_client::DockerClient;
use crate::engine::machine::{Folder, ThisMachine};
use crate::engine::private::registry::{DOCKER_HUB, RegistryCache};
use crate::engine::refusal::{Patience, Refusal, given_up, wait, waiting};
use crate::engine::remains::Workspace;
use crate::engine::{Client, Engine, EngineError, Interrupt, Named, Resolved, Source};
use crate::model::{ApproachId, Bytes, ColdKind, EngineId, Event, Status, Step};
use crate::plan::{Plan, PlanOptions};
use crate::progress::Display;
use crate::project::dockerfile::normalize;
use crate::report::ImageRow;
use crate::runner::{self, Around, Materials, Recipe};
use crate::store::{BaseRecord, BaseSource, EngineRecord, RunFolder, RunRecord, RunStatus};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// How long finding one base image may take.
const RESOLVE_LIMIT: Duration = Duration::from_secs(30);

/// Carries out the command.
pub fn run(args: &RunArgs) -> Result<End, Stop> {
    let interrupt = Interrupt::default();
    let id = run_id();
    let place = Place::new(args.dry_run, &id, &interrupt)?;
    let mut subject = source::subject(args, place.path())?;
    let seed = args.seed.unwrap_or_else(seed_from_clock);
    let engines = wanted(&args.engines, args.chain.kind(), false)?;
    let most = args.precision.map_or(args.reps, |_| args.reps.max(u32::try_from(Precision::CAP).unwrap_or(u32::MAX)));
    let options = PlanOptions {
        reps: args.reps,
        most,
        engines: engines.iter().filter_map(|engine| engine.name.clone()).collect(),
        approaches: args.approach.clone(),
        scenarios: args.scenario.clone(),
        seed,
        chain: args.chain.kind(),
    };
    let plan = Plan::new(&subject.study, &options).map_err(Stop::wrong)?;
    let replacements = prepare::replacements(&subject.study, &args.base)?;
    let recipes = recipes(args, &subject, &plan, &replacements)?;
    if args.dry_run {
        if let Some(stop) = subject.stop_with(None) {
            return Err(stop);
        }
        print!("{plan}");
        return Ok(End::Fine);
    }

    let mut materials = materials(args, &mut subject, &plan, recipes, place.path(), &id)?;
    let study = &subject.study;
    for remark in &subject.files.remarks {
        eprintln!("files: {remark}");
    }
    let cards = Rc::new(RefCell::new(Vec::new()));
    materials.audit = Some(audit::auditor(study, &materials.contexts, &interrupt, &cards));
    let cache = cache(args, place.path())?;
    let Picked { mut engines, lines } = pick(&args.engines, &engines, &id, Some(study), plan.chain, cache)?;
    for line in lines {
        eprintln!("engine: {line}");
    }
    announce_pulls(args, most, &engines, &materials);
    let facts = Facts {
        study,
        plan: &plan,
        args,
        engines: known(&mut engines, &mut materials, &replacements, &interrupt)?,
        git: subject.files.git.clone(),
        notes: subject.files.remarks.clone(),
        started_at: rfc3339(SystemTime::now()),
    };
    let record = record::record(&facts)?;
    let folder = RunFolder::create(&args.out, OffsetDateTime::now_utc(), &id, &record).map_err(Stop::failed)?;
    eprintln!("results: {}", folder.path().display());

    let machine = ThisMachine::new(vec![Folder::of_results(folder.path())]);
    let display = Display::standard_error(plan.builds().map(|build| build.key.clone()).collect());
    let mut keeper = Keeper { folder, record, display, images: Vec::new(), failures: Vec::new(), cards };
    let hints = keeper.display.hints();
    let demand = RefCell::new(Demand::new(args.precision, &plan));
    let mut sink = |event: Event| {
        if let Event::BuildFinished { sample, .. } = &event {
            demand.borrow_mut().add(sample);
        }
        keeper.take(event)
    };
    let more = || demand.borrow().more();
    let around = Around { machine: &machine, progress: hints.as_ref(), interrupt: &interrupt, more: &more };
    let ended = runner::run(&plan, &materials, &mut engines, &around, &mut sink);
    drop(engines);
    keeper.record.notes.extend(demand.borrow().note());
    let path = keeper.folder.path().to_path_buf();
    let complete = ended == Ok(runner::End::Complete);
    let end = keeper.finish(ended)?;
    if complete {
        compare::faster(&path, args.call.given())?;
    }
    Ok(end)
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
    eprintln!("pulls: {pulls}");
    if !within && pristine > 0 {
        eprintln!("warning: that is more than the limit; {}", pulls::REMEDY);
    }
}

/// Where a run keeps its files.
enum Place {
    /// A dry run leaves nothing, not even for `clean`.
    Passing(tempfile::TempDir),
    Kept(Workspace),
}

impl Place {
    fn new(passing: bool, id: &str, interrupt: &Interrupt) -> Result<Self, Stop> {
        if passing {
            let made = tempfile::tempdir().map_err(|e| Stop::failed(format!("a folder for the project's files: {e}")));
            return made.map(Self::Passing);
        }
        signals::watch(interrupt);
        Ok(Self::Kept(Workspace::new(id)?))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Kept(workspace) => workspace.path(),
        }
    }
}

/// What is known of the engines before anything is built; problems of all of them together.
pub fn known(
    engines: &mut [Named],
    materials: &mut Materials,
    replacements: &[Replacement],
    interrupt: &Interrupt,
) -> Result<Vec<EngineRecord>, Stop> {
    let mut records = Vec::new();
    let mut problems = Vec::new();
    for Named { name, engine } in engines {
        let found = resolve(engine.as_mut(), materials.recipes.values(), replacements, interrupt);
        let one = found.and_then(|Bases { records, digests }| {
            materials.bases.insert(name.clone(), digests);
            let mut fingerprint = engine.fingerprint()?;
            // What built is part of what was measured.
            fingerprint.insert("client".to_owned(), materials.client.describe());
            Ok(record::engine(name.as_ref(), &fingerprint, engine.cold_kind(), records))
        });
        let label = || name.as_ref().map_or(String::new(), |name| format!("{name}: "));
        match one {
            Ok(one) => records.push(one),
            Err(stop) if stop.end == End::Interrupted => return Err(stop),
            Err(stop) => problems.push(format!("{}{}", label(), stop.text)),
        }
    }
    if problems.is_empty() { Ok(records) } else { Err(Stop::failed(problems.join("\n"))) }
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

/// Base images that were found.
struct Bases {
    /// For `run.json`.
    records: Vec<BaseRecord>,
    /// What the run is held to: digests in a registry, by full references.
    digests: BTreeMap<String, String>,
}

/// Finds every base image before anything is built.
fn resolve<'a>(
    engine: &mut dyn Engine,
    recipes: impl Iterator<Item = &'a Recipe>,
    replacements: &[Replacement],
    interrupt: &Interrupt,
) -> Result<Bases, Stop> {
    let references: BTreeSet<&String> = recipes.flat_map(|recipe| &recipe.bases).collect();
    let mut found = Bases { records: Vec::new(), digests: BTreeMap::new() };
    let mut problems = Vec::new();
    for reference in references {
        let replacement = replacements.iter().find(|r| r.to == *reference);
        let stand_in = replacement.is_some_and(|r| r.stand_in);
        match resolve_one(engine, reference, interrupt)? {
            Ok(resolved) => {
                if resolved.source == Source::Registry && !reference.contains('@') {
                    found.digests.insert(normalize(reference), resolved.digest.clone());
                }
                found.records.push(BaseRecord {
                    from: replacement.map_or_else(|| reference.clone(), |r| r.from.clone()),
                    to: reference.clone(),
                    reference: reference.clone(),
                    digest: resolved.digest,
                    source: match resolved.source {
                        _ if stand_in => BaseSource::StandIn,
                        Source::Registry => BaseSource::Registry,
                        Source::Local => BaseSource::Local,
                    },
                    stand_in,
                });
            }
            Err(error) => problems.push(format!("base image {reference}: {error}")),
        }
    }
    if problems.is_empty() {
        return Ok(found);
    }
    problems.push("replace it with --base FROM=TO, or make stand-ins with scripts/stand-ins".to_owned());
    Err(Stop::failed(problems.join("\n")))
}

/// Finds one, waiting for a registry that has had too many requests.
fn resolve_one(
    engine: &mut dyn Engine,
    reference: &str,
    interrupt: &Interrupt,
) -> Result<Result<Resolved, EngineError>, Stop> {
    let mut patience = Patience::default();
    loop {
        let error = match engine.resolve(reference, RESOLVE_LIMIT) {
            Ok(resolved) => return Ok(Ok(resolved)),
            Err(error) => error,
        };
        let Some(refusal) = Refusal::find(&error.found) else { return Ok(Err(error)) };
        let Some(pause) = patience.next(&refusal) else {
            return Err(Stop::failed(format!("base image {reference}: {}", given_up(&refusal))));
        };
        eprintln!("base image {reference}: {}", waiting(&refusal, pause));
        if !wait(pause, interrupt) {
            return Err(Stop { end: End::Interrupted, text: "stopped before the first build".to_owned() });
        }
    }
}

/// Keeps what happens: rows on the disk first, then people.
struct Keeper {
    folder: RunFolder,
    record: RunRecord,
    display: Display,
    images: Vec<ImageRow>,
    /// What went wrong, a line each.
    failures: Vec<String>,
    /// Scorecards of the images that were audited.
    cards: Rc<RefCell<Vec<Scorecard>>>,
}

impl Keeper {
    fn take(&mut self, event: Event) -> Result<(), String> {
        match &event {
            Event::BuildFinished { sample, steps } => {
                let rows = with_waits(steps, sample.seconds);
                self.folder.append_sample(sample, &rows).map_err(|e| e.to_string())?;
                if sample.status != Status::Ok {
                    let reason = sample.reason.lines().next().unwrap_or_default();
                    let key = &sample.key;
                    self.failures.push(format!(
                        "block {}, {} {}: {}: {reason}",
                        key.block, key.approach, key.scenario, sample.status
                    ));
                }
            }
            Event::ImageInspected { .. } => self.keep_image(&event)?,
            Event::Warning { text } => self.record.notes.push(text.clone()),
            Event::PlanGrew { builds } => {
                let added = builds.iter().map(|key| (key.block, key.approach.to_string(), key.scenario.to_string()));
                self.record.plan.extend(added);
                self.folder.write_record(&self.record).map_err(|e| e.to_string())?;
            }
            _ => {}
        }
        self.display.event(&event);
        Ok(())
    }

    /// The first image of each approach on each engine stands for it in `images.csv`.
    fn keep_image(&mut self, event: &Event) -> Result<(), String> {
        let Event::ImageInspected { key, engine, bytes, layers, check } = event else { return Ok(()) };
        if let Some(Err(why)) = check {
            self.failures.push(format!("block {}, image of {}: {why}", key.block, key.approach));
        }
        if self.images.iter().any(|row| row.approach == key.approach && row.engine == *engine) {
            return Ok(());
        }
        let checked = check.as_ref().map(|check| match check {
            Ok(()) => "yes".to_owned(),
            Err(why) => format!("no: {why}"),
        });
        let on = self.record.engines().into_iter().find(|record| record.id() == *engine);
        self.images.push(ImageRow {
            engine: engine.clone(),
            approach: key.approach.clone(),
            bytes: Some(*bytes),
            definition: on.as_ref().map_or(String::new(), sizes::of_image),
            layers: layers.iter().map(|(_, size)| Bytes(*size)).collect(),
            layers_definition: on.as_ref().map_or(String::new(), sizes::of_layers),
            scorecard: checked.map(|text| ("prints_as_expected".to_owned(), text)).into_iter().collect(),
        });
        self.write_images()
    }

    fn write_images(&self) -> Result<(), String> {
        let mut rows: Vec<ImageRow> = self.images.clone();
        rows.sort_by(|a, b| (&a.engine, &a.approach).cmp(&(&b.engine, &b.approach)));
        let mut text = Vec::new();
        crate::report::write_images(&rows, &mut text).map_err(|e| e.to_string())?;
        style::replace(&self.folder.path().join("images.csv"), &text).map_err(|stop| stop.text)
    }

    /// Adds the criterion that builds decide, and writes `audit.json` and the columns of `images.csv`.
    fn keep_scorecards(&mut self) -> Result<(), Stop> {
        let mut cards = self.cards.borrow_mut();
        if cards.is_empty() {
            return Ok(());
        }
        audit::finish(self.folder.path(), &mut cards)?;
        for row in &mut self.images {
            let mine = |card: &&Scorecard| {
                card.approach.as_deref() == Some(row.approach.as_str())
                    && card.engine.as_deref() == row.engine.as_ref().map(EngineId::as_str)
            };
            let columns = cards.iter().find(mine).map(audit::columns).unwrap_or_default();
            row.scorecard.extend(columns);
        }
        drop(cards);
        self.write_images().map_err(Stop::failed)
    }

    /// Closes the record, writes the reports of what there is, and says how it went.
    fn finish(mut self, ended: Result<runner::End, runner::RunError>) -> Result<End, Stop> {
        self.record.ended_at = Some(rfc3339(SystemTime::now()));
        self.record.status = match &ended {
            Ok(runner::End::Complete) => RunStatus::Finished,
            Ok(runner::End::Interrupted) => RunStatus::Interrupted,
            Err(error) => {
                self.record.notes.push(format!("the run broke off: {error}"));
                RunStatus::Interrupted
            }
        };
        let kept = self.keep_scorecards().and(self.folder.write_record(&self.record).map_err(Stop::failed));
        let path = self.folder.path().to_path_buf();
        let reported = kept.and_then(|()| report::write_all(&path)).and_then(|()| report::print(&path));
        for failure in &self.failures {
            eprintln!("{failure}");
        }
        let end = match ended {
            Err(error) => return Err(Stop::failed(error)),
            Ok(runner::End::Interrupted) => End::Interrupted,
            Ok(runner::End::Complete) if self.failures.is_empty() => End::Fine,
            Ok(runner::End::Complete) => {
                eprintln!(
                    "layerbench: {} of the run's builds or images are not as they should be",
                    self.failures.len()
                );
                End::Failed
            }
        };
        reported.map(|()| end)
    }
}

/// Steps and the times between them, in order of their start.
pub fn with_waits(steps: &[Step], seconds: crate::model::Seconds) -> Vec<Step> {
    let mut rows = steps.to_vec();
    // Without any start, as from an older docker client, nothing can be said of the times between.
    if steps.iter().any(|step| step.start().is_some()) {
        rows.extend(waits(steps, seconds));
    }
    let key = |step: &Step| step.start().unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
    rows
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
