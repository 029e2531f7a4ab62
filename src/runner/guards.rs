//! Guards against the machine: what two looks say about the build between them, and whether a disk has room for the
//! next build. Pure: the looks are given.

use crate::engine::machine::look::Look;
use crate::model::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How far the two kinds of time may come apart during a build: a fixed part, for the moment between reading them,
/// and a part of its length. A clock that is steered is changed by at most 500 parts in a million (adjtimex(2)).
const CLOCK_SLACK: Duration = Duration::from_millis(100);
const CLOCK_SHARE: f64 = 0.001;

/// The processor counts as held back when it was for this part of a build's time, and for at least this long: the
/// counters of a quota and of steal time go by periods of 10 to 100 ms, and a shared machine loses a few of them now and
/// then.
const HELD_SHARE: f64 = 0.1;
const HELD_LEAST: Duration = Duration::from_millis(250);

/// Words of every system's error for a full disk.
const FULL: &str = "no space left on device";

/// What was seen of a machine so far in a run.
#[derive(Debug, Default)]
pub struct Guard {
    /// The most that one build took of each disk, in bytes.
    most: BTreeMap<String, u64>,
    last: Option<Look>,
}

/// A disk that is about to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// What is on it, in words for people.
    pub what: String,
    /// What can still be written.
    pub free: Bytes,
    /// What the next build may need.
    pub needed: Bytes,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, free, needed } = self;
        write!(f, "the disk of {what} is about to fill: {free} free, and the next build may need {needed}; ")?;
        f.write_str("make room on it, or let LAYERBENCH_HOME and --out name folders on other disks")
    }
}

impl std::error::Error for NoRoom {}

impl Guard {
    /// Before a build: whether the run has to stop.
    ///
    /// # Errors
    /// When a disk is about to fill.
    pub fn room(&self, look: &Look) -> Result<(), NoRoom> {
        for room in &look.rooms {
            let most = self.most.get(&room.what).copied().unwrap_or(0);
            let needed = room.least.0.saturating_add(most);
            if room.free.0 < needed {
                return Err(NoRoom { what: room.what.clone(), free: room.free, needed: Bytes(needed) });
            }
        }
        Ok(())
    }

    /// Before a build: by how much the time of day has jumped since the build before. It harms no sample.
    pub fn jump_between(&self, look: &Look) -> Option<String> {
        let jump = jump(self.last.as_ref()?, look)?;
        Some(format!("the machine's clock jumped by {jump} between two builds: times of day in the record are off"))
    }

    /// After a build: everything that speaks against it.
    pub fn objections(&mut self, before: &Look, after: &Look) -> Vec<String> {
        for room in &after.rooms {
            let was = before.rooms.iter().find(|other| other.what == room.what);
            let taken = was.map_or(0, |was| was.free.0.saturating_sub(room.free.0));
            let most = self.most.entry(room.what.clone()).or_default();
            *most = taken.max(*most);
        }
        self.last = Some(after.clone());
        let mut found = Vec::new();
        if let Some(jump) = jump(before, after) {
            found.push(format!("the machine's clock jumped by {jump} during the build"));
        }
        let elapsed = after.monotonic.saturating_sub(before.monotonic);
        for (what, total) in &after.held {
            // A group that was not there before was made during the build, and counted from nothing.
            let held = total.saturating_sub(before.held.get(what).copied().unwrap_or_default());
            if held >= HELD_LEAST && held.as_secs_f64() > HELD_SHARE * elapsed.as_secs_f64() {
                let (held, elapsed) = (held.as_secs_f64(), elapsed.as_secs_f64());
                found.push(format!("{what} held the processor back for {held:.2} s of {elapsed:.2} s"));
            }
        }
        found
    }
}

/// How far the time of day went another way than the clock that cannot be set, in words; `None` for about the same.
fn jump(before: &Look, after: &Look) -> Option<String> {
    let elapsed = after.monotonic.saturating_sub(before.monotonic).as_secs_f64();
    let jump = after.wall.as_secs_f64() - before.wall.as_secs_f64() - elapsed;
    (jump.abs() > CLOCK_SLACK.as_secs_f64() + CLOCK_SHARE * elapsed).then(|| format!("{jump:+.1} s"))
}

/// Whether a build broke off because a disk is full.
#[must_use]
pub fn filled_a_disk(reason: &str) -> bool {
    reason.to_lowercase().contains(FULL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::machine::look::Room;

    const LEAST: u64 = 1 << 20;

    fn look(wall: f64, monotonic: f64) -> Look {
        let time = Duration::from_secs_f64;
        Look { wall: time(1_000_000.0 + wall), monotonic: time(monotonic), ..Look::default() }
    }

    fn held(mut look: Look, what: &str, seconds: f64) -> Look {
        look.held.insert(what.to_owned(), Duration::from_secs_f64(seconds));
        look
    }

    fn room(mut look: Look, free: u64) -> Look {
        look.rooms.push(Room { what: "the data-root".to_owned(), free: Bytes(free), least: Bytes(LEAST) });
        look
    }

    #[test]
    fn a_clock_that_jumps_is_seen_and_one_that_is_steered_is_not() {
        let objections = |after: Look| Guard::default().objections(&look(0.0, 0.0), &after);
        assert_eq!(objections(look(3600.0, 3600.0)), [""; 0]);
        assert_eq!(objections(look(3601.8, 3600.0)), [""; 0], "500 parts in a million");
        assert_eq!(objections(look(2.3, 2.0)), ["the machine's clock jumped by +0.3 s during the build"]);
        assert_eq!(objections(look(-60.0, 2.0)), ["the machine's clock jumped by -62.0 s during the build"]);
    }

    #[test]
    fn a_jump_between_builds_is_told_but_spoils_nothing() {
        let mut guard = Guard::default();
        assert_eq!(guard.jump_between(&look(0.0, 0.0)), None);
        guard.objections(&look(0.0, 0.0), &look(1.0, 1.0));
        assert_eq!(guard.jump_between(&look(2.0, 2.0)), None);
        assert!(guard.jump_between(&look(3602.0, 2.0)).unwrap().contains("+3600.0 s"));
        assert_eq!(guard.objections(&look(3602.0, 2.0), &look(3603.0, 3.0)), [""; 0]);
    }

    #[test]
    fn a_processor_that_is_held_back_counts_from_a_tenth_of_the_time() {
        let judge = |seconds: f64, length: f64| {
            let (before, after) = (held(look(0.0, 0.0), "a quota", 7.0), look(length, length));
            Guard::default().objections(&before, &held(after, "a quota", 7.0 + seconds))
        };
        assert_eq!(judge(0.0, 1.0), [""; 0]);
        assert_eq!(judge(0.2, 0.3), [""; 0], "two periods of a quota");
        assert_eq!(judge(0.5, 20.0), [""; 0]);
        assert_eq!(judge(2.5, 20.0), ["a quota held the processor back for 2.50 s of 20.00 s"]);
        let new = held(look(2.0, 2.0), "a group of this build", 0.9);
        let found = Guard::default().objections(&look(0.0, 0.0), &new);
        assert_eq!(found, ["a group of this build held the processor back for 0.90 s of 2.00 s"]);
    }

    #[test]
    fn a_disk_must_have_room_for_the_largest_build_so_far() {
        let mut guard = Guard::default();
        let free = |free: u64| room(look(0.0, 0.0), free);
        assert!(guard.room(&free(LEAST)).is_ok());
        assert!(guard.room(&free(LEAST - 1)).is_err());
        guard.objections(&free(9 << 30), &free(8 << 30));
        guard.objections(&free(8 << 30), &free(9 << 30));
        assert!(guard.room(&free(LEAST + (1 << 30))).is_ok());
        let why = guard.room(&free(1 << 30)).unwrap_err().to_string();
        assert!(why.contains("the disk of the data-root is about to fill"), "{why}");
        assert!(filled_a_disk("write /x: No space left on device") && !filled_a_disk("exit code: 1"));
    }
}
