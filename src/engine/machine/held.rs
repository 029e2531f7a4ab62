//! What held the processor back so far: quotas of control groups, heat, and other guests of a hypervisor.
//! Read from the kernel's counters; one that is not there is left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What held the processor back, in words for people, and for how long over all processors; `groups` are the engine's
/// control groups, as paths below a hierarchy.
pub(super) fn held_back(groups: &[String]) -> BTreeMap<String, Duration> {
    let mut held = BTreeMap::new();
    quotas(groups, &mut held);
    heat(&mut held);
    stolen(&mut held);
    held
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
}
