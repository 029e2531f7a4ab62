//! What a log shows of a run, and that a display never holds up the runner.

use super::lines::Lines;
use super::slot::Slot;
use super::*;
use crate::model::{
    ApproachId, BuildKey, Bytes, CheckError, EngineId, Event, Progress, Sample, ScenarioId, Seconds, Status,
};
use std::io::Write;
use std::sync::{Arc, Mutex};

fn key(position: u32, approach: &str, scenario: &str) -> BuildKey {
    BuildKey {
        block: 1,
        position,
        approach: ApproachId::new(approach).unwrap(),
        scenario: ScenarioId::new(scenario).unwrap(),
    }
}

fn plan() -> Vec<BuildKey> {
    let mut plan = Vec::new();
    for approach in ["03-multi-stage", "01-simple"] {
        for scenario in ["cold", "warm", "sources-changed"] {
            plan.push(key(plan.len() as u32 + 1, approach, scenario));
        }
    }
    plan
}

fn finished(key: &BuildKey, status: Status, seconds: f64, reason: &str) -> Event {
    let bare = Sample::bare(key.clone(), Seconds::new(seconds).unwrap());
    let sample = Sample { status, reason: reason.to_owned(), ..bare };
    Event::BuildFinished { sample: Box::new(sample), steps: Vec::new() }
}

fn run(plan: &[BuildKey]) -> Vec<Event> {
    let text = |text: &str| text.to_owned();
    vec![
        Event::RunStarted { builds: 6 },
        Event::Preparing { what: text("starting a private engine") },
        Event::BuildStarted { key: plan[0].clone() },
        finished(&plan[0], Status::Ok, 240.04, ""),
        finished(&plan[1], Status::Ok, 0.46, ""),
        finished(&plan[2], Status::Invalid, 9.6, "no step was executed"),
        Event::ImageInspected {
            key: plan[2].clone(),
            engine: EngineId::only(),
            bytes: Bytes(0),
            layers: Vec::new(),
            check: Some(Err(CheckError(text("it printed \"Hallo\", expected \"Hello\"")))),
        },
        finished(&plan[3], Status::Failed, 3.21, "RUN false\x1b[31m\nended with 1"),
        Event::Warning { text: text("another client built on this engine") },
        finished(&plan[4], Status::Timeout, 1800.0, "stopped at the limit"),
        Event::RunFinished { elapsed: Seconds::new(2060.0).unwrap(), interrupted: true },
    ]
}

/// A writer that can be read while the display has it.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_shows_this() {
    let out = Shared::default();
    let mut display = Display::plain(Box::new(out.clone()), plan());
    for event in run(&plan()) {
        display.event(&event);
    }
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    crate::snapshot::whole("progress.txt", &text);
}

#[test]
fn marks_have_colours_only_where_they_are_wanted() {
    let plan = plan();
    let event = finished(&plan[0], Status::Ok, 20.6, "");
    let mut lines = Lines::new(&plan, false, true);
    assert_eq!(lines.of(&event, 1, None).unwrap(), "\x1b[32m✓\x1b[0m block 1  03-multi-stage  cold             20.6 s");
}

#[test]
fn a_closed_pipe_stops_nothing() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }
    let mut display = Display::plain(Box::new(Closed), plan());
    run(&plan()).iter().for_each(|event| display.event(event));
}

#[test]
fn a_step_never_waits_for_the_display() {
    let slot = Arc::new(Slot::default());
    slot.step("first");
    let held = slot.0.lock().unwrap();
    let other = Arc::clone(&slot);
    // Would hang here if it waited.
    std::thread::spawn(move || other.step("dropped")).join().unwrap();
    drop(held);
    assert_eq!(slot.take(), "first");
    slot.step("second");
    assert_eq!(slot.take(), "second");
}
