//! What every kind of engine promises to the runner, which knows nothing else of them.

use super::answers::{CacheContents, ImageFacts, Resolved};
use super::engine_error::EngineError;
use super::interrupt::Interrupt;
use super::machine::places::Places;
use super::wire::build_request::BuildRequest;
use super::wire::endpoint::Endpoint;
use super::wire::looker::Looker;
use crate::model::{ColdKind, EngineId, Fingerprint, Outcome, Progress};
use std::collections::BTreeSet;
use std::time::Duration;

/// A Docker Engine as the runner sees it. All calls block; no clock runs but inside [`Engine::build`].
pub trait Engine {
    /// One line for people: which engine, and how it is isolated.
    fn describe(&self) -> String;

    /// Where it listens, for other clients of the same engine.
    ///
    /// # Errors
    /// When it cannot be started.
    fn endpoint(&mut self) -> Result<Endpoint, EngineError>;

    /// What *cold* means on this engine.
    fn cold_kind(&self) -> ColdKind;

    /// Where its things are on the machine that this program runs on; nothing for an engine that is elsewhere.
    fn places(&self) -> Places {
        Places::default()
    }

    /// Whether [`Engine::fetch_bases`] has something to do before a run.
    fn wants_bases(&self) -> bool {
        self.cold_kind() == ColdKind::WarmBase
    }

    /// Version, storage driver, kernel, processor and the like.
    ///
    /// # Errors
    /// When the engine does not answer.
    fn fingerprint(&mut self) -> Result<Fingerprint, EngineError>;

    /// Finds a base image, without fetching it: its digest, and where it is.
    ///
    /// # Errors
    /// When neither the engine nor a registry has it.
    fn resolve(&mut self, reference: &str, limit: Duration) -> Result<Resolved, EngineError>;

    /// Fetches base images that a cold build of kind *warm base* must find, or that a registry cache is to hold.
    ///
    /// # Errors
    /// When one cannot be had.
    fn fetch_bases(&mut self, references: &BTreeSet<String>, interrupt: &Interrupt) -> Result<(), EngineError>;

    /// Makes the engine ready for an approach's chain: whatever its first, cold build must not find is out of reach.
    ///
    /// # Errors
    /// When the engine cannot be started or asked.
    fn begin_chain(&mut self) -> Result<(), EngineError>;

    /// What the engine holds now.
    ///
    /// # Errors
    /// When the engine does not answer.
    fn contents(&mut self) -> Result<CacheContents, EngineError>;

    /// Builds, and times it. A build that fails is an [`Outcome`], not an error.
    fn build(&mut self, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome;

    /// Size and layers of an image.
    ///
    /// # Errors
    /// When the engine does not answer or has no such image.
    fn image(&mut self, id: &str) -> Result<ImageFacts, EngineError>;

    /// Runs an image's own command, without network, and gives what it printed on standard output.
    ///
    /// # Errors
    /// When it cannot be run, ends with another code than 0, or is not done in time.
    fn run_image(&mut self, id: &str, limit: Duration) -> Result<String, EngineError>;

    /// Looks into images. Whatever containers that makes are removed with the run, even if it is interrupted.
    ///
    /// # Errors
    /// On an engine without real images.
    fn looker(&mut self, interrupt: &Interrupt) -> Result<Looker, EngineError>;

    /// Keeps the state of the engine under a name, so that [`Engine::restore`] finds it.
    ///
    /// # Errors
    /// On an engine that cannot be stopped and whose state cannot be copied.
    fn save(&mut self, name: &str) -> Result<(), EngineError> {
        Err(no_checkpoints(name))
    }

    /// Puts the engine into the state that was kept under a name: layers, cache mounts, base images.
    ///
    /// # Errors
    /// When there is no such state.
    fn restore(&mut self, name: &str) -> Result<(), EngineError> {
        Err(no_checkpoints(name))
    }

    /// Ends a chain: what it made is removed or forgotten.
    ///
    /// # Errors
    /// When something could not be removed; it is named.
    fn end_chain(&mut self) -> Result<(), EngineError>;

    /// Ends a run: whatever it still holds is removed.
    ///
    /// # Errors
    /// When something could not be removed; it is named.
    fn finish(&mut self) -> Result<(), EngineError>;
}

/// An engine of a run.
pub struct Named {
    /// The name that its samples carry.
    pub name: EngineId,
    /// The engine.
    pub engine: Box<dyn Engine>,
}

pub(super) fn no_checkpoints(name: &str) -> EngineError {
    EngineError::new(
        format!("a checkpoint of {name}"),
        "this engine is not one that can be stopped and copied",
        "use --engine private, or leave out --chain checkpoint",
    )
}
