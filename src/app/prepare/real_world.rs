//! The world that the program is started in. What its environment says of where things are is read here, and nowhere else
//! in the use cases.

use super::engines::RealEngines;
use crate::app::{Watcher, World};
use crate::engine::machine::home::home;
use std::path::PathBuf;

/// This machine, as the environment describes it.
pub struct RealWorld {
    home: PathBuf,
}

impl RealWorld {
    /// Reads the environment.
    #[must_use]
    pub fn from_environment() -> Self {
        Self { home: home() }
    }

    /// The world for a use case.
    #[must_use]
    pub fn watched_by<'w>(&'w self, watcher: &'w dyn Watcher) -> World<'w> {
        World { watcher, engines: &RealEngines, home: &self.home }
    }
}
