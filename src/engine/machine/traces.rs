//! What an engine leaves outside its folder (processes, control groups), recognised by names and taken away; and the
//! folder itself, its record last.

use crate::engine::engine_error::EngineError;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The file in a folder of remains that says what may be left.
pub(super) const RECORD: &str = "remains.json";

/// The name under which the first process of a private engine appears, and is recognised.
pub const INIT_NAME: &str = "layerbench-init";

/// Name of an engine's control group.
pub fn cgroup_name(engine: &str) -> String {
    format!("layerbench-{engine}")
}

/// Ends, by id, the processes whose command line says that they are the first process of this folder's engine.
/// They end by themselves when their owner is gone; this is for one that did not.
pub(super) fn end_processes(dir: &Path) {
    let marked = |pid: u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            let mut words = line.split(|byte| *byte == 0);
            words.any(|word| word == INIT_NAME.as_bytes())
                && words.any(|word| word == dir.as_os_str().as_encoded_bytes())
        })
    };
    let pids = || -> Vec<u32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).filter(|&pid| marked(pid)).collect()
    };
    for _ in 0..500 {
        let alive = pids();
        if alive.is_empty() {
            return;
        }
        for pid in alive.into_iter().filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether forwarding is needed by others now: another engine of any kind runs.
pub(super) fn somebody_forwards(dir: &Path) -> bool {
    let others = dir.parent().and_then(|engines| fs::read_dir(engines).ok()).into_iter().flatten().flatten();
    let engine_runs = fs::read_dir("/proc").into_iter().flatten().flatten().any(|entry| {
        fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| matches!(name.trim(), "dockerd" | "podman"))
    });
    engine_runs || others.filter(|entry| entry.path() != dir).any(|entry| entry.path().join(RECORD).exists())
}

/// Removes the empty control groups of an engine, the innermost first.
pub(super) fn remove_cgroups(name: &str) {
    let remove = |root: &Path| {
        let mut folders = vec![root.to_path_buf()];
        let mut next = 0;
        while let Some(folder) = folders.get(next).cloned() {
            let inside = fs::read_dir(&folder).into_iter().flatten().flatten();
            folders.extend(inside.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()));
            next += 1;
        }
        for folder in folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    };
    let top = Path::new("/sys/fs/cgroup");
    remove(&top.join(name));
    for hierarchy in fs::read_dir(top).into_iter().flatten().flatten() {
        if hierarchy.path().join(name).is_dir() {
            remove(&hierarchy.path().join(name));
        }
    }
}

/// Removes the folder of remains, its record last.
pub(super) fn remove_folder(dir: &Path) -> Result<(), EngineError> {
    // The record goes last: a removal that is cut short can be taken up again.
    let failed = |e: &dyn std::fmt::Display| {
        EngineError::new(
            format!("removing {}", dir.display()),
            e,
            "when that is mended, `layerbench clean` removes what is left",
        )
    };
    for entry in fs::read_dir(dir).map_err(|e| failed(&e))?.flatten() {
        let path = entry.path();
        if entry.file_name() == RECORD {
            continue;
        }
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|e| failed(&e))?;
    }
    fs::remove_dir_all(dir).map_err(|e| failed(&e))
}

/// `engines` and the home itself go when nothing is in them any more.
pub(super) fn remove_empty_parents(dir: &Path) {
    for parent in dir.ancestors().skip(1).take(2) {
        let _ = fs::remove_dir(parent);
    }
}
