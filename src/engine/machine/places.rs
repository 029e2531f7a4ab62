//! Where an engine keeps its things on the machine that this program runs on, and what must stay free there.

use crate::engine::wire::daemon::Daemon;
use crate::model::Bytes;
use std::path::{Path, PathBuf};

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

/// Where things of an engine, or of a run, are on the machine that this program runs on; empty for an engine that is
/// elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Folders that are written to.
    pub folders: Vec<Folder>,
    /// Control groups of the engine, as paths below a hierarchy.
    pub cgroups: Vec<String>,
}

impl Places {
    /// Those of a running engine, if it runs on this machine: an address may lead elsewhere, so its name must be ours.
    #[must_use]
    pub fn of(daemon: &Daemon) -> Self {
        let found = daemon.whereabouts();
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        if !daemon.endpoint().is_local() || found.machine.as_deref() != Some(name.as_str()) {
            return Self::default();
        }
        let folder = found.data_root.map(|dir| Folder::of_engine("the engine's data-root", dir));
        // Its own group as a service, and the one of what it runs.
        let cgroups = ["system.slice/docker.service", "docker"].map(str::to_owned).to_vec();
        Self { folders: folder.into_iter().collect(), cgroups }
    }

    /// The kind of file system that builds are made on.
    #[must_use]
    pub fn filesystem(&self) -> Option<&'static str> {
        filesystem(&self.folders.last()?.path)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_have_the_engines_words() {
        assert_eq!(filesystem(Path::new("/dev/shm")), Some("tmpfs"));
        assert_eq!(filesystem(Path::new("/proc")), None, "nobody builds there");
        assert_eq!(Places::default().filesystem(), None);
    }
}
