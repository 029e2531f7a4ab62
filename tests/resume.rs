//! Runs that are killed at any moment, and go on: no sample lost, doubled or wrongly marked, nothing left behind.
//! Needs root and Docker Engine. Killed at random moments they are in `faults.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
mod tiny;

use layerbench::model::Status;
use layerbench::store::{RunFolder, RunStatus, StoredRun};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tiny::{GOOD, messages, program, tiny_study};

const RUN: [&str; 9] = ["run", ".", "--engine", "private", "--reps", "2", "--seed", "3", "--out=results"];
/// Builds of the study: two approaches, three scenarios, two repetitions.
const CELLS: usize = 12;

fn study(dir: &Path) {
    tiny_study(dir, &[("one", GOOD), ("two", GOOD)]);
}

fn stored(dir: &Path) -> StoredRun {
    RunFolder::open(&dir.join("results/latest")).unwrap()
}

fn rows(dir: &Path) -> usize {
    let text = fs::read_to_string(dir.join("results/latest/samples.csv")).unwrap_or_default();
    text.lines().count().saturating_sub(1)
}

/// Starts a call and kills it when `when` says so; `false` if it came to its end before.
fn kill(mut call: Command, when: impl Fn() -> bool) -> bool {
    let mut child = call.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if when() {
            child.kill().unwrap(); // SIGKILL
            child.wait().unwrap();
            return true;
        }
        sleep(Duration::from_millis(2));
    }
}

fn resume(dir: &Path, more: &[&str]) -> std::process::Output {
    program(dir, &[&["run", "--resume", "results/latest"], more].concat()).output().unwrap()
}

/// Everything that a whole run has, however often it was broken off.
fn whole(dir: &Path, before: &[StoredRun]) {
    let run = stored(dir);
    assert_eq!((run.record.status, run.warnings.len()), (RunStatus::Finished, 0));
    let mut cells: BTreeMap<(u32, String, String), u32> = BTreeMap::new();
    let mut positions = BTreeMap::new();
    for (sample, steps) in &run.samples {
        let key = &sample.key;
        assert_eq!(positions.insert(key.position, ()), None, "position {} twice", key.position);
        match sample.status {
            Status::Ok => {
                *cells.entry((key.block, key.approach.to_string(), key.scenario.to_string())).or_default() += 1;
                assert!(!steps.is_empty(), "{key:?} has no steps");
            }
            Status::Interrupted => {}
            other => panic!("{key:?}: {other}: {}", sample.reason),
        }
    }
    assert_eq!((cells.len(), cells.values().max()), (CELLS, Some(&1)), "{cells:?}");
    // What was on the disk when the program died is there as it was, but for the mark of a chain that was cut.
    for (sample, steps) in before.iter().flat_map(|run| &run.samples) {
        let kept = run.samples.iter().find(|(kept, _)| kept.key == sample.key);
        let (kept, kept_steps) = kept.unwrap_or_else(|| panic!("{:?} was lost", sample.key));
        assert_eq!((kept.seconds, &kept.started_at, kept_steps), (sample.seconds, &sample.started_at, steps));
        assert!(kept.status == sample.status || kept.status == Status::Interrupted, "{:?}", sample.key);
    }
    let images = fs::read_to_string(dir.join("results/latest/images.csv")).unwrap();
    assert_eq!(images.lines().count(), 3, "{images}");
    assert!(!dir.join("home").exists(), "something is left in the private engines' folder");
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    study(dir.path());
    assert!(kill(program(dir.path(), &RUN), || rows(dir.path()) == 4), "it ended before it could be killed");
    let before = stored(dir.path());
    assert_eq!(before.samples.len(), 4);
    for (more, said) in [(&["--reps", "5"][..], "--reps"), (&["--build-arg", "A=1"], "values of build arguments")] {
        let refused = resume(dir.path(), more);
        assert_eq!(refused.status.code(), Some(2));
        assert!(messages(&refused).contains(said), "{}", messages(&refused));
    }
    let main = dir.path().join("project/main.txt");
    fs::write(&main, "another\n").unwrap();
    let refused = resume(dir.path(), &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", messages(&refused));
    assert!(messages(&refused).contains("not everything is as it was when it was begun:\n  the study's files"));
    fs::write(&main, "one\n").unwrap();
    assert_eq!(stored(dir.path()).samples, before.samples, "a refusal changes nothing");

    let rest = String::from_utf8(resume(dir.path(), &["--dry-run"]).stdout).unwrap();
    assert!(rest.starts_with("9 builds: "), "{rest}");
    // Killed once more, in the chain that is made again.
    let again = program(dir.path(), &["run", "--resume", "results/latest"]);
    assert!(kill(again, || rows(dir.path()) == 6), "it ended before it could be killed");
    let twice = stored(dir.path());
    let done = resume(dir.path(), &[]);
    assert_eq!(done.status.code(), Some(0), "{}", messages(&done));
    assert!(program(dir.path(), &["clean"]).output().unwrap().status.success());
    whole(dir.path(), &[before, twice]);
    let complete = resume(dir.path(), &[]);
    assert!(complete.status.success() && messages(&complete).contains("nothing is left to do"));
}

#[test]
fn a_run_that_is_under_way_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    study(dir.path());
    let mut first = program(dir.path(), &RUN).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while rows(dir.path()) == 0 {
        sleep(Duration::from_millis(2));
    }
    let second = resume(dir.path(), &[]);
    assert_eq!(second.status.code(), Some(2));
    assert!(messages(&second).contains("another program is still making"), "{}", messages(&second));
    assert!(first.wait().unwrap().success());
    whole(dir.path(), &[]);
}

/// Ctrl-C while a build takes two seconds: by choice it is cancelled, or comes to its end; either way the run goes on.
#[test]
fn a_stopped_run_cancels_its_build_or_finishes_it_and_goes_on() {
    let slow = GOOD.replace("RUN echo built", "RUN sleep 2 && echo built");
    for (more, rows_after, last) in [(&[][..], 3, Status::Interrupted), (&["--finish-build"], 3, Status::Ok)] {
        let dir = tempfile::tempdir().unwrap();
        tiny_study(dir.path(), &[("one", &slow), ("two", &slow)]);
        let call = [&["run", ".", "--engine", "private", "--reps=1", "--out=results"][..], more].concat();
        let mut child = program(dir.path(), &call).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        while rows(dir.path()) < 2 {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be stopped");
            sleep(Duration::from_millis(2));
        }
        sleep(Duration::from_millis(700));
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", messages(&output));
        let run = stored(dir.path());
        assert_eq!(
            (run.samples.len(), run.record.status),
            (rows_after, RunStatus::Interrupted),
            "{}",
            messages(&output)
        );
        assert_eq!(run.samples[2].0.status, last, "{}", messages(&output));
        assert!(dir.path().join("results/latest/report.md").is_file(), "a report of what there is");
        assert!(!dir.path().join("home").exists(), "something is left in the private engines' folder");
        let done = resume(dir.path(), &[]);
        let disturbed = tiny::disturbed(&dir.path().join("results"));
        assert!(done.status.code() == Some(0) || disturbed, "{}", messages(&done));
        let run = stored(dir.path());
        let ok = run.samples.iter().filter(|(sample, _)| sample.status == Status::Ok).count();
        assert!(run.record.status == RunStatus::Finished && (ok == 6 || disturbed), "{ok}: {}", messages(&done));
    }
}
