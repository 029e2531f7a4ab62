//! Guards against what happens to an engine and its machine during a run, each with its cause made to happen on a real
//! private engine: another client, a removed cache, a base image that moves, a full disk, a slow processor, a clock that
//! jumps. A registry that has had enough is in `registries.rs`, the engine's own garbage collection in
//! `harmless/collected.sh`. Needs root, Docker Engine and a C compiler.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/registry.rs"]
mod registry;
#[path = "support/tiny.rs"]
mod tiny;

use layerbench::model::{Sample, Status};
use layerbench::store::RunFolder;
use registry::{requests, store, tag_as};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tiny::{messages, program, tiny_study};

const RUN: [&str; 6] = ["run", ".", "--engine", "private", "--out", "results"];

fn samples(dir: &Path) -> Vec<Sample> {
    let stored = RunFolder::open(&dir.join("results/latest")).unwrap();
    stored.samples.into_iter().map(|(sample, _)| sample).collect()
}

/// Waits until something can be seen.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{what}: not seen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Folders of the engines of a run.
fn engines(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir.join("home/engines")).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Whether a process with exactly this command line runs, e.g. a RUN step in an engine.
fn runs(command: &str) -> bool {
    let line = command.replace(' ', "\0") + "\0";
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .any(|entry| fs::read(entry.path().join("cmdline")).is_ok_and(|found| found == line.as_bytes()))
}

/// What `docker builder prune --all --force` asks of an engine.
fn prune(socket: &Path) {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream
        .write_all(
            b"POST /build/prune?all=1 HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        )
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn another_client_spoils_the_samples_that_it_builds_beside_or_takes_records_from() {
    let dir = tempfile::tempdir().unwrap();
    let dockerfile = "FROM scratch\nCOPY busybox /bin/sh\nRUN --mount=type=cache,target=/cache echo x >>/cache/x\n\
        COPY main.txt /main.txt\nRUN sleep 2.719\nCMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n";
    tiny_study(dir.path(), &[("one", dockerfile)]);
    let other = tempfile::tempdir().unwrap();
    fs::copy(tiny::busybox(), other.path().join("busybox")).unwrap();
    fs::write(other.path().join("Dockerfile"), "FROM scratch\nCOPY busybox /bin/sh\nRUN echo other >/other\n").unwrap();

    let mut run = program(dir.path(), &[&RUN[..], &["--reps", "1"]].concat())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the step of the cold build", || runs("sleep 2.719").then_some(()));
    let socket =
        until("the engine", || engines(dir.path()).into_iter().map(|dir| dir.join("engine.sock")).find(|s| s.exists()));
    let host = format!("unix://{}", socket.display());
    let built =
        program(other.path(), &["build", "-q", "-t", "other:1", "."]).env("DOCKER_HOST", &host).output().unwrap();
    assert!(built.status.success(), "{}", messages(&built));
    until("the end of the cold build", || (!runs("sleep 2.719")).then_some(()));
    until("the step of the changed build", || runs("sleep 2.719").then_some(()));
    prune(&socket);
    assert_eq!(run.wait().unwrap().code(), Some(1), "samples that are not valid");

    let all = samples(dir.path());
    let reasons: BTreeMap<&str, (Status, &str)> =
        all.iter().map(|s| (s.key.scenario.as_str(), (s.status, s.reason.as_str()))).collect();
    let (status, reason) = reasons["cold"];
    assert!(status == Status::Invalid && reason.contains("another client was building"), "{reasons:?}");
    assert_eq!(reasons["warm"], (Status::Ok, ""), "nobody disturbed it");
    let (status, reason) = reasons["sources-changed"];
    assert!(status == Status::Invalid && reason.contains("build cache records vanished during"), "{reasons:?}");
}

#[test]
fn a_base_image_that_moves_spoils_what_is_built_on_it_and_each_cold_build_pulls_again() {
    let dir = tempfile::tempdir().unwrap();
    tiny_study(
        dir.path(),
        &[("one", "FROM 127.0.0.1:5000/lib/base:1\nRUN echo hello\nCMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n")],
    );
    let study = fs::read_to_string(dir.path().join("study.toml")).unwrap();
    fs::write(dir.path().join("study.toml"), format!("{study}\n[registry]\nstorage = \"registry\"\n")).unwrap();
    let storage = dir.path().join("registry");
    let new = store(&storage, "lib/base", "1", "new");
    let old = store(&storage, "lib/base", "1", "old");

    let args = [&RUN[..], &["--reps", "3", "--scenario", "cold"]].concat();
    let mut run = program(dir.path(), &args).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let mut logs: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut moved = false;
    let code = until("the end of the run", || {
        for engine in engines(dir.path()) {
            // Kept as long as it can be read: it goes with the engine.
            if let Ok(log) = fs::read_to_string(engine.join("registry.log")) {
                logs.insert(engine, log);
            }
        }
        let rows = fs::read_to_string(dir.path().join("results/latest/samples.csv")).unwrap_or_default();
        if !moved && rows.lines().count() > 2 {
            tag_as(&storage, "lib/base", "1", &new);
            moved = true;
        }
        run.try_wait().unwrap()
    });
    let all = samples(dir.path());
    let states: Vec<(Status, &str)> = all.iter().map(|s| (s.status, s.reason.as_str())).collect();
    assert_eq!(states[0], (Status::Ok, ""), "the digest of the run's start is the one that was built from");
    assert_eq!(states[1], (Status::Ok, ""));
    let wanted = format!("base image 127.0.0.1:5000/lib/base:1 moved from {} to {}", old.manifest, new.manifest);
    assert!(states[2].0 == Status::Invalid && states[2].1.contains(&wanted), "{states:?}");
    assert_eq!(code.code(), Some(1));
    assert!(all.iter().all(|sample| sample.pulled_bytes.0 > 500_000));
    let fetched = |layer: &str| logs.values().filter(|log| requests(log, &["GET ", layer]) > 0).count();
    assert_eq!((fetched(&old.layer), fetched(&new.layer)), (2, 1), "each cold build fetched its base: {logs:?}");
}

#[test]
fn a_disk_that_is_about_to_fill_stops_the_run_before_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let dockerfile = "FROM scratch\nCOPY busybox /bin/sh\nCOPY main.txt /main.txt\n\
        RUN dd if=/dev/zero of=/much bs=1M count=150 2>/dev/null\nCMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n";
    tiny_study(dir.path(), &[("one", dockerfile)]);
    fs::create_dir(dir.path().join("home")).unwrap();
    let script = "mount -t tmpfs -o size=400m tmpfs home && exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_layerbench")])
        .args(RUN)
        .args(["--reps", "1"])
        .current_dir(dir.path())
        .env("LAYERBENCH_HOME", dir.path().join("home"))
        .output()
        .unwrap();
    let text = messages(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("the disk of the engine's data-root is about to fill"), "{text}");
    let all = samples(dir.path());
    assert_eq!(all.iter().map(|s| (s.key.scenario.as_str(), s.status)).collect::<Vec<_>>(), [("cold", Status::Ok)]);
}

#[test]
fn a_quota_on_the_engines_processor_makes_the_sample_invalid() {
    let dir = tempfile::tempdir().unwrap();
    let dockerfile = "FROM scratch\nCOPY busybox /bin/sh\n\
        RUN (while :; do :; done) & sleep 2.417; kill $!\nCMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n";
    tiny_study(dir.path(), &[("one", dockerfile)]);
    let args = [&RUN[..], &["--reps", "1", "--scenario", "cold"]].concat();
    let mut run = program(dir.path(), &args).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    until("the busy step", || runs("sleep 2.417").then_some(()));
    let name = engines(dir.path()).into_iter().filter(|e| e.join("engine.sock").exists());
    let names: Vec<String> = name.map(|e| format!("layerbench-{}", e.file_name().unwrap().to_string_lossy())).collect();
    let slowed = names.iter().any(|name| {
        let one = Path::new("/sys/fs/cgroup/cpu").join(name).join("cpu.cfs_quota_us");
        let two = Path::new("/sys/fs/cgroup").join(name).join("cpu.max");
        fs::write(one, "5000").is_ok() || fs::write(two, "5000 100000").is_ok()
    });
    assert!(slowed, "no control group of {names:?} takes a quota");
    assert_eq!(run.wait().unwrap().code(), Some(1));
    let all = samples(dir.path());
    assert_eq!(all[0].status, Status::Invalid);
    assert!(all[0].reason.contains("a processor quota of the control group /layerbench-"), "{}", all[0].reason);
}

/// The machine's clock is nobody's to set: the program is given one that is an hour ahead as soon as a file is there.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
  int failed = syscall(SYS_clock_gettime, clock, time);
  const char *ahead = getenv("CLOCK_AHEAD");
  if (!failed && clock == CLOCK_REALTIME && ahead && !access(ahead, F_OK)) time->tv_sec += 3600;
  return failed;
}
"#;

#[test]
fn a_clock_that_jumps_makes_the_sample_of_that_moment_invalid() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let dockerfile = "FROM scratch\nCOPY busybox /bin/sh\nCOPY main.txt /main.txt\nRUN sleep 1.619\n\
        CMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n";
    tiny_study(dir.path(), &[("one", dockerfile)]);
    fs::write(at("clock.c"), CLOCK).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([at("clock.so"), at("clock.c")]).output();
    assert!(compiled.as_ref().unwrap().status.success(), "{compiled:?}");

    let args = [&RUN[..], &["--reps", "1", "--scenario", "cold", "--scenario", "sources-changed"]].concat();
    let mut run = program(dir.path(), &args)
        .env("LD_PRELOAD", at("clock.so"))
        .env("CLOCK_AHEAD", at("ahead"))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let rows = || fs::read_to_string(at("results/latest/samples.csv")).unwrap_or_default();
    until("the first sample", || (rows().lines().count() > 1).then_some(()));
    until("the step of the second build", || runs("sleep 1.619").then_some(()));
    fs::write(at("ahead"), "").unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(1), "a sample that is not valid");
    let all = samples(dir.path());
    assert_eq!((all[0].status, all[0].reason.as_str()), (Status::Ok, ""));
    assert_eq!(all[1].status, Status::Invalid);
    assert!(all[1].reason.contains("the machine's clock jumped by +3600.0 s during the build"), "{}", all[1].reason);
}
