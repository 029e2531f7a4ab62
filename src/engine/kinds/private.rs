//! A private engine: a `dockerd` of our own, with a data-root, a network and process namespaces of its own, started
//! empty for each chain and thrown away after it. Linux, as root.
//!
//! Everything it leaves on the machine is written down before it is made (`machine/claim`), so that it can be undone by
//! whoever comes later; what lives inside the namespaces dies with their first process (`init.sh`).

mod checkpoints;
mod configuration;
mod init_process;
mod instance;
mod logs;
mod needs;
pub mod registry;

use super::base_images;
use crate::engine::answers::{CacheContents, ImageFacts, ImageSource, Resolved};
use crate::engine::contract::Engine;
use crate::engine::engine_error::EngineError;
use crate::engine::interrupt::Interrupt;
use crate::engine::machine::hardware;
use crate::engine::machine::places::Places;
use crate::engine::wire::build_request::BuildRequest;
use crate::engine::wire::endpoint::Endpoint;
use crate::engine::wire::looker::Looker;
use crate::engine::wire::outcomes::not_built;
use crate::engine::wire::timed_build::build;
use crate::model::{ChainKind, ColdKind, Fingerprint, Isolation, NoProgress, Outcome, Progress, Property};
use crate::project::dockerfile::normalize;
use init_process::Order;
use instance::Instance;
pub use needs::missing;
use needs::short_enough;
use registry::{Registries, wait_until_stored};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Private engines, one after the other.
pub struct PrivateEngine {
    run: String,
    home: PathBuf,
    registries: Registries,
    chain: ChainKind,
    started: u32,
    current: Option<Instance>,
}

impl PrivateEngine {
    /// Prepares private engines for a run, which live in a home. Nothing is started yet, but what is missing is said.
    ///
    /// # Errors
    /// Without root, off Linux, or without the programs it needs: all that is missing is named at once.
    pub fn new(home: &Path, run: &str, registries: Registries, chain: ChainKind) -> Result<Self, EngineError> {
        let missing = missing(registries.any());
        if !missing.is_empty() {
            return Err(EngineError::new(
                "a private engine",
                format!("missing: {}", missing.join("; ")),
                "see to what is missing, or use --engine host",
            ));
        }
        short_enough(home, run)?;
        Ok(Self { run: run.to_owned(), home: home.to_owned(), registries, chain, started: 0, current: None })
    }

    fn start(&mut self) -> Result<Instance, EngineError> {
        self.started += 1;
        let name = format!("{}-{}", self.run, self.started);
        Instance::start(&self.home, &name, &self.registries, self.chain)
    }

    /// The engine that runs now, or a new one.
    fn instance(&mut self) -> Result<&mut Instance, EngineError> {
        let instance = match self.current.take() {
            Some(instance) => instance,
            None => self.start()?,
        };
        Ok(self.current.insert(instance))
    }
}

impl Engine for PrivateEngine {
    fn describe(&self) -> String {
        "private engine (own dockerd, empty for each chain, thrown away after it)".to_owned()
    }

    fn endpoint(&mut self) -> Result<Endpoint, EngineError> {
        Ok(self.instance()?.daemon.endpoint().clone())
    }

    fn cold_kind(&self) -> ColdKind {
        ColdKind::Pristine
    }

    fn fingerprint(&mut self) -> Result<Fingerprint, EngineError> {
        self.instance()?;
        let mut facts = hardware::fingerprint(&self.places());
        let instance = self.instance()?;
        instance.daemon.require_buildkit()?;
        facts.extend(instance.daemon.fingerprint()?);
        facts.insert(Property::Isolation, Isolation::Private);
        if let Some(keeping) = instance.keeping {
            facts.insert(Property::Checkpoints, keeping.as_str());
        }
        if let Some(cache) = &self.registries.cache {
            facts.insert(Property::RegistryCache, cache.upstream.as_str());
        }
        Ok(facts)
    }

    fn resolve(&mut self, reference: &str, limit: Duration) -> Result<Resolved, EngineError> {
        let digest = self.instance()?.daemon.registry_digest(reference, limit)?;
        Ok(Resolved { digest, source: ImageSource::Registry })
    }

    fn places(&self) -> Places {
        self.current.as_ref().map(Instance::places).unwrap_or_default()
    }

    fn wants_bases(&self) -> bool {
        self.registries.cache.is_some()
    }

    /// Into the registry cache: the engine that fetched them is not used for anything else.
    fn fetch_bases(&mut self, references: &BTreeSet<String>, interrupt: &Interrupt) -> Result<(), EngineError> {
        let Some(cache) = self.registries.cache.clone() else { return Ok(()) };
        let run = self.run.clone();
        let instance = self.instance()?;
        instance.fresh = false;
        let cached = references.iter().filter(|reference| normalize(reference).starts_with("docker.io/"));
        for (number, reference) in cached.enumerate() {
            let request = base_images::request(&run, number, reference);
            let outcome = build(instance.daemon.endpoint(), &request, &NoProgress, interrupt);
            base_images::fetched(reference, outcome)?;
        }
        wait_until_stored(&cache);
        Ok(())
    }

    fn begin_chain(&mut self) -> Result<(), EngineError> {
        match &mut self.current {
            Some(instance) if instance.fresh => Ok(()),
            Some(instance) if instance.keeping.is_some() => {
                instance.with_engine_stopped(Order::Fresh)?;
                instance.fresh = true;
                Ok(())
            }
            _ => {
                self.end_chain()?;
                self.instance().map(drop)
            }
        }
    }

    fn save(&mut self, name: &str) -> Result<(), EngineError> {
        self.instance()?.with_engine_stopped(Order::Save(name))
    }

    fn restore(&mut self, name: &str) -> Result<(), EngineError> {
        self.instance()?.with_engine_stopped(Order::Restore(name))
    }

    fn contents(&mut self) -> Result<CacheContents, EngineError> {
        self.instance()?.daemon.contents()
    }

    fn build(&mut self, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
        match self.instance() {
            Ok(instance) => {
                instance.fresh = false;
                build(instance.daemon.endpoint(), request, progress, interrupt)
            }
            Err(e) => not_built(&e),
        }
    }

    fn image(&mut self, id: &str) -> Result<ImageFacts, EngineError> {
        self.instance()?.daemon.image(id)
    }

    fn run_image(&mut self, id: &str, limit: Duration) -> Result<String, EngineError> {
        let run = self.run.clone();
        self.instance()?.daemon.run_image(&run, id, limit)
    }

    fn looker(&mut self, interrupt: &Interrupt) -> Result<Looker, EngineError> {
        let run = self.run.clone();
        Ok(Looker::new(&run, self.instance()?.daemon.endpoint(), interrupt))
    }

    fn end_chain(&mut self) -> Result<(), EngineError> {
        // With checkpoints the engine lives as long as the run.
        if self.chain == ChainKind::Checkpoint { Ok(()) } else { self.finish() }
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        self.current.take().map_or(Ok(()), Instance::stop)
    }
}
