//! Events to people who watch: a bar with the current step on a terminal, plain lines elsewhere.
//! It costs nothing while a clock runs: a step's name is only put into a slot, and a thread of its
//! own draws what is in the slot, twice a second. No result is printed in here.

mod bar;
mod estimate;
mod lines;
#[cfg(test)]
mod tests;

pub use estimate::time_left;

use crate::model::{BuildKey, Event, Progress, Sample, ScenarioId, Seconds, Status};
use bar::Bar;
use lines::Lines;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, TryLockError};

/// Shows events. Give it every event of a run, and the runner its [`Display::hints`].
pub struct Display {
    lines: Lines,
    output: Output,
    slot: Arc<Slot>,
    left: Left,
}

enum Output {
    Bar(Bar),
    Plain(Box<dyn Write + Send>),
}

impl Display {
    /// A display on standard error: a bar if that is a terminal, plain lines otherwise.
    /// `builds` are all builds of the plan, in order, those made for set-up too.
    /// `NO_COLOR` and `TERM=dumb` are honoured.
    #[must_use]
    pub fn standard_error(builds: Vec<BuildKey>) -> Self {
        let stderr = std::io::stderr();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if !stderr.is_terminal() || dumb {
            return Self::plain(Box::new(stderr), builds);
        }
        // Any value that is not empty: https://no-color.org
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let slot = Arc::new(Slot::default());
        let bar = Bar::start(builds.len() as u64, colour, Arc::clone(&slot));
        Self::new(Output::Bar(bar), slot, builds, colour)
    }

    /// A display that writes plain lines, without colours.
    #[must_use]
    pub fn plain(out: Box<dyn Write + Send>, builds: Vec<BuildKey>) -> Self {
        Self::new(Output::Plain(out), Arc::default(), builds, false)
    }

    fn new(output: Output, slot: Arc<Slot>, builds: Vec<BuildKey>, colour: bool) -> Self {
        let numbered = matches!(output, Output::Plain(_));
        Self {
            lines: Lines::new(&builds, numbered, colour),
            output,
            slot,
            left: Left { plan: builds, next: 0, done: Vec::new() },
        }
    }

    /// Where the runner puts the name of the step that started last.
    #[must_use]
    pub fn hints(&self) -> Arc<dyn Progress> {
        Arc::clone(&self.slot) as Arc<dyn Progress>
    }

    /// Shows an event. Must not be called while a clock runs.
    pub fn event(&mut self, event: &Event) {
        self.slot.clear();
        match event {
            Event::BuildFinished { sample, .. } => self.left.add(sample),
            Event::PlanGrew { builds } => self.left.plan.extend_from_slice(builds),
            _ => {}
        }
        let text = self.lines.of(event, self.left.next, self.left.all());
        match &mut self.output {
            Output::Plain(out) => {
                if let Some(text) = text {
                    // A closed pipe must not stop a run.
                    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
                }
            }
            Output::Bar(bar) => bar.event(event, text.as_deref(), &self.left),
        }
    }
}

/// How far a run is, and what is needed to tell how long it will still take.
struct Left {
    plan: Vec<BuildKey>,
    /// Index of the build that comes next. A chain that is given up is jumped over.
    next: usize,
    /// What the builds that ended well took; a failed one says nothing about the others.
    done: Vec<(ScenarioId, Seconds)>,
}

impl Left {
    fn add(&mut self, sample: &Sample) {
        let index = self.plan.iter().position(|key| *key == sample.key);
        self.next = index.unwrap_or(self.next) + 1;
        if matches!(sample.status, Status::Ok | Status::Invalid) {
            self.done.push((sample.key.scenario.clone(), sample.seconds));
        }
    }

    /// How long all builds that are left will take, if that can be told.
    fn all(&self) -> Option<Seconds> {
        time_left(&self.plan, self.next, &self.done)
    }

    /// How long the build that comes next will take, if that can be told.
    fn this(&self) -> Option<Seconds> {
        let after = time_left(&self.plan, self.next + 1, &self.done)?;
        Seconds::new(self.all()?.get() - after.get())
    }

    fn key(&self) -> Option<&BuildKey> {
        self.plan.get(self.next)
    }
}

/// The name of the step that started last, passed on without ever waiting.
#[derive(Default)]
struct Slot(Mutex<String>);

impl Progress for Slot {
    fn step(&self, name: &str) {
        // While the display looks at it, the name is dropped: the next step brings another.
        let mut slot = match self.0.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        slot.clear();
        slot.push_str(name);
    }
}

impl Slot {
    fn clear(&self) {
        self.step("");
    }

    fn take(&self) -> String {
        match self.0.lock() {
            Ok(slot) => slot.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }
}
