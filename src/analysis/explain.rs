//! Which steps, pulls, transfers and waits make the difference between two cells, as a list that adds up to it.
//!
//! Each build's time is taken apart along its critical path, which covers it without a hole; steps are matched by what
//! they do, not by their number or stage.

use super::path::critical_path;
use crate::model::{Sample, Status, Step, StepKind};
use crate::stats;
use std::collections::BTreeMap;

/// Parts that differ by less than this are put together, in seconds.
const SHORTEST: f64 = 0.001;

/// One line of the list: what it took in both cells, in seconds of the critical path.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The step without its number and stage; for a wait, where it is.
    pub name: String,
    /// What kind of step it is.
    pub kind: StepKind,
    /// Seconds in the base; 0 where it does not occur.
    pub base: f64,
    /// Seconds in the new cell; 0 where it does not occur.
    pub new: f64,
}

impl Share {
    /// Seconds that it adds to the difference.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.new - self.base
    }
}

/// A figure of both cells that is no time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Both {
    /// In the base.
    pub base: f64,
    /// In the new cell.
    pub new: f64,
}

/// The difference of two cells, explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// Medians of all valid builds, in seconds.
    pub medians: Both,
    /// Valid builds.
    pub n: (usize, usize),
    /// How many builds nearest to the median were taken apart.
    pub taken: (usize, usize),
    /// The parts, largest difference first.
    pub shares: Vec<Share>,
    /// How many parts are too alike to be listed, and what they add up to in seconds.
    pub small: (usize, f64),
    /// What the parts leave of the difference of the medians, in seconds: builds near a median are not the median.
    pub remainder: f64,
    /// Mean bytes of base images downloaded.
    pub pulled: Both,
    /// Mean bytes of files sent.
    pub sent: Both,
    /// Mean number of steps that did work and were not cached.
    pub executed: Both,
}

impl Explained {
    /// New minus base: the difference of the medians, in seconds.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.medians.new - self.medians.base
    }
}

/// A build with its steps.
pub type Build<'a> = (&'a Sample, &'a [Step]);

/// Explains the difference of two cells; `None` where one has no valid build.
#[must_use]
pub fn explain(base: &[Build<'_>], new: &[Build<'_>]) -> Option<Explained> {
    let (base, new) = (valid(base), valid(new));
    let medians = Both { base: median(&base)?, new: median(&new)? };
    let taken = (nearest(&base, medians.base), nearest(&new, medians.new));
    let mut parts: BTreeMap<String, (StepKind, f64, f64)> = BTreeMap::new();
    for (build, share) in taken.0.iter().map(|build| (build, 1.0 / count(taken.0.len()))) {
        add(&mut parts, build, |part| &mut part.1, share);
    }
    for (build, share) in taken.1.iter().map(|build| (build, 1.0 / count(taken.1.len()))) {
        add(&mut parts, build, |part| &mut part.2, share);
    }
    let all = parts.into_iter().map(|(name, (kind, base, new))| Share { name, kind, base, new });
    let (mut shares, small): (Vec<Share>, Vec<Share>) = all.partition(|share| share.difference().abs() >= SHORTEST);
    shares.sort_by(|a, b| b.difference().abs().total_cmp(&a.difference().abs()));
    let small = (small.len(), small.iter().map(Share::difference).sum::<f64>());
    let explained = shares.iter().map(Share::difference).sum::<f64>() + small.1;
    let mean = |of: fn(&Sample) -> f64| {
        let mean = |builds: &[Build<'_>]| builds.iter().map(|(s, _)| of(s)).sum::<f64>() / count(builds.len());
        Both { base: mean(&taken.0), new: mean(&taken.1) }
    };
    #[allow(clippy::cast_precision_loss)] // means of bytes, shown with three digits
    let bytes = (|s: &Sample| s.pulled_bytes.0 as f64, |s: &Sample| s.context_bytes.0 as f64);
    Some(Explained {
        medians,
        n: (base.len(), new.len()),
        taken: (taken.0.len(), taken.1.len()),
        remainder: medians.new - medians.base - explained,
        shares,
        small,
        pulled: mean(bytes.0),
        sent: mean(bytes.1),
        executed: mean(|s| f64::from(s.steps - s.steps_cached)),
    })
}

fn valid<'a>(builds: &[Build<'a>]) -> Vec<Build<'a>> {
    builds.iter().copied().filter(|(sample, _)| sample.status == Status::Ok).collect()
}

fn median(builds: &[Build<'_>]) -> Option<f64> {
    stats::median(&builds.iter().map(|(sample, _)| sample.seconds.get()).collect::<Vec<_>>()).ok()
}

/// The third of the builds that is nearest to the median: one build alone would bring its accidents along.
fn nearest<'a>(builds: &[Build<'a>], median: f64) -> Vec<Build<'a>> {
    let mut sorted = builds.to_vec();
    let far = |build: &Build<'_>| (build.0.seconds.get() - median).abs();
    sorted.sort_by(|a, b| far(a).total_cmp(&far(b)));
    sorted.truncate(builds.len().div_ceil(3));
    sorted
}

type Spent = (StepKind, f64, f64);

/// Adds a build's critical path, weighted, to one side of the parts.
fn add(parts: &mut BTreeMap<String, Spent>, build: &Build<'_>, side: fn(&mut Spent) -> &mut f64, share: f64) {
    for link in critical_path(build.1, build.0.seconds).parts {
        let part = parts.entry(plain(&link.name, link.kind)).or_insert((link.kind, 0.0, 0.0));
        *side(part) += link.time.length().get() * share;
    }
}

/// What a step does, without its number, its stage and digests: `[build 2/5] RUN pip install` is `RUN pip install`.
pub(super) fn plain(name: &str, kind: StepKind) -> String {
    let text = match name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((place, rest)) if place != "internal" => rest,
        _ => name,
    };
    match (kind, text.split_once("@sha256:")) {
        (StepKind::Base, Some((image, _))) => image.to_owned(),
        _ => text.to_owned(),
    }
}

#[allow(clippy::cast_precision_loss)] // counts of builds
fn count(value: usize) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample;
    use super::*;
    use crate::model::{Bytes, Interval, Seconds};

    fn build(parts: &[(&str, f64)], rest: f64) -> (Sample, Vec<Step>) {
        let mut time = 0.0;
        let steps: Vec<Step> = parts
            .iter()
            .map(|(name, length)| {
                let start = time;
                time += length;
                Step {
                    name: (*name).to_owned(),
                    digest: (*name).to_owned(),
                    inputs: Vec::new(),
                    kind: StepKind::Work,
                    intervals: vec![Interval { start, end: time }],
                    cached: false,
                    bytes: Bytes(0),
                    error: None,
                }
            })
            .collect();
        (sample("a", "cold", time + rest), steps)
    }

    fn explained(base: &[(Sample, Vec<Step>)], new: &[(Sample, Vec<Step>)]) -> Explained {
        let side = |builds: &[(Sample, Vec<Step>)]| -> Vec<(Sample, Vec<Step>)> { builds.to_vec() };
        let (base, new) = (side(base), side(new));
        let refs = |builds: &'static [(Sample, Vec<Step>)]| builds.iter().map(|(s, t)| (s, &t[..])).collect::<Vec<_>>();
        let (base, new) = (refs(base.leak()), refs(new.leak()));
        explain(&base, &new).unwrap()
    }

    fn adds_up(got: &Explained) {
        let sum: f64 = got.shares.iter().map(Share::difference).sum::<f64>() + got.small.1 + got.remainder;
        assert!((sum - got.difference()).abs() < 1e-9, "{got:?}");
    }

    #[test]
    fn a_sleep_is_named_and_all_adds_up() {
        let base = [build(&[("[1/2] COPY . .", 0.1), ("[2/2] RUN true", 0.2)], 0.05)];
        let new =
            [build(&[("[a 1/3] COPY . .", 0.1), ("[a 2/3] RUN sleep 0.5", 0.5), ("[a 3/3] RUN true", 0.21)], 0.05)];
        let got = explained(&base, &new);
        adds_up(&got);
        assert_eq!(got.shares[0].name, "RUN sleep 0.5");
        assert!((got.shares[0].difference() - 0.5).abs() < 1e-9 && got.shares[0].base == 0.0);
        assert!(got.shares.iter().any(|s| s.name == "RUN true" && (s.difference() - 0.01).abs() < 1e-9));
        assert!(got.remainder.abs() < 1e-9 && (got.difference() - 0.51).abs() < 1e-9);
    }

    #[test]
    fn many_builds_still_add_up_and_bad_ones_do_not_count() {
        let many = |extra: f64| -> Vec<(Sample, Vec<Step>)> {
            (0..10).map(|i| build(&[("[1/1] RUN x", 1.0 + extra + f64::from(i * i) * 0.01)], 0.02)).collect()
        };
        let mut new = many(0.3);
        let mut failed = build(&[("[1/1] RUN x", 99.0)], 0.0);
        failed.0.status = Status::Failed;
        failed.0.seconds = Seconds::new(99.0).unwrap();
        new.push(failed);
        let got = explained(&many(0.0), &new);
        adds_up(&got);
        assert_eq!((got.n, got.taken), ((10, 10), (4, 4)));
        assert!((got.difference() - 0.3).abs() < 1e-9);
        assert!(explain(&[], &[]).is_none());
    }

    #[test]
    fn names_are_told_apart_by_what_they_do() {
        assert_eq!(plain("[build 2/5] RUN pip install", StepKind::Work), "RUN pip install");
        assert_eq!(plain("[internal] load build context", StepKind::Internal), "[internal] load build context");
        assert_eq!(
            plain("[1/5] FROM docker.io/library/python:3.12@sha256:ab", StepKind::Base),
            "FROM docker.io/library/python:3.12"
        );
    }
}
