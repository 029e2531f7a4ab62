//! A run under way on one engine: what is known of it from build to build, and what all its parts need.

use super::ending::RunError;
use super::guards::Guard;
use super::materials::Materials;
use crate::engine::machine::look::Machine;
use crate::engine::machine::places::{Folder, Places};
use crate::engine::wire::refusal::{Patience, Refusal, given_up, wait, waiting};
use crate::engine::{CacheContents, Engine, Interrupt};
use crate::model::{ApproachId, ChainKind, EngineId, Event, Outcome, Progress, StateId};
use std::collections::{BTreeMap, BTreeSet};

/// A run under way, as far as one engine is concerned: what one engine holds says nothing of another.
pub(super) struct Run<'a> {
    pub(super) materials: &'a Materials,
    /// The engine's name.
    pub(super) name: EngineId,
    pub(super) engine: &'a mut dyn Engine,
    pub(super) emit: &'a dyn Fn(Event) -> Result<(), RunError>,
    pub(super) progress: &'a dyn Progress,
    pub(super) interrupt: &'a Interrupt,
    pub(super) machine: &'a dyn Machine,
    /// Folders of the run itself.
    pub(super) folders: &'a [Folder],
    pub(super) guard: Guard,
    pub(super) chain: ChainKind,
    /// Digests of base images as the run's start, or its first build of each, saw them.
    pub(super) bases: BTreeMap<String, String>,
    /// What the engine held when the chain's last build had ended.
    pub(super) left: Option<CacheContents>,
    /// The cold builds whose cache was kept: state and outcome.
    pub(super) kept: BTreeMap<ApproachId, (StateId, Outcome)>,
    /// The approaches whose image was looked at closely.
    pub(super) audited: BTreeSet<ApproachId>,
}

impl Run<'_> {
    pub(super) fn emit(&self, event: Event) -> Result<(), RunError> {
        (self.emit)(event)
    }

    /// What is looked at before and after a build: the run's own folders, and what the engine has on this machine.
    pub(super) fn places(&self) -> Places {
        let Places { folders, cgroups } = self.engine.places();
        Places { folders: self.folders.iter().cloned().chain(folders).collect(), cgroups }
    }

    /// ` on NAME` where there are several engines.
    pub(super) fn place(&self) -> String {
        self.name.on()
    }

    /// Waits until a registry may be asked again; `false` when the user stops the run meanwhile.
    pub(super) fn wait_out(&mut self, patience: &mut Patience, refusal: &Refusal) -> Result<bool, RunError> {
        let pause = patience.next(refusal).ok_or_else(|| RunError::Stopped(given_up(refusal)))?;
        self.emit(Event::Warning { text: waiting(refusal, pause) })?;
        Ok(wait(pause, self.interrupt))
    }
}
