//! Engines that answer wrongly, refuse, or never answer: what is said of each call that is made of an engine.

use crate::{golden, settled, study, tiny};
use layerbench::engine::EngineError;
use layerbench::engine::daemon::Daemon;
use layerbench::engine::endpoint::Endpoint;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

/// Status and body for a request's method and path.
type Answers = fn(&str, &str) -> (u16, &'static str);

/// An engine at `DIR/engine.sock`.
fn engine(dir: &Path, answers: Answers) {
    let listener = UnixListener::bind(dir.join("engine.sock")).unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, answers)));
}

fn serve(mut stream: impl Read + Write + Send + 'static, answers: Answers) {
    std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        let read = stream.read(&mut buffer).unwrap_or(0);
        let head = String::from_utf8_lossy(&buffer[..read]).into_owned();
        let mut words = head.split_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(path);
        let (status, body) = answers(method, path);
        let kind = "Content-Type: application/json\r\nConnection: close";
        let _ = write!(stream, "HTTP/1.1 {status} X\r\n{kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    });
}

const VERSION: &str = r#"{"Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;
const BROKEN: &str = r#"{"message":"out of order"}"#;
const ABSENT: &str = r#"{"message":"no such thing"}"#;

fn out_of_order(_: &str, path: &str) -> (u16, &'static str) {
    if path.starts_with("/version") { (200, VERSION) } else { (500, BROKEN) }
}

fn empty(_: &str, path: &str) -> (u16, &'static str) {
    match path.split('?').next().unwrap_or_default() {
        "/version" => (200, VERSION),
        "/_ping" => (200, "OK"),
        "/info" => (200, r#"{"ID":"a","DockerRootDir":"/d"}"#),
        "/containers/json" | "/images/json" => (200, "[]"),
        "/system/df" => (200, "{}"),
        _ => (404, ABSENT),
    }
}

/// What it is asked for is there, and is not as it should be.
fn contrary(method: &str, path: &str) -> (u16, &'static str) {
    match (method, path.split('?').next().unwrap_or_default()) {
        ("GET", "/system/df") => (200, r#"{"BuildCache":[{"ID":"r1","InUse":true}]}"#),
        ("POST", "/build/prune") => (200, "{}"),
        ("GET", "/containers/c/json") => (200, r#"{"NetworkSettings":{"Ports":{}},"State":{"Running":true}}"#),
        ("POST", "/containers/create") => (201, r#"{"Id":"c","Warnings":[]}"#),
        ("POST", "/containers/c/start") | ("DELETE", "/containers/c") => (204, ""),
        ("POST", "/containers/c/wait") => (200, r#"{"StatusCode":3}"#),
        ("GET", "/containers/c/logs") => (200, "\u{2}\0\0\0\0\0\0\u{9}no module"),
        ("GET", path) if path.starts_with("/volumes/") => {
            (200, r#"{"Name":"v","Driver":"local","Mountpoint":"/m","Labels":{},"Scope":"local","Options":{}}"#)
        }
        _ => (500, BROKEN),
    }
}

type Asked = (&'static str, fn(&Daemon) -> Result<(), EngineError>);

const LIMIT: Duration = Duration::from_secs(5);

const REFUSED: &[Asked] = &[
    ("whether it answers", |engine| engine.ping()),
    ("what it holds", |engine| engine.contents().map(drop)),
    ("to remove build cache records", |engine| engine.remove_records(&["r1".to_owned()].into())),
    ("to remove everything", |engine| engine.remove_images_and_cache()),
    ("to remove an image", |engine| engine.remove_image("i")),
    ("about an image", |engine| engine.image("i").map(drop)),
    ("for a base image", |engine| engine.registry_digest("127.0.0.1:9/i:1", LIMIT).map(drop)),
    ("to run an image", |engine| engine.run_image("run", "i", LIMIT).map(drop)),
    ("how many containers it holds", |engine| engine.count_containers().map(drop)),
    ("to remove what a run left", |engine| engine.remove_checks("run")),
    ("for a volume", |engine| engine.make_volume("v")),
    ("for a container", |engine| engine.make_container("c", Default::default())),
    ("to start a container", |engine| engine.start_container("c")),
    ("whether a container runs", |engine| engine.is_running("c").map(drop)),
    ("to take a file", |engine| engine.put_file("c", "etc/x", b"x")),
    ("for a file", |engine| engine.file("c", "/etc/x").map(drop)),
    ("to remove a container", |engine| engine.remove_container_and_volume("c")),
];

const CONTRADICTED: &[Asked] = &[
    ("to remove build cache records that are in use", |engine| engine.remove_records(&["r1".to_owned()].into())),
    ("for a volume that is there", |engine| engine.make_volume("v")),
    ("for a port that is not published", |engine| engine.published_port("c", "2375/tcp").map(drop)),
    ("to run an image that fails", |engine| engine.run_image("run", "i", LIMIT).map(drop)),
    ("to remove a volume", |engine| engine.remove_container_and_volume("c")),
];

#[test]
fn what_an_engine_refuses_is_said_with_its_reason() {
    let mut all = String::new();
    for (kind, answers, asked) in
        [("out of order", out_of_order as Answers, REFUSED), ("that is contrary", contrary, CONTRADICTED)]
    {
        let dir = tempfile::tempdir().unwrap();
        engine(dir.path(), answers);
        let daemon = Daemon::new(&Endpoint::unix(&dir.path().join("engine.sock"))).unwrap();
        for (what, ask) in asked {
            let error = ask(&daemon).expect_err(what);
            writeln!(all, "## an engine {kind} is asked {what}\n{}\n", settled(&error.to_string(), dir.path()))
                .unwrap();
        }
    }
    golden::messages("Engines, call by call", &all);
}

/// A case: its title, what it does to the folder, the call, its environment, and the exit code that must come.
type Case = (&'static str, fn(&Path), &'static [&'static str], &'static [(&'static str, &'static str)], i32);

const ENGINE: (&str, &str) = ("DOCKER_HOST", "unix://DIR/engine.sock");
const NONE: (&str, &str) = ("PATH", "DIR/bin");

fn client(dir: &Path, script: &str) {
    study(dir);
    engine(dir, empty);
    let file = dir.join("bin/docker");
    fs::create_dir(dir.join("bin")).unwrap();
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn with(answers: Answers, dir: &Path) {
    study(dir);
    engine(dir, answers);
}

const RUN_OWN: &[&str] = &["run", ".", "--engine", "unix://DIR/engine.sock"];
const AUDIT: &[&str] = &["audit", "image", "--engine", "unix://DIR/engine.sock"];
const DOCKER: &[&str] = &["run", ".", "--engine", "unix://DIR/engine.sock", "--client", "docker"];

const CASES: &[Case] = &[
    ("audit: an image that is not there", |dir| with(empty, dir), AUDIT, &[], 1),
    ("audit: an engine out of order", |dir| with(out_of_order, dir), AUDIT, &[], 1),
    ("build: an engine that is not there", study, &["build", "--file", "good.Dockerfile", "project"], &[ENGINE], 1),
    ("run: an engine out of order", |dir| with(out_of_order, dir), RUN_OWN, &[], 1),
    ("run: an engine inside yours, which is not there", study, &["run", ".", "--engine", "dind"], &[ENGINE], 1),
    (
        "run: an engine inside one far away",
        study,
        &["run", ".", "--engine", "dind"],
        &[("DOCKER_HOST", "tcp://192.0.2.1:2375")],
        1,
    ),
    (
        "run: an engine inside yours, without its image",
        |dir| with(empty, dir),
        &["run", ".", "--engine", "dind"],
        &[ENGINE],
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
    ("run: no docker client", |dir| with(empty, dir), DOCKER, &[NONE], 1),
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
];

#[test]
fn what_an_engine_lacks_is_said_before_the_first_build() {
    let (mut all, mut wrong) = (String::new(), String::new());
    for (title, prepare, args, environment, code) in CASES {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let place = |text: &&str| text.replace("DIR", &dir.path().display().to_string());
        let args: Vec<String> = args.iter().map(place).collect();
        let mut command = tiny::program(dir.path(), &args.iter().map(String::as_str).collect::<Vec<_>>());
        for (name, value) in *environment {
            command.env(name, place(value));
        }
        let output = command.output().unwrap();
        let text = settled(&tiny::messages(&output), dir.path());
        if output.status.code() != Some(*code) || text.contains("panicked") || dir.path().join("results").exists() {
            writeln!(wrong, "{title}: {:?}: {text}", output.status).unwrap();
        }
        let args = settled(&args.join(" "), dir.path());
        writeln!(all, "## {title}: layerbench {args}\n{}\nexit code {code}\n", text.trim_end()).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
    golden::messages("Engines", &all);
}
