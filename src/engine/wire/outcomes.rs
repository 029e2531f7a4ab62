//! What became of a build, whoever asked for it: the clock's word and the engine's trace as one outcome. No clock runs
//! any more.

use super::trace::Trace;
use crate::model::{Bytes, Outcome, Seconds, Status};
use crate::text::time::rfc3339;
use std::time::SystemTime;

/// How a build ended; if not well, with its status and the reason.
pub(super) type Ended = Result<(), (Status, String)>;

/// What is known of a build that has ended.
pub(super) struct Measured {
    /// How it ended.
    pub result: Ended,
    /// How long it took.
    pub seconds: Seconds,
    /// When the clock was started.
    pub begin: SystemTime,
    /// What the engine told of its steps.
    pub trace: Trace,
    /// The image that came back.
    pub image_id: Option<String>,
    /// What was sent of the build context.
    pub context_bytes: Bytes,
}

impl Measured {
    /// All of it in the form that the rest of the program knows.
    pub(super) fn into_outcome(self) -> Outcome {
        let Self { result, seconds, begin, trace, image_id, context_bytes } = self;
        Outcome {
            result,
            seconds,
            engine_seconds: trace.engine_seconds,
            pull_seconds: trace.pull_seconds,
            context_bytes,
            pulled_bytes: trace.pulled_bytes,
            steps: trace.steps,
            image_id,
            bases: trace.bases,
            log_tail: trace.failure.map(|failure| failure.log).unwrap_or_default(),
            started_at: rfc3339(begin),
        }
    }
}

/// Names the step that failed, which says more than the build's own end.
pub(super) fn name_failed_step(result: Ended, trace: &Trace) -> Ended {
    result.map_err(|(status, text)| match (&trace.failure, status) {
        (Some(failure), Status::Failed) => (status, format!("{}: {}", failure.step, failure.error)),
        _ => (status, text),
    })
}

/// The outcome of a build that could not even be asked for.
#[must_use]
pub fn not_built(why: &dyn std::fmt::Display) -> Outcome {
    let result = Err((Status::Failed, why.to_string()));
    let (seconds, begin, trace) = (Seconds::ZERO, SystemTime::now(), Trace::default());
    Measured { result, seconds, begin, trace, image_id: None, context_bytes: Bytes(0) }.into_outcome()
}
