//! The bar on a terminal, drawn twice a second by a thread of its own.
//! Others only tell it what to show; while a build runs nobody does but the thread itself.
//! The thread ends with the bar.

use super::left::Left;
use super::lines::{printable, span, step};
use super::slot::Slot;
use crate::model::{Event, Seconds};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The time between two drawings.
const TICK: Duration = Duration::from_millis(500);

/// A bar, a spinner and the lines above them.
pub(super) struct Bar {
    bar: ProgressBar,
    shown: Arc<Mutex<Shown>>,
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread shows until it is told otherwise.
#[derive(Clone, Default)]
struct Shown {
    what: String,
    /// Since when, what the current build will take, and what all that is left will take.
    left: Option<(Instant, Seconds, Seconds)>,
}

impl Bar {
    /// Starts a bar for a number of builds.
    pub fn start(builds: u64, colour: bool, slot: Arc<Slot>) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(2);
        let bar = ProgressBar::with_draw_target(Some(builds), target).with_style(style(colour));
        let shown = Arc::new(Mutex::new(Shown::default()));
        let (stop, stopped) = mpsc::channel::<()>();
        let (its_bar, its_shown) = (bar.clone(), Arc::clone(&shown));
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                draw(&its_bar, &its_shown, &slot);
            }
        });
        Self {
            bar,
            shown,
            stop: Some(stop),
            thread: thread.ok(), // without a thread there is no bar, but the lines still come
        }
    }

    /// Takes an event and the line that it has, which is printed above the bar.
    pub fn event(&mut self, event: &Event, line: Option<&str>, left: &Left) {
        if let Some(line) = line {
            self.bar.println(line);
        }
        let until = |this: Seconds| left.all().map(|all| (Instant::now(), this, all));
        let mut shown = Shown { what: String::new(), left: until(Seconds::ZERO) };
        match event {
            Event::RunStarted { builds } => self.bar.set_length(u64::from(*builds)),
            Event::PlanGrew { builds } => self.bar.inc_length(builds.len() as u64),
            Event::Preparing { what } => shown.what = printable(what),
            Event::BuildStarted { key } => {
                shown.what = format!("{} · {}", key.approach, key.scenario);
                shown.left = left.this().and_then(until);
            }
            Event::BuildFinished { .. } => {
                self.bar.set_position(left.next() as u64);
                if let Some(next) = left.key() {
                    shown.what = format!("next: {} · {}", next.approach, next.scenario);
                }
            }
            Event::RunFinished { .. } => self.end(),
            Event::ImageInspected { .. } | Event::ImageAudited { .. } | Event::Warning { .. } => return,
        }
        if let Ok(mut place) = self.shown.lock() {
            *place = shown;
        }
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it has nothing to say
        }
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}

fn style(colour: bool) -> ProgressStyle {
    let template = if colour {
        "{spinner:.cyan} [{pos}/{len}] {wide_msg}   {prefix}"
    } else {
        "{spinner} [{pos}/{len}] {wide_msg}   {prefix}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn draw(bar: &ProgressBar, shown: &Mutex<Shown>, slot: &Slot) {
    let Ok(shown) = shown.lock().map(|shown| shown.clone()) else {
        return;
    };
    let step = step(&slot.take());
    let left = shown.left.map(|(since, this, all)| still(this, all, since.elapsed()));
    bar.set_prefix(left.map_or("—".to_owned(), span) + " left");
    if step.is_empty() {
        bar.set_message(shown.what);
    } else {
        bar.set_message(format!("{} · {step}", shown.what));
    }
    bar.tick();
}

/// What is left while a build runs: a build that takes longer than thought counts as nearly done.
fn still(this: Seconds, all: Seconds, since: Duration) -> Seconds {
    let gone = since.as_secs_f64().min(this.get());
    Seconds::new(all.get() - gone).unwrap_or(Seconds::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_falls_while_a_build_runs_but_not_below_the_others() {
        let seconds = |value| Seconds::new(value).unwrap();
        let after = |s| still(seconds(20.0), seconds(100.0), Duration::from_secs(s)).get();
        assert_eq!((after(0), after(5), after(60)), (100.0, 95.0, 80.0));
    }

    #[test]
    fn a_bar_ends_when_it_is_dropped() {
        let slot = Arc::new(Slot::default());
        let bar = Bar::start(3, true, Arc::clone(&slot));
        drop(bar);
        assert_eq!(Arc::strong_count(&slot), 1, "the thread is gone");
    }
}
