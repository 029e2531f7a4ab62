//! Whoever watches a use case: is told what happens, and may want it to stop.

use crate::engine::Interrupt;
use crate::model::{BuildKey, Event, Progress};
use std::sync::Arc;

/// What becomes of the build in flight when a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// It is cancelled.
    Cancelled,
    /// It comes to its end.
    Finished,
}

/// Watches a use case from outside. Nothing that it does can make a call fail.
pub trait Watcher {
    /// Something people should know, a line or several. May hold text that a stranger wrote.
    fn say(&self, text: &str);

    /// From now on the user can stop the call: the answer is raised when they want to.
    fn interrupt(&self, in_flight: InFlight) -> Interrupt;

    /// These builds are about to be made, in this order. The answer gets the name of the step that started last.
    fn expect(&self, builds: Vec<BuildKey>) -> Arc<dyn Progress>;

    /// An event of the builds that were announced. Never called while a clock runs.
    fn event(&self, event: &Event);

    /// A single build is about to be made. The answer gets the name of each step as it starts.
    fn steps(&self) -> Arc<dyn Progress>;
}
