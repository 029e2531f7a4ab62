//! `layerbench audit`: the scorecard of an image on an engine, or those that a run kept.

use super::args::{AuditArgs, AuditFormat};
use super::load::columns as columns_of;
use super::style::{answer, replace, style_for, unmade};
use super::{End, Stop, run, signals};
use crate::audit::cache::cache_use;
use crate::audit::image::{Options, audit as look};
use crate::audit::judge::TITLES;
use crate::audit::{RunAudit, SCHEMA, Scorecard, demands};
use crate::engine::endpoint::Endpoint;
use crate::engine::host::HostEngine;
use crate::engine::{Engine, Interrupt};
use crate::model::{Bytes, EngineId, Sample, StateId, Step};
use crate::plan::PlannedBuild;
use crate::report::{write_scorecards_markdown, write_scorecards_sarif, write_scorecards_text};
use crate::runner::Auditor;
use crate::store::RunFolder;
use crate::study::{Demands, Study};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use time::OffsetDateTime;

/// Name of a run's scorecards in its folder.
pub const FILE: &str = "audit.json";

/// The scorecards of a run under way, which the auditor adds to.
pub type Cards = Rc<RefCell<Vec<Scorecard>>>;

/// How long an image may run each time that it is started, if nothing else is asked for.
const RUN_LIMIT: Duration = Duration::from_secs(5);

/// Carries out the command.
pub fn audit(args: &AuditArgs) -> Result<End, Stop> {
    let demanded = demanded(args)?;
    let folder = Path::new(&args.image);
    let cards = if folder.join("run.json").is_file() {
        only_of_images(args)?;
        let mut cards = of_run(folder)?.ok_or_else(|| {
            Stop::wrong(format!("{}: the run kept no scorecards; it is older than they are", folder.display()))
        })?;
        for card in &mut cards {
            let more = demands::check(card, &demanded);
            card.demands.retain(|old| !more.iter().any(|new| new.criterion == old.criterion));
            card.demands.extend(more);
        }
        cards
    } else if folder.is_dir() && args.image.contains('/') {
        return Err(Stop::wrong(format!(
            "{}: found a folder without run.json; expected the folder of a run, or the name or id of an image",
            folder.display()
        )));
    } else {
        vec![of_image(args, demanded)?]
    };
    let shown: Vec<&Scorecard> = cards.iter().collect();
    let mut text = Vec::new();
    let written = match args.format {
        AuditFormat::Text => write_scorecards_text(&shown, style_for(args.out.as_deref()), &mut text),
        AuditFormat::Markdown => write_scorecards_markdown(&shown, &mut text),
        AuditFormat::Sarif => write_scorecards_sarif(&shown, &mut text),
        AuditFormat::Json => to_json(cards.clone()).map(|json| text.extend(json)),
    };
    written.map_err(unmade)?;
    answer(args.out.as_deref(), &text)?;
    let missed: Vec<String> = cards
        .iter()
        .flat_map(|card| card.demands.iter().map(move |one| (card, one)))
        .filter(|(_, one)| one.met != Some(true))
        .map(|(card, one)| {
            let name = card.approach.as_deref().unwrap_or(&card.image);
            format!("{name}: {} is demanded; found: {}", one.demand, one.found)
        })
        .collect();
    if missed.is_empty() { Ok(End::Fine) } else { Err(Stop { end: End::Regression, text: missed.join("\n") }) }
}

/// The file of scorecards.
pub fn to_json(images: Vec<Scorecard>) -> std::io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(&RunAudit { schema: SCHEMA.to_owned(), images })?;
    text.push(b'\n');
    Ok(text)
}

/// What a run kept; `None` when it kept none.
pub fn of_run(folder: &Path) -> Result<Option<Vec<Scorecard>>, Stop> {
    let path = folder.join(FILE);
    let wrong = |found: &dyn std::fmt::Display| {
        let expected = format!("expected scorecards of the schema {SCHEMA:?}");
        Stop::wrong(format!("{}: found {found}; {expected}; restore the file from a copy", path.display()))
    };
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(wrong(&e)),
    };
    let audit: RunAudit = serde_json::from_slice(&text).map_err(|e| wrong(&e))?;
    // Titles are shown as they are: they must be ours.
    let mut criteria = audit.images.iter().flat_map(|card| &card.criteria);
    let title = |number: u8| TITLES.get(usize::from(number).wrapping_sub(1)).copied();
    if let Some(strange) = criteria.find(|one| title(one.number) != Some(one.title.as_str())) {
        return Err(wrong(&format!("the criterion {} {:?}", strange.number, strange.title)));
    }
    if audit.schema == SCHEMA { Ok(Some(audit.images)) } else { Err(wrong(&format!("the schema {:?}", audit.schema))) }
}

/// A run's images are not looked at again: what only an engine could answer is refused.
fn only_of_images(args: &AuditArgs) -> Result<(), Stop> {
    let given = [
        ("--engine", args.engine.is_some()),
        ("--lock", args.lock.is_some()),
        ("--run-limit", args.run_limit.is_some()),
    ];
    let given: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if given.is_empty() {
        return Ok(());
    }
    Err(Stop::wrong(format!(
        "{}: found {} with the folder of a run, whose scorecards were made when it ran; expected an image, or only demands",
        args.image,
        given.join(" and ")
    )))
}

/// Those of the study, overruled by those of the call.
fn demanded(args: &AuditArgs) -> Result<Demands, Stop> {
    let study = args.study.as_deref().map(Study::load).transpose().map_err(Stop::wrong)?;
    let mut demands = study.map(|study| study.audit.demands).unwrap_or_default();
    if let Some(text) = &args.max_bytes {
        let bytes = Bytes::parse(text).ok_or_else(|| {
            Stop::wrong(format!("--max-bytes {text:?}: expected a size such as 200MB, 1.5GB or 190MiB"))
        })?;
        demands.max_bytes = Some(bytes.0);
    }
    demands.root = if args.no_root { Some(false) } else { demands.root };
    demands.writable_paths = args.writable_paths.or(demands.writable_paths);
    Ok(demands)
}

fn of_image(args: &AuditArgs, demands: Demands) -> Result<Scorecard, Stop> {
    let interrupt = Interrupt::default();
    signals::watch(&interrupt, signals::InFlight::Cancelled);
    let needed = args.lock.as_deref().map(needed).transpose().map_err(Stop::wrong)?;
    let mut engine = HostEngine::new(&run::run_id(), &endpoint(args.engine.as_deref().unwrap_or("host"))?)?;
    let limit = args.run_limit.map_or(RUN_LIMIT, Duration::from_secs);
    let options = Options { limit, built_since: None, needed: needed.map(Ok), demands };
    let looker = engine.looker(&interrupt)?;
    let card = look(&looker, &args.image, &options);
    engine.finish()?;
    match card {
        Err(_) if interrupt.is_raised() => Err(Stop { end: End::Interrupted, text: "stopped".to_owned() }),
        card => Ok(card?),
    }
}

/// Where the engine is that has the image: one that was there before.
fn endpoint(text: &str) -> Result<Endpoint, Stop> {
    match text {
        "host" => Ok(Endpoint::from_environment()?),
        address if address.contains("://") || address.starts_with("context:") => {
            Endpoint::parse(address).map_err(|e| Stop::wrong(format!("--engine {address}: {e}")))
        }
        other => Err(Stop::wrong(format!(
            "--engine {other:?}: expected host, or the address of an engine that has the image, such as unix:///run/docker.sock"
        ))),
    }
}

/// Distributions that a lock file says are needed.
pub fn needed(lock: &Path) -> Result<std::collections::BTreeSet<String>, String> {
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()));
    let project = lock.with_file_name("pyproject.toml");
    let project = project.is_file().then(|| read(&project)).transpose()?;
    let name = lock.file_name().unwrap_or_default().to_string_lossy();
    crate::audit::lock::needed(&name, &read(lock)?, project.as_deref())
}

/// A lock file of a study, which must not be read through a link that leads elsewhere.
fn in_context(lock: &Path, context: &Path) -> Result<PathBuf, String> {
    let inside = |file: &Path| match (file.canonicalize(), context.canonicalize()) {
        (Ok(real), Ok(top)) => real.starts_with(top),
        _ => true, // what is not there is not read
    };
    if inside(lock) && inside(&lock.with_file_name("pyproject.toml")) {
        Ok(lock.to_owned())
    } else {
        let name = lock.file_name().unwrap_or_default();
        Err(format!("{}: found a link that leads out of the project; put a copy there", name.display()))
    }
}

/// Audits the image of an approach in a run, with the demands and the lock file of its study.
pub fn auditor(study: &Study, contexts: &BTreeMap<StateId, PathBuf>, interrupt: &Interrupt, cards: &Cards) -> Auditor {
    let (asked, contexts, interrupt, cards) =
        (study.audit.clone(), contexts.clone(), interrupt.clone(), Rc::clone(cards));
    let since = OffsetDateTime::now_utc();
    Auditor(Rc::new(move |engine: &mut dyn Engine, name: Option<&EngineId>, planned: &PlannedBuild, image: &str| {
        let (approach, on) = (planned.key.approach.to_string(), name.map(ToString::to_string));
        // Before the run was broken off.
        if cards.borrow().iter().any(|card| card.approach.as_ref() == Some(&approach) && card.engine == on) {
            return Ok(());
        }
        let lock = asked.lock.as_ref().zip(contexts.get(&planned.state));
        let options = Options {
            limit: RUN_LIMIT,
            built_since: Some(since),
            needed: lock.map(|(lock, context)| in_context(&context.join(lock), context).and_then(|lock| needed(&lock))),
            demands: asked.demands.clone(),
        };
        let looker = engine.looker(&interrupt).map_err(|e| e.to_string())?;
        let mut card = look(&looker, image, &options).map_err(|e| e.to_string())?;
        (card.approach, card.engine) = (Some(approach), on);
        cards.borrow_mut().push(card);
        Ok(())
    }))
}

/// Judges cache use by the samples of the run, and writes the scorecards into its folder.
pub fn finish(folder: &Path, cards: &mut [Scorecard]) -> Result<(), Stop> {
    let run = RunFolder::open(folder).map_err(Stop::failed)?;
    let (_, scenarios) = columns_of(&run.record, &run.path)?;
    let scenarios: Vec<_> = scenarios.into_iter().map(|scenario| (scenario.id, scenario.cache)).collect();
    cards.sort_by(|a, b| (&a.engine, &a.approach).cmp(&(&b.engine, &b.approach)));
    for card in cards.iter_mut() {
        let mine = run.samples.iter().filter(|(sample, _)| {
            card.approach.as_deref() == Some(sample.key.approach.as_str())
                && card.engine.as_deref() == sample.engine.as_ref().map(EngineId::as_str)
        });
        let mine: Vec<(&Sample, &[Step])> = mine.map(|(sample, steps)| (sample, steps.as_slice())).collect();
        card.replace(cache_use(&mine, &scenarios));
    }
    write(folder, cards)
}

/// Writes `audit.json`.
pub fn write(folder: &Path, cards: &[Scorecard]) -> Result<(), Stop> {
    let text = to_json(cards.to_vec()).map_err(unmade)?;
    replace(&folder.join(FILE), &text)
}

/// What stands of a scorecard in `images.csv`: verdicts, and the figures that are numbers.
pub fn columns(card: &Scorecard) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for criterion in &card.criteria {
        let title = criterion.title.to_lowercase().replace([' ', '-'], "_");
        columns.push((title, criterion.verdict.to_string()));
        // The number of layers has a column of its own.
        let numbers = criterion.figures.iter().filter(|(name, value)| value.is_number() && *name != "layers");
        columns.extend(numbers.map(|(name, value)| (name.clone(), value.to_string())));
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_is_not_read_through_a_link_that_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("project");
        std::fs::create_dir(&project).unwrap();
        std::fs::write(dir.path().join("outside"), "secret").unwrap();
        std::os::unix::fs::symlink("../outside", project.join("poetry.lock")).unwrap();
        let said = in_context(&project.join("poetry.lock"), &project).unwrap_err();
        crate::golden::messages("Lock files", &format!("## a lock file that is a link\n{said}"));
        assert!(in_context(&project.join("uv.lock"), &project).is_ok());
    }
}
