//! One step of a build: what BuildKit calls a vertex, merged over all the times it was reported.

use super::quantity::{Bytes, Seconds};

/// From when to when something ran, in seconds from the start of the build.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Start, seconds from the start of the build.
    pub start: f64,
    /// End, seconds from the start of the build; never before `start`.
    pub end: f64,
}

impl Interval {
    /// Length in seconds.
    #[must_use]
    pub fn length(self) -> Seconds {
        Seconds::new(self.end - self.start).unwrap_or(Seconds::ZERO)
    }
}

/// What a step is for; decides whether it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// RUN, COPY, ADD or WORKDIR: counted in `steps` and `steps_cached`.
    Work,
    /// `FROM`: resolving and unpacking a base image.
    Base,
    /// `[internal] …`: Dockerfile, ignore file, context, metadata of base images.
    Internal,
    /// Writing the image: layers, manifest, configuration, names.
    Export,
    /// A time in which the engine reported no step at all. Made by us, so that the rows of a sample
    /// cover its seconds without holes.
    Wait,
    /// Anything else that a frontend reports.
    Other,
}

impl StepKind {
    /// The word used in `steps.csv`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Base => "base",
            Self::Internal => "internal",
            Self::Export => "export",
            Self::Wait => "wait",
            Self::Other => "other",
        }
    }

    /// Reads the word used in `steps.csv`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Work, Self::Base, Self::Internal, Self::Export, Self::Wait, Self::Other]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// One BuildKit vertex: name, time, cached or executed, bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// As BuildKit names it, e.g. `[build 2/5] RUN pip install poetry`.
    pub name: String,
    /// Content digest of the vertex; empty for a [`StepKind::Wait`].
    pub digest: String,
    /// Digests of the steps that this one needs.
    pub inputs: Vec<String>,
    /// What it is for.
    pub kind: StepKind,
    /// When it was at work, in order, not overlapping. Empty if it never started.
    pub intervals: Vec<Interval>,
    /// BuildKit answered it from its cache.
    pub cached: bool,
    /// Bytes pulled or transferred by it, as far as the engine reported them.
    pub bytes: Bytes,
    /// The engine's error for this step, if it failed.
    pub error: Option<String>,
}

impl Step {
    /// First start, in seconds from the start of the build.
    #[must_use]
    pub fn start(&self) -> Option<f64> {
        self.intervals.first().map(|i| i.start)
    }

    /// Last end, in seconds from the start of the build.
    #[must_use]
    pub fn end(&self) -> Option<f64> {
        self.intervals.last().map(|i| i.end)
    }
}
