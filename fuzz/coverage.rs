//! What the programs of `cargo fuzz` share: a folder for the process, and the target by its name.

#[path = "targets.rs"]
mod targets;

use std::sync::LazyLock;
use tempfile::TempDir;

/// Goes with the process's temporary folder, which `scripts/fuzz` makes in memory and removes.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

pub fn run(name: &str, data: &[u8]) {
    let target = targets::TARGETS.iter().find(|(known, _)| *known == name).expect("a target of this name");
    (target.1)(FOLDER.path(), data);
}
