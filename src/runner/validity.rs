//! When a sample is valid: the cache state that was asked for, proved from what the engine held before and after
//! and from BuildKit's own trace. Pure.

use crate::engine::CacheContents;
use crate::model::{CacheState, ColdKind, Outcome, Status, Step, StepKind};
use std::collections::BTreeMap;

/// What must hold for one build.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// The cache condition asked for.
    pub cache: CacheState,
    /// What cold means on this engine.
    pub cold: ColdKind,
    /// What it held when the build before in the same chain had ended, if there was one.
    pub left: Option<&'a CacheContents>,
    /// What the engine held when the build began.
    pub before: &'a CacheContents,
    /// What it held when the build had ended.
    pub after: &'a CacheContents,
    /// Base images as the run first saw them: reference to digest.
    pub bases: &'a BTreeMap<String, String>,
    /// Whether the content of the context differs from the build before; `None` for a chain's first build.
    pub context_changed: Option<bool>,
    /// The build before in the chain did not end well: nobody can tell what cache it left.
    pub broken: bool,
    /// What speaks against the machine during the build.
    pub machine: &'a [String],
}

/// Judges an outcome: its status, and the reason when that is not `ok`.
#[must_use]
pub fn check(expected: &Expected<'_>, outcome: &Outcome) -> (Status, String) {
    match &outcome.result {
        Err((status, why)) => (*status, with_log(why, &outcome.log_tail)),
        Ok(()) => match objections(expected, outcome) {
            all if all.is_empty() => (Status::Ok, String::new()),
            all => (Status::Invalid, all.join("; ")),
        },
    }
}

fn with_log(why: &str, log: &[String]) -> String {
    let lines: Vec<&str> = log.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { why.to_owned() } else { format!("{why}\n{}", lines.join("\n")) }
}

/// Everything that speaks against a build that ended well.
fn objections(expected: &Expected<'_>, outcome: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    let work = || outcome.steps.iter().filter(|step| step.kind == StepKind::Work);
    let named = |steps: Vec<&Step>| steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", ");
    match expected.cache {
        CacheState::Cold => {
            let cached: Vec<&Step> = work().filter(|step| step.cached).collect();
            if !cached.is_empty() {
                found.push(format!("cold, but from the cache: {}", named(cached)));
            }
            if expected.cold == ColdKind::Pristine {
                let (images, records) = (expected.before.images.len(), expected.before.records.len());
                if images + records > 0 {
                    found.push(format!(
                        "the engine was not empty before: {images} images, {records} build cache records"
                    ));
                }
            }
        }
        CacheState::Warm => {
            let executed: Vec<&Step> = work().filter(|step| !step.cached).collect();
            if !executed.is_empty() {
                found.push(format!("warm, but executed: {}", named(executed)));
            }
        }
        CacheState::Changed => {
            if expected.context_changed == Some(false) {
                found.push("the content of the context is the same as in the build before".to_owned());
            }
            if work().all(|step| step.cached) {
                found.push("nothing was executed, though the context changed".to_owned());
            }
        }
    }
    if expected.broken && expected.cache != CacheState::Cold {
        found.push(
            "the build before it in its chain did not end well, and left another cache than was asked for".to_owned(),
        );
    }
    if work().next().is_none() {
        found.push("the trace shows no step of the Dockerfile".to_owned());
    }
    engine_objections(expected, outcome, &mut found);
    found.extend_from_slice(expected.machine);
    found
}

/// What may happen to an engine behind our back.
fn engine_objections(expected: &Expected<'_>, outcome: &Outcome, found: &mut Vec<String>) {
    if outcome.image_id.is_none() {
        found.push("no image came back".to_owned());
    }
    if expected.before.busy || expected.after.busy {
        found.push("another client was building on the engine".to_owned());
    }
    let ours = |image: &&String| outcome.image_id.as_ref() == Some(image);
    let foreign = expected.after.images.difference(&expected.before.images).filter(|image| !ours(image)).count();
    if foreign > 0 {
        found.push(format!("another client was building on the engine: {foreign} images appeared that are not ours"));
    }
    let vanished = |from: &CacheContents, to: &CacheContents| from.records.difference(&to.records).count();
    let during = vanished(expected.before, expected.after);
    if during > 0 {
        found.push(format!("{during} build cache records vanished during the build (garbage collection?)"));
    }
    let earlier = expected.left.map_or(0, |left| vanished(left, expected.before));
    if earlier > 0 {
        found.push(format!(
            "{earlier} build cache records vanished between the build before and this one (garbage collection?)"
        ));
    }
    for (reference, digest) in &outcome.bases {
        if let Some(known) = expected.bases.get(reference).filter(|known| *known != digest) {
            found.push(format!("base image {reference} moved from {known} to {digest} since the run began"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::outcome;

    fn expected<'a>(
        cache: CacheState,
        contents: &'a CacheContents,
        bases: &'a BTreeMap<String, String>,
    ) -> Expected<'a> {
        Expected {
            cache,
            cold: ColdKind::Pristine,
            left: None,
            before: contents,
            after: contents,
            bases,
            context_changed: Some(true),
            broken: false,
            machine: &[],
        }
    }

    fn verdict(
        change: impl FnOnce(&mut Expected<'_>, &mut Outcome),
        cache: CacheState,
        cached: usize,
    ) -> (Status, String) {
        let (contents, bases) = (CacheContents::default(), BTreeMap::new());
        let mut expected = expected(cache, &contents, &bases);
        let mut outcome = outcome(1.0, 3, cached);
        change(&mut expected, &mut outcome);
        check(&expected, &outcome)
    }

    #[test]
    fn each_cache_state_is_proved_by_the_trace() {
        use CacheState::{Changed, Cold, Warm};
        for (cache, cached, status) in [
            (Cold, 0, Status::Ok),
            (Cold, 1, Status::Invalid),
            (Warm, 3, Status::Ok),
            (Warm, 2, Status::Invalid),
            (Changed, 0, Status::Ok),
            (Changed, 2, Status::Ok),
            (Changed, 3, Status::Invalid),
        ] {
            assert_eq!(verdict(|_, _| {}, cache, cached).0, status, "{cache:?} with {cached} of 3 cached");
        }
        let (_, reason) = verdict(|_, _| {}, Warm, 2);
        assert_eq!(reason, "warm, but executed: [3/3] RUN true");
    }

    #[test]
    fn a_context_that_did_not_change_is_no_changed_state() {
        let (status, reason) = verdict(|e, _| e.context_changed = Some(false), CacheState::Changed, 1);
        assert_eq!(status, Status::Invalid);
        assert!(reason.contains("same as in the build before"), "{reason}");
    }

    #[test]
    fn what_starts_from_a_build_that_failed_proves_nothing() {
        let broken = |cache, cached| verdict(|e, _| e.broken = true, cache, cached);
        for (cache, cached) in [(CacheState::Warm, 3), (CacheState::Changed, 1)] {
            let (status, reason) = broken(cache, cached);
            assert_eq!(status, Status::Invalid);
            assert!(reason.contains("the build before it in its chain did not end well"), "{reason}");
        }
        assert_eq!(broken(CacheState::Cold, 0).0, Status::Ok, "a cold build starts from nothing");
    }

    #[test]
    fn what_happens_behind_our_back_makes_a_sample_invalid() {
        let full = CacheContents { images: ["i".to_owned()].into(), records: ["r".to_owned()].into(), busy: false };
        let busy = CacheContents { busy: true, ..CacheContents::default() };
        let moved = BTreeMap::from([("docker.io/library/busybox:1".to_owned(), "sha256:11".to_owned())]);
        let (empty, none) = (CacheContents::default(), BTreeMap::new());
        for (before, after, bases, words) in [
            (&full, &full, &none, "not empty before: 1 images, 1 build"),
            (&empty, &busy, &none, "another client"),
            (&full, &empty, &none, "1 build cache records vanished"),
            (&empty, &empty, &moved, "moved from sha256:11 to sha256:00"),
        ] {
            let expected = Expected { before, after, ..expected(CacheState::Cold, &empty, bases) };
            let (status, reason) = check(&expected, &outcome(1.0, 3, 0));
            assert_eq!(status, Status::Invalid);
            assert!(reason.contains(words), "{reason}");
        }
    }

    #[test]
    fn what_happens_between_two_builds_of_a_chain_makes_the_second_invalid() {
        let (status, reason) = verdict(|_, _| {}, CacheState::Warm, 3);
        assert_eq!((status, reason.as_str()), (Status::Ok, ""));
        let (left, bases) = (CacheContents { records: ["r".to_owned()].into(), ..Default::default() }, BTreeMap::new());
        let contents = CacheContents::default();
        let expected = Expected { left: Some(&left), ..expected(CacheState::Warm, &contents, &bases) };
        let (status, reason) = check(&expected, &outcome(1.0, 3, 3));
        assert_eq!(status, Status::Invalid);
        assert!(reason.contains("1 build cache records vanished between"), "{reason}");
    }

    #[test]
    fn an_image_that_is_not_ours_is_another_clients() {
        let ours = outcome(1.0, 3, 0).image_id.unwrap();
        let (before, bases) = (CacheContents::default(), BTreeMap::new());
        for (images, status) in [(vec![ours.clone()], Status::Ok), (vec![ours, "sha256:1".into()], Status::Invalid)] {
            let after = CacheContents { images: images.into_iter().collect(), ..CacheContents::default() };
            let expected = Expected { after: &after, ..expected(CacheState::Cold, &before, &bases) };
            assert_eq!(check(&expected, &outcome(1.0, 3, 0)).0, status);
        }
    }

    #[test]
    fn what_the_machine_did_makes_a_sample_invalid_but_a_failure_stays_one() {
        let (contents, bases) = (CacheContents::default(), BTreeMap::new());
        let machine = ["the machine's clock jumped by +5.0 s during the build".to_owned()];
        let expected = Expected { machine: &machine, ..expected(CacheState::Cold, &contents, &bases) };
        let (status, reason) = check(&expected, &outcome(1.0, 3, 0));
        assert_eq!((status, reason.as_str()), (Status::Invalid, machine[0].as_str()));
        let mut failed = outcome(1.0, 3, 0);
        failed.result = Err((Status::Failed, "it broke".to_owned()));
        assert_eq!(check(&expected, &failed).0, Status::Failed);
    }

    #[test]
    fn a_failed_build_keeps_its_status_and_its_log() {
        let fail = |_: &mut Expected<'_>, outcome: &mut Outcome| {
            outcome.result = Err((Status::Failed, "[2/3] RUN false: exit code: 1".to_owned()));
            outcome.log_tail = vec!["it hurts".to_owned(), String::new()];
        };
        let (status, reason) = verdict(fail, CacheState::Cold, 0);
        assert_eq!((status, reason.as_str()), (Status::Failed, "[2/3] RUN false: exit code: 1\nit hurts"));
    }
}
