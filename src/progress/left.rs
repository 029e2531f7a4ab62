//! What is left of a run.

use super::estimate::time_left;
use crate::model::{BuildKey, Sample, ScenarioId, Seconds, Status};

/// How far a run is, and what is needed to tell how long it will still take.
pub(super) struct Left {
    plan: Vec<BuildKey>,
    /// Index of the build that comes next. A chain that is given up is jumped over.
    next: usize,
    /// What the builds that ended well took; a failed one says nothing about the others.
    done: Vec<(ScenarioId, Seconds)>,
}

impl Left {
    /// All of a plan.
    pub fn of(plan: Vec<BuildKey>) -> Self {
        Self { plan, next: 0, done: Vec::new() }
    }

    /// More builds come after those that were planned.
    pub fn grow(&mut self, builds: &[BuildKey]) {
        self.plan.extend_from_slice(builds);
    }

    /// A build ended.
    pub fn add(&mut self, sample: &Sample) {
        let index = self.plan.iter().position(|key| *key == sample.key);
        self.next = index.unwrap_or(self.next) + 1;
        if matches!(sample.status, Status::Ok | Status::Invalid) {
            self.done.push((sample.key.scenario.clone(), sample.seconds));
        }
    }

    /// How long all builds that are left will take, if that can be told.
    pub fn all(&self) -> Option<Seconds> {
        time_left(&self.plan, self.next, &self.done)
    }

    /// How long the build that comes next will take, if that can be told.
    pub fn this(&self) -> Option<Seconds> {
        let after = time_left(&self.plan, self.next + 1, &self.done)?;
        Seconds::new(self.all()?.get() - after.get())
    }

    /// How many builds come before the next one.
    pub fn next(&self) -> usize {
        self.next
    }

    /// The build that comes next.
    pub fn key(&self) -> Option<&BuildKey> {
        self.plan.get(self.next)
    }
}
