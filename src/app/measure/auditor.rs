//! The scorecards of a run: each approach's image is audited once, and its cache use judged when all builds are made.

use crate::app::Failure;
use crate::app::read::{Pool, columns};
use crate::audit::cache::cache_use;
use crate::audit::image::{Options, audit as look};
use crate::audit::lock::{self, NeededError};
use crate::engine::{Engine, Interrupt};
use crate::model::{EngineId, Sample, Scorecard, StateId, Step};
use crate::plan::PlannedBuild;
use crate::runner::Auditor;
use crate::store::RunRecord;
use crate::study::Study;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use time::OffsetDateTime;

/// How long an image may run each time that it is started, if nothing else is asked for.
pub const RUN_LIMIT: Duration = Duration::from_secs(5);

/// Distributions that a lock file says are needed.
///
/// # Errors
/// When the file, or the project file beside it, cannot be read or understood.
pub fn needed(file: &Path) -> Result<BTreeSet<String>, NeededError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|e| NeededError::Unreadable(path.to_owned(), e.to_string()))
    };
    let project = file.with_file_name("pyproject.toml");
    let project = project.is_file().then(|| read(&project)).transpose()?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    lock::needed(&name, &read(file)?, project.as_deref())
}

/// A lock file of a study, which must not be read through a link that leads elsewhere.
fn in_context(lock: &Path, context: &Path) -> Result<PathBuf, NeededError> {
    let inside = |file: &Path| match (file.canonicalize(), context.canonicalize()) {
        (Ok(real), Ok(top)) => real.starts_with(top),
        _ => true, // what is not there is not read
    };
    if inside(lock) && inside(&lock.with_file_name("pyproject.toml")) {
        Ok(lock.to_owned())
    } else {
        let name = lock.file_name().unwrap_or_default();
        Err(NeededError::LeadsOut(name.display().to_string()))
    }
}

/// Audits the image of an approach in a run, with the demands and the lock file of its study; not those that were
/// audited before the run was broken off.
pub(super) fn auditor(
    study: &Study,
    contexts: &BTreeMap<StateId, PathBuf>,
    interrupt: &Interrupt,
    known: &[Scorecard],
) -> Auditor {
    let (asked, contexts, interrupt) = (study.audit.clone(), contexts.clone(), interrupt.clone());
    let known: BTreeSet<_> = known.iter().map(|card| (card.engine.clone(), card.approach.clone())).collect();
    let since = OffsetDateTime::now_utc();
    Auditor(Rc::new(move |engine: &mut dyn Engine, name: &EngineId, planned: &PlannedBuild, image: &str| {
        let (approach, on) = (Some(planned.key.approach.to_string()), name.shown().map(str::to_owned));
        if known.contains(&(on.clone(), approach.clone())) {
            return Ok(None);
        }
        let lock = asked.lock.as_ref().zip(contexts.get(&planned.state));
        let options = Options {
            limit: RUN_LIMIT,
            built_since: Some(since),
            needed: lock.map(|(lock, context)| in_context(&context.join(lock), context).and_then(|lock| needed(&lock))),
            demands: asked.demands.clone(),
        };
        let looker = engine.looker(&interrupt)?;
        let mut card = look(&looker, image, &options)?;
        (card.approach, card.engine) = (approach, on);
        Ok(Some(Box::new(card)))
    }))
}

/// Judges cache use by the builds of the run, and puts the scorecards in order.
pub(super) fn finish(record: &RunRecord, folder: &Path, pool: &Pool, cards: &mut [Scorecard]) -> Result<(), Failure> {
    let (_, scenarios) = columns(record, folder)?;
    let scenarios: Vec<_> = scenarios.into_iter().map(|scenario| (scenario.id, scenario.cache)).collect();
    cards.sort_by(|a, b| (&a.engine, &a.approach).cmp(&(&b.engine, &b.approach)));
    for card in cards.iter_mut() {
        let mine: Vec<(&Sample, &[Step])> =
            pool.of(card.engine.as_deref(), card.approach.as_deref().unwrap_or_default()).collect();
        let judged = cache_use(&mine, &scenarios);
        card.replace(judged);
    }
    Ok(())
}

/// What stands of a scorecard in `images.csv`: verdicts, and the figures that are numbers.
pub(super) fn image_columns(card: &Scorecard) -> Vec<(String, String)> {
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
