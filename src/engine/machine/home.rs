//! The folder in which private engines, ledgers and the files of running runs live.

use std::path::PathBuf;

/// What helps where nothing can be written.
pub(in crate::engine) const ANOTHER_HOME: &str =
    "LAYERBENCH_HOME names another folder, on a file system with enough room";

/// Where private engines live: `LAYERBENCH_HOME`, or `/var/lib/layerbench`; for others than root a folder of theirs.
#[must_use]
pub fn home() -> PathBuf {
    let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(home) = given("LAYERBENCH_HOME") {
        return home;
    }
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/layerbench");
    }
    let state = given("XDG_STATE_HOME").or_else(|| given("HOME").map(|home| home.join(".local/state")));
    state.unwrap_or_else(std::env::temp_dir).join("layerbench")
}
