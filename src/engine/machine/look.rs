//! Looks at the machine before and after a build, outside its clocks: both kinds of time, what held the processor
//! back, and how much room the disks have. What follows from two looks is judged elsewhere.
//!
//! What a machine does not show (another cgroup version, no counters, an engine elsewhere) is left out, never guessed.

use super::held::held_back;
use super::places::{Folder, Places};
use crate::model::Bytes;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Free room on a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// What is on the disk, in words for people.
    pub what: String,
    /// Bytes that can still be written.
    pub free: Bytes,
    /// Bytes that must stay free beside what a build takes.
    pub least: Bytes,
}

/// What was seen in one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Time of day, since 1970; can be set.
    pub wall: Duration,
    /// Time since some moment; cannot be set.
    pub monotonic: Duration,
    /// For how long something has held the processor back so far: what, and the sum over all processors.
    pub held: BTreeMap<String, Duration>,
    /// The disks that a run needs.
    pub rooms: Vec<Room>,
}

/// The machine that a run is measured on.
pub trait Machine {
    /// The clock that cannot be set.
    fn now(&self) -> Instant;

    /// One look, at these places too.
    fn look(&self, places: &Places) -> Look;
}

/// The machine that this program runs on.
pub struct ThisMachine {
    start: Instant,
}

impl ThisMachine {
    /// Counts the time that cannot be set from now on.
    #[must_use]
    pub fn from_now() -> Self {
        Self { start: Instant::now() }
    }
}

impl Machine for ThisMachine {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn look(&self, places: &Places) -> Look {
        let held = held_back(&places.cgroups);
        let room = |f: &Folder| Some(Room { what: f.what.clone(), free: free(&f.path)?, least: f.least });
        let rooms = places.folders.iter().filter_map(room).collect();
        // The clocks last and together, so that nothing comes between them.
        let monotonic = self.start.elapsed();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Look { wall, monotonic, held, rooms }
    }
}

/// Bytes that can still be written where a folder is, by the processes of this user.
#[must_use]
pub fn free(path: &Path) -> Option<Bytes> {
    let room = rustix::fs::statvfs(path).ok()?;
    Some(Bytes(room.f_bavail.saturating_mul(room.f_frsize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_has_no_room_to_tell_of() {
        let folders = ["/nowhere/at/all", "/"].map(|path| Folder::of_engine(path, path)).to_vec();
        let look = ThisMachine::from_now().look(&Places { folders, ..Places::default() });
        assert_eq!(look.rooms.len(), 1);
        assert!(look.wall > Duration::from_secs(1_700_000_000));
    }
}
