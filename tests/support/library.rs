//! What the library says to whoever calls it with what the program itself never gives it.

use crate::calls::study;
use crate::golden;
use layerbench::model::{ChainKind, StateId};
use layerbench::plan::{Plan, PlanOptions};
use layerbench::stats;
use layerbench::study::{Study, materialize};
use std::fs;

#[test]
fn what_the_library_is_not_to_be_given_is_said() {
    let dir = tempfile::tempdir().unwrap();
    study(dir.path());
    let study = Study::load(dir.path()).unwrap();
    let options = PlanOptions {
        reps: 0,
        most: 0,
        engines: Vec::new(),
        approaches: Vec::new(),
        scenarios: Vec::new(),
        seed: 1,
        chain: ChainKind::Article,
    };
    let (full, other) = (dir.path().join("full"), dir.path().join("other"));
    fs::create_dir(&full).unwrap();
    fs::write(full.join("x"), "").unwrap();
    let state = |name: &str| StateId::new(name).unwrap();
    let said = [
        ("a plan without repetitions", Plan::new(&study, &options).unwrap_err().to_string()),
        ("a state that the study does not have", materialize(&study, &state("none"), &other).unwrap_err().to_string()),
        ("a folder for files that has some", materialize(&study, &state("base"), &full).unwrap_err().to_string()),
        ("a time of zero, whose logarithm is none", stats::log_shift(&[0.0], &[1.0], 0.95).unwrap_err().to_string()),
    ];
    let place = dir.path().canonicalize().unwrap().display().to_string();
    let said = said.map(|(what, text)| format!("## {what}\n{}\n", text.replace(&place, "DIR")));
    golden::messages("Library", &said.join("\n"));
}
