//! What the runner does when the world around a build changes: with an engine and a machine that play a script.

use super::{Around, End, Materials, Recipe, RunError, run};
use crate::engine::fake::{FakeEngine, FakeMachine, outcome};
use crate::engine::machine::look::{Look, Room};
use crate::engine::{Client, Interrupt, Named};
use crate::model::{
    ApproachId, BuildKey, Bytes, CacheState, ChainKind, EngineId, Event, NoProgress, Outcome, Sample, ScenarioId,
    StateId, Status,
};
use crate::plan::{Chain, Plan, PlannedBuild};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn approach() -> ApproachId {
    ApproachId::new("one").unwrap()
}

/// Blocks of one approach: cold and warm.
fn plan(blocks: u32) -> Plan {
    let state = StateId::new("base").unwrap();
    let build = |block, position, scenario: &str, cache| PlannedBuild {
        key: BuildKey { block, position, approach: approach(), scenario: ScenarioId::new(scenario).unwrap() },
        state: state.clone(),
        cache,
        measured: true,
    };
    let chain = |block| Chain {
        block,
        engine: EngineId::only(),
        approach: approach(),
        builds: vec![
            build(block, block * 2 - 1, "cold", CacheState::Cold),
            build(block, block * 2, "warm", CacheState::Warm),
        ],
    };
    Plan { seed: 1, chain: ChainKind::Article, chains: (1..=blocks).map(chain).collect(), further: Vec::new() }
}

fn materials(bases: &[(&str, &str)]) -> Materials {
    let recipe = Recipe {
        dockerfile: Arc::default(),
        dockerfile_name: "Dockerfile".to_owned(),
        ignore: None,
        settings: Default::default(),
        bases: BTreeSet::new(),
    };
    Materials {
        run: "test".to_owned(),
        recipes: BTreeMap::from([(approach(), recipe)]),
        marks: crate::study::Marks::default(),
        contexts: BTreeMap::from([(StateId::new("base").unwrap(), "/".into())]),
        context_digests: BTreeMap::new(),
        bases: BTreeMap::from([(
            EngineId::only(),
            bases.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect(),
        )]),
        timeout: Duration::from_secs(1),
        client: Client::default(),
        prints: None,
        audit: None,
    }
}

/// What came of a run: its end, its samples and its warnings.
struct Done {
    end: Result<End, RunError>,
    samples: Vec<Sample>,
    warnings: Vec<String>,
}

impl Done {
    fn states(&self) -> Vec<(Status, &str)> {
        self.samples.iter().map(|sample| (sample.status, sample.reason.as_str())).collect()
    }
}

fn carry_out(
    blocks: u32,
    materials: &Materials,
    script: impl FnMut(usize) -> Outcome + 'static,
    looks: Vec<Look>,
    interrupt: &Interrupt,
) -> Done {
    let mut script = script;
    carry_out_on(FakeEngine::new(move |number, _| script(number)), blocks, materials, looks, interrupt)
}

fn carry_out_on(
    engine: FakeEngine,
    blocks: u32,
    materials: &Materials,
    looks: Vec<Look>,
    interrupt: &Interrupt,
) -> Done {
    let mut engines = [Named { name: EngineId::only(), engine: Box::new(engine) }];
    let (mut samples, mut warnings) = (Vec::new(), Vec::new());
    let mut sink = |event: Event| {
        match event {
            Event::BuildFinished { sample, .. } => samples.push(*sample),
            Event::Warning { text } => warnings.push(text),
            _ => {}
        }
        Ok(())
    };
    let machine = FakeMachine::new(looks);
    let around = Around { machine: &machine, folders: &[], progress: &NoProgress, interrupt, more: &|| false };
    let end = run(&plan(blocks), materials, &mut engines, &around, &mut sink);
    Done { end, samples, warnings }
}

/// Cold builds execute all steps, warm ones none.
fn good(number: usize) -> Outcome {
    outcome(1.0, 3, if number == 0 { 0 } else { 3 })
}

/// Looks at a machine on which a second passes from each to the next, and the time of day goes by `wall`.
fn looks(wall: &[u64]) -> Vec<Look> {
    let look = |(second, wall): (u64, &u64)| Look {
        wall: Duration::from_secs(1_000_000 + wall),
        monotonic: Duration::from_secs(second),
        ..Look::default()
    };
    (0..).zip(wall).map(look).collect()
}

#[test]
fn a_clock_that_jumps_during_a_build_makes_its_sample_invalid_and_no_other() {
    let done =
        carry_out(2, &materials(&[]), good, looks(&[0, 1, 2, 3602, 3603, 3604, 3605, 3606]), &Interrupt::default());
    assert_eq!(done.end, Ok(End::Complete));
    let jump = "the machine's clock jumped by +3599.0 s during the build";
    assert_eq!(done.states(), [(Status::Ok, ""), (Status::Invalid, jump), (Status::Ok, ""), (Status::Ok, "")]);
    assert_eq!(done.warnings, [""; 0]);
}

#[test]
fn a_clock_that_jumps_between_two_builds_is_told_of() {
    let done = carry_out(1, &materials(&[]), good, looks(&[5000, 5001, 2, 3]), &Interrupt::default());
    assert_eq!(done.states(), [(Status::Ok, ""), (Status::Ok, "")]);
    assert_eq!(done.warnings.len(), 1);
    assert!(done.warnings[0].contains("jumped by -5000.0 s between two builds"), "{:?}", done.warnings);
}

#[test]
fn a_processor_that_is_held_back_makes_its_sample_invalid() {
    let mut all = looks(&[0, 1, 2, 3]);
    for (look, held) in all.iter_mut().zip([7, 8, 8, 8]) {
        look.held.insert("a quota".to_owned(), Duration::from_secs(held));
    }
    let done = carry_out(1, &materials(&[]), good, all, &Interrupt::default());
    let reason = "a quota held the processor back for 1.00 s of 1.00 s";
    assert_eq!(done.states(), [(Status::Invalid, reason), (Status::Ok, "")]);
}

#[test]
fn a_disk_that_is_about_to_fill_ends_the_run_before_the_next_build() {
    let mut all = looks(&[0, 1, 2, 3]);
    for (look, free) in all.iter_mut().zip([100, 60, 45, 45]) {
        look.rooms.push(Room { what: "everything".to_owned(), free: Bytes(free), least: Bytes(10) });
    }
    let done = carry_out(1, &materials(&[]), good, all, &Interrupt::default());
    assert_eq!(done.states(), [(Status::Ok, "")]);
    let Err(RunError::Stopped(why)) = done.end else { panic!("{:?}", done.end) };
    assert!(why.contains("the disk of everything is about to fill: 45B free"), "{why}");
}

#[test]
fn a_build_that_fills_a_disk_is_kept_and_ends_the_run() {
    let full = |number| {
        let mut outcome = good(number);
        outcome.result = Err((Status::Failed, "write /x: no space left on device".to_owned()));
        outcome
    };
    let done = carry_out(1, &materials(&[]), full, Vec::new(), &Interrupt::default());
    assert_eq!(done.states(), [(Status::Failed, "write /x: no space left on device")]);
    assert!(matches!(done.end, Err(RunError::Stopped(_))), "{:?}", done.end);
}

/// A sample that cannot prove its state is none, but it is kept.
#[test]
fn a_build_whose_engine_dies_right_after_it_is_kept_and_ends_the_run() {
    let mut engine = FakeEngine::new(|number, _| good(number));
    engine.dies_after = Some(2);
    let done = carry_out_on(engine, 2, &materials(&[]), Vec::new(), &Interrupt::default());
    let why = "nobody can tell what the engine held afterwards: asking the engine: no answer";
    assert_eq!(done.states(), [(Status::Ok, ""), (Status::Invalid, why)]);
    assert!(matches!(done.end, Err(RunError::Engine(_))), "{:?}", done.end);
}

#[test]
fn what_follows_a_build_that_failed_is_no_sample() {
    let script = |number| {
        let mut outcome = good(number);
        if number == 0 {
            outcome.result = Err((Status::Failed, "connection refused".to_owned()));
        }
        outcome
    };
    let done = carry_out(1, &materials(&[]), script, Vec::new(), &Interrupt::default());
    let why = "the build before it in its chain did not end well, and left another cache than was asked for";
    assert_eq!(done.states(), [(Status::Failed, "connection refused"), (Status::Invalid, why)]);
}

#[test]
fn a_base_that_is_not_the_one_of_the_runs_start_makes_samples_invalid() {
    let base = "docker.io/library/busybox:1";
    let done = carry_out(1, &materials(&[(base, "sha256:00")]), good, Vec::new(), &Interrupt::default());
    assert_eq!(done.states(), [(Status::Ok, ""), (Status::Ok, "")]);
    let done = carry_out(1, &materials(&[(base, "sha256:11")]), good, Vec::new(), &Interrupt::default());
    assert!(done.samples.iter().all(|sample| sample.status == Status::Invalid));
    assert!(done.samples[0].reason.contains("moved from sha256:11 to sha256:00"), "{}", done.samples[0].reason);
}

/// A registry that refuses the first `times` builds.
fn refusing(times: u32, words: &'static str) -> (impl FnMut(usize) -> Outcome + 'static, Rc<Cell<u32>>) {
    let asked = Rc::new(Cell::new(0));
    let counter = Rc::clone(&asked);
    let script = move |number| {
        counter.set(counter.get() + 1);
        let mut outcome = good(number);
        if counter.get() <= times {
            outcome.result = Err((Status::Failed, format!("load metadata for x: 429 Too Many Requests: {words}")));
        }
        outcome
    };
    (script, asked)
}

#[test]
fn too_many_requests_are_waited_out_and_never_become_a_sample() {
    let (script, asked) = refusing(2, "retry-after: 0.5s");
    let done = carry_out(1, &materials(&[]), script, Vec::new(), &Interrupt::default());
    assert_eq!((done.end.clone(), asked.get()), (Ok(End::Complete), 4));
    assert_eq!(done.states(), [(Status::Ok, ""), (Status::Ok, "")]);
    assert_eq!(done.warnings.len(), 2);
    assert!(done.warnings[0].contains("trying again in 0.5 s, as it asks"), "{:?}", done.warnings);
}

#[test]
fn too_many_requests_for_too_long_end_the_run_with_the_reason() {
    let (script, asked) = refusing(u32::MAX, "retry-after: 7200s");
    let done = carry_out(1, &materials(&[]), script, Vec::new(), &Interrupt::default());
    let Err(RunError::Stopped(why)) = &done.end else { panic!("{:?}", done.end) };
    assert!(why.contains("still says too many requests") && why.contains("--registry-cache"), "{why}");
    assert_eq!((done.samples.len(), asked.get()), (0, 1));
}

#[test]
fn waiting_for_a_registry_can_be_stopped() {
    let (script, _) = refusing(u32::MAX, "retry-after: 600s");
    let (interrupt, since) = (Interrupt::default(), Instant::now());
    let other = interrupt.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        other.raise();
    });
    let done = carry_out(1, &materials(&[]), script, Vec::new(), &interrupt);
    stopper.join().unwrap();
    assert_eq!((done.end, done.samples.len()), (Ok(End::Interrupted), 0));
    assert!(since.elapsed() < Duration::from_secs(10));
}
