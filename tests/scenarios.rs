//! The studies of `scenarios/`: all are accepted, none carries the name of a package registry, and an approach that needs
//! what is not to be had is left out and named. The last test needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
mod tiny;

use layerbench::store::{RunFolder, RunStatus};
use std::fs;
use std::path::{Path, PathBuf};
use tiny::{GOOD, messages, program, tiny_study};

fn scenarios() -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let below = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    below.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_study_has_a_plan() {
    let expected = [("article", 30), ("beyond", 40), ("languages", 16), ("managers", 20)];
    let found = scenarios();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    let dir = tempfile::tempdir().unwrap();
    for (study, (name, builds)) in found.iter().zip(expected) {
        assert!(study.ends_with(name));
        let args = ["run", study.to_str().unwrap(), "--dry-run", "--reps", "1"];
        let output = program(dir.path(), &args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", messages(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with(&format!("{builds} builds: 1 block")), "{name}: {text}");
    }
}

#[test]
fn no_lock_that_is_kept_names_a_registry() {
    let all: Vec<PathBuf> = scenarios().iter().flat_map(|study| files(study)).collect();
    let locks: Vec<&PathBuf> = all
        .iter()
        .filter(|path| path.to_string_lossy().ends_with("lock") || path.ends_with("package-lock.json"))
        .collect();
    assert!(locks.len() >= 11, "{locks:?}");
    for lock in locks {
        let text = fs::read_to_string(lock).unwrap();
        for word in ["\"resolved\"", "[package.source]", "registry+", "/simple"] {
            assert!(!text.contains(word), "{}: {word}", lock.display());
        }
    }
}

#[test]
fn what_needs_a_base_that_is_not_to_be_had_is_left_out_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let away = GOOD.replace("FROM scratch", "FROM 127.0.0.1:9/no/such:image");
    tiny_study(dir.path(), &[("good", GOOD), ("away", &away)]);
    let file = dir.path().join("study.toml");
    let text = fs::read_to_string(&file).unwrap();
    let finding =
        "\n[[finding]]\nid = \"f\"\nclaim = \"Smaller.\"\nsmaller = { approach = \"away\", than = \"good\" }\n";
    fs::write(&file, format!("{text}needs = \"a registry of its own\"\n{finding}")).unwrap();
    let args = ["run", ".", "--engine", "private", "--reps", "1"];
    let output = program(dir.path(), &args).output().unwrap();
    let said = messages(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let why =
        "away was not built, for 127.0.0.1:9/no/such:image is not to be had here: it needs a registry of its own.";
    assert!(said.contains(&format!("left out: {why}")), "{said}");
    let stored = RunFolder::open(&dir.path().join("results/latest")).unwrap();
    assert_eq!(stored.record.status, RunStatus::Finished);
    assert_eq!(stored.record.approaches, ["good"]);
    assert!(stored.record.notes.iter().any(|note| note == why), "{:?}", stored.record.notes);
    assert_eq!(stored.samples.len(), 3);
    let report = fs::read_to_string(stored.path.join("report.md")).unwrap();
    assert!(report.contains(why), "{report}");

    // With nothing left there is nothing to measure.
    let only = [&args[..], &["--approach", "away", "--out", "none"]].concat();
    let output = program(dir.path(), &only).output().unwrap();
    let said = messages(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(why) && !dir.path().join("none").exists(), "{said}");
}
