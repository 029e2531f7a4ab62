//! Two runs at once on one machine: the second waits, says for which, and goes on when the first is gone, however it
//! went. Needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
mod tiny;

use rustix::fs::{FlockOperation, flock};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tiny::{GOOD, disturbed, messages, program, tiny_study};

/// A run of one cold build, with a lock that no other test has.
fn run(dir: &Path, lock: &Path) -> Command {
    let args = ["run", ".", "--engine", "private", "--reps", "1", "--scenario", "cold", "--out", "results"];
    let mut command = program(dir, &args);
    command.env("LAYERBENCH_LOCK", lock).stderr(Stdio::piped()).stdout(Stdio::null());
    command
}

/// The first line of a run's messages that begins with these words.
fn line(child: &mut Child, words: &str) -> String {
    let mut said = Vec::new();
    for line in BufReader::new(child.stderr.as_mut().unwrap()).lines().map_while(Result::ok) {
        if line.starts_with(words) {
            return line;
        }
        said.push(line);
    }
    panic!("no line {words:?}: {said:#?}")
}

#[test]
fn the_second_run_waits_for_the_first_by_name_and_goes_on_when_it_was_killed() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    tiny_study(&at("a"), &[("slow", &GOOD.replace("RUN echo built", "RUN sleep 300; echo built"))]);
    tiny_study(&at("b"), &[("quick", GOOD)]);
    let mut first = run(&at("a"), &at("lock")).spawn().unwrap();
    line(&mut first, "results: ");
    let name = format!(" of {} (process {}, results in {})", at("a").display(), first.id(), at("a/results").display());

    let refused = run(&at("b"), &at("lock")).arg("--no-wait").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(messages(&refused).contains(&name) && messages(&refused).contains("--no-wait"), "{}", messages(&refused));

    let mut second = run(&at("b"), &at("lock")).spawn().unwrap();
    let said = line(&mut second, "waiting for the run ");
    assert!(said.contains(&name), "{said}");
    let examined = program(&at("b"), &["doctor", ".", "--only", "noise", "--engine", "private"])
        .env("LAYERBENCH_LOCK", at("lock"))
        .output()
        .unwrap();
    let examined = String::from_utf8(examined.stdout).unwrap();
    assert!(
        examined.starts_with("warn  noise: not measured beside the run ") && examined.contains(&name),
        "{examined}"
    );
    assert!(second.try_wait().unwrap().is_none(), "it did not wait");
    assert!(!at("b/home").exists() && !at("b/results").exists(), "it has begun");

    first.kill().unwrap(); // SIGKILL
    first.wait().unwrap();
    let since = Instant::now();
    line(&mut second, "going on");
    let code = second.wait().unwrap().code();
    assert!(code == Some(0) || disturbed(&at("b/results")), "{code:?}");
    assert!(since.elapsed() < Duration::from_secs(60));
    assert_eq!(fs::read_to_string(at("lock")).unwrap(), "", "nobody is told of a run that has ended");
    let cleaned = program(&at("a"), &["clean", "--wait", "20"]).output().unwrap();
    assert!(cleaned.status.success());
}

#[test]
fn who_waits_can_be_stopped_and_is_told_of_mistakes_at_once() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    tiny_study(&at("study"), &[("quick", GOOD)]);
    let lock = fs::File::create(at("lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let wrong = run(&at("study"), &at("lock")).args(["--approach", "slow"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(!messages(&wrong).contains("waiting") && messages(&wrong).contains("\"slow\""), "{}", messages(&wrong));

    let mut waiting = run(&at("study"), &at("lock")).spawn().unwrap();
    assert!(line(&mut waiting, "waiting for ").starts_with("waiting for another run: "));
    assert!(Command::new("kill").args(["-INT", &waiting.id().to_string()]).status().unwrap().success());
    assert_eq!(waiting.wait().unwrap().code(), Some(130));
    assert!(!at("study/results").exists() && !at("study/home").exists(), "something is left behind");
}

/// In a mount namespace, where the usual places are those of this test.
fn with_usual_places(dir: &Path, prepare: &str, args: &str) -> Output {
    let script = format!(
        "mount -t tmpfs tmpfs /run/lock; mkdir tmp; mount --bind tmp /tmp; {prepare}; unset LAYERBENCH_LOCK; exec \"$0\" {args}"
    );
    Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script, env!("CARGO_BIN_EXE_layerbench")])
        .current_dir(dir)
        .env("LAYERBENCH_HOME", dir.join("home"))
        .output()
        .unwrap()
}

#[test]
fn without_a_word_the_locks_are_those_of_the_machine() {
    // Not below /tmp, which is another one in there.
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    tiny_study(place.path(), &[("quick", GOOD)]);
    let refused = "run . --engine private --no-wait";
    for lock in ["/run/lock/layerbench.lock", "/tmp/layerbench.lock"] {
        let held = format!("touch {lock}; exec 9<>{lock}; flock 9; echo 'the run x' >{lock}");
        let output = with_usual_places(place.path(), &held, refused);
        assert_eq!(output.status.code(), Some(1), "{}", messages(&output));
        assert!(messages(&output).contains("found the run x on this machine"), "{}", messages(&output));
        fs::remove_dir_all(place.path().join("tmp")).unwrap();
    }
    // Nobody can keep others from running, or have them write elsewhere, by what he puts there.
    let planted = "echo gold >precious; ln -s $PWD/precious /tmp/layerbench.lock; mkdir /run/lock/layerbench.lock";
    let output = with_usual_places(place.path(), planted, "run nowhere");
    assert!(
        messages(&output).starts_with("warning: no lock can be had (/run/lock/layerbench.lock: "),
        "{}",
        messages(&output)
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(place.path().join("precious")).unwrap(), "gold\n");
}

#[test]
fn a_lock_that_was_asked_for_and_cannot_be_had_ends_the_call() {
    let place = tempfile::tempdir().unwrap();
    tiny_study(place.path(), &[("quick", GOOD)]);
    let output = run(place.path(), Path::new("/proc/lock")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        messages(&output).contains("LAYERBENCH_LOCK: found /proc/lock, which cannot be locked"),
        "{}",
        messages(&output)
    );
}
