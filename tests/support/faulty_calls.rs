//! Calls that meet an engine or a machine that does not do what it should; each with what it does to the folder, and
//! the environment that it is made in.

use crate::calls::{repository, study};
use crate::faulty::{self, ABSENT, Answers, BROKEN, NEVER, RAW, broken, engine, engine_over_tcp, willing};
use crate::tiny::{GOOD, tiny_study};
use crate::{golden, settled, tiny};
use rustix::fs::{FlockOperation, Mode, flock};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A case: its title, what it does to the folder, the call, its environment, and the exit code that must come.
pub type Case = (&'static str, fn(&Path), &'static [&'static str], Environment, i32);

/// Variables and their values, in which `DIR` and `PORT` stand for those of the case, as in the words of a call.
pub type Environment = &'static [(&'static str, &'static str)];

pub const ENGINE: (&str, &str) = ("DOCKER_HOST", "unix://DIR/engine.sock");
pub const NONE: (&str, &str) = ("PATH", "DIR/bin");
pub const ALSO: (&str, &str) = ("PATH", "DIR/bin:/usr/bin:/bin");

/// A program of the machine that is none.
pub fn script(dir: &Path, name: &str, text: &str) {
    let file = dir.join("bin").join(name);
    fs::create_dir_all(dir.join("bin")).unwrap();
    fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

pub fn client(dir: &Path, text: &str) {
    with(willing, dir);
    script(dir, "docker", text);
}

pub fn with(answers: Answers, dir: &Path) {
    study(dir);
    engine(dir, answers);
}

pub const RUN_OWN: &[&str] = &["run", ".", "--engine", "unix://DIR/engine.sock"];
pub const AUDIT: &[&str] = &["audit", "image", "--engine", "unix://DIR/engine.sock"];
pub const DOCKER: &[&str] = &["run", ".", "--engine", "unix://DIR/engine.sock", "--client", "docker"];
const DIND: &[&str] = &["run", ".", "--engine", "dind"];
pub const BUILD: &[&str] = &["build", "--file", "good.Dockerfile", "project"];
const MAY_EMPTY: &[&str] = &["run", ".", "--engine", "tcp://127.0.0.1:PORT", "--may-empty", "tcp://127.0.0.1:PORT"];

/// An image with a command, whose files are none.
pub fn stocked(method: &str, path: &str, all: &str) -> (u16, String) {
    let text = match (method, path) {
        ("GET", "/images/image/json") => {
            r#"{"Id":"sha256:1","Size":1000,"Config":{"Cmd":["/bin/x"]},"RootFS":{"Type":"layers","Layers":["sha256:2"]}}"#
        }
        ("POST", "/containers/create") => {
            let id = if all.contains("ReadonlyRootfs") { "started" } else { "exported" };
            return (201, format!(r#"{{"Id":"{id}","Warnings":[]}}"#));
        }
        ("GET", "/containers/exported/export" | "/images/sha256:1/get") => return (200, "\0".repeat(1024)),
        ("POST", "/containers/started/start") | ("DELETE", _) => return (204, String::new()),
        ("POST", "/containers/started/wait") => r#"{"StatusCode":0}"#,
        ("GET", "/containers/started/changes") => "[]",
        _ => return willing(method, path, all),
    };
    (200, text.to_owned())
}

fn without_files(method: &str, path: &str, all: &str) -> (u16, String) {
    if path.ends_with("/export") { broken() } else { stocked(method, path, all) }
}

fn without_changes(method: &str, path: &str, all: &str) -> (u16, String) {
    if path.ends_with("/changes") { broken() } else { stocked(method, path, all) }
}

fn holding_on(method: &str, path: &str, all: &str) -> (u16, String) {
    if (method, path) == ("DELETE", "/containers/started") { broken() } else { stocked(method, path, all) }
}

fn without_containers(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/containers/json" { broken() } else { stocked(method, path, all) }
}

fn without_command(method: &str, path: &str, all: &str) -> (u16, String) {
    let (status, text) = stocked(method, path, all);
    (status, text.replace(r#""Cmd":["/bin/x"]"#, ""))
}

fn speechless(method: &str, path: &str, all: &str) -> (u16, String) {
    if path.ends_with("/wait") { (200, String::new()) } else { stocked(method, path, all) }
}

/// Its containers write and write.
fn filling(method: &str, path: &str, all: &str) -> (u16, String) {
    let (status, text) = stocked(method, path, all);
    match path {
        "/containers/started/wait" => (NEVER, String::new()),
        "/containers/started/json" => (200, r#"{"SizeRw":1000000000}"#.to_owned()),
        _ => (status, text.replace(r#""Cmd""#, r#""User":"1000","Cmd""#)),
    }
}

/// Holds what an engine inside it is made of, and loses it at once.
fn falling(method: &str, path: &str, all: &str) -> (u16, String) {
    let text = match (method, path) {
        ("GET", "/images/docker:dind/json") => r#"{"Id":"sha256:1"}"#,
        ("POST", "/volumes/create") => {
            r#"{"Name":"v","Driver":"local","Mountpoint":"/m","Labels":{},"Scope":"local","Options":{}}"#
        }
        ("POST", "/containers/create") => return (201, r#"{"Id":"c","Warnings":[]}"#.to_owned()),
        ("PUT", _) => "",
        ("POST", path) if path.ends_with("/start") => return (204, String::new()),
        ("GET", path) if path.starts_with("/containers/layerbench") && path.ends_with("/json") => {
            r#"{"State":{"Running":false}}"#
        }
        ("GET", path) if path.ends_with("/logs") => "\u{2}\0\0\0\0\0\0\u{16}iptables: no such rule",
        ("DELETE", _) => return (204, String::new()),
        _ => return willing(method, path, all),
    };
    (200, text.to_owned())
}

fn in_use(method: &str, path: &str, all: &str) -> (u16, String) {
    match path {
        "/containers/json" => (200, r#"[{"Id":"c"},{"Id":"d"}]"#.to_owned()),
        _ => willing(method, path, all),
    }
}

/// What is removed from it stays.
fn keeping(method: &str, path: &str, all: &str) -> (u16, String) {
    match (method, path) {
        ("POST", "/images/prune" | "/build/prune") => (200, "{}".to_owned()),
        ("GET", "/system/df") => (200, r#"{"BuildCache":[{"ID":"r1","InUse":true}]}"#.to_owned()),
        _ => willing(method, path, all),
    }
}

fn no_http(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/session" { (RAW, "x".repeat(20_000)) } else { willing(method, path, all) }
}

pub fn no_image(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/build" { (200, "{\"stream\":\"\"}\n".to_owned()) } else { willing(method, path, all) }
}

fn no_line(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/build" { (200, "x".repeat(65 << 20)) } else { willing(method, path, all) }
}

fn no_json(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/build" { (200, "<html>\n".to_owned()) } else { willing(method, path, all) }
}

fn no_sessions(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/session" { (404, ABSENT.to_owned()) } else { willing(method, path, all) }
}

fn no_builds(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/build" { (500, BROKEN.to_owned()) } else { willing(method, path, all) }
}

/// The study builds on an image of a registry.
pub fn elsewhere(dir: &Path) {
    tiny_study(dir, &[("good", &GOOD.replace("FROM scratch", "FROM registry.example.org/i:1"))]);
}

const CASES: &[Case] = &[
    ("audit: an engine without BuildKit", |dir| with(no_sessions, dir), AUDIT, &[], 1),
    ("audit: an image that is not there", |dir| with(willing, dir), AUDIT, &[], 1),
    ("audit: an engine out of order", |dir| with(faulty::out_of_order, dir), AUDIT, &[], 1),
    ("audit: an image whose files cannot be had", |dir| with(without_files, dir), AUDIT, &[], 1),
    ("audit: an engine that does not say what changed", |dir| with(without_changes, dir), AUDIT, &[], 1),
    ("audit: a container that cannot be removed", |dir| with(holding_on, dir), AUDIT, &[], 1),
    ("audit: containers that cannot be listed", |dir| with(without_containers, dir), AUDIT, &[], 1),
    ("audit: an image without a command", |dir| with(without_command, dir), AUDIT, &[], 0),
    ("audit: an engine that does not say how a container ended", |dir| with(speechless, dir), AUDIT, &[], 0),
    ("audit: an image that fills the disk", |dir| with(filling, dir), AUDIT, &[], 0),
    ("build: an engine that is not there", study, BUILD, &[ENGINE], 1),
    ("build: an engine that does not speak HTTP", |dir| with(no_http, dir), BUILD, &[ENGINE], 1),
    ("build: an engine that gives no image", |dir| with(no_image, dir), BUILD, &[ENGINE], 1),
    ("build: an engine whose answer does not end", |dir| with(no_line, dir), BUILD, &[ENGINE], 1),
    ("build: an engine whose answer is something else", |dir| with(no_json, dir), BUILD, &[ENGINE], 1),
    ("build: an engine that refuses", |dir| with(no_builds, dir), BUILD, &[ENGINE], 1),
    ("build: an engine without BuildKit", |dir| with(no_sessions, dir), BUILD, &[ENGINE], 1),
    (
        "build: a context that is not there",
        |dir| with(willing, dir),
        &["build", "--file", "good.Dockerfile", "nowhere"],
        &[ENGINE],
        1,
    ),
    ("run: an engine out of order", |dir| with(faulty::out_of_order, dir), RUN_OWN, &[], 1),
    (
        "run: the same engine under two addresses",
        |dir| with(willing, dir),
        &["run", ".", "--engine", "a=unix://DIR/engine.sock", "--engine", "b=unix://DIR/./engine.sock"],
        &[],
        2,
    ),
    ("run: an engine inside yours, which is not there", study, DIND, &[ENGINE], 1),
    ("run: an engine inside one far away", study, DIND, &[("DOCKER_HOST", "tcp://192.0.2.1:2375")], 1),
    ("run: an engine inside yours, without its image", |dir| with(willing, dir), DIND, &[ENGINE], 1),
    ("run: an engine inside yours, which ends at once", |dir| with(falling, dir), DIND, &[ENGINE], 1),
    (
        "run: an engine that may be emptied and is in use",
        |dir| {
            study(dir);
            engine_over_tcp(dir, in_use);
        },
        MAY_EMPTY,
        &[("DOCKER_HOST", "unix:///nowhere/docker.sock")],
        1,
    ),
    (
        "run: an engine that may be emptied and is the machine's own",
        |dir| {
            with(willing, dir);
            engine_over_tcp(dir, willing);
        },
        MAY_EMPTY,
        &[ENGINE],
        1,
    ),
    (
        "run: an engine that may be emptied and is not empty then",
        |dir| {
            study(dir);
            engine_over_tcp(dir, keeping);
        },
        MAY_EMPTY,
        &[("DOCKER_HOST", "unix:///nowhere/docker.sock")],
        1,
    ),
    (
        "run: a private engine on a machine that has nothing for it",
        study,
        &["run", ".", "--engine", "private"],
        &[NONE],
        1,
    ),
    ("run: no engine at all", study, &["run", "."], &[NONE, ENGINE], 1),
    ("run: no docker client", |dir| with(willing, dir), DOCKER, &[NONE], 1),
    ("run: a docker client that is none", |dir| client(dir, "echo hello"), DOCKER, &[NONE], 1),
    (
        "run: a docker client that cannot use BuildKit",
        |dir| client(dir, "[ \"$1\" = --version ] && echo Docker version 28.5.2, build x"),
        DOCKER,
        &[NONE],
        1,
    ),
    (
        "run: certificates that are not there",
        study,
        &["run", ".", "--engine", "host"],
        &[("DOCKER_HOST", "tcp://127.0.0.1:9"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "DIR/project")],
        1,
    ),
    (
        "run: certificates that are none",
        |dir| {
            study(dir);
            fs::write(dir.join("project/ca.pem"), "").unwrap();
        },
        &["run", ".", "--engine", "host"],
        &[("DOCKER_HOST", "tcp://127.0.0.1:9"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "DIR/project")],
        1,
    ),
    (
        "run: a helper for the registry's login that says nonsense",
        |dir| {
            with(willing, dir);
            elsewhere(dir);
            script(dir, "docker-credential-bad", "echo hello");
            fs::create_dir(dir.join("docker")).unwrap();
            fs::write(dir.join("docker/config.json"), r#"{"credsStore": "bad"}"#).unwrap();
        },
        RUN_OWN,
        &[ALSO],
        1,
    ),
];

/// Machines that lack something, or have something else in its place.
const MACHINES: &[Case] = &[
    ("run: no folder for files that pass", study, &["run", ".", "--dry-run"], &[("TMPDIR", "/nowhere")], 1),
    ("init: no folder for files that pass", repository, &["init", "app#main"], &[("TMPDIR", "/nowhere")], 1),
    (
        "run: no folder to write down what is made on your engine",
        |dir| with(willing, dir),
        RUN_OWN,
        &[("LAYERBENCH_HOME", "/proc/x")],
        1,
    ),
    (
        "audit: no folder to write down what is made on your engine",
        |dir| with(willing, dir),
        AUDIT,
        &[("LAYERBENCH_HOME", "/proc/x")],
        1,
    ),
    (
        "run: another run, which is not waited for",
        |dir| {
            study(dir);
            let lock = fs::File::create(dir.join("lock")).unwrap();
            fs::write(dir.join("lock"), "the run 1a2b of shop (process 1, results in /srv/results)").unwrap();
            flock(&lock, FlockOperation::LockExclusive).unwrap();
            std::mem::forget(lock); // held as long as this test runs
        },
        &["run", ".", "--engine", "unix:///nowhere/docker.sock", "--no-wait"],
        &[("LAYERBENCH_LOCK", "DIR/lock")],
        1,
    ),
    (
        "run: a link in place of the lock",
        |dir| {
            study(dir);
            std::os::unix::fs::symlink("study.toml", dir.join("lock")).unwrap();
        },
        &["run", ".", "--engine", "unix:///nowhere/docker.sock"],
        &[("LAYERBENCH_LOCK", "DIR/lock")],
        2,
    ),
    (
        "run: a pipe in place of the lock",
        |dir| {
            study(dir);
            rustix::fs::mkfifoat(rustix::fs::CWD, dir.join("lock"), Mode::RUSR | Mode::WUSR).unwrap();
        },
        &["run", ".", "--engine", "unix:///nowhere/docker.sock"],
        &[("LAYERBENCH_LOCK", "DIR/lock")],
        2,
    ),
    (
        "clean: something else in place of the records",
        |dir| {
            fs::create_dir(dir.join("home")).unwrap();
            fs::write(dir.join("home/engines"), "").unwrap();
        },
        &["clean"],
        &[],
        1,
    ),
    (
        "clean: a record that cannot be read",
        |dir| {
            fs::create_dir_all(dir.join("home/engines/1a2b-1")).unwrap();
            fs::write(dir.join("home/engines/1a2b-1/remains.json"), "{").unwrap();
        },
        &["clean"],
        &[],
        1,
    ),
];

#[test]
fn what_an_engine_lacks_is_said_before_the_first_build() {
    golden::messages("Engines", &answers(CASES));
}

#[test]
fn what_a_machine_lacks_is_said() {
    golden::messages("Machines", &answers(MACHINES));
}

/// A call in the folder of a case.
pub struct Prepared {
    dir: tempfile::TempDir,
    port: String,
    /// The program, about to be started.
    pub command: Command,
}

impl Prepared {
    pub fn new(prepare: fn(&Path), args: &[&str], environment: Environment) -> Self {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let port = fs::read_to_string(dir.path().join("port")).unwrap_or_else(|_| "PORT".to_owned());
        let place = |text: &&str| text.replace("DIR", &dir.path().display().to_string()).replace("PORT", &port);
        let args: Vec<String> = args.iter().map(place).collect();
        let mut command = tiny::program(dir.path(), &args.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("COLUMNS", "120").env("DOCKER_CONFIG", dir.path().join("docker"));
        for (name, value) in environment {
            command.env(name, place(value));
        }
        Self { dir, port, command }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A text without what is of this case only.
    pub fn settle(&self, text: &str) -> String {
        // Progress has times in it.
        let timed = |line: &&str| ["[", "done after", "stopped after"].iter().any(|start| line.starts_with(start));
        let lines: String = text.lines().filter(|line| !timed(line)).map(|line| format!("{line}\n")).collect();
        settled(&lines, self.dir()).replace(&self.port, "PORT")
    }
}

/// What each call is answered with.
pub fn answers(cases: &[Case]) -> String {
    let (mut all, mut wrong) = (String::new(), String::new());
    for (title, prepare, args, environment, code) in cases {
        let mut call = Prepared::new(*prepare, args, environment);
        let output = call.command.output().unwrap();
        // What cannot be found out of an image stands in its scorecard.
        let card =
            if args[0] == "audit" { String::from_utf8_lossy(&output.stdout).into_owned() } else { String::new() };
        let text = call.settle(&(tiny::messages(&output) + &card));
        let begun = call.dir().join("results").exists() && !text.contains("making the engine ready");
        if output.status.code() != Some(*code) || text.contains("panicked") || begun {
            writeln!(wrong, "{title}: {:?}: {text}", output.status).unwrap();
        }
        writeln!(all, "## {title}: layerbench {}\n{}\nexit code {code}\n", args.join(" "), text.trim_end()).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
    all
}
