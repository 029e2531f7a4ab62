//! Bad input and a bad world: one clear message each, the right exit code, nothing half-written. The messages are parts
//! of `golden/errors.txt`, to be read as a user would.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/golden.rs"]
mod golden;
#[path = "support/registry.rs"]
mod registry;
#[path = "support/tiny.rs"]
mod tiny;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use tiny::{GOOD, STUDY, messages, program, tiny_study};

/// A case: its title, what it does to a good study, how it calls, and the exit code that must come.
struct Case {
    title: &'static str,
    spoil: fn(&Path),
    args: &'static [&'static str],
    code: i32,
}

const fn case(title: &'static str, spoil: fn(&Path), args: &'static [&'static str], code: i32) -> Case {
    Case { title, spoil, args, code }
}

fn nothing(_: &Path) {}

fn study(dir: &Path, text: &str) {
    fs::write(dir.join("study.toml"), text).unwrap();
}

const APPROACH: &str = "\n[[approach]]\nid = \"good\"\ndockerfile = \"good.Dockerfile\"\n";

const CASES: &[Case] = &[
    case("a study that does not exist", nothing, &["run", "nowhere"], 2),
    case(
        "unknown keys and wrong types, all at once",
        |dir| study(dir, &format!("{}{APPROACH}tagret = \"x\"\nargs = 7\n", STUDY.replace("path =", "pth ="))),
        &["run", "."],
        2,
    ),
    case(
        "a Dockerfile that is missing, an approach named twice, a state that does not exist",
        |dir| {
            let text = STUDY.replace("state = \"sources-changed\"", "state = \"nirvana\"");
            study(dir, &format!("{text}{APPROACH}{}", APPROACH.replace("good.Dockerfile", "gone.Dockerfile")));
        },
        &["run", "."],
        2,
    ),
    case(
        "a state folder outside the study",
        |dir| study(dir, &format!("{}{APPROACH}", STUDY.replace("overlay = \"changed\"", "overlay = \"../../etc\""))),
        &["run", "."],
        2,
    ),
    case(
        "a project outside the study and what is around it",
        |dir| {
            study(
                dir,
                &format!(
                    "{}{APPROACH}",
                    STUDY.replace("path = \"project\"", "path = \"../../../../../../../../usr/share\"")
                ),
            )
        },
        &["run", "."],
        2,
    ),
    case(
        "secrets without leave",
        |dir| {
            study(
                dir,
                &format!("{STUDY}{APPROACH}secrets = {{ a = {{ env = \"A\" }}, b = {{ file = \"/dev/null\" }} }}\n"),
            )
        },
        &["run", "."],
        2,
    ),
    case(
        "an ignore file that is a link to elsewhere",
        |dir| std::os::unix::fs::symlink("/etc/passwd", dir.join("good.Dockerfile.dockerignore")).unwrap(),
        &["run", "."],
        2,
    ),
    case(
        "a Dockerfile of 100 MB",
        |dir| fs::File::create(dir.join("good.Dockerfile")).unwrap().set_len(100_000_000).unwrap(),
        &["run", "."],
        2,
    ),
    case(
        "a change that changes nothing",
        |dir| fs::write(dir.join("changed/main.txt"), "one\n").unwrap(),
        &["run", "."],
        2,
    ),
    case(
        "a change that the ignore rules leave out",
        |dir| fs::write(dir.join("project/.dockerignore"), "*.txt\n").unwrap(),
        &["run", "."],
        2,
    ),
    case(
        "an ignore file with a bad pattern",
        |dir| fs::write(dir.join("project/.dockerignore"), "# fine\nfine\n  [oops\n").unwrap(),
        &["run", "."],
        2,
    ),
    case(
        "a Dockerfile without FROM",
        |dir| fs::write(dir.join("good.Dockerfile"), "RUN true\n").unwrap(),
        &["run", "."],
        2,
    ),
    case("an approach that does not exist", nothing, &["run", ".", "--approach", "better"], 2),
    case("a scenario that does not exist", nothing, &["run", ".", "--scenario", "tepid"], 2),
    case("no repetitions", nothing, &["run", ".", "--reps", "0"], 2),
    case("a replacement without a target", nothing, &["run", ".", "--base", "python:3.12"], 2),
    case("a replacement of an image that is not used", nothing, &["run", ".", "--base", "a=b"], 2),
    case("an engine that is none", nothing, &["run", ".", "--engine", "moby"], 2),
    case("an address that cannot be used", nothing, &["run", ".", "--engine", "ftp://here"], 2),
    case("a registry cache without an address", nothing, &["run", ".", "--registry-cache=docker.io"], 2),
    case(
        "a registry cache for an engine that is not private",
        nothing,
        &["run", ".", "--engine", "unix:///nowhere/docker.sock", "--registry-cache"],
        2,
    ),
    case("an engine that is not there", nothing, &["run", ".", "--engine", "unix:///nowhere/docker.sock"], 1),
    case(
        "an engine too old for BuildKit",
        |dir| an_engine(dir, "1.26"),
        &["run", ".", "--engine", "unix://DIR/an.sock"],
        1,
    ),
    case(
        "an engine without BuildKit",
        |dir| an_engine(dir, "1.41"),
        &["run", ".", "--engine", "unix://DIR/an.sock"],
        1,
    ),
    case(
        "an engine that somebody else's certificate leads to",
        strangers,
        &["run", ".", "--engine", "tcp://127.0.0.1:PORT"],
        1,
    ),
    case(
        "an engine without the certificates for it",
        |dir| fs::create_dir(dir.join("certificates")).unwrap(),
        &["run", ".", "--engine", "tcp://127.0.0.1:9"],
        2,
    ),
    case("an engine over TCP that is not there", nothing, &["run", ".", "--engine", "tcp://127.0.0.1:9"], 1),
    case("a docker context that does not exist", nothing, &["run", ".", "--engine", "context:nowhere"], 2),
    case(
        "a FROM that cannot be resolved",
        |dir| fs::write(dir.join("good.Dockerfile"), "FROM 127.0.0.1:9/no/such:image\nRUN true\n").unwrap(),
        &["run", ".", "--engine", "private"],
        1,
    ),
    case("results that cannot be written", nothing, &["run", ".", "--engine", "private", "--out", "/proc/results"], 1),
    case("a report of no run", nothing, &["report", "project"], 2),
    case(
        "a run with a link in it",
        |dir| {
            fs::create_dir(dir.join("run")).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", dir.join("run/run.json")).unwrap();
        },
        &["report", "run"],
        2,
    ),
];

/// Something that calls itself an engine, as far as it is asked, and knows nothing of sessions.
fn an_engine(dir: &Path, api: &'static str) {
    let listener = UnixListener::bind(dir.join("an.sock")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or_default();
            let (status, body) = match request[..length].starts_with(b"POST /session ") {
                true => ("404 Not Found", r#"{"message":"page not found"}"#.to_owned()),
                false => ("200 OK", format!(r#"{{"Version":"1.13.1","ApiVersion":"{api}"}}"#)),
            };
            let head = "Content-Type: application/json\r\nConnection: close";
            let _ = write!(stream, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
}

/// An engine's port with TLS, and certificates that have nothing to do with it.
fn strangers(dir: &Path) {
    let port = registry::gate(9, dir, |_| None);
    fs::write(dir.join("port"), port.to_string()).unwrap();
    let folder = dir.join("certificates");
    fs::create_dir(&folder).unwrap();
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success());
    fs::copy(folder.join("cert.pem"), folder.join("ca.pem")).unwrap();
}

/// What differs from machine to machine or from call to call.
fn settle(text: &str, dir: &Path) -> String {
    let text = text.replace(&dir.canonicalize().unwrap().display().to_string(), "DIR");
    let id = regex::Regex::new(r"engines/[0-9a-f]{8}-1/").unwrap();
    id.replace_all(&text, "engines/ID-1/").into_owned()
}

#[test]
fn every_mistake_gets_one_clear_message() {
    let mut all = String::new();
    for case in CASES {
        let dir = tempfile::tempdir().unwrap();
        tiny_study(dir.path(), &[("good", GOOD)]);
        (case.spoil)(dir.path());
        let port = fs::read_to_string(dir.path().join("port")).unwrap_or_default();
        let fill = |arg: &&str| arg.replace("DIR", &dir.path().display().to_string()).replace("PORT", &port);
        let args: Vec<String> = case.args.iter().map(fill).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = program(dir.path(), &args);
        command.env("DOCKER_CONFIG", dir.path());
        if dir.path().join("certificates").exists() {
            command.env("DOCKER_TLS_VERIFY", "1").env("DOCKER_CERT_PATH", dir.path().join("certificates"));
        }
        let output = command.output().unwrap();
        let mut text = settle(&messages(&output), dir.path());
        if !port.is_empty() {
            text = text.replace(&port, "PORT");
        }
        assert_eq!(output.status.code(), Some(case.code), "{}: {text}", case.title);
        assert!(output.stdout.is_empty(), "{}: something on standard output", case.title);
        assert!(!text.contains("panicked"), "{}: {text}", case.title);
        assert!(!dir.path().join("results").exists(), "{}: a result was begun", case.title);
        assert!(!dir.path().join("home").exists(), "{}: something is left behind", case.title);
        all += &told(case.title, case.args, &text, Some(case.code));
    }
    golden::messages("Runs", &all);
}

/// A case as it stands in the lists.
fn told(title: &str, args: &[&str], text: &str, code: Option<i32>) -> String {
    let code = code.map_or("none".to_owned(), |code| code.to_string());
    format!("## {title}: layerbench {}\n{}\nexit code {code}\n\n", args.join(" "), text.trim_end())
}

/// Root may everything: what others lack is shown by a copy of the program that has no rights, on a `PATH` with nothing
/// on it where programs are to be missing.
#[test]
fn without_rights_it_says_which_and_what_would_help() {
    let dir = tempfile::tempdir().unwrap();
    tiny_study(dir.path(), &[("good", GOOD)]);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = dir.path().join("layerbench");
    fs::copy(env!("CARGO_BIN_EXE_layerbench"), &copy).unwrap();
    an_engine(dir.path(), "1.41");
    fs::set_permissions(dir.path().join("an.sock"), fs::Permissions::from_mode(0o600)).unwrap();
    let (home, programs) = (dir.path().join("home"), dir.path().join("programs"));
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
    // What a private engine needs beside root, whether or not it is all installed here.
    fs::create_dir(&programs).unwrap();
    for name in ["dockerd", "unshare", "ip", "nft"] {
        fs::write(programs.join(name), "").unwrap();
    }
    let mut all = String::new();
    let (some, none) = (programs.as_path(), dir.path().join("nothing"));
    let (socket, gone) = (format!("unix://{}/an.sock", dir.path().display()), "unix:///nowhere/docker.sock");
    for (title, path, host, args) in [
        ("a private engine without root", some, socket.as_str(), &["run", ".", "--engine", "private"][..]),
        ("a private engine without root and without programs", &none, &socket, &["run", ".", "--engine", "private"]),
        ("a socket that this user may not use", some, &socket, &["run", ".", "--engine", "host"]),
        ("any engine, without root and with a socket that this user may not use", some, &socket, &["run", "."]),
        ("any engine, without root, programs and an engine that runs", &none, gone, &["run", "."]),
    ] {
        let output = Command::new(&copy)
            .args(args)
            .uid(65534)
            .gid(65534)
            .current_dir(dir.path())
            .env("PATH", path)
            .env("LAYERBENCH_HOME", home.join("of-nobody"))
            .env("DOCKER_HOST", host)
            .output()
            .unwrap();
        all += &told(title, args, &settle(&messages(&output), dir.path()), output.status.code());
        assert!(!dir.path().join("results").exists(), "{title}: a result was begun");
        assert!(fs::read_dir(&home).unwrap().next().is_none(), "{title}: something is left behind");
    }
    golden::messages("Rights", &all);
}

/// Sockets may have paths of 107 bytes: an engine starts in a folder whose path just leaves room for that, and one that is
/// longer by a byte is refused before anything is made.
#[test]
fn a_home_with_too_long_a_path_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let home = |bytes: usize| dir.path().join("h".repeat(bytes - dir.path().as_os_str().len() - 1));
    let call = |home: &Path| {
        let args = ["engine", "--", "true"];
        program(dir.path(), &args).env("LAYERBENCH_HOME", home).output().unwrap()
    };
    let longest = 107 - "/engines/01234567-0000/engine.sock".len();
    let output = call(&home(longest));
    assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
    let output = call(&home(longest + 1));
    assert!(!home(longest + 1).exists());
    let text = messages(&output).replace(&home(longest + 1).display().to_string(), "HOME");
    let code = output.status.code();
    golden::messages("Paths", &told("a home with a long path", &["engine", "--", "true"], &text, code));
}

/// Runs with a small file system at `place` in the study's folder, in a mount namespace of its own.
fn on_small_disk(place: &str, size: &str, args: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    tiny_study(dir.path(), &[("good", GOOD)]);
    fs::create_dir(dir.path().join(place)).unwrap();
    let script = format!("mount -t tmpfs -o size={size} tmpfs {place} && exec \"$@\"");
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_layerbench")])
        .args(args)
        .current_dir(dir.path())
        .env("LAYERBENCH_HOME", dir.path().join("home"))
        .output()
        .unwrap();
    (output.status.code(), messages(&output))
}

/// What differs in sizes, times and names, and what is said while it is measured.
fn settle_disk(text: &str) -> String {
    let sized = regex::Regex::new(r"\d+(\.\d+)?(B|kB|MB|GB)\b").unwrap();
    let named = regex::Regex::new(r"(small|results)/tiny/[0-9TZ-]+-[0-9a-f]+").unwrap();
    let text = named.replace_all(&sized.replace_all(text, "SIZE"), "$1/tiny/RUN").into_owned();
    let from = text.find("layerbench: ").expect("an error");
    text[from..].to_owned()
}

#[test]
fn a_full_disk_is_named_wherever_it_is() {
    let mut all = String::new();
    for (title, place, size, args) in [
        ("a full disk under the results", "small", "12k", &["run", ".", "--engine", "private", "--out", "small"][..]),
        ("a full disk under the engine", "home", "6m", &["run", ".", "--engine", "private", "--reps", "1"]),
    ] {
        let (code, text) = on_small_disk(place, size, args);
        all += &told(title, args, &settle_disk(&text), code);
    }
    golden::messages("Disks", &all);
}
