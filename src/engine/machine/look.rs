//! Looks at the machine before and after a build, outside its clocks: both kinds of time, what held the processor
//! back, and how much room the disks have. What follows from two looks is judged elsewhere.
//!
//! What a machine does not show (another cgroup version, no counters, an engine elsewhere) is left out, never guessed.

use crate::model::Bytes;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Room that the disk under an engine must keep, in bytes, beside what a build takes.
pub const ENGINE_ROOM: Bytes = Bytes(128 << 20);
/// Room that the disk under the results must keep, in bytes.
pub const RESULTS_ROOM: Bytes = Bytes(1 << 20);

/// A folder that is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// What it is, in words for people.
    pub what: String,
    /// The folder.
    pub path: PathBuf,
    /// Room that its disk must keep.
    pub least: Bytes,
}

impl Folder {
    /// A folder in which an engine keeps its things.
    pub fn of_engine(what: &str, path: impl Into<PathBuf>) -> Self {
        Self { what: what.to_owned(), path: path.into(), least: ENGINE_ROOM }
    }

    /// The folder of a run's results.
    #[must_use]
    pub fn of_results(path: &Path) -> Self {
        Self { what: format!("the results in {}", path.display()), path: path.to_path_buf(), least: RESULTS_ROOM }
    }
}

/// Where things of an engine are on the machine that this program runs on; empty for one that is elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Folders that it writes to.
    pub folders: Vec<Folder>,
    /// Its control groups, as paths below a hierarchy.
    pub cgroups: Vec<String>,
}

impl Places {
    /// The kind of file system that builds are made on.
    #[must_use]
    pub fn filesystem(&self) -> Option<&'static str> {
        filesystem(&self.folders.last()?.path)
    }
}

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

    /// One look, with the places of an engine.
    fn look(&self, engine: &Places) -> Look;
}

/// The machine that this program runs on.
pub struct ThisMachine {
    start: Instant,
    /// Folders of the run itself.
    folders: Vec<Folder>,
}

impl ThisMachine {
    /// Will look at the room of these folders too.
    #[must_use]
    pub fn new(folders: Vec<Folder>) -> Self {
        Self { start: Instant::now(), folders }
    }
}

impl Machine for ThisMachine {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn look(&self, engine: &Places) -> Look {
        let mut held = BTreeMap::new();
        quotas(&engine.cgroups, &mut held);
        heat(&mut held);
        stolen(&mut held);
        let folders = self.folders.iter().chain(&engine.folders);
        let room = |f: &Folder| Some(Room { what: f.what.clone(), free: free(&f.path)?, least: f.least });
        let rooms = folders.filter_map(room).collect();
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

/// The kind of file system that a folder is on, by the word that engines have for it. Source of the numbers: statfs(2).
fn filesystem(path: &Path) -> Option<&'static str> {
    match rustix::fs::statfs(path).ok()?.f_type & 0xffff_ffff {
        0xef53 => Some("extfs"),
        0x0102_1994 => Some("tmpfs"),
        0x5846_5342 => Some("xfs"),
        0x9123_683e => Some("btrfs"),
        0x2fc1_2fc1 => Some("zfs"),
        0xf2f5_2010 => Some("f2fs"),
        0x794c_7630 => Some("overlayfs"),
        _ => None,
    }
}

/// Quotas of control groups: this process's and those above it, and the engine's.
fn quotas(engine: &[String], held: &mut BTreeMap<String, Duration>) {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut groups: Vec<String> = own.lines().filter_map(own_group).collect();
    groups.extend_from_slice(engine);
    let above = |group: &str| -> Vec<PathBuf> {
        let path = PathBuf::from(group.trim_start_matches('/'));
        path.ancestors().map(Path::to_path_buf).collect()
    };
    for group in groups.iter().flat_map(|group| above(group)) {
        for hierarchy in ["/sys/fs/cgroup", "/sys/fs/cgroup/cpu"] {
            let place = Path::new(hierarchy).join(&group);
            let time = fs::read_to_string(place.join("cpu.stat")).ok().and_then(|text| throttled(&text));
            if let Some(time) = time {
                let group = Path::new("/").join(&group);
                held.insert(format!("a processor quota of the control group {}", group.display()), time);
            }
        }
    }
}

/// The group of a line `ID:CONTROLLERS:PATH` of `/proc/self/cgroup`, if it is one that has processor quotas.
fn own_group(line: &str) -> Option<String> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    (controllers.is_empty() || controllers.split(',').any(|name| name == "cpu")).then(|| path.to_owned())
}

/// Time that a `cpu.stat` tells of: `throttled_usec` of version 2, `throttled_time` (nanoseconds) of version 1.
/// Source: the kernel's Documentation/admin-guide/cgroup-v2.rst and Documentation/scheduler/sched-bwc.rst.
fn throttled(text: &str) -> Option<Duration> {
    text.lines().find_map(|line| match line.split_once(' ')? {
        ("throttled_usec", count) => Some(Duration::from_micros(count.trim().parse().ok()?)),
        ("throttled_time", count) => Some(Duration::from_nanos(count.trim().parse().ok()?)),
        _ => None,
    })
}

/// Processors that slow down because they are hot. The counters are in milliseconds.
/// Source: the kernel's Documentation/ABI/testing/sysfs-devices-system-cpu.
fn heat(held: &mut BTreeMap<String, Duration>) {
    let processors = fs::read_dir("/sys/devices/system/cpu").into_iter().flatten().flatten();
    let mut hottest: Option<Duration> = None;
    for processor in processors {
        let folder = processor.path().join("thermal_throttle");
        for counter in ["core_throttle_total_time_ms", "package_throttle_total_time_ms"] {
            let text = fs::read_to_string(folder.join(counter)).unwrap_or_default();
            if let Ok(count) = text.trim().parse() {
                // Processors that share a core or a package show the same time.
                hottest = hottest.max(Some(Duration::from_millis(count)));
            }
        }
    }
    if let Some(time) = hottest {
        held.insert("the processor's own protection against heat".to_owned(), time);
    }
}

/// Time that a hypervisor gave to others while this machine wanted to run.
fn stolen(held: &mut BTreeMap<String, Duration>) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    if let Some(time) = stolen_in(&text, rustix::param::clock_ticks_per_second()) {
        held.insert("other guests of the hypervisor (steal time)".to_owned(), time);
    }
}

/// The eighth figure of the line `cpu` of `/proc/stat`, in ticks. Source: proc(5).
fn stolen_in(text: &str, ticks_per_second: u64) -> Option<Duration> {
    let line = text.lines().find(|line| line.starts_with("cpu "))?;
    let ticks: u64 = line.split_whitespace().nth(8)?.parse().ok()?;
    Some(Duration::from_millis(ticks.saturating_mul(1000) / ticks_per_second.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_as_the_kernel_writes_them() {
        let one = "nr_periods 12\nnr_throttled 3\nthrottled_time 250000000\nnr_bursts 0\nburst_time 0\n";
        let two = "usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 12\nnr_throttled 3\nthrottled_usec 250000\n";
        for text in [one, two] {
            assert_eq!(throttled(text), Some(Duration::from_millis(250)), "{text}");
        }
        assert_eq!(throttled("usage_usec 9\n"), None);
        let stat = "cpu  109288 0 27656 95115 1121 0 706 186 0 0\ncpu0 1 0 1 1 1 0 1 99 0 0\n";
        assert_eq!(stolen_in(stat, 100), Some(Duration::from_millis(1860)));
        assert_eq!(stolen_in("", 100), None);
    }

    #[test]
    fn only_groups_with_quotas_count() {
        assert_eq!(own_group("1:cpu:/a/b").as_deref(), Some("/a/b"));
        assert_eq!(own_group("4:cpu,cpuacct:/a").as_deref(), Some("/a"));
        assert_eq!(own_group("0::/user.slice").as_deref(), Some("/user.slice"));
        assert_eq!(own_group("2:cpuacct:/x"), None);
        assert_eq!(own_group("nonsense"), None);
    }

    #[test]
    fn file_systems_have_the_engines_words() {
        assert_eq!(filesystem(Path::new("/dev/shm")), Some("tmpfs"));
        assert_eq!(filesystem(Path::new("/proc")), None, "nobody builds there");
        assert_eq!(Places::default().filesystem(), None);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_room_to_tell_of() {
        let folders = ["/nowhere/at/all", "/"].map(|path| Folder::of_engine(path, path)).to_vec();
        let look = ThisMachine::new(folders).look(&Places::default());
        assert_eq!(look.rooms.len(), 1);
        assert!(look.wall > Duration::from_secs(1_700_000_000));
    }
}
