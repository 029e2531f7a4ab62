//! Calls that Ctrl-C stops while they wait for something; each with what it does to the folder, and its environment.

use crate::faulty::{NEVER, engine, willing};
use crate::faulty_calls::{AUDIT, BUILD, DOCKER, ENGINE, Environment, NONE, Prepared, RUN_OWN};
use crate::faulty_calls::{client, elsewhere, stocked, with};
use crate::golden;
use crate::judge_calls::made_of;
use crate::tiny::{GOOD, tiny_study};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A case: its title, what it does to the folder, the call, its environment, and the exit code that must come.
type Case = (&'static str, fn(&Path), &'static [&'static str], Environment, i32);

/// How long a call may take to come to where it waits, and then to end.
const LIMIT: Duration = Duration::from_secs(60);

fn building(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/build" { (NEVER, String::new()) } else { willing(method, path, all) }
}

fn starting(method: &str, path: &str, all: &str) -> (u16, String) {
    if path.ends_with("/wait") { (NEVER, String::new()) } else { stocked(method, path, all) }
}

fn exporting(method: &str, path: &str, all: &str) -> (u16, String) {
    if path.ends_with("/export") { (NEVER, String::new()) } else { stocked(method, path, all) }
}

/// Its registry has had enough.
fn too_many(method: &str, path: &str, all: &str) -> (u16, String) {
    if path.starts_with("/distribution/") {
        (500, r#"{"message":"toomanyrequests: You have reached your pull rate limit"}"#.to_owned())
    } else {
        willing(method, path, all)
    }
}

const CASES: &[Case] = &[
    ("build: stopped in the middle", |dir| with(building, dir), BUILD, &[ENGINE], 130),
    ("run: stopped in the middle of the first build", |dir| with(building, dir), RUN_OWN, &[], 130),
    (
        "run: stopped while the docker client builds",
        |dir| {
            client(
                dir,
                "case $1 in\n--version) echo Docker version 28.5.2, build x ;;\n\
                 buildx) echo github.com/docker/buildx v0.29.1 abc ;;\n\
                 *) : >\"${0%/bin/docker}/hung\"; exec sleep 60 ;;\nesac",
            );
        },
        DOCKER,
        &[("PATH", "DIR/bin:/usr/bin:/bin")],
        130,
    ),
    (
        "run: stopped while it waits for a registry",
        |dir| {
            with(too_many, dir);
            elsewhere(dir);
        },
        RUN_OWN,
        &[],
        130,
    ),
    (
        "run: stopped while it waits for another run",
        |dir| {
            with(willing, dir);
            let lock = fs::File::create(dir.join("lock")).unwrap();
            fs::write(dir.join("lock"), "the run 1a2b of shop (process 1, results in /srv/results)").unwrap();
            flock(&lock, FlockOperation::LockExclusive).unwrap();
            std::mem::forget(lock); // held as long as this test runs
        },
        RUN_OWN,
        &[("LAYERBENCH_LOCK", "DIR/lock")],
        130,
    ),
    ("audit: stopped while files are read", |dir| with(exporting, dir), AUDIT, &[], 130),
    ("audit: stopped while the image is started", |dir| with(starting, dir), AUDIT, &[], 130),
    (
        "gate: stopped while suspects are built again",
        |dir| {
            tiny_study(dir, &[("a3", GOOD)]);
            made_of(dir, |_, _| ());
            engine(dir, building);
        },
        &["gate", "nights/1", "--confirm", "--format", "markdown", "--engine", "unix://DIR/engine.sock"],
        &[NONE],
        4,
    ),
];

#[test]
fn what_is_said_of_a_call_that_is_stopped() {
    let (mut all, mut wrong) = (String::new(), String::new());
    for (title, prepare, args, environment, code) in CASES {
        let mut call = Prepared::new(*prepare, args, environment);
        let (said, answer) = (call.dir().join("said"), call.dir().join("answer"));
        let file = |path| fs::File::create(path).unwrap();
        call.command.stdin(Stdio::null()).stdout(file(&answer)).stderr(file(&said));
        let mut child = call.command.spawn().unwrap();
        let text = || fs::read_to_string(&said).unwrap();
        let since = Instant::now();
        let waits = || ["waiting", "trying again"].iter().any(|word| text().contains(word));
        while !call.dir().join("hung").exists() && !waits() {
            assert!(since.elapsed() < LIMIT && child.try_wait().unwrap().is_none(), "{title}: {}", text());
            sleep(Duration::from_millis(5));
        }
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let ended = loop {
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            assert!(since.elapsed() < LIMIT, "{title} goes on: {}", text());
            sleep(Duration::from_millis(5));
        };
        let answer = fs::read_to_string(&answer).unwrap();
        let not_confirmed = answer.lines().filter(|line| line.contains("Not confirmed"));
        // Which state comes first is drawn by lot.
        let said =
            text().lines().filter(|line| !line.starts_with('…')).fold(String::new(), |all, line| all + line + "\n");
        let text = call.settle(&not_confirmed.fold(said, |text, line| format!("{text}{line}\n")));
        if ended.code() != Some(*code) || text.contains("panicked") {
            writeln!(wrong, "{title}: {ended:?}: {text}").unwrap();
        }
        writeln!(all, "## {title}: layerbench {}\n{}\nexit code {code}\n", args.join(" "), text.trim_end()).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
    golden::messages("Stopped", &all);
}
