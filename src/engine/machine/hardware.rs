//! Facts about the machine's hardware and file system that can change the time of a build.

use super::places::Places;
use crate::engine::answers::Fingerprint;
use std::fs;

/// Facts about the machine that this program runs on, read from the kernel; `places` are those of an engine on it.
pub fn fingerprint(places: &Places) -> Fingerprint {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut facts = Fingerprint::new();
    if let Some((_, model)) =
        read("/proc/cpuinfo").lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'))
    {
        facts.insert("processor".to_owned(), model.trim().to_owned());
    }
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    let governor = if governor.is_empty() { "unknown" } else { governor.trim() };
    facts.insert("governor".to_owned(), governor.to_owned());
    if let Some(filesystem) = places.filesystem() {
        facts.insert("backing_filesystem".to_owned(), filesystem.to_owned());
    }
    facts
}
