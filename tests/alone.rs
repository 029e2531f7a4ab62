//! Two runs at once on one machine: the second waits, says for which, and goes on when the first is gone, however it
//! went. Needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
mod tiny;

use rustix::fs::{FlockOperation, flock};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tiny::{GOOD, disturbed, program, tiny_study};

/// A run of one cold build, with a lock that no other test has.
fn run(dir: &Path, lock: &Path) -> Command {
    let args = ["run", ".", "--engine", "private", "--reps", "1", "--scenario", "cold", "--out", "results"];
    let mut command = program(dir, &args);
    command.env("LAYERBENCH_LOCK", lock).stderr(Stdio::piped()).stdout(Stdio::null());
    command
}

/// The first line of a run's messages that begins with these words.
fn line(child: &mut Child, words: &str) -> String {
    let lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    lines.map_while(Result::ok).find(|line| line.starts_with(words)).unwrap_or_else(|| panic!("no line {words:?}"))
}

#[test]
fn the_second_run_waits_for_the_first_by_name_and_goes_on_when_it_was_killed() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    tiny_study(&at("first"), &[("slow", &GOOD.replace("RUN echo built", "RUN sleep 300; echo built"))]);
    tiny_study(&at("second"), &[("quick", GOOD)]);
    let mut first = run(&at("first"), &at("lock")).spawn().unwrap();
    line(&mut first, "results: ");
    let mut second = run(&at("second"), &at("lock")).spawn().unwrap();
    let said = line(&mut second, "waiting for ");
    assert!(said.contains(" of tiny (process ") && said.contains(&first.id().to_string()), "{said}");
    std::thread::sleep(Duration::from_secs(1));
    assert!(second.try_wait().unwrap().is_none(), "it did not wait");
    let started = fs::read_dir(at("second/home/engines")).unwrap().flatten();
    assert_eq!(started.filter(|entry| entry.path().join("engine.sock").exists()).count(), 0, "its engine was started");
    assert!(!at("second/results").exists(), "its record was begun");

    first.kill().unwrap(); // SIGKILL
    first.wait().unwrap();
    let since = Instant::now();
    let code = second.wait().unwrap().code();
    assert!(code == Some(0) || disturbed(&at("second/results")), "{code:?}");
    assert!(since.elapsed() < Duration::from_secs(60));
    assert_eq!(fs::read_to_string(at("lock")).unwrap(), "", "nobody is told of a run that has ended");
    let cleaned = program(&at("first"), &["clean", "--wait", "20"]).output().unwrap();
    assert!(cleaned.status.success());
}

#[test]
fn who_waits_can_be_stopped() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    tiny_study(&at("study"), &[("quick", GOOD)]);
    let lock = fs::File::create(at("lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let mut waiting = run(&at("study"), &at("lock")).spawn().unwrap();
    assert!(line(&mut waiting, "waiting for ").starts_with("waiting for another run: "));
    assert!(Command::new("kill").args(["-INT", &waiting.id().to_string()]).status().unwrap().success());
    assert_eq!(waiting.wait().unwrap().code(), Some(130));
    assert!(!at("study/results").exists() && !at("study/home").exists(), "something is left behind");
}
