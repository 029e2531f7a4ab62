//! Whole runs on a private engine, as a user starts them: the order that was printed, samples that prove their state,
//! steps that add up, builds that fail and are kept. Needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
mod tiny;

use layerbench::analysis::path::critical_path;
use layerbench::model::{Sample, Status, StepKind};
use layerbench::store::{RunFolder, RunStatus, StoredRun};
use std::collections::HashMap;
use std::path::Path;
use tiny::{GOOD, disturbed, messages, program, tiny_study};

fn run(dir: &Path, args: &[&str], code: i32) -> (StoredRun, String) {
    let args = [&["run", ".", "--engine", "private", "--out", "results"], args].concat();
    let mut output = program(dir, &args).output().unwrap();
    for _ in 0..2 {
        if disturbed(&dir.join("results")) {
            output = program(dir, &args).output().unwrap();
        }
    }
    assert_eq!(output.status.code(), Some(code), "{}\n{}", messages(&output), String::from_utf8_lossy(&output.stdout));
    let stored = RunFolder::open(&dir.join("results/latest")).unwrap();
    assert!(!dir.join("home").exists(), "something is left in the private engines' folder");
    (stored, String::from_utf8(output.stdout).unwrap())
}

/// approach, scenario and block of each line of a printed plan.
fn planned(dir: &Path, args: &[&str]) -> Vec<(u32, String, String)> {
    let output = program(dir, &[&["run", ".", "--dry-run"], args].concat()).output().unwrap();
    assert!(output.status.success(), "{}", messages(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter_map(|words| match words.as_slice() {
        [position, block, approach, scenario] if position.parse::<u32>().is_ok() => {
            Some((block.parse().unwrap(), (*approach).to_owned(), (*scenario).to_owned()))
        }
        _ => None,
    })
    .collect()
}

fn taken(samples: &[Sample]) -> Vec<(u32, String, String)> {
    let key = |s: &Sample| (s.key.block, s.key.approach.to_string(), s.key.scenario.to_string());
    samples.iter().map(key).collect()
}

#[test]
fn a_run_takes_the_printed_order_and_every_sample_proves_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let other = GOOD.replace("COPY main.txt ./\n", "").replace("RUN echo built >>main.txt", "COPY main.txt ./");
    tiny_study(dir.path(), &[("one", GOOD), ("two", &other), ("three", GOOD)]);
    let args = ["--reps", "2", "--seed", "5"];
    let order = planned(dir.path(), &args);
    assert_eq!(order.len(), 18);
    assert_eq!(order, planned(dir.path(), &args), "the same seed gives the same order");
    let (stored, table) = run(dir.path(), &args, 0);
    let samples: Vec<Sample> = stored.samples.iter().map(|(sample, _)| sample.clone()).collect();
    assert_eq!(taken(&samples), order);
    assert_eq!(stored.record.status, RunStatus::Finished);
    for sample in &samples {
        assert_eq!(sample.status, Status::Ok, "{}", sample.reason);
        match sample.key.scenario.as_str() {
            "cold" => assert_eq!(sample.steps_cached, 0),
            "warm" => assert_eq!(sample.steps_cached, sample.steps),
            _ => assert!(sample.steps_cached < sample.steps),
        }
        assert!(sample.seconds >= sample.engine_seconds);
        assert!(sample.image_bytes.0 > 1_000_000);
    }
    steps_add_up(&stored);
    for words in ["one", "two", "three", "pristine", "Docker Engine"] {
        assert!(table.contains(words), "{words} is not in\n{table}");
    }
    for file in ["summary.csv", "report.md", "images.csv", "run.json", "samples.csv", "steps.csv"] {
        assert!(stored.path.join(file).is_file(), "{file}");
    }
}

/// What `steps.csv` promises: the times of a sample's rows cover its seconds, and so does its critical path.
fn steps_add_up(stored: &StoredRun) {
    for (sample, steps) in &stored.samples {
        let seconds = sample.seconds.get();
        let mut covered: Vec<(f64, f64)> =
            steps.iter().flat_map(|step| step.intervals.iter().map(|i| (i.start, i.end.min(seconds)))).collect();
        covered.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut total, mut end) = (0.0, 0.0_f64);
        for (from, to) in covered {
            total += (to - from.max(end)).max(0.0);
            end = end.max(to);
        }
        // Beside a tenth, some milliseconds for the end of the session, of builds that take no longer than twenty.
        let near = (seconds * 0.1).max(0.005);
        assert!((total - seconds).abs() <= near, "{}: {total} of {seconds}", sample.key.scenario);
        let path = critical_path(steps, sample.seconds);
        assert!((path.total().get() - seconds).abs() <= near);
        let work = steps.iter().filter(|step| step.kind == StepKind::Work).count();
        assert_eq!(u32::try_from(work).unwrap(), sample.steps);
    }
}

#[test]
fn a_build_that_fails_is_a_row_and_the_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let bad = GOOD.replace("RUN echo built >>main.txt", "RUN echo it hurts; exit 7");
    tiny_study(dir.path(), &[("good", GOOD), ("bad", &bad)]);
    let (stored, table) = run(dir.path(), &["--reps", "1", "--seed", "1"], 1);
    let mut statuses: HashMap<(String, Status), u32> = HashMap::new();
    for (sample, _) in &stored.samples {
        *statuses.entry((sample.key.approach.to_string(), sample.status)).or_default() += 1;
        if sample.status == Status::Failed {
            assert!(sample.reason.contains("RUN echo it hurts; exit 7"), "{}", sample.reason);
            assert!(sample.reason.contains("it hurts"), "{}", sample.reason);
        }
    }
    assert_eq!(statuses.get(&("good".to_owned(), Status::Ok)), Some(&3));
    assert_eq!(statuses.get(&("bad".to_owned(), Status::Failed)), Some(&3));
    assert!(table.contains("failed"), "{table}");
}

#[test]
fn an_image_that_prints_something_else_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    tiny_study(dir.path(), &[("odd", &GOOD.replace("echo hello", "echo goodbye"))]);
    let (stored, _) = run(dir.path(), &["--reps", "1"], 1);
    assert!(stored.samples.iter().all(|(sample, _)| sample.status == Status::Ok));
    let images = std::fs::read_to_string(stored.path.join("images.csv")).unwrap();
    assert!(images.contains("goodbye"), "{images}");
}

#[test]
fn a_build_that_takes_too_long_is_a_timeout() {
    let dir = tempfile::tempdir().unwrap();
    tiny_study(dir.path(), &[("slow", &GOOD.replace("RUN echo built >>main.txt", "RUN sleep 60"))]);
    let (stored, _) = run(dir.path(), &["--reps", "1", "--timeout", "3", "--scenario", "cold"], 1);
    let (sample, _) = &stored.samples[0];
    assert_eq!(sample.status, Status::Timeout);
    assert!((3.0..8.0).contains(&sample.seconds.get()), "{:?}", sample.seconds);
}

#[test]
fn only_what_was_asked_for_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    tiny_study(dir.path(), &[("one", GOOD), ("two", GOOD)]);
    let (stored, _) = run(dir.path(), &["--reps", "1", "--approach", "t*", "--scenario", "warm"], 0);
    let rows: Vec<_> = stored.samples.iter().map(|(s, _)| (s.key.approach.as_str(), s.key.scenario.as_str())).collect();
    assert_eq!(rows, [("two", "warm")]);
}

#[test]
fn from_checkpoints_one_cold_build_serves_all_blocks_and_no_sample_sees_another() {
    let dir = tempfile::tempdir().unwrap();
    // The cache mount counts the builds that it has seen: after a restore it has seen the cold one only.
    let counting = "FROM scratch\nCOPY busybox /bin/sh\nCOPY main.txt /main.txt\n\
        RUN --mount=type=cache,target=/cache echo x >>/cache/x; [ $(wc -l </cache/x) -le 2 ]\n\
        CMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n";
    tiny_study(dir.path(), &[("one", counting), ("two", GOOD)]);
    let args = ["--reps", "2", "--seed", "2", "--chain", "checkpoint"];
    let (stored, table) = run(dir.path(), &args, 0);
    let of = |approach: &str, scenario: &str| {
        let here = |s: &&(Sample, _)| s.0.key.approach.as_str() == approach && s.0.key.scenario.as_str() == scenario;
        stored.samples.iter().filter(here).count()
    };
    for approach in ["one", "two"] {
        assert_eq!((of(approach, "cold"), of(approach, "warm"), of(approach, "sources-changed")), (1, 2, 2));
    }
    for (sample, _) in &stored.samples {
        assert_eq!(sample.status, Status::Ok, "{} {}: {}", sample.key.approach, sample.key.scenario, sample.reason);
    }
    assert!(table.contains("checkpoint"), "{table}");
}
