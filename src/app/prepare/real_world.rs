//! The world that the program is started in. What its environment says of where things are is read here, and nowhere else
//! in the use cases.

use super::alone::VARIABLE;
use super::engines::RealEngines;
use crate::app::{MachineLock, Watcher, World};
use crate::engine::machine::home::home;
use crate::engine::machine::look::ThisMachine;
use std::path::PathBuf;

/// This machine, as the environment describes it.
pub struct RealWorld {
    home: PathBuf,
    machine: ThisMachine,
    lock: MachineLock,
}

impl RealWorld {
    /// Reads the environment.
    #[must_use]
    pub fn from_environment() -> Self {
        Self { home: home(), machine: ThisMachine::from_now(), lock: lock() }
    }

    /// The world for a use case.
    #[must_use]
    pub fn watched_by<'w>(&'w self, watcher: &'w dyn Watcher) -> World<'w> {
        World { watcher, engines: &RealEngines, home: &self.home, machine: &self.machine, lock: &self.lock }
    }
}

fn lock() -> MachineLock {
    match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        None => MachineLock::Usual,
        Some(none) if none == "none" => MachineLock::None,
        Some(file) => MachineLock::File(file.into()),
    }
}
