//! What the runner tells the world. Events are the only interface between measuring and showing.

use super::ident::{BuildKey, EngineId};
use super::quantity::{Bytes, Seconds};
use super::sample::Sample;
use super::scorecard::Scorecard;
use super::step::Step;
use std::fmt;

/// Something that happened in a run. Sent only while no clock is running; hints about the build that
/// runs travel through [`Progress`].
#[derive(Clone, Debug)]
pub enum Event {
    /// The run is about to begin.
    RunStarted {
        /// Builds in the plan.
        builds: u32,
    },
    /// More builds will be made than was said at first.
    PlanGrew {
        /// The builds that were added, in order.
        builds: Vec<BuildKey>,
    },
    /// Something that takes time outside any clock, e.g. starting a private engine.
    Preparing {
        /// One line for people.
        what: String,
    },
    /// A build is about to start.
    BuildStarted {
        /// Which one.
        key: BuildKey,
    },
    /// A build ended and was judged.
    BuildFinished {
        /// The judged sample.
        sample: Box<Sample>,
        /// Its steps.
        steps: Vec<Step>,
    },
    /// An image was looked at after its chain.
    ImageInspected {
        /// Whose image.
        key: BuildKey,
        /// The engine that holds it.
        engine: EngineId,
        /// Size of the whole image, as in the samples.
        bytes: Bytes,
        /// Sizes of its layers in bytes, base first.
        layers: Vec<(String, u64)>,
        /// Whether it printed what it should; `None` when the study does not ask.
        check: Option<Result<(), CheckError>>,
    },
    /// An image was looked at closely: the scorecard of its approach.
    ImageAudited {
        /// What was found.
        card: Box<Scorecard>,
    },
    /// Something people should know that does not stop the run.
    Warning {
        /// One line for people.
        text: String,
    },
    /// All builds are done, or the run was stopped.
    RunFinished {
        /// Wall-clock time of the whole run.
        elapsed: Seconds,
        /// The run was stopped before its end.
        interrupted: bool,
    },
}

/// Why an image does not do what it should: one line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckError(pub String);

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CheckError {}

/// A hint for a progress display while a build runs: the name of the step that started last.
/// Sending one must never block, and may be dropped.
pub trait Progress: Send + Sync {
    /// A step started.
    fn step(&self, name: &str);
}

/// For builds whose steps nobody watches.
pub struct NoProgress;

impl Progress for NoProgress {
    fn step(&self, _: &str) {}
}
