//! Events as lines of text, and spans of time and names of steps as people read them.
//! The same lines go to a terminal and to a log; only marks have colours, and only on a terminal.
//! Nothing is written anywhere in here.

use crate::model::{BuildKey, Event, Sample, Seconds, Status};
use crate::text::{counted, visible, without_logins};

/// Makes lines of events.
pub(super) struct Lines {
    total: u32,
    /// Widest names, so that columns are aligned.
    approach: usize,
    scenario: usize,
    numbered: bool,
    colour: bool,
    made: u32,
    failed: u32,
    invalid: u32,
}

const GREEN: u8 = 32;
const RED: u8 = 31;
const YELLOW: u8 = 33;

impl Lines {
    pub fn new(plan: &[BuildKey], numbered: bool, colour: bool) -> Self {
        let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
        Self {
            total: u32::try_from(plan.len()).unwrap_or(u32::MAX),
            approach: widest(&mut plan.iter().map(|key| key.approach.as_str().len())),
            scenario: widest(&mut plan.iter().map(|key| key.scenario.as_str().len())),
            numbered,
            colour,
            made: 0,
            failed: 0,
            invalid: 0,
        }
    }

    /// The line of an event, if it has one. `done` is the place that the run has reached in its plan, `left` what
    /// the others will take.
    pub fn of(&mut self, event: &Event, done: usize, left: Option<Seconds>) -> Option<String> {
        match event {
            Event::RunStarted { builds } => {
                self.total = *builds;
                Some(format!("{} to make", counted(*builds, "build", "builds")))
            }
            Event::PlanGrew { builds } => {
                self.total = self.total.saturating_add(u32::try_from(builds.len()).unwrap_or(u32::MAX));
                let (block, count) = (builds.last().map_or(0, |key| key.block), builds.len());
                Some(format!("… {count} more builds, up to block {block}: medians are not precise enough yet"))
            }
            Event::Preparing { what } => self.numbered.then(|| format!("… {}", printable(what))),
            Event::BuildStarted { .. } | Event::ImageAudited { .. } => None,
            Event::BuildFinished { sample, .. } => Some(self.finished(sample, done, left)),
            Event::ImageInspected { key, check, .. } => match check {
                Some(Err(why)) => {
                    Some(format!("{} image of {}: {}", self.mark('✗', RED), key.approach, printable(&why.0)))
                }
                _ => None,
            },
            Event::Warning { text } => Some(format!("{} {}", self.mark('!', YELLOW), printable(text))),
            Event::RunFinished { elapsed, interrupted } => Some(self.ended(*elapsed, *interrupted)),
        }
    }

    fn mark(&self, mark: char, colour: u8) -> String {
        if self.colour { format!("\x1b[{colour}m{mark}\x1b[0m") } else { mark.to_string() }
    }

    fn finished(&mut self, sample: &Sample, done: usize, left: Option<Seconds>) -> String {
        self.made += 1;
        let took = format!("{:.1} s", sample.seconds.get());
        let (mark, outcome) = match sample.status {
            Status::Ok => (self.mark('✓', GREEN), took),
            Status::Invalid => {
                self.invalid += 1;
                let why = printable(&sample.reason);
                (self.mark('!', YELLOW), format!("{took}, invalid: {why}"))
            }
            status => {
                self.failed += 1;
                let why = printable(&sample.reason);
                (self.mark('✗', RED), format!("{status} after {took}: {why}"))
            }
        };
        let key = &sample.key;
        let (approach, scenario) = (self.approach, self.scenario);
        let line =
            format!("{mark} block {}  {:approach$}  {:scenario$}  {outcome}", key.block, key.approach, key.scenario);
        if !self.numbered {
            return line;
        }
        let total = self.total.to_string();
        let width = total.len();
        match left.filter(|left| left.get() > 0.0) {
            Some(left) => format!("[{done:width$}/{total}] {line}   {} left", span(left)),
            None => format!("[{done:width$}/{total}] {line}"),
        }
    }

    fn ended(&self, elapsed: Seconds, interrupted: bool) -> String {
        let how = if interrupted { "stopped" } else { "done" };
        let mut line = format!("{how} after {}: {} of {} builds", span(elapsed), self.made, self.total);
        for (count, what) in [(self.failed, "failed"), (self.invalid, "invalid")] {
            if count > 0 {
                line = format!("{line}, {count} {what}");
            }
        }
        line
    }
}

/// A span of time as people say it: `42s`, `4m10s`, `2h05m`.
pub(super) fn span(time: Seconds) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative; saturates
    let seconds = time.get().round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// A text on one line, in which nothing could steer a terminal.
pub(super) fn printable(text: &str) -> String {
    visible(&text.trim_end().replace('\n', " "))
}

/// What a step does, without the place in its stage: `RUN make` for `[build 2/5] RUN make`.
pub(super) fn step(name: &str) -> String {
    let name = printable(&without_logins(name));
    match name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((place, rest)) if place != "internal" => rest.to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_steps_are_short() {
        for (seconds, text) in [(0.4, "0s"), (59.4, "59s"), (59.6, "1m00s"), (250.0, "4m10s"), (7500.0, "2h05m")] {
            assert_eq!(span(Seconds::new(seconds).unwrap()), text);
        }
        assert_eq!(step("[build 2/5] RUN pip install poetry"), "RUN pip install poetry");
        assert_eq!(step("[internal] load build context"), "[internal] load build context");
        assert_eq!(step("exporting\x1b[2J to\nimage"), "exporting␛[2J to image");
        assert_eq!(step("[unclosed"), "[unclosed");
    }
}
