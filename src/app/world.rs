//! What a use case is carried out in: who watches, where engines come from, and the machine.

use super::engine_source::EngineSource;
use super::watcher::Watcher;
use crate::engine::machine::look::Machine;
use std::path::{Path, PathBuf};

/// The world around a use case. Tests give it a fake one.
#[derive(Clone, Copy)]
pub struct World<'w> {
    /// Who watches.
    pub watcher: &'w dyn Watcher,
    /// Where engines come from.
    pub engines: &'w dyn EngineSource,
    /// The folder for private engines, ledgers and the files of running runs.
    pub home: &'w Path,
    /// The machine that builds are made on, with its clocks and disks.
    pub machine: &'w dyn Machine,
    /// What keeps it to one run at a time.
    pub lock: &'w MachineLock,
}

/// What keeps a machine to one run at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineLock {
    /// Files that all of its users share, as many of them as can be locked.
    Usual,
    /// This file, and none of the usual ones.
    File(PathBuf),
    /// Nothing: runs are made side by side, as tests of this program are.
    None,
}

impl World<'_> {
    /// Tells whoever watches.
    pub fn say(&self, text: impl AsRef<str>) {
        self.watcher.say(text.as_ref());
    }
}
