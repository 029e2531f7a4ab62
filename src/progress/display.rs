//! Where events go: to a bar, or to plain lines.

use super::bar::Bar;
use super::left::Left;
use super::lines::Lines;
use super::slot::Slot;
use crate::model::{BuildKey, Event, Progress};
use std::io::{IsTerminal, Write};
use std::sync::Arc;

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
        Self { lines: Lines::new(&builds, numbered, colour), output, slot, left: Left::of(builds) }
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
            Event::PlanGrew { builds } => self.left.grow(builds),
            _ => {}
        }
        let text = self.lines.of(event, self.left.next(), self.left.all());
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
