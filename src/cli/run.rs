//! `layerbench run`: study, plan, engine, runner, folder, report — in this order.

use super::args::{ClientName, RunArgs};
use super::audit;
use super::pick::{Picked, pick, wanted};
use super::prepare::{self, Replacement};
use super::pulls;
use super::record::{self, Facts};
use super::report;
use super::signals;
use super::style;
use super::{End, Stop};
use crate::analysis::path::waits;
use crate::audit::Scorecard;
use crate::engine::build::rfc3339;
use crate::engine::docker_client::DockerClient;
use crate::engine::remains::Workspace;
use crate::engine::{Client, Engine, Interrupt, Named, Source};
use crate::model::{Bytes, ColdKind, EngineId, Event, Status, Step};
use crate::plan::{Plan, PlanOptions};
use crate::progress::Display;
use crate::report::ImageRow;
use crate::runner::{self, Materials, Recipe};
use crate::store::{BaseRecord, BaseSource, EngineRecord, RunFolder, RunRecord, RunStatus};
use crate::study::Study;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// How long finding one base image may take.
const RESOLVE_LIMIT: Duration = Duration::from_secs(30);

/// Which size of an image is recorded.
pub const SIZE_DEFINITION: &str = "size as the engine's inspect call gives it";

/// Carries out the command.
pub fn run(args: &RunArgs) -> Result<End, Stop> {
    let study = Study::load(&args.study).map_err(Stop::wrong)?;
    let seed = args.seed.unwrap_or_else(seed_from_clock);
    let engines = wanted(&args.engine, args.chain.kind(), false)?;
    let options = PlanOptions {
        reps: args.reps,
        engines: engines.iter().filter_map(|engine| engine.name.clone()).collect(),
        approaches: args.approach.clone(),
        scenarios: args.scenario.clone(),
        seed,
        chain: args.chain.kind(),
    };
    let plan = Plan::new(&study, &options).map_err(Stop::wrong)?;
    let replacements = prepare::replacements(&study, &args.base)?;
    let recipes = prepare::recipes(&study, &plan, &replacements, args.base.len())?;
    if args.dry_run {
        print!("{plan}");
        return Ok(End::Fine);
    }

    let interrupt = Interrupt::default();
    signals::watch(&interrupt);
    let id = run_id();
    let workspace = Workspace::new(&id)?;
    let client = match args.client {
        ClientName::Layerbench => Client::Layerbench,
        ClientName::Docker => Client::Docker(DockerClient::find(&workspace.path().join("context"))?),
    };
    let way = prepare::Way { run: &id, timeout: args.timeout, client };
    let mut materials = prepare::materials(&study, &plan, recipes, workspace.path(), way)?;
    let cards = Rc::new(RefCell::new(Vec::new()));
    materials.audit = Some(audit::auditor(&study, &materials.contexts, &interrupt, &cards));
    let Picked { mut engines, lines } = pick(&engines, &id, Some(&study), plan.chain)?;
    for line in lines {
        eprintln!("engine: {line}");
    }
    let pristine = engines.iter().filter(|named| named.engine.cold_kind() == ColdKind::Pristine).count();
    let blocks = args.reps.saturating_mul(u32::try_from(pristine.max(1)).unwrap_or(u32::MAX));
    let (within, pulls) = pulls::examine(&materials.recipes, blocks);
    eprintln!("pulls: {pulls}");
    if !within && pristine > 0 {
        eprintln!("warning: that is more than the limit; {}", pulls::REMEDY);
    }
    let facts = Facts {
        study: &study,
        plan: &plan,
        args,
        engines: known(&mut engines, &materials, &replacements)?,
        started_at: rfc3339(SystemTime::now()),
    };
    let record = record::record(&facts)?;
    let folder = RunFolder::create(&args.out, OffsetDateTime::now_utc(), &id, &record).map_err(Stop::failed)?;
    eprintln!("results: {}", folder.path().display());

    let display = Display::standard_error(plan.builds().map(|build| build.key.clone()).collect());
    let mut keeper = Keeper { folder, record, display, images: Vec::new(), failures: Vec::new(), cards };
    let hints = keeper.display.hints();
    let mut sink = |event: Event| keeper.take(event);
    let ended = runner::run(&plan, &materials, &mut engines, &Instant::now, &mut sink, hints.as_ref(), &interrupt);
    drop(engines);
    keeper.finish(ended)
}

/// What is known of the engines before anything is built; problems of all of them together.
pub fn known(
    engines: &mut [Named],
    materials: &Materials,
    replacements: &[Replacement],
) -> Result<Vec<EngineRecord>, Stop> {
    let mut records = Vec::new();
    let mut problems = Vec::new();
    for Named { name, engine } in engines {
        let one = resolve(engine.as_mut(), materials.recipes.values(), replacements).and_then(|bases| {
            let mut fingerprint = engine.fingerprint()?;
            // What built is part of what was measured.
            fingerprint.insert("client".to_owned(), materials.client.describe());
            Ok(record::engine(name.as_ref(), &fingerprint, engine.cold_kind(), bases))
        });
        let label = || name.as_ref().map_or(String::new(), |name| format!("{name}: "));
        match one {
            Ok(one) => records.push(one),
            Err(stop) => problems.push(format!("{}{}", label(), stop.text)),
        }
    }
    if problems.is_empty() { Ok(records) } else { Err(Stop::failed(problems.join("\n"))) }
}

/// Finds every base image before anything is built.
fn resolve<'a>(
    engine: &mut dyn Engine,
    recipes: impl Iterator<Item = &'a Recipe>,
    replacements: &[Replacement],
) -> Result<Vec<BaseRecord>, Stop> {
    let references: BTreeSet<&String> = recipes.flat_map(|recipe| &recipe.bases).collect();
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for reference in references {
        let replacement = replacements.iter().find(|r| r.to == *reference);
        let stand_in = replacement.is_some_and(|r| r.stand_in);
        match engine.resolve(reference, RESOLVE_LIMIT) {
            Ok(resolved) => found.push(BaseRecord {
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
            }),
            Err(error) => problems.push(format!("base image {reference}: {error}")),
        }
    }
    if problems.is_empty() {
        return Ok(found);
    }
    problems.push("replace it with --base FROM=TO, or make stand-ins with scripts/stand-ins".to_owned());
    Err(Stop::failed(problems.join("\n")))
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
            Event::ImageInspected { key, engine, layers, check } => {
                if let Some(Err(why)) = check {
                    self.failures.push(format!("block {}, image of {}: {why}", key.block, key.approach));
                }
                self.keep_image(key, engine.as_ref(), layers, check.as_ref())?;
            }
            Event::Warning { text } => self.record.notes.push(text.clone()),
            _ => {}
        }
        self.display.event(&event);
        Ok(())
    }

    /// The first image of each approach on each engine stands for it in `images.csv`.
    fn keep_image(
        &mut self,
        key: &crate::model::BuildKey,
        engine: Option<&EngineId>,
        layers: &[(String, u64)],
        check: Option<&Result<(), String>>,
    ) -> Result<(), String> {
        if self.images.iter().any(|row| row.approach == key.approach && row.engine.as_ref() == engine) {
            return Ok(());
        }
        let layers: Vec<Bytes> = layers.iter().map(|(_, size)| Bytes(*size)).collect();
        let checked = check.map(|check| match check {
            Ok(()) => "yes".to_owned(),
            Err(why) => format!("no: {why}"),
        });
        self.images.push(ImageRow {
            engine: engine.cloned(),
            approach: key.approach.clone(),
            bytes: Some(Bytes(layers.iter().map(|layer| layer.0).sum())),
            definition: "sum of the layers as the engine's history call gives them".to_owned(),
            layers,
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
