//! Reports of runs of unusual shape, as a whole against `tests/golden/shapes/`, and the size that a job
//! summary may have. Compiled for tests only; `LAYERBENCH_BLESS=1` writes the files anew.

use super::{Form as Format, Run};
use crate::model::*;
use crate::report::TextStyle;
use crate::store::*;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use time::macros::datetime;

/// Bytes that a job summary on a hosted CI may have.
const SUMMARY: usize = 1024 * 1024;

fn record(approaches: usize) -> RunRecord {
    let scenario = |id: &str, title: &str, cache: &str| ScenarioRecord {
        id: id.to_owned(),
        title: title.to_owned(),
        cache: cache.to_owned(),
    };
    RunRecord {
        schema: SCHEMA.to_owned(),
        study: "shapes".to_owned(),
        title: "A study of shapes".to_owned(),
        approaches: (1..=approaches).map(|number| format!("{number:02}-approach")).collect(),
        scenarios: vec![
            scenario("cold", "Cold cache", "cold"),
            scenario("warm", "Without changes", "warm"),
            scenario("sources-changed", "Sources changed", "changed"),
        ],
        published: None,
        findings: Vec::new(),
        study_hash: "ab".repeat(32),
        options: Recorded::default(),
        seed: 1,
        plan: Vec::new(),
        fingerprint: Fingerprint::from_iter([
            (Property::EngineVersion, "28.5.2"),
            (Property::StorageDriver, "overlay2"),
        ]),
        isolation: Isolation::Private,
        cold: ColdKind::Pristine,
        bases: Vec::new(),
        strata: Vec::new(),
        git: None,
        started_at: "2026-01-31T12:00:00Z".to_owned(),
        ended_at: None,
        program: "0.1.0".to_owned(),
        status: RunStatus::Finished,
        notes: Vec::new(),
    }
}

/// A build that took 1200 s cold, 0.08 s warm and 41 s changed, about, in the approach 1.
fn sample(position: u32, block: u32, approach: usize, scenario: &str) -> Sample {
    let scale = match scenario {
        "cold" => 1200.0,
        "warm" => 0.078,
        _ => 41.0,
    };
    #[allow(clippy::cast_precision_loss)]
    let seconds = scale / approach as f64 * (1.0 + f64::from(block % 7) / 100.0);
    let key = BuildKey {
        block,
        position,
        approach: ApproachId::new(&format!("{approach:02}-approach")).unwrap(),
        scenario: ScenarioId::new(scenario).unwrap(),
    };
    Sample {
        steps: 1,
        image_bytes: Bytes(150_000_000 * approach as u64),
        started_at: "2026-01-31T12:00:00Z".to_owned(),
        ..Sample::bare(key, Seconds::new(seconds).unwrap())
    }
}

fn samples(approaches: usize, blocks: u32) -> Vec<Sample> {
    let mut samples = Vec::new();
    for block in 1..=blocks {
        for approach in 1..=approaches {
            for scenario in ["cold", "warm", "sources-changed"] {
                samples.push(sample(u32::try_from(samples.len()).unwrap() + 1, block, approach, scenario));
            }
        }
    }
    samples
}

fn stored(results: &Path, record: &RunRecord, samples: &[Sample]) -> PathBuf {
    let mut run = RunFolder::create(results, datetime!(2026-01-31 12:00 UTC), "5", record).unwrap();
    samples.iter().for_each(|sample| drop(run.append_sample(sample, &[]).unwrap()));
    run.path().to_owned()
}

fn shown(run: &Path, format: Format, width: usize) -> String {
    let run = Run::open(run).unwrap();
    String::from_utf8(run.render(format, TextStyle { width, color: false }).unwrap()).unwrap()
}

/// The run as text for a usual and a narrow terminal and as Markdown against a file; as CSV and JSON read again.
fn agrees(run: &Path, name: &str) {
    let all = format!(
        "{}\n==== 40 columns\n{}\n==== Markdown\n{}\n==== CSV\n{}",
        shown(run, Format::Text, 80),
        shown(run, Format::Text, 40),
        shown(run, Format::Markdown, 80),
        shown(run, Format::Csv, 80)
    );
    for width in [40, 60, 80] {
        let text = shown(run, Format::Text, width);
        let widest = text.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap();
        assert!(widest <= width, "{name}: {widest} of {width} columns:\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&shown(run, Format::Json, 80)).unwrap();
    let rows = shown(run, Format::Csv, 80).lines().count() - 1;
    let cells = json["approaches"].as_array().unwrap().iter().map(|row| row["cells"].as_array().unwrap().len());
    assert_eq!(cells.sum::<usize>(), rows, "{name}");
    crate::snapshot::whole(&format!("shapes/{name}.txt"), &all);
}

#[test]
fn one_approach_and_one_sample() {
    let results = TempDir::new().unwrap();
    let mut record = record(1);
    record.scenarios.truncate(1);
    agrees(&stored(results.path(), &record, &[sample(1, 1, 1, "cold")]), "one");
}

#[test]
fn sixty_approaches() {
    let results = TempDir::new().unwrap();
    agrees(&stored(results.path(), &record(60), &samples(60, 3)), "sixty");
}

#[test]
fn failures_in_every_cell() {
    let results = TempDir::new().unwrap();
    let mut some = samples(2, 4);
    for (place, sample) in some.iter_mut().enumerate() {
        let all = sample.key.approach.as_str() == "02-approach";
        if all || sample.key.block == 2 {
            sample.status = [Status::Failed, Status::Invalid, Status::Timeout][place % 3];
            sample.reason = format!("{} for a reason that is told here", sample.status);
        }
    }
    agrees(&stored(results.path(), &record(2), &some), "failures");
}

#[test]
fn one_that_still_runs() {
    let results = TempDir::new().unwrap();
    let mut record = record(2);
    record.status = RunStatus::Running;
    record.plan = samples(2, 3)
        .into_iter()
        .map(|s| (s.key.block, s.key.approach.to_string(), s.key.scenario.to_string()))
        .collect();
    let run = stored(results.path(), &record, &samples(2, 2)[..8]);
    let mut file = fs::OpenOptions::new().append(true).open(run.join("samples.csv")).unwrap();
    file.write_all(b"2,9,02-appr").unwrap();
    let opened = Run::open(&run).unwrap();
    assert!(opened.warnings.concat().contains("samples.csv"), "the row that is cut off is told of");
    agrees(&run, "running");
}

#[test]
fn the_largest_report_fits_into_a_job_summary() {
    let results = TempDir::new().unwrap();
    let mut many = samples(60, 20);
    for sample in &mut many {
        sample.status = Status::Failed;
        sample.reason = "| <b> ".repeat(2000);
    }
    let mut record = record(60);
    record.notes = vec!["a note @all ".repeat(100); 1000];
    let text = shown(&stored(results.path(), &record, &many), Format::Markdown, 80);
    assert!(text.len() < SUMMARY, "{} bytes", text.len());
    assert!(text.contains("more"), "what is left out is said");
}
