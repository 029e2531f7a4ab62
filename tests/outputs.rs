//! Where answers go: whoever reads along may go away at any moment, and what is no file stays what it is. Every command is
//! called, those that need an engine in the cheapest form that prints.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/commands.rs"]
mod commands;
#[allow(dead_code)]
#[path = "support/runs.rs"]
mod runs;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, pipe};
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// RUN is the reference run, STUDY the article's study, FIGURES its figures, NEW a folder that is not there yet; in `nights`
/// is a history, whose last night is `nights/LAST`.
const CALLS: &[&[&str]] = &[
    &["run", "STUDY", "--dry-run", "--reps", "30", "--engine", "private"],
    &["report", "RUN"],
    &["report", "RUN", "--format", "markdown"],
    &["report", "RUN", "--format", "html"],
    &["report", "RUN", "--format", "csv"],
    &["report", "RUN", "--format", "json"],
    &["compare", "RUN", "--approach", "01-simple", "--approach", "02-simple-slim"],
    &["compare", "RUN:01-simple", "RUN:02-simple-slim", "--format", "json"],
    &["gate", "nights/LAST"],
    &["gate", "nights/LAST", "--format", "markdown"],
    &["gate", "nights/LAST", "--format", "json"],
    &["history", "nights"],
    &["history", "nights", "--format", "json"],
    &["explain", "RUN", "01-simple/cold", "06-final-slim-build/cold"],
    &["explain", "RUN", "01-simple/cold", "06-final-slim-build/cold", "--format", "json"],
    &["export", "RUN", "--format", "bencher"],
    &["export", "RUN", "--format", "hyperfine"],
    &["export", "RUN", "--format", "junit"],
    &["export", "RUN", "--format", "openmetrics"],
    &["export", "nights", "--format", "otava"],
    &["audit", "RUN"],
    &["audit", "RUN", "--format", "json"],
    &["audit", "RUN", "--format", "sarif"],
    &["init", "app", "--force"],
    &["import", "FIGURES", "--study", "STUDY", "--out", "NEW"],
    &["doctor", "--only", "machine"],
    &["doctor", "--only", "machine", "--format", "json"],
    &["clean"],
];

/// Commands that do nothing without an engine but print their help.
const NEED_AN_ENGINE: [&str; 2] = ["build", "engine"];

/// How many new folders there were.
static COUNT: AtomicU32 = AtomicU32::new(0);

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for day in 0..14 {
        runs::night(day).write(&dir.path().join("nights"));
    }
    let last = runs::night(14).slow(1.5).write(&dir.path().join("nights"));
    fs::rename(&last, dir.path().join("nights/LAST")).unwrap();
    fs::create_dir(dir.path().join("app")).unwrap();
    fs::write(dir.path().join("app/Dockerfile"), "FROM scratch\nCOPY main.py /\n").unwrap();
    fs::write(dir.path().join("app/main.py"), "print()\n").unwrap();
    dir
}

fn call(dir: &Path, args: &[&str]) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_layerbench"));
    for arg in args {
        let at = |place: &str| root.join(place).to_string_lossy().into_owned();
        command.arg(match arg.split_once(':') {
            _ if *arg == "RUN" => at("results/reference"),
            _ if *arg == "STUDY" => at("scenarios/article"),
            _ if *arg == "FIGURES" => at("results/article/published-raw.csv"),
            // The same figures in the same second would be the same run.
            _ if *arg == "NEW" => format!("new-{}", COUNT.fetch_add(1, Ordering::SeqCst)),
            Some(("RUN", approach)) => format!("{}:{approach}", at("results/reference")),
            _ => (*arg).to_owned(),
        });
    }
    command.current_dir(dir).env("LAYERBENCH_HOME", dir.join("home")).env_remove("DOCKER_HOST").stdin(Stdio::null());
    command
}

/// What a call ends like whose reader takes so many lines, and goes away. With none, it is gone before the call begins.
fn read_to(dir: &Path, args: &[&str], lines: usize, messages_too: bool) -> Output {
    let (reader, writer) = pipe().unwrap();
    let mut command = call(dir, args);
    command.stderr(if messages_too { Stdio::from(writer.try_clone().unwrap()) } else { Stdio::piped() });
    command.stdout(writer);
    if lines == 0 {
        drop(reader);
        return command.output().unwrap();
    }
    let child = command.spawn().unwrap();
    // Only the child writes from here on, or there would be no end.
    drop(command);
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(64, reader);
    (0..lines).for_each(|_| assert!(reader.read_line(&mut line).unwrap() > 0, "{args:?} prints nothing"));
    drop(reader);
    child.wait_with_output().unwrap()
}

#[test]
fn a_reader_that_goes_away_ends_every_command_quietly() {
    let dir = place();
    let commands = commands::commands();
    let helps: Vec<[&str; 2]> = commands.iter().map(|command| [command.as_str(), "--help"]).collect();
    for command in &commands {
        let called = CALLS.iter().any(|call| call[0] == command) || NEED_AN_ENGINE.contains(&command.as_str());
        assert!(called, "{command}: give it a call in CALLS");
    }
    let overview: [&[&str]; 3] = [&["--help"], &["--version"], &["help"]];
    let mut wrong = Vec::new();
    for args in CALLS.iter().copied().chain(helps.iter().map(|help| &help[..])).chain(overview) {
        let usual = call(dir.path(), args).output().unwrap();
        let said = String::from_utf8_lossy(&usual.stderr);
        assert!(!usual.stdout.is_empty() && usual.status.code().is_some(), "{args:?}: {said}");
        for (lines, messages_too) in [(1, false), (0, false), (0, true)] {
            let left = read_to(dir.path(), args, lines, messages_too);
            let said = String::from_utf8_lossy(&left.stderr);
            let proper = [Some(0), usual.status.code()].contains(&left.status.code());
            if !proper || ["panicked", "roken pipe"].iter().any(|word| said.contains(word)) {
                wrong.push(format!("{args:?}, after {lines} lines: {}, not {}\n{said}", left.status, usual.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every command that writes its answer where `--out` says.
const ANSWERS: &[&[&str]] = &[
    &["report", "RUN", "--format", "text"],
    &["report", "RUN", "--format", "html"],
    &["compare", "RUN", "--approach", "01-simple", "--approach", "02-simple-slim"],
    &["gate", "nights/LAST"],
    &["history", "nights"],
    &["explain", "RUN", "01-simple/cold", "06-final-slim-build/cold"],
    &["export", "RUN", "--format", "openmetrics"],
    &["audit", "RUN"],
];

/// Makes the null device; whether it can be made here, and opened.
fn device(path: &Path) -> bool {
    let made = mknodat(CWD, path, FileType::CharacterDevice, Mode::from_raw_mode(0o600), makedev(1, 3));
    made.is_ok() && File::options().append(true).open(path).is_ok()
}

#[test]
#[allow(clippy::print_stderr)]
fn what_is_no_file_stays_what_it_is() {
    let dir = place();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("out")).unwrap();
    let devices = device(&at("out/device"));
    if !devices {
        eprintln!("not tested with a device: none can be made here");
        let _ = fs::remove_file(at("out/device"));
    }
    mknodat(CWD, at("out/pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    symlink("device", at("out/to-device")).unwrap();
    symlink("pipe", at("out/to-pipe")).unwrap();
    for args in ANSWERS {
        let write = |name: &str| {
            let output = call(dir.path(), &[args, &["--out", &format!("out/{name}")][..]].concat()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!([Some(0), Some(3)].contains(&output.status.code()), "{args:?} {name}: {}: {said}", output.status);
            assert!(output.stdout.is_empty(), "{args:?} {name}");
        };
        write("plain");
        let plain = fs::read_to_string(at("out/plain")).unwrap();
        assert!(plain.len() > 100, "{args:?}: {plain}");
        fs::write(at("out/target"), "precious").unwrap();
        symlink("target", at("out/link")).unwrap();
        // A link is taken away, and what it leads to is not touched.
        write("link");
        assert_eq!(fs::read_to_string(at("out/link")).unwrap(), plain, "{args:?}");
        assert!(
            !at("out/link").is_symlink() && fs::read_to_string(at("out/target")).unwrap() == "precious",
            "{args:?}"
        );
        for name in ["pipe", "to-pipe"] {
            assert_eq!(through_pipe(&at("out/pipe"), || write(name)), plain, "{args:?} {name}");
        }
        for name in ["device", "to-device"].into_iter().filter(|_| devices) {
            write(name);
            let found = at("out/device").symlink_metadata().unwrap();
            assert!(found.file_type().is_char_device() && found.rdev() == makedev(1, 3), "{args:?} {name}");
        }
        let links = ["to-pipe", "to-device"].iter().all(|name| at("out").join(name).is_symlink());
        assert!(links && at("out/pipe").symlink_metadata().unwrap().file_type().is_fifo(), "{args:?}");
        fs::remove_file(at("out/link")).unwrap();
        let left = fs::read_dir(at("out")).unwrap().count();
        assert_eq!(left, 5 + usize::from(devices), "{args:?} leaves something beside its answer");
    }
}

/// What comes out of a pipe while something is written into it.
fn through_pipe(pipe: &Path, write: impl FnOnce()) -> String {
    // The reader has its end when this is closed, also where nobody ever wrote.
    let held_open = File::options().read(true).write(true).open(pipe).unwrap();
    let mut reader = File::open(pipe).unwrap();
    std::thread::scope(|scope| {
        let held_open = held_open;
        let reader = scope.spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        write();
        drop(held_open);
        reader.join().unwrap()
    })
}
