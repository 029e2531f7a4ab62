//! Plans of a small study: their order, what filters leave, and the text of `--dry-run`.

use super::{Plan, PlanOptions};
use crate::model::{CacheState, ChainKind, EngineId};
use crate::study::Study;
use std::collections::HashSet;
use std::fmt::Write;
use std::fs;

pub(super) fn study() -> Study {
    study_of(&[
        ("cold", "cold", "base"),
        ("warm", "warm", "base"),
        ("sources", "changed", "sources"),
        ("cold-again", "cold", "sources"),
        ("back", "changed", "base"),
    ])
}

pub(super) fn study_with_one_cold() -> Study {
    study_of(&[("cold", "cold", "base"), ("warm", "warm", "base")])
}

fn study_of(scenarios: &[(&str, &str, &str)]) -> Study {
    let dir = tempfile::TempDir::new().unwrap();
    fs::create_dir(dir.path().join("project")).unwrap();
    fs::write(dir.path().join("project/main.py"), "").unwrap();
    fs::write(dir.path().join("Dockerfile"), "FROM scratch\n").unwrap();
    let mut text = "schema = \"layerbench.study/1\"\nname = \"small\"\nproject = { path = \"project\" }\n\
        [[state]]\nid = \"base\"\n[[state]]\nid = \"sources\"\nafter = \"base\"\n\
        append = [{ file = \"main.py\", text = \"#\" }]\n"
        .to_owned();
    for (id, cache, state) in scenarios {
        write!(text, "[[scenario]]\nid = \"{id}\"\ncache = \"{cache}\"\nstate = \"{state}\"\n").unwrap();
    }
    for id in ["01-simple", "02-slim", "03-multi-stage"] {
        write!(text, "[[approach]]\nid = \"{id}\"\ndockerfile = \"Dockerfile\"\n").unwrap();
    }
    fs::write(dir.path().join("study.toml"), text).unwrap();
    Study::load(dir.path()).unwrap()
}

pub(super) fn options(reps: u32, approaches: &[&str], scenarios: &[&str]) -> PlanOptions {
    let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
    PlanOptions {
        reps,
        most: reps,
        engines: Vec::new(),
        approaches: owned(approaches),
        scenarios: owned(scenarios),
        seed: 7,
        chain: ChainKind::Article,
    }
}

fn chain(plan: &Plan) -> Vec<(String, bool)> {
    let builds = plan.chains[0].builds.iter();
    builds.map(|b| (b.key.scenario.to_string(), b.measured)).collect()
}

#[test]
fn blocks_are_complete_and_positions_count_through() {
    let plan = Plan::new(&study(), &options(4, &[], &[])).unwrap();
    assert_eq!(plan.builds().count(), 4 * 3 * 5);
    for (index, build) in plan.builds().enumerate() {
        assert_eq!(build.key.position as usize, index + 1);
    }
    for block in plan.chains.chunks(3) {
        let mut names: Vec<_> = block.iter().map(|c| c.approach.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["01-simple", "02-slim", "03-multi-stage"]);
        assert!(block.iter().all(|c| c.block == block[0].block));
    }
    let longer = Plan::new(&study(), &options(5, &[], &[])).unwrap();
    assert_eq!(longer.chains[..12], plan.chains, "more blocks change nothing before them");
}

#[test]
fn a_chosen_scenario_brings_what_it_builds_on() {
    let yes = |id: &str| (id.to_owned(), true);
    let no = |id: &str| (id.to_owned(), false);
    let of = |scenarios: &[&str]| chain(&Plan::new(&study(), &options(1, &[], scenarios)).unwrap());
    assert_eq!(of(&["cold"]), [yes("cold")]);
    assert_eq!(of(&["warm"]), [no("cold"), yes("warm")]);
    assert_eq!(of(&["sources"]), [no("cold"), no("warm"), yes("sources")]);
    assert_eq!(of(&["back"]), [no("cold-again"), yes("back")]);
    assert_eq!(of(&["cold*"]), [yes("cold"), yes("cold-again")]);
}

#[test]
fn wrong_options_are_answered_together() {
    let error = Plan::new(&study(), &options(0, &["04", "0?-s*"], &["hot"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "repetitions: found 0; expected at least 1\n\
         approach: found \"04\", which the study does not have; expected one of 01-simple, 02-slim, 03-multi-stage, or a pattern with * and ?\n\
         scenario: found \"hot\", which the study does not have; expected one of cold, warm, sources, cold-again, back, or a pattern with * and ?"
    );
    let error = Plan::new(&study(), &options(u32::MAX, &[], &[])).unwrap_err();
    assert!(error.to_string().contains("found 64424509425 builds"), "{error}");
}

#[test]
fn the_dry_run_prints_this() {
    let plan = Plan::new(&study(), &options(2, &["*s*"], &["warm"])).unwrap();
    crate::snapshot::whole("plan/set-up.txt", &plan.to_string());
    let plan = Plan::new(&study(), &options(1, &["01*"], &["cold"])).unwrap();
    crate::snapshot::whole("plan/one.txt", &plan.to_string());
}

#[test]
fn engines_get_whole_blocks_in_turns() {
    let mut options = options(5, &[], &["cold", "warm"]);
    options.engines = ["old", "new", "far"].map(|name| EngineId::new(name).unwrap()).to_vec();
    let plan = Plan::new(&study(), &options).unwrap();
    let mut blocks: Vec<&EngineId> = Vec::new();
    for block in plan.chains.chunks(3) {
        assert!(block.iter().all(|chain| chain.block == block[0].block && chain.engine == block[0].engine));
        blocks.push(&block[0].engine);
    }
    assert_eq!(blocks.len(), 15);
    let mut orders = HashSet::new();
    for round in blocks.chunks(3) {
        assert_eq!(HashSet::<&&EngineId>::from_iter(round).len(), 3, "each engine once a round");
        orders.insert(round.to_vec());
    }
    assert!(orders.len() > 1, "the order of the engines changes");
    // From checkpoints, each engine makes a cold build of its own for each approach.
    options.chain = ChainKind::Checkpoint;
    let plan = Plan::new(&study_with_one_cold(), &options).unwrap();
    assert_eq!(plan.builds().filter(|build| build.cache == CacheState::Cold).count(), 3 * 3);
}

#[test]
fn the_dry_run_shows_the_engine_of_each_block() {
    let mut options = options(2, &["0?-s*"], &["cold"]);
    options.engines = ["private", "tcp-build.example.org-2376"].map(|name| EngineId::new(name).unwrap()).to_vec();
    let plan = Plan::new(&study(), &options).unwrap();
    crate::snapshot::whole("plan/engines.txt", &plan.to_string());
}
