//! Checkpoints of a private engine: a data-root that can be kept under a name and put back, while the engine stands
//! still. With btrfs a subvolume of an image file, in milliseconds; without, a plain copy.
//!
//! The copying is done by the first process inside the engine's namespaces (`init.sh`), on the orders of `init_process`.

use super::needs::on_path;
use crate::engine::engine_error::EngineError;
use crate::engine::machine::system::run;
use std::fs::{self, File};
use std::path::Path;

/// The image file is sparse: it may seem larger than the room there is, and takes only what is written.
const IMAGE_SHARE: u64 = 80;

/// How the state of an engine is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// As snapshots of a btrfs file system in an image file.
    Snapshots,
    /// As plain copies, because the programs of btrfs are not installed.
    CopiesWithoutPrograms,
    /// As plain copies, because the disk is too small for btrfs, or the kernel does not have it.
    CopiesWithoutBtrfs,
}

impl Keeping {
    /// The words for the record.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Snapshots => "btrfs snapshot of an image file",
            Self::CopiesWithoutPrograms => "plain copy (without the package btrfs-progs)",
            Self::CopiesWithoutBtrfs => "plain copy (btrfs cannot be used here)",
        }
    }
}

/// Makes the folder of the data-roots, and the btrfs image that is mounted over it where that is possible.
pub(super) fn prepare(dir: &Path) -> Result<Keeping, EngineError> {
    let store = dir.join("store");
    let failed = |e: &dyn std::fmt::Display| EngineError::new(format!("making {}", store.display()), e, "");
    fs::create_dir(&store).map_err(|e| failed(&e))?;
    if !["mkfs.btrfs", "btrfs"].iter().all(|program| on_path(program)) {
        return Ok(Keeping::CopiesWithoutPrograms);
    }
    let room = rustix::fs::statvfs(dir).map_err(|e| failed(&e))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let image = dir.join("store.img");
    let made = File::create(&image).and_then(|file| file.set_len(free / 100 * IMAGE_SHARE));
    made.map_err(|e| failed(&e))?;
    match run("mkfs.btrfs", &["-q", &image.to_string_lossy()], "") {
        Ok(()) => Ok(Keeping::Snapshots),
        Err(_) => {
            fs::remove_file(&image).map_err(|e| failed(&e))?;
            Ok(Keeping::CopiesWithoutBtrfs)
        }
    }
}
