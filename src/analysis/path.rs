//! Where the seconds of one build went: the chain of steps that its length depends on, and the times
//! in which nothing ran.
//!
//! Works on one sample's steps alone; two samples are compared elsewhere.

use crate::model::{Bytes, Interval, Seconds, Step, StepKind};
use std::collections::{BTreeSet, HashMap};

/// Holes shorter than this are not worth a row, in seconds.
const SHORTEST: f64 = 0.001;
/// A step may begin this much later than the last of the steps that it needs, as a part of the
/// build's seconds and in seconds, before the chain looks for another step that held it up.
const SLACK: (f64, f64) = (0.05, 0.1);

/// One link of the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct PathPart {
    /// Name of the step; for a wait, where it is.
    pub name: String,
    /// Digest of the step; empty for a wait.
    pub digest: String,
    /// Kind of the step; [`StepKind::Wait`] where none ran.
    pub kind: StepKind,
    /// From when to when it is on the chain, in seconds from the start of the build.
    pub time: Interval,
}

/// The chain of steps that a build's length depends on: without a hole from 0 to its seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CriticalPath {
    /// The links, in order of time.
    pub parts: Vec<PathPart>,
}

impl CriticalPath {
    /// Seconds of all links; the seconds of the build, but for rounding.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.sum(|_| true)
    }

    /// Seconds of the links in which no step of the chain ran.
    #[must_use]
    pub fn waited(&self) -> Seconds {
        self.sum(|part| part.kind == StepKind::Wait)
    }

    fn sum(&self, wanted: impl Fn(&PathPart) -> bool) -> Seconds {
        let parts = self.parts.iter().filter(|part| wanted(part));
        let sum = parts.map(|part| part.time.length().get()).sum();
        Seconds::new(sum).unwrap_or(Seconds::ZERO)
    }
}

/// A time in which a step was at work.
#[derive(Clone, Copy)]
struct Work {
    step: usize,
    start: f64,
    end: f64,
}

/// The chain that the build's length depends on. It is followed from the end: before each step comes
/// the one it needs (through any number of inputs) that ended last. Where that one ended long before
/// (see `SLACK`), or nothing is needed, whatever ended last before takes its place, since a step can
/// also be held up by what it does not read. What lies between two links is a wait.
///
/// `seconds` is the client's time for the whole build; steps are cut to it.
#[must_use]
pub fn critical_path(steps: &[Step], seconds: Seconds) -> CriticalPath {
    let work = work(steps, seconds.get());
    let needs = needs(steps);
    let slack = (seconds.get() * SLACK.0).max(SLACK.1);
    let mut parts = Vec::new();
    let mut time = seconds.get();
    let mut step: Option<usize> = None;
    while let Some(next) = before(&work, &needs, step, time, slack) {
        let end = next.end.min(time);
        push_wait(&mut parts, end, time, seconds.get());
        if end > next.start {
            parts.push(PathPart {
                name: steps[next.step].name.clone(),
                digest: steps[next.step].digest.clone(),
                kind: steps[next.step].kind,
                time: Interval { start: next.start, end },
            });
        }
        time = next.start;
        step = Some(next.step);
    }
    push_wait(&mut parts, 0.0, time, seconds.get());
    parts.reverse();
    CriticalPath { parts }
}

/// What the chain was held up by at `time`, seen from `step`.
fn before(work: &[Work], needs: &[BTreeSet<usize>], step: Option<usize>, time: f64, slack: f64) -> Option<Work> {
    let last = |wanted: &dyn Fn(&Work) -> bool| {
        let earlier = work.iter().filter(|w| w.start < time && wanted(w));
        // Of those that ended at the same time, the one that began first explains most.
        earlier.copied().max_by(|a, b| {
            let ends = a.end.min(time).total_cmp(&b.end.min(time));
            ends.then(b.start.total_cmp(&a.start))
        })
    };
    let any = last(&|_| true)?;
    let needed = step.and_then(|s| last(&|w| w.step == s || needs[s].contains(&w.step)));
    match needed {
        Some(needed) if time - needed.end <= slack => Some(needed),
        _ => Some(any),
    }
}

fn push_wait(parts: &mut Vec<PathPart>, start: f64, end: f64, seconds: f64) {
    if end > start {
        parts.push(PathPart {
            name: place(start, end, seconds).to_owned(),
            digest: String::new(),
            kind: StepKind::Wait,
            time: Interval { start, end },
        });
    }
}

fn place(start: f64, end: f64, seconds: f64) -> &'static str {
    if start <= 0.0 {
        "before the first step"
    } else if end >= seconds {
        "after the last step"
    } else {
        "between steps"
    }
}

/// Everything that ran, cut to the build's time. Waits are made by us and are not work.
fn work(steps: &[Step], seconds: f64) -> Vec<Work> {
    let real = steps.iter().enumerate();
    let real = real.filter(|(_, step)| step.kind != StepKind::Wait);
    real.flat_map(|(step, s)| {
        s.intervals.iter().filter_map(move |interval| {
            let start = interval.start.max(0.0);
            let end = interval.end.min(seconds);
            // NaN fails this comparison too.
            (start <= end).then_some(Work { step, start, end })
        })
    })
    .collect()
}

/// For each step all steps that it needs, directly or through others.
fn needs(steps: &[Step]) -> Vec<BTreeSet<usize>> {
    let by_digest: HashMap<&str, usize> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| !step.digest.is_empty())
        .map(|(index, step)| (step.digest.as_str(), index))
        .collect();
    let inputs = |index: usize| {
        let digests = steps[index].inputs.iter();
        digests.filter_map(|digest| by_digest.get(digest.as_str()).copied())
    };
    let all = |index: usize| {
        let mut found = BTreeSet::new();
        let mut open: Vec<usize> = inputs(index).collect();
        while let Some(next) = open.pop() {
            if next != index && found.insert(next) {
                open.extend(inputs(next));
            }
        }
        found
    };
    (0..steps.len()).map(all).collect()
}

/// The times in which no step ran, as steps of kind [`StepKind::Wait`]: with them the rows of a
/// sample cover its seconds. Holes under a millisecond are left open; rows of that kind that are
/// already among `steps` are ignored.
#[must_use]
pub fn waits(steps: &[Step], seconds: Seconds) -> Vec<Step> {
    let end = seconds.get();
    let mut work = work(steps, end);
    work.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut holes = Vec::new();
    let mut covered = 0.0_f64;
    for w in &work {
        holes.push((covered, w.start));
        covered = covered.max(w.end);
    }
    holes.push((covered, end));
    let long_enough = holes.into_iter().filter(|(a, b)| b - a >= SHORTEST);
    let wait = |(start, stop)| Step {
        name: place(start, stop, end).to_owned(),
        digest: String::new(),
        inputs: Vec::new(),
        kind: StepKind::Wait,
        intervals: vec![Interval { start, end: stop }],
        cached: false,
        bytes: Bytes(0),
        error: None,
    };
    long_enough.map(wait).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, inputs: &[&str], times: &[(f64, f64)]) -> Step {
        Step {
            name: name.to_owned(),
            digest: name.to_owned(),
            inputs: inputs.iter().map(|i| (*i).to_owned()).collect(),
            kind: StepKind::Work,
            intervals: times.iter().map(|&(start, end)| Interval { start, end }).collect(),
            cached: false,
            bytes: Bytes(0),
            error: None,
        }
    }

    fn names(path: &CriticalPath) -> Vec<(&str, f64)> {
        let parts = path.parts.iter();
        parts.map(|p| (p.name.as_str(), (p.time.length().get() * 1e6).round() / 1e6)).collect()
    }

    fn seconds(value: f64) -> Seconds {
        Seconds::new(value).unwrap()
    }

    /// Two stages side by side: the build stage is the longer one.
    fn two_stages() -> Vec<Step> {
        vec![
            step("dockerfile", &[], &[(0.1, 0.2)]),
            step("from build", &[], &[(0.2, 3.0)]),
            step("pip", &["from build"], &[(3.02, 9.0)]),
            step("from runtime", &[], &[(0.2, 1.0)]),
            step("useradd", &["from runtime"], &[(1.0, 8.5)]),
            step("copy", &["pip", "useradd"], &[(9.0, 9.5)]),
            step("export", &["copy"], &[(9.5, 9.9)]),
        ]
    }

    #[test]
    fn the_longer_stage_is_the_path() {
        let path = critical_path(&two_stages(), seconds(10.0));
        assert_eq!(
            names(&path),
            [
                ("before the first step", 0.1),
                ("dockerfile", 0.1),
                ("from build", 2.8),
                ("between steps", 0.02),
                ("pip", 5.98),
                ("copy", 0.5),
                ("export", 0.4),
                ("after the last step", 0.1),
            ]
        );
        assert!((path.total().get() - 10.0).abs() < 1e-9);
        assert!((path.waited().get() - 0.22).abs() < 1e-9);
    }

    #[test]
    fn a_step_can_be_held_up_by_what_it_does_not_read() {
        let steps =
            [step("a", &[], &[(0.0, 1.0)]), step("context", &[], &[(0.0, 8.0)]), step("b", &["a"], &[(8.0, 10.0)])];
        let path = critical_path(&steps, seconds(10.0));
        assert_eq!(names(&path), [("context", 8.0), ("b", 2.0)]);
    }

    #[test]
    fn steps_that_ran_twice_or_for_no_time_do_not_break_the_chain() {
        let steps = [
            step("from", &[], &[(0.0, 1.0), (4.0, 5.0)]),
            step("cached", &["from"], &[(5.0, 5.0)]),
            step("run", &["cached"], &[(5.0, 6.0)]),
        ];
        let path = critical_path(&steps, seconds(6.0));
        assert_eq!(names(&path), [("from", 1.0), ("between steps", 3.0), ("from", 1.0), ("run", 1.0)]);
    }

    #[test]
    fn strange_traces_still_add_up() {
        let mut loops = vec![step("a", &["b"], &[(-1.0, 4.0), (f64::NAN, 5.0)]), step("b", &["a"], &[(3.0, 99.0)])];
        loops.push(step("never", &["a", "gone"], &[]));
        for steps in [vec![], loops] {
            for length in [0.0, 10.0] {
                let path = critical_path(&steps, seconds(length));
                assert!((path.total().get() - length).abs() < 1e-9, "{path:?}");
            }
        }
    }

    #[test]
    fn waits_fill_the_holes() {
        let mut steps = vec![
            step("a", &[], &[(0.5, 1.0), (2.0, 3.0)]),
            step("b", &[], &[(0.7, 1.5)]),
            step("c", &[], &[(3.0005, 4.0)]),
        ];
        let found = waits(&steps, seconds(4.25));
        let rows: Vec<_> = found.iter().map(|w| (w.name.as_str(), w.start().unwrap(), w.end().unwrap())).collect();
        assert_eq!(
            rows,
            [("before the first step", 0.0, 0.5), ("between steps", 1.5, 2.0), ("after the last step", 4.0, 4.25)]
        );
        steps.extend(found.clone());
        assert_eq!(waits(&steps, seconds(4.25)), found);
        assert_eq!(waits(&[], seconds(2.0)).len(), 1);
        assert!(waits(&[], Seconds::ZERO).is_empty());
    }
}
