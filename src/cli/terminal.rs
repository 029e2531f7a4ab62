//! Whoever sits at the terminal: is told things on standard error, sees a bar, and can press Ctrl-C.

use super::out;
use super::signals;
use crate::app::{InFlight, Watcher};
use crate::engine::Interrupt;
use crate::model::{BuildKey, Event, Progress};
use crate::progress::Display;
use std::cell::RefCell;
use std::sync::Arc;

/// The terminal that the program was called from.
pub struct Terminal {
    quiet: bool,
    display: RefCell<Option<Display>>,
}

impl Terminal {
    /// A terminal; a `quiet` one does not show the steps of a single build.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, display: RefCell::new(None) }
    }
}

impl Watcher for Terminal {
    fn say(&self, text: &str) {
        out::say(text);
    }

    fn interrupt(&self, in_flight: InFlight) -> Interrupt {
        let interrupt = Interrupt::default();
        signals::watch(&interrupt, in_flight);
        interrupt
    }

    fn expect(&self, builds: Vec<BuildKey>) -> Arc<dyn Progress> {
        let display = Display::standard_error(builds);
        let hints = display.hints();
        *self.display.borrow_mut() = Some(display);
        hints
    }

    fn event(&self, event: &Event) {
        if let Some(display) = self.display.borrow_mut().as_mut() {
            display.event(event);
        }
        if matches!(event, Event::RunFinished { .. }) {
            *self.display.borrow_mut() = None;
        }
    }

    fn steps(&self) -> Arc<dyn Progress> {
        Arc::new(Steps { quiet: self.quiet })
    }
}

/// The steps of a single build, a line each.
struct Steps {
    quiet: bool,
}

impl Progress for Steps {
    fn step(&self, name: &str) {
        if !self.quiet {
            out::say(name);
        }
    }
}
