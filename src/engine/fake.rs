//! An engine that builds nothing: every build is exactly as long as it was told, so that plans, checks and reports
//! are tested in milliseconds. No result rests on it.

use super::answers::{CacheContents, ImageFacts, ImageSource, Resolved};
use super::contract::{Engine, no_checkpoints};
use super::engine_error::EngineError;
use super::interrupt::Interrupt;
use super::machine::look::{Look, Machine};
use super::machine::places::Places;
use super::wire::build_request::{BuildRequest, Client};
use super::wire::docker_client::DockerClient;
use super::wire::endpoint::Endpoint;
use super::wire::looker::Looker;
use crate::model::{Bytes, ColdKind, Fingerprint, Interval, Outcome, Progress, Property, Seconds, Step, StepKind};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

/// Answers a build: number of the build in its chain (from 0), and the request.
pub type Script = dyn FnMut(usize, &BuildRequest) -> Outcome;

/// An engine that plays a script.
pub struct FakeEngine {
    /// What a build gives.
    pub script: Box<Script>,
    /// What the engine says it holds when a chain begins.
    pub at_start: CacheContents,
    /// What `run_image` prints.
    pub prints: String,
    /// What every image is made of.
    pub image: ImageFacts,
    /// What it says of itself.
    pub fingerprint: Fingerprint,
    /// Base images that it does not find.
    pub lacks: BTreeSet<String>,
    /// Whether its state can be kept and put back.
    pub keeps_checkpoints: bool,
    /// After this many builds of a chain it does not answer any more.
    pub dies_after: Option<usize>,
    chain_builds: usize,
    /// States that are kept: how many builds of its chain each had seen.
    kept: BTreeMap<String, usize>,
}

impl FakeEngine {
    /// An engine whose builds are answered by a script.
    pub fn new(script: impl FnMut(usize, &BuildRequest) -> Outcome + 'static) -> Self {
        Self {
            script: Box::new(script),
            at_start: CacheContents::default(),
            prints: String::new(),
            image: ImageFacts { bytes: Bytes(1_000), layers: vec![("RUN true".to_owned(), 1_000)] },
            fingerprint: Fingerprint::from_iter([(Property::EngineVersion, "fake")]),
            lacks: BTreeSet::new(),
            keeps_checkpoints: false,
            dies_after: None,
            chain_builds: 0,
            kept: BTreeMap::new(),
        }
    }
}

/// A docker client that is installed nowhere: fake engines are asked by it as by any other.
#[must_use]
pub fn docker_client(place: &Path) -> Client {
    Client::Docker(DockerClient::made_up(place))
}

/// A successful build of `seconds`, with `cached` of `steps` working steps from the cache.
#[must_use]
pub fn outcome(seconds: f64, steps: usize, cached: usize) -> Outcome {
    let length = seconds / f64::from(u32::try_from(steps).unwrap_or(1).max(1));
    let steps = (0..steps).map(|number| {
        let start = f64::from(u32::try_from(number).unwrap_or(0)) * length;
        Step {
            name: format!("[{}/{}] RUN true", number + 1, steps),
            digest: format!("sha256:{number:064x}"),
            inputs: number.checked_sub(1).map(|before| format!("sha256:{before:064x}")).into_iter().collect(),
            kind: StepKind::Work,
            intervals: vec![Interval { start, end: start + length }],
            cached: number < cached,
            bytes: Bytes(0),
            error: None,
        }
    });
    Outcome {
        result: Ok(()),
        seconds: Seconds::new(seconds).unwrap_or(Seconds::ZERO),
        engine_seconds: Seconds::new(seconds).unwrap_or(Seconds::ZERO),
        pull_seconds: Seconds::ZERO,
        context_bytes: Bytes(100),
        pulled_bytes: Bytes(0),
        steps: steps.collect(),
        image_id: Some(format!("sha256:{:064x}", 7)),
        bases: vec![("docker.io/library/busybox:1".to_owned(), "sha256:00".to_owned())],
        log_tail: Vec::new(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
    }
}

/// A machine that shows what it was told: one look after the other, the last one again and again.
pub struct FakeMachine {
    looks: RefCell<VecDeque<Look>>,
    start: Instant,
}

impl FakeMachine {
    /// A machine with these looks. Without any, nothing ever happens on it.
    #[must_use]
    pub fn new(looks: impl IntoIterator<Item = Look>) -> Self {
        Self { looks: RefCell::new(looks.into_iter().collect()), start: Instant::now() }
    }
}

impl Machine for FakeMachine {
    fn now(&self) -> Instant {
        self.start
    }

    fn look(&self, _: &Places) -> Look {
        let mut looks = self.looks.borrow_mut();
        match looks.len() {
            0 => Look::default(),
            1 => looks.front().cloned().unwrap_or_default(),
            _ => looks.pop_front().unwrap_or_default(),
        }
    }
}

impl Engine for FakeEngine {
    fn describe(&self) -> String {
        "a fake engine (nothing is built)".to_owned()
    }

    fn endpoint(&mut self) -> Result<Endpoint, EngineError> {
        Ok(Endpoint::unix(Path::new("/nowhere/fake.sock")))
    }

    fn cold_kind(&self) -> ColdKind {
        ColdKind::Pristine
    }

    fn fingerprint(&mut self) -> Result<Fingerprint, EngineError> {
        Ok(self.fingerprint.clone())
    }

    fn resolve(&mut self, reference: &str, _: Duration) -> Result<Resolved, EngineError> {
        if self.lacks.contains(reference) {
            return Err(EngineError::new(format!("finding {reference}"), "there is no such image", ""));
        }
        Ok(Resolved { digest: "sha256:00".to_owned(), source: ImageSource::Local })
    }

    fn fetch_bases(&mut self, _: &BTreeSet<String>, _: &Interrupt) -> Result<(), EngineError> {
        Ok(())
    }

    fn begin_chain(&mut self) -> Result<(), EngineError> {
        self.chain_builds = 0;
        Ok(())
    }

    fn contents(&mut self) -> Result<CacheContents, EngineError> {
        match self.dies_after {
            Some(builds) if builds <= self.chain_builds => Err(EngineError::new("asking the engine", "no answer", "")),
            _ => Ok(self.at_start.clone()),
        }
    }

    fn build(&mut self, request: &BuildRequest, _: &dyn Progress, _: &Interrupt) -> Outcome {
        let outcome = (self.script)(self.chain_builds, request);
        self.chain_builds += 1;
        outcome
    }

    fn image(&mut self, _: &str) -> Result<ImageFacts, EngineError> {
        Ok(self.image.clone())
    }

    fn run_image(&mut self, _: &str, _: Duration) -> Result<String, EngineError> {
        Ok(self.prints.clone())
    }

    fn looker(&mut self, _: &Interrupt) -> Result<Looker, EngineError> {
        Err(EngineError::new("looking into images", "a fake engine has none", ""))
    }

    fn save(&mut self, name: &str) -> Result<(), EngineError> {
        if !self.keeps_checkpoints {
            return Err(no_checkpoints(name));
        }
        self.kept.insert(name.to_owned(), self.chain_builds);
        Ok(())
    }

    fn restore(&mut self, name: &str) -> Result<(), EngineError> {
        self.chain_builds = *self.kept.get(name).ok_or_else(|| no_checkpoints(name))?;
        Ok(())
    }

    fn end_chain(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}
