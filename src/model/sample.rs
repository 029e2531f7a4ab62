//! One build and what is known about it.

use super::ident::{BuildKey, Cell, EngineId};
use super::quantity::{Bytes, Seconds};
use super::step::Step;
use std::fmt;

/// The cache condition that a scenario asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheState {
    /// Nothing of an earlier build may be used.
    Cold,
    /// The same build as before: every step from the cache.
    Warm,
    /// The cache that the build before left, and changed files: at least one step is executed.
    Changed,
}

impl CacheState {
    /// The word used in studies and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Changed => "changed",
        }
    }

    /// Reads the word used in studies and records.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Cold, Self::Warm, Self::Changed].into_iter().find(|c| c.as_str() == word)
    }
}

/// What *cold* meant in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColdKind {
    /// The engine was empty: no layer, no cache mount, no base image.
    Pristine,
    /// Layers and cache mounts were bypassed; base images were already there.
    WarmBase,
}

impl ColdKind {
    /// The words used in records and table heads.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pristine => "pristine",
            Self::WarmBase => "warm base",
        }
    }

    /// Reads the words used in records.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pristine, Self::WarmBase].into_iter().find(|c| c.as_str() == word)
    }
}

/// What became of a build. Only `Ok` enters a timing statistic; every other one is kept and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Built, and the trace proves the cache state that was asked for.
    Ok,
    /// The build ended with an error.
    Failed,
    /// Built, but the state it was taken in is not the one asked for.
    Invalid,
    /// Stopped at the time limit.
    Timeout,
    /// Stopped by the user or by a crash; never used.
    Interrupted,
}

impl Status {
    /// The word used in `samples.csv`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads the word used in `samples.csv`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ok, Self::Failed, Self::Invalid, Self::Timeout, Self::Interrupted]
            .into_iter()
            .find(|s| s.as_str() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an engine gave back for one build, before anyone judged it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// `Ok` when an image came back; otherwise how it ended and why.
    pub result: Result<(), (Status, String)>,
    /// Client's monotonic clock, from opening the session to the end of the answer.
    pub seconds: Seconds,
    /// Engine's clock, from the first step's start to the last step's end.
    pub engine_seconds: Seconds,
    /// Time in which at least one layer of a base image was downloaded or unpacked.
    pub pull_seconds: Seconds,
    /// Bytes of file content sent to the engine.
    pub context_bytes: Bytes,
    /// Compressed bytes of base image layers that were downloaded.
    pub pulled_bytes: Bytes,
    /// All steps, in order of their start; those without a start last.
    pub steps: Vec<Step>,
    /// `sha256:…` of the image.
    pub image_id: Option<String>,
    /// Base images as the trace resolved them: (reference, digest).
    pub bases: Vec<(String, String)>,
    /// Last lines of the failing step's log.
    pub log_tail: Vec<String>,
    /// UTC start, RFC 3339.
    pub started_at: String,
}

/// One build, judged: a row of `samples.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which build of the run.
    pub key: BuildKey,
    /// The engine that it was made on.
    pub engine: EngineId,
    /// What became of it.
    pub status: Status,
    /// Why it is not `ok`; empty otherwise.
    pub reason: String,
    /// Client's clock, seconds for the whole build.
    pub seconds: Seconds,
    /// Engine's clock, from the first step's start to the last step's end.
    pub engine_seconds: Seconds,
    /// Time in which a base image was downloaded or unpacked.
    pub pull_seconds: Seconds,
    /// Bytes of file content sent to the engine.
    pub context_bytes: Bytes,
    /// Compressed bytes of base image layers downloaded.
    pub pulled_bytes: Bytes,
    /// Steps of the Dockerfile that do work (RUN, COPY, ADD, WORKDIR).
    pub steps: u32,
    /// How many of those were answered from the cache.
    pub steps_cached: u32,
    /// `sha256:…`; empty when there is no image.
    pub image_id: String,
    /// Size as the engine reports it for this image.
    pub image_bytes: Bytes,
    /// UTC start, RFC 3339.
    pub started_at: String,
}

impl Sample {
    /// A valid build on a run's only engine of which no more is known than how long it took.
    #[must_use]
    pub fn bare(key: BuildKey, seconds: Seconds) -> Self {
        Self {
            key,
            engine: EngineId::only(),
            status: Status::Ok,
            reason: String::new(),
            seconds,
            engine_seconds: Seconds::ZERO,
            pull_seconds: Seconds::ZERO,
            context_bytes: Bytes(0),
            pulled_bytes: Bytes(0),
            steps: 0,
            steps_cached: 0,
            image_id: String::new(),
            image_bytes: Bytes(0),
            started_at: String::new(),
        }
    }

    /// The cell that it belongs to.
    #[must_use]
    pub fn cell(&self) -> Cell {
        Cell { engine: self.engine.clone(), approach: self.key.approach.clone(), scenario: self.key.scenario.clone() }
    }
}
