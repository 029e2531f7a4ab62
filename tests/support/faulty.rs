//! Engines that answer wrongly, refuse, or never answer: what is said of each call that is made of an engine.

use crate::{golden, settled};
use layerbench::engine::EngineError;
use layerbench::engine::wire::daemon::Daemon;
use layerbench::engine::wire::endpoint::Endpoint;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

/// Status and body for a request's method, its path and all that came with it. With the status [`NEVER`] nothing is
/// answered, with [`RAW`] the body alone, and after 101 the connection stays open.
pub type Answers = fn(&str, &str, &str) -> (u16, String);

pub const NEVER: u16 = 0;
pub const RAW: u16 = 1;

/// An engine at `DIR/engine.sock`.
pub fn engine(dir: &Path, answers: Answers) {
    let (listener, hung) = (UnixListener::bind(dir.join("engine.sock")).unwrap(), dir.join("hung"));
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, answers, &hung)));
}

/// One over TCP; `DIR/port` says where.
pub fn engine_over_tcp(dir: &Path, answers: Answers) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    fs::write(dir.join("port"), listener.local_addr().unwrap().port().to_string()).unwrap();
    let hung = dir.join("hung");
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, answers, &hung)));
}

/// Answers a request. The file `hung` says that one came which is never answered.
fn serve(mut stream: impl Read + Write + Send + 'static, answers: Answers, hung: &Path) {
    let hung = hung.to_owned();
    std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        let read = stream.read(&mut buffer).unwrap_or(0);
        let all = String::from_utf8_lossy(&buffer[..read]).into_owned();
        let mut words = all.split_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = path.strip_prefix("/v1.").and_then(|rest| rest.find('/').map(|at| &rest[at..])).unwrap_or(path);
        let (status, body) = answers(method, path.split('?').next().unwrap_or_default(), &all);
        let head = match status {
            NEVER | RAW => String::new(),
            101 => "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".to_owned(),
            _ => format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            ),
        };
        let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
        if status == NEVER {
            let _ = fs::write(hung, "");
        }
        while [NEVER, 101].contains(&status) && stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
    });
}

pub const VERSION: &str = r#"{"Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;
pub const BROKEN: &str = r#"{"message":"out of order"}"#;
pub const ABSENT: &str = r#"{"message":"no such thing"}"#;

pub fn broken() -> (u16, String) {
    (500, BROKEN.to_owned())
}

pub fn out_of_order(_: &str, path: &str, _: &str) -> (u16, String) {
    if path == "/version" { (200, VERSION.to_owned()) } else { broken() }
}

/// In order, and nothing is on it.
pub fn willing(method: &str, path: &str, _: &str) -> (u16, String) {
    let (status, body) = match (method, path) {
        (_, "/version") => (200, VERSION),
        (_, "/_ping") => (200, "OK"),
        (_, "/info") => (200, r#"{"ID":"a","DockerRootDir":"/d","Name":"elsewhere"}"#),
        ("GET", "/containers/json" | "/images/json") => (200, "[]"),
        ("GET", "/system/df") => (200, "{}"),
        ("POST", "/session") => (101, ""),
        _ => (404, ABSENT),
    };
    (status, body.to_owned())
}

/// What it is asked for is there, and is not as it should be.
fn contrary(method: &str, path: &str, _: &str) -> (u16, String) {
    let text = match (method, path) {
        ("GET", "/system/df") => r#"{"BuildCache":[{"ID":"r1","InUse":true}]}"#,
        ("POST", "/build/prune") => "{}",
        ("GET", "/containers/c/json") => r#"{"NetworkSettings":{"Ports":{}},"State":{"Running":true}}"#,
        ("POST", "/containers/create") => return (201, r#"{"Id":"c","Warnings":[]}"#.to_owned()),
        ("POST", "/containers/c/start") | ("DELETE", "/containers/c") => return (204, String::new()),
        ("POST", "/containers/c/wait") => r#"{"StatusCode":3}"#,
        ("GET", "/containers/c/logs") => "\u{2}\0\0\0\0\0\0\u{9}no module",
        ("GET", "/containers/c/archive") => return (200, "\0".repeat(1024)),
        ("GET", path) if path.starts_with("/volumes/") => {
            r#"{"Name":"v","Driver":"local","Mountpoint":"/m","Labels":{},"Scope":"local","Options":{}}"#
        }
        _ => return broken(),
    };
    (200, text.to_owned())
}

/// Answers until it comes to what matters.
fn half_way(method: &str, path: &str, all: &str) -> (u16, String) {
    match (method, path) {
        ("GET", "/_ping") => (200, "OK".to_owned()),
        ("POST", "/build/prune") => broken(),
        ("POST", "/containers/c/wait") => (200, String::new()),
        ("GET", "/containers/c/archive") => (200, "x".repeat(2 << 20)),
        ("GET", "/distribution/registry.example.org/i:1/json") => (NEVER, String::new()),
        _ => contrary(method, path, all),
    }
}

/// Its containers print without end, or never end.
fn endless(method: &str, path: &str, all: &str) -> (u16, String) {
    match (method, path) {
        ("POST", "/containers/c/wait") => (200, r#"{"StatusCode":0}"#.to_owned()),
        ("GET", "/containers/c/logs") => (200, format!("\u{1}\0\0\0\0\u{11}\0\0{}", "x".repeat(0x11_0000))),
        _ => contrary(method, path, all),
    }
}

fn silent(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/containers/c/wait" { (NEVER, String::new()) } else { contrary(method, path, all) }
}

type Asked = (&'static str, fn(&Daemon) -> Result<(), EngineError>);

const LIMIT: Duration = Duration::from_secs(5);

const SHORT: Duration = Duration::from_secs(1);

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
    ("for a file that is a folder", |engine| engine.file("c", "/etc").map(drop)),
];

const ON_THE_WAY: &[Asked] = &[
    ("what it holds", |engine| engine.contents().map(drop)),
    ("to remove build cache records", |engine| engine.remove_records(&["r1".to_owned()].into())),
    ("to run an image", |engine| engine.run_image("run", "i", LIMIT).map(drop)),
    ("for a file that is too large", |engine| engine.file("c", "/etc/x").map(drop)),
    ("for a base image, for which it asks and asks", |engine| {
        engine.registry_digest("registry.example.org/i:1", SHORT).map(drop)
    }),
];

const ENDLESS: &[Asked] =
    &[("to run an image that prints too much", |engine| engine.run_image("run", "i", LIMIT).map(drop))];

const SILENT: &[Asked] =
    &[("to run an image that does not end", |engine| engine.run_image("run", "i", SHORT).map(drop))];

#[test]
fn what_an_engine_refuses_is_said_with_its_reason() {
    let mut all = String::new();
    for (kind, answers, asked) in [
        ("out of order", out_of_order as Answers, REFUSED),
        ("that is contrary", contrary, CONTRADICTED),
        ("that breaks on the way", half_way, ON_THE_WAY),
        ("that never ends", endless, ENDLESS),
        ("that falls silent", silent, SILENT),
    ] {
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
