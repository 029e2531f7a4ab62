//! Checkpoints of a private engine: a data-root that can be kept under a name and put back, while the engine stands
//! still. With btrfs a subvolume of an image file, in milliseconds; without, a plain copy.
//!
//! The copying is done by the first process inside the engine's namespaces (`init.sh`): here it is given its orders.

use super::{on_path, tell};
use crate::engine::EngineError;
use crate::engine::machine::network::run;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, ChildStdin};
use std::time::{Duration, Instant};

/// The words for the record where snapshots are used.
pub(super) const SNAPSHOTS: &str = "btrfs snapshot of an image file";

/// How long one order may take: a plain copy of a large data-root is the longest.
const ORDER_LIMIT: Duration = Duration::from_secs(600);
/// How often the answer is looked for.
const POLL: Duration = Duration::from_millis(2);
/// The image file is sparse: it may seem larger than the room there is, and takes only what is written.
const IMAGE_SHARE: u64 = 80;

/// Makes the folder of the data-roots, and the btrfs image that is mounted over it where that is possible.
/// Gives the words for the record.
pub(super) fn prepare(dir: &Path) -> Result<&'static str, EngineError> {
    let store = dir.join("store");
    let failed = |e: &dyn std::fmt::Display| EngineError::new(format!("making {}", store.display()), e, "");
    fs::create_dir(&store).map_err(|e| failed(&e))?;
    if !["mkfs.btrfs", "btrfs"].iter().all(|program| on_path(program)) {
        return Ok("plain copy (without the package btrfs-progs)");
    }
    let room = rustix::fs::statvfs(dir).map_err(|e| failed(&e))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let image = dir.join("store.img");
    let made = File::create(&image).and_then(|file| file.set_len(free / 100 * IMAGE_SHARE));
    made.map_err(|e| failed(&e))?;
    match run("mkfs.btrfs", &["-q", &image.to_string_lossy()], "") {
        Ok(()) => Ok(SNAPSHOTS),
        Err(_) => {
            // A disk too small for btrfs, or a kernel without it.
            fs::remove_file(&image).map_err(|e| failed(&e))?;
            Ok("plain copy (btrfs cannot be used here)")
        }
    }
}

/// Gives an order to the first process, which the child waits for, and waits until it is done.
pub(super) fn order(
    dir: &Path,
    child: &mut Child,
    stdin: Option<&mut ChildStdin>,
    words: &str,
) -> Result<(), EngineError> {
    let failed = |found: &str| {
        EngineError::new(
            format!("the private engine's order {words:?}"),
            found,
            "see to that, or leave out --chain checkpoint",
        )
    };
    let answers = dir.join("init.log");
    let read = || fs::read_to_string(&answers).unwrap_or_default();
    let before = read().len();
    let told = tell(stdin, words);
    let since = Instant::now();
    loop {
        match read().get(before..).and_then(|text| text.strip_suffix('\n')) {
            Some("done") => return Ok(()),
            Some(other) if !other.is_empty() => {
                let log = fs::read_to_string(dir.join("orders.log")).unwrap_or_default();
                return Err(failed(log.lines().last().unwrap_or("no reason was given")));
            }
            _ if told.is_err() || matches!(child.try_wait(), Ok(Some(_))) => {
                return Err(failed("its first process has ended"));
            }
            _ if since.elapsed() > ORDER_LIMIT => return Err(failed("no answer")),
            _ => std::thread::sleep(POLL),
        }
    }
}
