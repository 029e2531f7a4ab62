//! What runs made on an engine of the user, found again and removed by its ids.

use super::ledger::{Found, Ledger, Made};
use crate::engine::answers::CacheContents;
use crate::engine::engine_error::EngineError;
use crate::engine::machine::remains::Cleaned;
use crate::engine::wire::daemon::Daemon;
use crate::engine::wire::daemon::holdings::{CacheRecord, RecordKind};
use crate::engine::wire::endpoint::Endpoint;
use crate::engine::wire::looker::remove_containers;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// How long an engine may take to cancel a build whose client is gone.
pub(super) const LET_GO: Duration = Duration::from_secs(15);

/// How often an engine is asked what it still uses.
pub(super) const POLL: Duration = Duration::from_millis(100);

/// Within this time an engine lets go of all records of a build (4 ms were measured).
const TOGETHER: Duration = Duration::from_millis(200);

/// Removes what was made: names first, then images that lost their name, then cache records.
pub(super) fn remove_made(daemon: &Daemon, made: &Made) -> Result<(), EngineError> {
    // What the engine holds is not asked for nothing: it answers that question to one client at a time.
    if *made == Made::default() {
        return Ok(());
    }
    daemon.lives()?;
    for tag in &made.tags {
        daemon.remove_image(tag)?;
    }
    // An image that still has a name was given it by somebody else.
    for image in daemon.nameless_images()?.intersection(&made.images) {
        daemon.remove_image(image)?;
    }
    daemon.remove_records(&made.records)
}

/// Removes what interrupted runs made on engines of the user, as their ledgers say.
///
/// # Errors
/// When the folder of ledgers cannot be read. That it does not exist is no error.
pub fn clean(home: &Path) -> Result<Vec<Cleaned>, EngineError> {
    let dir = home.join("hosts");
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(EngineError::new(format!("reading {}", dir.display()), e, "")),
    };
    let mut ledgers: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    ledgers.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    ledgers.sort();
    Ok(ledgers.iter().map(|path| clean_one(path)).collect())
}

fn clean_one(path: &Path) -> Cleaned {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match Ledger::again(path) {
        Err(error) => Cleaned::Failed(name, error),
        Ok(Found::InUse(owner)) => Cleaned::InUse(name, owner),
        Ok(Found::Free(mut ledger)) => match undo(&mut ledger) {
            Ok(()) => Cleaned::Undone(name),
            Err(error) => Cleaned::Failed(name, error),
        },
    }
}

fn undo(ledger: &mut Ledger) -> Result<(), EngineError> {
    let daemon = Daemon::new(&Endpoint::parse(&ledger.entry.engine)?)?;
    daemon.remove_checks(&ledger.entry.run)?;
    let mut made = ledger.entry.chain.clone();
    if let Some(before) = &ledger.entry.in_flight {
        made.records.extend(records_of_broken_build(&daemon, before, ledger.entry.broke_after)?);
    }
    remove_containers(&daemon, &ledger.entry.run)?;
    remove_made(&daemon, &made)?;
    remove_made(&daemon, &ledger.entry.whole_run)?;
    ledger.close();
    Ok(())
}

/// Records of the build that was under way when its run was killed. The engine let go of all of them together when it
/// lost its client, so the time at which it let go of the first one ends the build: what was made, or used by somebody,
/// later is somebody else's. If it was the engine that died, the run has seen for how long the build went.
pub(super) fn records_of_broken_build(
    daemon: &Daemon,
    before: &CacheContents,
    broke_after: Option<f64>,
) -> Result<Vec<String>, EngineError> {
    let since = Instant::now();
    loop {
        let mut new = daemon.cache_records()?;
        new.retain(|record| !before.records.contains(&record.id));
        let Some(first) = new.iter().min_by_key(|record| record.created_at) else { return Ok(Vec::new()) };
        if first.in_use && since.elapsed() < LET_GO {
            std::thread::sleep(POLL);
            continue;
        }
        let length = broke_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let broke = first.created_at.zip(length).map(|(begin, length)| begin + length);
        let end = first.last_used_at.or(first.created_at).max(broke);
        let ours = |record: &&CacheRecord| record.created_at <= end && !used_later(record, end);
        return Ok(new.iter().filter(ours).map(|record| record.id.clone()).collect());
    }
}

/// Whether a build let go of a record when the one that ended at `end` had let go of all its own. An engine that is asked
/// for the size of a cache mount counts that as use.
fn used_later(record: &CacheRecord, end: Option<OffsetDateTime>) -> bool {
    let later = record.last_used_at.zip(end).is_some_and(|(used, end)| used > end + TOGETHER);
    later && record.kind != RecordKind::CacheMount
}
