//! Several versions of Docker Engine, as `scripts/engines` unpacks them: a tiny study gives the same statuses on each,
//! and a regression is confirmed on each engine of a run by itself. `scripts/test --engines all` asks for these tests;
//! without the unpacked engines they cannot be made. Needs root.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
mod tiny;

use layerbench::model::{Property, Status};
use layerbench::store::RunFolder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tiny::{GOOD, disturbed, messages, program, tiny_study};

const CONTAINERD: &str = r#"{"features":{"containerd-snapshotter":true}}"#;

/// The unpacked version and the engine's configuration; no version is the machine's own engine.
const ENGINES: [(&str, &str); 4] = [("", "{}"), ("26.1", "{}"), ("28.5", "{}"), ("28.5", CONTAINERD)];

/// A `PATH` on which an unpacked engine comes first.
fn path_of(version: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    if version.is_empty() {
        return path;
    }
    let bin = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/engines").join(version).join("bin");
    assert!(bin.join("dockerd").exists(), "unpack it first: scripts/engines {version}");
    format!("{}:{path}", bin.display())
}

/// A run that nobody disturbed, after three attempts at most.
fn unless_disturbed<T>(dir: &Path, mut run: impl FnMut() -> T) -> T {
    let attempts = (0..2).map(|_| run()).find(|_| !disturbed(&dir.join("results")));
    attempts.unwrap_or_else(run)
}

/// What a run gave: its engine, and the status of each build with its steps.
fn rows(dir: &Path, version: &str, config: &str) -> (String, BTreeMap<String, String>) {
    tiny_study(dir, &[("good", GOOD), ("bad", &GOOD.replace("RUN echo built >>main.txt", "RUN exit 7"))]);
    // A private engine takes its image store from the machine's configuration: another one is laid over it.
    fs::create_dir_all("/etc/docker").unwrap();
    let script = "mount -t tmpfs tmpfs /etc/docker && printf %s \"$0\" >/etc/docker/daemon.json && exec \"$@\"";
    let mut call = Command::new("unshare");
    call.args(["--mount", "--propagation", "private", "sh", "-c", script, config, env!("CARGO_BIN_EXE_layerbench")])
        .args(["run", ".", "--engine", "private", "--reps", "1", "--seed", "3", "--out", "results"])
        .current_dir(dir)
        .env("PATH", path_of(version))
        .env("LAYERBENCH_HOME", dir.join("home"));
    let output = unless_disturbed(dir, || call.output().unwrap());
    assert_eq!(output.status.code(), Some(1), "builds that fail: {}", messages(&output));
    let stored = RunFolder::open(&dir.join("results/latest")).unwrap();
    let fact = |property| stored.record.fingerprint.get(property).unwrap();
    let row = |sample: &layerbench::model::Sample| {
        let steps = match sample.status {
            Status::Ok => format!("{} steps, {} cached", sample.steps, sample.steps_cached),
            // The step that failed; the engine's words for it differ.
            _ => sample.reason.split(':').next().unwrap_or_default().to_owned(),
        };
        (format!("{} {}", sample.key.approach, sample.key.scenario), format!("{}, {steps}", sample.status))
    };
    (
        format!("{} on the {} image store", fact(Property::EngineVersion), fact(Property::ImageStore)),
        stored.samples.iter().map(|(sample, _)| row(sample)).collect(),
    )
}

#[test]
#[ignore = "needs the engines of scripts/engines"]
fn a_tiny_study_gives_the_same_statuses_on_every_engine() {
    let all = ENGINES.map(|(version, config)| rows(tempfile::tempdir().unwrap().path(), version, config));
    let (_, first) = &all[0];
    assert_eq!(first.len(), 6);
    for (row, found) in first {
        println!("{row}: {found}");
        assert!(found.starts_with(if row.starts_with("good") { "ok, 5 steps" } else { "failed" }), "{row}: {found}");
    }
    for (engine, rows) in &all {
        println!("the same on {engine}: {}", rows == first);
        assert_eq!(rows, first, "{engine}");
    }
    let kinds: Vec<&str> = all.iter().map(|(engine, _)| engine.split(' ').next().unwrap_or_default()).collect();
    assert!(kinds[1].starts_with("26.1.") && kinds[2].starts_with("28.5."), "{kinds:?}");
    assert!(all[3].0.contains("containerd image store"), "{}", all[3].0);
}

/// An engine of another version, as somebody has it; ends with the value.
struct Other {
    child: Child,
    address: String,
}

impl Other {
    fn start(dir: &Path, version: &str) -> Self {
        let mut command = program(dir, &["engine", "--", "sh", "-c", "echo $DOCKER_HOST; read end"]);
        let mut child =
            command.env("PATH", path_of(version)).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.stdin.take().map(|mut stdin| stdin.write_all(b"end\n"));
        let _ = self.child.wait();
    }
}

/// The exit code and the answer of a call on both engines.
fn on_both(dir: &Path, other: &Other, args: &[&str]) -> (Option<i32>, String, String) {
    let engine = format!("other={}", other.address);
    let args = [args, &["--engine", "private", "--engine", &engine]].concat();
    let output = program(dir, &args).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap(), messages(&output))
}

/// How many samples each engine has of each approach.
fn counts(run: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (sample, _) in RunFolder::open(run).unwrap().samples {
        let disturbed = sample.status == Status::Invalid && sample.reason.contains("held the processor back");
        assert!(sample.status == Status::Ok || disturbed, "{}", sample.reason);
        *counts.entry(format!("{} {}", sample.engine, sample.key.approach)).or_default() += 1;
    }
    counts
}

#[test]
#[ignore = "needs the engines of scripts/engines"]
fn a_regression_is_confirmed_on_each_engine_of_a_run_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let quick = GOOD.replace("RUN echo built", "RUN sleep 0.3; echo built");
    let study = |folder: &str, slow: &str| tiny_study(&at(folder), &[("a", &quick), ("slow", slow)]);
    study("before", &quick);
    study("study", &quick);
    let other = Other::start(dir.path(), "28.5");
    let each = |count: usize, names: &[&str]| -> BTreeMap<String, usize> {
        let engines = ["other", "private"].iter();
        engines.flat_map(|engine| names.iter().map(move |name| (format!("{engine} {name}"), count))).collect()
    };
    // A machine with other guests and other work on it spoils a build now and then, and makes others slower: what is
    // injected is far more than that, and a few builds of each cell are enough.
    let night = || {
        let run = ["run", "study", "--reps", "5", "--scenario", "cold", "--out", "results"];
        let (code, _, said) = on_both(dir.path(), &other, &run);
        assert!(matches!(code, Some(0 | 1)), "{said}");
        assert_eq!(counts(&at("results/latest")), each(5, &["a", "slow"]));
    };
    night();
    study("study", &quick.replace("sleep 0.3", "sleep 4.3"));
    night();

    let gate = ["gate", "results/latest", "--rule", "baseline", "--confirm", "--reps", "8", "--format", "json"];
    let files = ["--study", "study", "--baseline-study", "before", "--confirm-out", "fresh"];
    let (code, text, said) = on_both(dir.path(), &other, &[&gate[..], &files].concat());
    assert_eq!(code, Some(3), "{text}{said}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    let slower = |key: &str| -> Vec<(String, String)> {
        let cells = answer[key].as_array().unwrap().iter().filter(|cell| cell["verdict"] == "regression");
        let mut names: Vec<_> = cells.map(|cell| (cell["engine"].to_string(), cell["approach"].to_string())).collect();
        names.sort();
        names
    };
    let wanted = ["other", "private"].map(|engine| (format!("\"{engine}\""), "\"slow\"".to_owned()));
    assert_eq!(answer["cells"].as_array().unwrap().len(), 4, "each engine's cells by themselves: {text}");
    assert_eq!(slower("confirmed"), wanted, "{text}");
    let fresh = counts(&at("fresh/latest"));
    for (name, count) in each(8, &["baseline.slow", "current.slow"]) {
        assert_eq!(fresh.get(&name), Some(&count), "both sides on both engines: {fresh:?}");
    }
    let record = RunFolder::open(&at("fresh/latest")).unwrap().record;
    let facts: Vec<_> =
        record.strata.iter().map(|e| (e.name.as_str(), e.isolation.as_str(), e.cold.as_str())).collect();
    assert_eq!(facts, [("private", "private", "pristine"), ("other", "host", "warm base")]);
    let other = &record.strata[1].fingerprint;
    assert!(other.get(Property::EngineVersion).unwrap().starts_with("28.5."), "{other:?}");
}
