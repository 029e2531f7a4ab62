//! What the library says to whoever calls it with what the program itself never gives it.

use crate::calls::study;
use crate::golden;
use layerbench::engine::fake::{FakeEngine, FakeMachine, outcome};
use layerbench::engine::{Client, Interrupt, Named};
use layerbench::model::{ApproachId, ChainKind, EngineId, NoProgress, StateId};
use layerbench::plan::{Plan, PlanOptions};
use layerbench::runner::{self, Around, Materials, Recipe};
use layerbench::stats;
use layerbench::study::{Marks, Study, materialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What comes of a plan of one repetition of the study in a folder, with these approaches and so many engines.
fn run(dir: &Path, chain: ChainKind, approaches: &[&str], engines: usize) -> String {
    let study = Study::load(dir).unwrap();
    let plan = Plan::new(&study, &PlanOptions { reps: 1, most: 1, chain, ..NOTHING }).unwrap();
    let recipe = Recipe {
        dockerfile: Default::default(),
        dockerfile_name: "Dockerfile".to_owned(),
        ignore: None,
        settings: Default::default(),
        bases: BTreeSet::new(),
    };
    let materials = Materials {
        run: "run".to_owned(),
        recipes: approaches.iter().map(|name| (ApproachId::new(name).unwrap(), recipe.clone())).collect(),
        contexts: study.states.iter().map(|state| (state.id.clone(), dir.to_owned())).collect(),
        marks: Marks::default(),
        context_digests: BTreeMap::new(),
        timeout: Duration::from_secs(1),
        client: Client::default(),
        bases: BTreeMap::new(),
        prints: None,
        audit: None,
    };
    let engine = || FakeEngine::new(|number, _| outcome(1.0, 3, if number == 0 { 0 } else { 3 }));
    let mut engines: Vec<Named> =
        (0..engines).map(|_| Named { name: EngineId::only(), engine: Box::new(engine()) }).collect();
    let (machine, interrupt) = (FakeMachine::new([]), Interrupt::default());
    let around =
        Around { machine: &machine, folders: &[], progress: &NoProgress, interrupt: &interrupt, more: &|| false };
    runner::run(&plan, &materials, &mut engines, &around, &mut |_| Ok(())).unwrap_err().to_string()
}

const NOTHING: PlanOptions = PlanOptions {
    reps: 0,
    most: 0,
    engines: Vec::new(),
    approaches: Vec::new(),
    scenarios: Vec::new(),
    seed: 1,
    chain: ChainKind::Article,
};

#[test]
fn what_the_library_is_not_to_be_given_is_said() {
    let dir = tempfile::tempdir().unwrap();
    study(dir.path());
    let study = Study::load(dir.path()).unwrap();
    let (full, other) = (dir.path().join("full"), dir.path().join("other"));
    fs::create_dir(&full).unwrap();
    fs::write(full.join("x"), "").unwrap();
    let state = |name: &str| StateId::new(name).unwrap();
    let said = [
        ("a plan without repetitions", Plan::new(&study, &NOTHING).unwrap_err().to_string()),
        ("a state that the study does not have", materialize(&study, &state("none"), &other).unwrap_err().to_string()),
        ("a folder for files that has some", materialize(&study, &state("base"), &full).unwrap_err().to_string()),
        ("a plan for an engine that there is none of", run(dir.path(), ChainKind::Article, &["good"], 0)),
        ("a plan for an approach without a recipe", run(dir.path(), ChainKind::Article, &[], 1)),
        ("checkpoints of an engine that has none", run(dir.path(), ChainKind::Checkpoint, &["good"], 1)),
        ("a time of zero, whose logarithm is none", stats::log_shift(&[0.0], &[1.0], 0.95).unwrap_err().to_string()),
    ];
    let place = dir.path().canonicalize().unwrap().display().to_string();
    let said = said.map(|(what, text)| format!("## {what}\n{}\n", text.replace(&place, "DIR")));
    golden::messages("Library", &said.join("\n"));
}
