//! Where the seconds of a cell's builds go: pulls, transfers, each step, export and waits, which add up to the build.
//!
//! Each build is taken apart along its critical path, as for explanations; the parts of several builds are averaged.

use super::explain::{Build, plain};
use super::path::critical_path;
use crate::model::StepKind;
use std::collections::HashMap;

/// One part of a build.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The step without its number and stage; for a wait, where it is.
    pub name: String,
    /// What kind of step it is.
    pub kind: StepKind,
    /// Mean seconds of the critical path that it takes.
    pub seconds: f64,
}

/// The parts of builds, in the order in which they begin. Together they are as long as the builds on average.
#[must_use]
pub fn parts(builds: &[Build<'_>]) -> Vec<Part> {
    #[allow(clippy::cast_precision_loss)] // a few builds
    let share = 1.0 / builds.len().max(1) as f64;
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut parts: Vec<(Part, f64, f64)> = Vec::new();
    for (sample, steps) in builds {
        for link in critical_path(steps, sample.seconds).parts {
            let name = plain(&link.name, link.kind);
            let place = *places.entry(name.clone()).or_insert_with(|| {
                parts.push((Part { name, kind: link.kind, seconds: 0.0 }, 0.0, 0.0));
                parts.len() - 1
            });
            let (part, starts, count) = &mut parts[place];
            part.seconds += link.time.length().get() * share;
            *starts += link.time.start;
            *count += 1.0;
        }
    }
    parts.sort_by(|a, b| (a.1 / a.2).total_cmp(&(b.1 / b.2)));
    parts.into_iter().map(|(part, ..)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample;
    use super::*;
    use crate::model::{Bytes, Interval, Step};

    fn step(name: &str, start: f64, end: f64) -> Step {
        Step {
            name: name.to_owned(),
            digest: name.to_owned(),
            inputs: Vec::new(),
            kind: StepKind::Work,
            intervals: vec![Interval { start, end }],
            cached: false,
            bytes: Bytes(0),
            error: None,
        }
    }

    #[test]
    fn parts_are_in_order_and_add_up_to_the_mean() {
        let short = (sample("a", "cold", 4.0), vec![step("[1/2] COPY", 0.5, 1.0), step("[2/2] RUN x", 1.0, 4.0)]);
        let long = (sample("a", "cold", 6.0), vec![step("[1/2] COPY", 0.5, 1.0), step("[2/2] RUN x", 1.0, 6.0)]);
        let got = parts(&[(&short.0, &short.1), (&long.0, &long.1)]);
        let got: Vec<(&str, f64)> = got.iter().map(|part| (part.name.as_str(), part.seconds)).collect();
        assert_eq!(got, [("before the first step", 0.5), ("COPY", 0.5), ("RUN x", 4.0)]);
        assert!(parts(&[]).is_empty());
        // A build without steps is one wait.
        let bare = sample("a", "cold", 2.0);
        assert_eq!(parts(&[(&bare, &[])]).iter().map(|part| part.seconds).sum::<f64>(), 2.0);
    }
}
