//! Facts about the machine's hardware and file system that can change the time of a build.

use super::places::Places;
use crate::model::{Fingerprint, Property, UNKNOWN};
use std::fs;

/// Facts about the machine that this program runs on, read from the kernel; `places` are those of an engine on it.
pub fn fingerprint(places: &Places) -> Fingerprint {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut facts = Fingerprint::default();
    if let Some((_, model)) =
        read("/proc/cpuinfo").lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'))
    {
        facts.insert(Property::Processor, model.trim());
    }
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    let governor = if governor.is_empty() { UNKNOWN } else { governor.trim() };
    facts.insert(Property::Governor, governor);
    if let Some(filesystem) = places.filesystem() {
        facts.insert(Property::BackingFilesystem, filesystem);
    }
    facts
}
