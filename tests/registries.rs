//! Registries between a run and its base images: one that has had too many requests, and a cache that spares them.
//! Real private engines and the distribution's own registry, on this machine. Needs root.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/registry.rs"]
mod registry;
#[path = "support/tiny.rs"]
mod tiny;

use layerbench::model::{ColdKind, Property, Sample, Status};
use layerbench::store::{RunFolder, StoredRun};
use registry::{Registry, gate, own_address, store};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tiny::{disturbed, messages, tiny_study};

/// The program, with engines that trust the gate.
fn program(dir: &Path, args: &[&str]) -> Command {
    let mut command = tiny::program(dir, args);
    command.env("SSL_CERT_FILE", dir.join("gate.pem"));
    command
}

/// The image behind a gate.
fn image(port: u16) -> String {
    format!("{}:{port}/lib/base:1", own_address())
}

fn study(dir: &Path, base: &str) {
    let text = format!(
        "FROM {base}\nCOPY main.txt /\nRUN echo built >>/main.txt\nCMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n"
    );
    tiny_study(dir, &[("one", &text)]);
}

fn all_ok(stored: &StoredRun) -> Vec<&Sample> {
    let samples: Vec<&Sample> = stored.samples.iter().map(|(sample, _)| sample).collect();
    for sample in &samples {
        assert_eq!(sample.status, Status::Ok, "{}: {}", sample.key.scenario, sample.reason);
    }
    samples
}

#[test]
fn too_many_requests_are_waited_out_while_resolving_and_while_building() {
    let dir = tempfile::tempdir().unwrap();
    let storage = dir.path().join("upstream");
    store(&storage, "lib/base", "1", "one");
    let registry = Registry::serve(&storage, dir.path());
    // The first requests of all, and those of the first second after the run's record was written: the first build.
    let (record, first) = (dir.path().join("results/latest"), Mutex::new((0, None::<Instant>)));
    let port = gate(registry.port, dir.path(), move |request| {
        let mut seen = first.lock().unwrap();
        if !request.contains("/manifests/") {
            return None;
        }
        if !record.exists() {
            seen.0 += 1;
            return (seen.0 <= 2).then(|| "retry-after: 1s, allowed: 1/hour".to_owned());
        }
        let since = *seen.1.get_or_insert_with(Instant::now);
        (request.contains("/manifests/") && since.elapsed() < Duration::from_secs(1)).then(|| "later".to_owned())
    });
    study(dir.path(), &image(port));
    let args = ["run", ".", "--engine", "private", "--reps", "1", "--out", "results"];
    let output = program(dir.path(), &args).output().unwrap();
    let text = messages(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let stored = RunFolder::open(&dir.path().join("results/latest")).unwrap();
    assert_eq!(all_ok(&stored).len(), 3, "what was refused is no sample");
    assert!(text.contains("trying again in 1.0 s, as it asks"), "while resolving: {text}");
    let waited: Vec<&String> = stored.record.notes.iter().filter(|note| note.contains("too many requests")).collect();
    assert!(!waited.is_empty() && waited[0].contains("trying again in 5.0 s ("), "{:?}", stored.record.notes);
}

/// When something happened: the start and end of each cold build, on the clock that the gate reads too.
fn cold_builds(stored: &StoredRun) -> Vec<(OffsetDateTime, OffsetDateTime)> {
    let cold = all_ok(stored).into_iter().filter(|sample| sample.key.scenario.as_str() == "cold");
    cold.map(|sample| {
        let start = OffsetDateTime::parse(&sample.started_at, &Rfc3339).unwrap();
        (start, start + Duration::from_secs_f64(sample.seconds.get() + 0.001))
    })
    .collect()
}

/// The private engine is asked as a private one, and as somebody's own engine on which the image stays.
#[test]
fn each_cold_build_fetches_its_base_again_or_the_record_says_that_it_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let storage = dir.path().join("upstream");
    let image_stored = store(&storage, "lib/base", "1", "one");
    let registry = Registry::serve(&storage, dir.path());
    let (layer, seen) = (image_stored.layer.clone(), Arc::new(Mutex::new(Vec::new())));
    let times = Arc::clone(&seen);
    let port = gate(registry.port, dir.path(), move |request| {
        if request.starts_with("GET ") && request.contains(&layer) {
            times.lock().unwrap().push(OffsetDateTime::now_utc());
        }
        None
    });
    study(dir.path(), &image(port));
    let fetched = |(start, end): &(OffsetDateTime, OffsetDateTime)| {
        seen.lock().unwrap().iter().filter(|time| (*start..=*end).contains(*time)).count()
    };
    let run = |args: &[&str]| {
        let mut output = program(dir.path(), args).output().unwrap();
        if disturbed(&dir.path().join("results")) {
            seen.lock().unwrap().clear();
            output = program(dir.path(), args).output().unwrap();
        }
        assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
        (RunFolder::open(&dir.path().join("results/latest")).unwrap(), String::from_utf8(output.stdout).unwrap())
    };

    let (stored, table) = run(&["run", ".", "--engine", "private", "--reps", "2", "--out", "results"]);
    let builds = cold_builds(&stored);
    assert_eq!((stored.record.cold, builds.len()), (ColdKind::Pristine, 2));
    assert!(table.contains("Cold: pristine"), "{table}");
    let counts: Vec<usize> = builds.iter().map(fetched).collect();
    assert!(counts.iter().all(|count| *count > 0), "fetched in the two cold builds: {counts:?}");
    assert!(registry.requests(&["GET ", &image_stored.layer]) >= seen.lock().unwrap().len(), "the registry's own log");
    assert_eq!(counts.iter().sum::<usize>(), seen.lock().unwrap().len(), "and at no other time");

    seen.lock().unwrap().clear();
    let program = env!("CARGO_BIN_EXE_layerbench");
    let args = ["engine", "--", program, "run", ".", "--engine", "host", "--reps", "2", "--out", "results"];
    let (stored, table) = run(&args);
    let builds = cold_builds(&stored);
    assert_eq!((stored.record.cold, builds.len()), (ColdKind::WarmBase, 2));
    assert!(table.contains("Cold: warm base"), "{table}");
    assert_eq!(builds.iter().map(fetched).collect::<Vec<_>>(), [0, 0]);
    assert!(!seen.lock().unwrap().is_empty(), "it was fetched before the first build");
}

#[test]
fn a_registry_that_refuses_for_hours_ends_the_run_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let port = gate(9, dir.path(), |request| {
        request.contains("/manifests/").then(|| "You have reached your pull rate limit. retry-after: 7200s".to_owned())
    });
    study(dir.path(), &image(port));
    let output = program(dir.path(), &["run", ".", "--engine", "private", "--out", "results"]).output().unwrap();
    let text = messages(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("still says too many requests") && text.contains("--registry-cache"), "{text}");
    assert!(!dir.path().join("results").exists());
}

#[test]
fn waiting_for_a_registry_ends_at_once_with_ctrl_c() {
    let dir = tempfile::tempdir().unwrap();
    let port = gate(9, dir.path(), |request| request.contains("/manifests/").then(|| "retry-after: 900s".to_owned()));
    study(dir.path(), &image(port));
    let mut command = program(dir.path(), &["run", ".", "--engine", "private", "--out", "results"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    while !said.contains("trying again in 900.0 s") {
        let mut more = [0; 256];
        let length = stderr.read(&mut more).unwrap();
        assert!(length > 0, "{said}");
        said += &String::from_utf8_lossy(&more[..length]);
    }
    let since = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(since.elapsed() < Duration::from_secs(20));
    assert!(!dir.path().join("home").exists() && !dir.path().join("results").exists());
}

#[test]
fn a_registry_cache_asks_its_upstream_once_for_all_cold_builds() {
    let dir = tempfile::tempdir().unwrap();
    let storage = dir.path().join("upstream");
    let image = store(&storage, "library/base", "1", "one");
    let registry = Registry::serve(&storage, dir.path());
    // No registry in its name: an image of Docker Hub, which the upstream plays here.
    study(dir.path(), "base:1");
    let upstream = format!("--registry-cache=http://{}:{}", own_address(), registry.port);
    let args = ["run", ".", "--engine", "private", "--reps", "3", "--scenario", "cold", "--out", "results", &upstream];
    let output = tiny::program(dir.path(), &args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
    let stored = RunFolder::open(&dir.path().join("results/latest")).unwrap();
    let samples = all_ok(&stored);
    assert_eq!(samples.len(), 3);
    assert!(samples.iter().all(|sample| sample.pulled_bytes.0 > 500_000), "each cold build pulled");
    // While it is fetched the first time, the cache takes a blob twice: to answer, and to store it.
    let layers = registry.requests(&["GET /v2/library/base/blobs/", &image.layer]);
    assert!((1..=2).contains(&layers), "the layer was fetched {layers} times in three cold builds");
    let manifests = registry.requests(&["GET /v2/library/base/manifests/"]);
    assert!((1..=2).contains(&manifests), "the manifest was fetched {manifests} times in three cold builds");
    let recorded = stored.record.fingerprint.get(Property::RegistryCache);
    assert_eq!(recorded, Some(&upstream["--registry-cache=".len()..]));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.replace('\n', " ").contains("pull-through cache of"), "{table}");
    assert!(!dir.path().join("home").exists(), "the cache's folder goes with the run");
}

#[test]
fn a_registry_cache_without_its_upstream_says_so() {
    let dir = tempfile::tempdir().unwrap();
    study(dir.path(), "base:1");
    let args = ["run", ".", "--engine", "private", "--out", "results", "--registry-cache=http://127.0.0.1:9"];
    let output = tiny::program(dir.path(), &args).output().unwrap();
    let text = messages(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("127.0.0.1:9") && text.contains("base image base:1"), "{text}");
    assert!(!dir.path().join("home").exists() && !dir.path().join("results").exists());
}
