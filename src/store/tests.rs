//! Run folders as they are written, read back, cut off by crashes and damaged by hand.

use super::growing::Growing;
use super::schema::{SAMPLES, STEPS};
use super::*;
use crate::model::{
    ApproachId, BuildKey, Bytes, ColdKind, EngineId, Fingerprint, Interval, Isolation, Property, Sample, ScenarioId,
    Seconds, Status, Step, StepKind,
};
use std::fs;
use std::io;
use std::path::Path;
use tempfile::TempDir;
use time::macros::datetime;

fn record() -> RunRecord {
    RunRecord {
        schema: SCHEMA.to_owned(),
        study: "small".to_owned(),
        title: "A small study".to_owned(),
        approaches: vec!["one".to_owned()],
        scenarios: vec![ScenarioRecord { id: "cold".to_owned(), title: "Cold".to_owned(), cache: "cold".to_owned() }],
        published: None,
        findings: Vec::new(),
        study_hash: "ab".repeat(32),
        options: crate::store::RunOptions { reps: 2, ..Default::default() }.into(),
        seed: u64::MAX,
        plan: vec![(1, "one".to_owned(), "cold".to_owned())],
        fingerprint: Fingerprint::default(),
        isolation: Isolation::Private,
        cold: ColdKind::WarmBase,
        bases: vec![BaseRecord {
            from: "python:3.12".to_owned(),
            to: "127.0.0.1:5000/python:3.12".to_owned(),
            reference: "127.0.0.1:5000/python:3.12".to_owned(),
            digest: "sha256:00".to_owned(),
            source: BaseSource::StandIn,
            stand_in: true,
        }],
        strata: Vec::new(),
        git: Some(GitRecord { revision: "0123abc".to_owned(), dirty: true }),
        started_at: "2026-01-31T12:00:00Z".to_owned(),
        ended_at: None,
        program: "0.1.0".to_owned(),
        status: RunStatus::Running,
        notes: vec!["a note".to_owned()],
    }
}

fn key(position: u32, scenario: &str) -> BuildKey {
    BuildKey {
        block: 1,
        position,
        approach: ApproachId::new("one").unwrap(),
        scenario: ScenarioId::new(scenario).unwrap(),
    }
}

fn sample(position: u32, scenario: &str) -> Sample {
    let seconds = |value| Seconds::new(value).unwrap();
    Sample {
        key: key(position, scenario),
        engine: EngineId::only(),
        status: Status::Failed,
        reason: "=1+1, said \"sh\"".to_owned(),
        seconds: seconds(20.123_456),
        engine_seconds: seconds(19.5),
        pull_seconds: Seconds::ZERO,
        context_bytes: Bytes(1234),
        pulled_bytes: Bytes(u64::MAX),
        steps: 5,
        steps_cached: 4,
        image_id: String::new(),
        image_bytes: Bytes(0),
        started_at: "2026-01-31T12:00:00Z".to_owned(),
    }
}

fn steps() -> Vec<Step> {
    let step = |name: &str, digest: &str, inputs: &[&str], times: &[(f64, f64)]| Step {
        name: name.to_owned(),
        digest: digest.to_owned(),
        inputs: inputs.iter().map(|i| (*i).to_owned()).collect(),
        kind: StepKind::Work,
        intervals: times.iter().map(|&(start, end)| Interval { start, end }).collect(),
        cached: false,
        bytes: Bytes(7),
        error: None,
    };
    let mut wait = step("nothing reported", "", &[], &[(0.0, 0.25)]);
    wait.kind = StepKind::Wait;
    let mut failed = step("-RUN, \"false\"", "sha256:b", &["sha256:a", "sha256:elsewhere"], &[]);
    failed.error = Some("'exit code: 1'".to_owned());
    failed.cached = true;
    let pulled = step("FROM x", "sha256:a", &[], &[(0.25, 1.0), (2.0, 3.5)]);
    vec![wait, pulled, failed]
}

fn created(results: &TempDir) -> RunFolder {
    let now = datetime!(2026-01-31 13:00:05 +1);
    RunFolder::create(results.path(), now, "7f3a", &record()).unwrap()
}

#[test]
fn a_run_is_read_back_as_it_was_stored() {
    let results = TempDir::new().unwrap();
    let mut run = created(&results);
    assert_eq!(run.path(), results.path().join("small/20260131T120005Z-7f3a"));
    run.append_sample(&sample(1, "cold"), &steps()).unwrap();
    run.append_sample(&sample(2, "warm"), &[]).unwrap();
    let mut ended = record();
    ended.status = RunStatus::Finished;
    ended.ended_at = Some("2026-01-31T12:10:00Z".to_owned());
    run.write_record(&ended).unwrap();

    let latest = results.path().join("latest");
    assert!(fs::read_link(&latest).unwrap().is_relative());
    let read = RunFolder::open(&latest).unwrap();
    assert_eq!(read.record, ended);
    assert_eq!(read.warnings, []);
    assert_eq!(read.samples, [(sample(1, "cold"), steps()), (sample(2, "warm"), Vec::new())]);
    let left: Vec<_> = fs::read_dir(run.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "no temporary file stays: {left:?}");
}

#[test]
fn what_is_stored_is_handed_back_as_it_will_be_read() {
    let results = TempDir::new().unwrap();
    let mut run = created(&results);
    let mut rough = sample(1, "cold");
    rough.seconds = Seconds::new(1.234_567_891).unwrap();
    rough.reason = "two\nlines\u{1b}[2J".to_owned();
    let mut ragged = steps();
    ragged[1].intervals[1] = Interval { start: 2.000_000_4, end: 3.5 };
    let handed = run.append_sample(&rough, &ragged).unwrap();
    assert_ne!(handed, (rough, ragged));
    assert_eq!(RunFolder::open(run.path()).unwrap().samples, [handed]);
}

#[test]
fn the_files_read_like_this() {
    let results = TempDir::new().unwrap();
    let mut run = created(&results);
    run.append_sample(&sample(1, "cold"), &steps()).unwrap();
    for name in ["samples.csv", "steps.csv", "run.json"] {
        let text = fs::read_to_string(run.path().join(name)).unwrap();
        crate::snapshot::whole(&format!("store/{name}"), &text);
    }
}

#[test]
fn latest_moves_and_a_folder_is_never_used_twice() {
    let results = TempDir::new().unwrap();
    created(&results);
    let now = datetime!(2026-01-31 12:00:05 UTC);
    let taken = RunFolder::create(results.path(), now, "7f3a", &record()).unwrap_err();
    assert!(matches!(taken, StoreError::Taken { .. }), "{taken}");
    let second = RunFolder::create(results.path(), now, "8", &record()).unwrap();
    let latest = fs::read_link(results.path().join("latest")).unwrap();
    assert!(second.path().ends_with(latest));
    for (study, id) in [("../x", "1"), ("small", "a/b"), ("", "1")] {
        let mut named = record();
        study.clone_into(&mut named.study);
        let error = RunFolder::create(results.path(), now, id, &named).unwrap_err();
        assert!(matches!(error, StoreError::Name { .. }), "{error}");
    }
    fs::remove_file(results.path().join("latest")).unwrap();
    fs::create_dir(results.path().join("latest")).unwrap();
    RunFolder::create(results.path(), now, "9", &record()).unwrap_err();
    assert!(!results.path().join("small/20260131T120005Z-9").exists());
}

#[test]
fn a_crash_at_any_byte_loses_the_build_in_flight_and_nothing_else() {
    let results = TempDir::new().unwrap();
    let mut run = created(&results);
    run.append_sample(&sample(1, "cold"), &steps()).unwrap();
    let at = |name: &str| run.path().join(name);
    let before = [fs::read(at("samples.csv")).unwrap(), fs::read(at("steps.csv")).unwrap()];
    let path = run.path().to_owned();
    run.append_sample(&sample(2, "warm"), &steps()).unwrap();
    let after = [fs::read(path.join("samples.csv")).unwrap(), fs::read(path.join("steps.csv")).unwrap()];
    let busy = RunFolder::resume(&path).unwrap_err().to_string();
    assert!(busy.contains("that another program is still making"), "{busy}");
    drop(run);
    let crash = |samples: &[u8], step_rows: &[u8]| {
        fs::write(path.join("samples.csv"), samples).unwrap();
        fs::write(path.join("steps.csv"), step_rows).unwrap();
        let (mut run, stored) = RunFolder::resume(&path).unwrap();
        let cut = samples.len() < after[0].len();
        let whole = samples.len() == before[0].len() && step_rows.len() == before[1].len();
        assert_eq!(stored.samples.len(), if cut { 1 } else { 2 });
        assert_eq!(stored.warnings.is_empty(), whole || !cut, "{:?}", stored.warnings);
        if cut {
            run.append_sample(&sample(2, "warm"), &steps()).unwrap();
        }
        assert_eq!(fs::read(path.join("samples.csv")).unwrap(), after[0]);
        assert_eq!(fs::read(path.join("steps.csv")).unwrap(), after[1]);
    };
    for cut in before[1].len()..=after[1].len() {
        crash(&before[0], &after[1][..cut]);
    }
    for cut in before[0].len()..=after[0].len() {
        crash(&after[0][..cut], &after[1]);
    }
}

#[test]
fn a_build_is_stored_once_and_only_with_times() {
    let results = TempDir::new().unwrap();
    let mut run = created(&results);
    run.append_sample(&sample(1, "cold"), &[]).unwrap();
    let twice = run.append_sample(&sample(1, "cold"), &[]).unwrap_err();
    assert_eq!(twice.to_string(), "found position 1 a second time; expected each build once; nothing was stored");
    for (start, end) in [(f64::NAN, 1.0), (-1.0, 1.0), (0.0, f64::INFINITY), (2.0, 1.0)] {
        let mut wrong = steps();
        wrong[0].intervals = vec![Interval { start, end }];
        let error = run.append_sample(&sample(2, "warm"), &wrong).unwrap_err();
        assert!(matches!(error, StoreError::Value { .. }), "{error}");
    }
    assert_eq!(RunFolder::open(run.path()).unwrap().samples.len(), 1);
}

#[test]
fn an_interrupted_chain_is_kept_and_made_again() {
    let results = TempDir::new().unwrap();
    let mut run = created(&results);
    run.append_sample(&sample(1, "cold"), &steps()).unwrap();
    run.interrupt(&[key(1, "cold")], "the run was stopped here").unwrap();
    run.append_sample(&sample(2, "cold"), &[]).unwrap();
    let stored = RunFolder::open(run.path()).unwrap();
    let states: Vec<_> = stored.samples.iter().map(|(s, _)| s.status).collect();
    assert_eq!(states, [Status::Interrupted, Status::Failed]);
    assert_eq!(stored.samples[0].1, steps());
}

/// Damages a stored run and returns what is said about it.
fn damaged(name: &str, damage: &dyn Fn(&str) -> String) -> String {
    let results = TempDir::new().unwrap();
    let mut run = created(&results);
    run.append_sample(&sample(1, "cold"), &steps()).unwrap();
    run.append_sample(&sample(2, "warm"), &[]).unwrap();
    let file = run.path().join(name);
    fs::write(&file, damage(&fs::read_to_string(&file).unwrap())).unwrap();
    let error = RunFolder::open(run.path()).unwrap_err().to_string();
    error.replace(&*run.path().canonicalize().unwrap().to_string_lossy(), "RUN")
}

/// What is refused when a run is written.
fn refused() -> Vec<String> {
    let results = TempDir::new().unwrap();
    let mut run = created(&results);
    run.append_sample(&sample(1, "cold"), &[]).unwrap();
    let mut backwards = steps();
    backwards[1].intervals[0] = Interval { start: 2.0, end: 1.0 };
    let mut endless = steps();
    endless[1].intervals[0].end = f64::INFINITY;
    let mut elsewhere = sample(2, "warm");
    elsewhere.engine = EngineId::new("other").unwrap();
    let now = datetime!(2026-01-31 13:00:05 +1);
    let mut unnamed = record();
    unnamed.study = "../x".to_owned();
    let all = [
        RunFolder::create(results.path(), now, "7f3a", &record()).map(drop),
        RunFolder::create(results.path(), now, "7f3b", &unnamed).map(drop),
        RunFolder::resume(run.path()).map(drop),
        run.append_sample(&sample(1, "warm"), &[]).map(drop),
        run.append_sample(&sample(2, "warm"), &backwards).map(drop),
        run.append_sample(&sample(2, "warm"), &endless).map(drop),
        run.append_sample(&elsewhere, &[]).map(drop),
    ];
    let place = results.path().canonicalize().unwrap();
    all.map(|one| one.unwrap_err().to_string().replace(&*place.to_string_lossy(), "RESULTS")).to_vec()
}

#[test]
fn damage_is_named_with_its_line() {
    let replaced = |name: &str, from: &'static str, to: &'static str| {
        damaged(name, &move |text| {
            assert!(text.contains(from), "{text}");
            text.replacen(from, to, 1)
        })
    };
    let answers = [
        replaced("samples.csv", "20.123456", "-1.0"),
        replaced("samples.csv", "20.123456", "NaN"),
        replaced("samples.csv", "failed", "good"),
        replaced("samples.csv", "position", "place"),
        replaced("samples.csv", ",", ";"),
        replaced("samples.csv", ",5,4,", ",4,5,"),
        replaced("samples.csv", "1,2,one,warm", "1,1,one,warm"),
        replaced("samples.csv", "1,2,one,warm", "1,2,one,cold"),
        replaced("samples.csv", "1,2,one,warm", "0,2,one,warm"),
        replaced("samples.csv", "1,2,one,warm", "1,2,../one,warm"),
        replaced("samples.csv", "1,2,one,warm,", "1,2,one,"),
        replaced("steps.csv", "0.250000,1.000000", "0.250000,0.100000"),
        replaced("steps.csv", "one,cold,2,", "one,cold,3,"),
        replaced("steps.csv", "2 sha256:elsewhere", "9"),
        replaced("steps.csv", "wait", "pause"),
        replaced("samples.csv", ",1234,", ",x,"),
        replaced("steps.csv", "2.000000,3.500000", ","),
        replaced("steps.csv", "2.000000,3.500000", "0.500000,3.500000"),
        replaced("steps.csv", ",false,", ",no,"),
        replaced("run.json", "layerbench.run/1", "layerbench.run/2"),
        replaced("run.json", "\"warm base\"", "\"chilly\""),
        replaced("run.json", "\"seed\"", "\"sead\""),
        replaced("run.json", "{", ""),
    ];
    crate::golden::messages("Run folders", &[&answers[..], &refused()[..]].concat().join("\n"));
}

#[test]
fn reports_are_put_into_the_folder_of_a_run_and_nowhere_else() {
    let results = TempDir::new().unwrap();
    let run = created(&results);
    let at = |name: &str| run.path().join(name);
    let chart = ("seconds.svg".to_owned(), b"<svg/>".to_vec());
    let reports = Reports { summary: b"a\n", markdown: b"# a\n", html: b"<p>", charts: &[chart] };
    write_reports(run.path(), &reports).unwrap();
    write_reports(run.path(), &Reports { summary: b"b\n", charts: &[], ..reports }).unwrap();
    let held = ["summary.csv", "report.md", "report.html", "charts/seconds.svg"];
    let held = held.map(|name| fs::read_to_string(at(name)).unwrap());
    assert_eq!(held, ["b\n", "# a\n", "<p>", "<svg/>"]);
    assert_eq!(fs::read_dir(run.path()).unwrap().count(), 7, "no temporary file stays");
    fs::remove_dir_all(at("charts")).unwrap();
    std::os::unix::fs::symlink(results.path(), at("charts")).unwrap();
    let said = write_reports(run.path(), &reports).unwrap_err();
    assert!(matches!(said, StoreError::NotPlain { .. }), "{said}");
    let said = write_reports(&at("nowhere"), &reports).unwrap_err().to_string();
    assert!(said.starts_with(&format!("writing {}: No such file", at("nowhere/summary.csv").display())), "{said}");
}

/// The table with its columns the other way round, and one more in front.
fn by_another_version(table: &str) -> String {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
    let rows: Vec<Vec<String>> = reader
        .records()
        .enumerate()
        .map(|(line, row)| {
            let first = if line == 0 { "weather".to_owned() } else { format!("rain {line}") };
            std::iter::once(first).chain(row.unwrap().iter().rev().map(str::to_owned)).collect()
        })
        .collect();
    String::from_utf8(csv_table::lines(&rows).unwrap()).unwrap()
}

#[test]
fn tables_of_another_version_are_read_and_gone_on_with() {
    let results = TempDir::new().unwrap();
    let mut described = record();
    let scenario = |id: &str| ScenarioRecord { id: id.to_owned(), title: String::new(), cache: "warm".to_owned() };
    described.scenarios.extend(["warm", "changed"].map(scenario));
    let mut run = RunFolder::create(results.path(), datetime!(2026-01-31 12:00 UTC), "7f3a", &described).unwrap();
    run.append_sample(&sample(1, "cold"), &steps()).unwrap();
    run.append_sample(&Sample { status: Status::Ok, ..sample(2, "warm") }, &steps()).unwrap();
    let path = run.path().to_owned();
    drop(run);
    let own = RunFolder::open(&path).unwrap();
    let nights_of = || nights(&results.path().join("small")).unwrap();
    let own_night = nights_of().nights.remove(0);
    assert_eq!(own_night.cell(None, "one", "warm").len(), 1);
    for name in [SAMPLES, STEPS] {
        let text = fs::read_to_string(path.join(name)).unwrap();
        fs::write(path.join(name), by_another_version(&text)).unwrap();
    }
    assert_eq!(RunFolder::open(&path).unwrap().samples, own.samples);
    let read = nights_of();
    assert_eq!((read.nights[0].cells.clone(), read.broken.len()), (own_night.cells, 0));

    let (mut run, _) = RunFolder::resume(&path).unwrap();
    run.append_sample(&sample(3, "changed"), &steps()).unwrap();
    run.interrupt(&[key(2, "warm")], "stopped").unwrap();
    run.append_sample(&sample(4, "warm"), &steps()).unwrap();
    let read = RunFolder::open(&path).unwrap();
    assert_eq!(read.samples[0], own.samples[0]);
    assert_eq!((read.samples[1].0.status, read.samples[1].0.reason.as_str()), (Status::Interrupted, "stopped"));
    assert_eq!(read.samples[3], (sample(4, "warm"), steps()));
    let text = fs::read_to_string(path.join(SAMPLES)).unwrap();
    let first: Vec<&str> = text.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(first, ["weather", "rain 1", "rain 2", "", ""], "what this version does not know stays");
}

#[test]
fn what_is_no_run_and_what_cannot_be_written_is_said() {
    let results = TempDir::new().unwrap();
    let error = RunFolder::open(results.path()).unwrap_err();
    assert!(matches!(error, StoreError::NotARun { .. }), "{error}");
    let full = io::Error::from(io::ErrorKind::StorageFull);
    let error = StoreError::io(Path::new("results/x"), "write")(full).to_string();
    assert!(error.ends_with("the disk is full: make room; the run can be resumed"), "{error}");
    let error = Growing::go_on(Path::new("/dev/full"), 0).and_then(|mut f| f.append(b"x"));
    assert!(error.is_err());
}

#[test]
fn a_folder_that_is_moved_away_takes_no_more_rows_and_has_all_that_it_took() {
    let results = TempDir::new().unwrap();
    let mut run = created(&results);
    run.append_sample(&sample(1, "cold"), &steps()).unwrap();
    let (place, away) = (run.path().to_owned(), results.path().join("away"));
    fs::rename(&place, &away).unwrap();
    let error = run.append_sample(&sample(2, "warm"), &[]).unwrap_err().to_string();
    assert!(error.contains("cannot write it: it was moved or removed while the run was made"), "{error}");
    fs::create_dir(&place).unwrap();
    fs::copy(away.join("samples.csv"), place.join("samples.csv")).unwrap();
    assert!(run.append_sample(&sample(2, "warm"), &[]).is_err(), "a copy of the file is another file");
    fs::remove_dir_all(&place).unwrap();
    fs::rename(&away, &place).unwrap();
    run.append_sample(&sample(2, "warm"), &[]).unwrap();
    drop(run);
    assert_eq!(RunFolder::open(&place).unwrap().samples.len(), 2);
}

#[test]
fn what_a_killed_program_was_about_to_put_in_place_is_swept_away() {
    let results = TempDir::new().unwrap();
    let path = created(&results).path().to_owned();
    fs::write(path.join(".new-Ab12"), "half a reco").unwrap();
    fs::write(path.join("report.md"), "stays").unwrap();
    let killed = std::process::Command::new("true").spawn().map(|mut child| {
        child.wait().unwrap();
        child.id()
    });
    let link = results.path().join(format!(".latest-{}", killed.unwrap()));
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let under_way = results.path().join(format!(".latest-{}", std::os::unix::process::parent_id()));
    std::os::unix::fs::symlink("somewhere", &under_way).unwrap();
    drop(RunFolder::resume(&path).unwrap());
    assert!(!path.join(".new-Ab12").exists() && path.join("report.md").exists());
    RunFolder::create(results.path(), datetime!(2026-02-01 12:00 UTC), "7f3b", &record()).unwrap();
    assert!(!link.is_symlink(), "of a program that is gone");
    assert!(under_way.is_symlink(), "of one that lives");
}

#[test]
fn a_run_on_several_engines_says_on_which_each_sample_was_made() {
    let engine = |name: &str, cold| EngineRecord {
        name: name.to_owned(),
        fingerprint: Fingerprint::from_iter([(Property::EngineVersion, "28.5")]),
        isolation: Isolation::Private,
        cold,
        bases: Vec::new(),
    };
    let mut several = record();
    several.strata = vec![engine("old", ColdKind::Pristine), engine("far", ColdKind::WarmBase)];
    let results = TempDir::new().unwrap();
    let mut run = RunFolder::create(results.path(), datetime!(2026-01-31 12:00 UTC), "7f3a", &several).unwrap();
    let on = |position, engine: &str| {
        let mut sample = sample(position, "cold");
        sample.engine = EngineId::new(engine).unwrap_or_default();
        sample.key.block = position;
        (sample.status, sample.image_bytes) = (Status::Ok, Bytes(u64::from(position)));
        sample
    };
    run.append_sample(&on(1, "far"), &steps()).unwrap();
    run.append_sample(&on(2, "old"), &[]).unwrap();
    for wrong in ["", "moby"] {
        assert!(run.append_sample(&on(3, wrong), &[]).is_err(), "{wrong:?} is no engine of the run");
    }
    let read = RunFolder::open(run.path()).unwrap();
    let engines: Vec<&str> = read.samples.iter().map(|(s, _)| s.engine.as_str()).collect();
    assert_eq!(engines, ["far", "old"]);
    assert_eq!(read.record.engines(), several.strata);
    assert_eq!(read.samples[0].1.len(), 3, "steps are found by position");

    let night = &nights(&results.path().join("small")).unwrap().nights[0];
    assert_eq!(night.cell(Some("far"), "one", "cold").len(), 1);
    assert_eq!(night.image(Some("old"), "one"), Some(Bytes(2)));
    assert!(night.cell(None, "one", "cold").is_empty(), "no figure of all engines together");

    let file = run.path().join("samples.csv");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(",far\n", ",near\n")).unwrap();
    let error = RunFolder::open(run.path()).unwrap_err().to_string();
    assert!(error.contains("engine = \"near\"") && error.contains("old, far"), "{error}");
    assert_eq!(nights(&results.path().join("small")).unwrap().broken.len(), 1);
}
