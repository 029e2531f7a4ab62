//! What is fuzzed: everything that reads bytes which somebody else wrote. A target takes a folder of its own and the
//! bytes, and panics at a finding. Beside "does not panic" each holds what must be true of whatever was read: it can be
//! written and read again, it is in order, it lies inside, a message about it can be shown.
//!
//! Compiled twice: with coverage for `cargo fuzz` (`fuzz_targets/`), and plainly for `tests/fuzz.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a finding is a panic

use bollard::moby::buildkit::v1::StatusResponse;
use layerbench::audit::inventory::{FileKind, Inventory};
use layerbench::audit::layers::Layers;
use layerbench::audit::members::Members;
use layerbench::engine::wire::trace;
use layerbench::model::{ApproachId, BuildKey, Sample, ScenarioId, Step};
use layerbench::project::ignore::{IgnoreRules, ParentMatch, clean};
use layerbench::store::{Imported, RunFolder, StoredRun, import as read_table};
use layerbench::study::{Source, Study};
use prost::Message;
use std::collections::HashSet;
use std::fmt::Display;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use tar::EntryType;
use time::OffsetDateTime;

/// A target: a folder that is its own, and the bytes.
pub type Target = fn(&Path, &[u8]);

/// All of them, by name.
pub const TARGETS: [(&str, Target); 7] = [
    ("study", study),
    ("record", record),
    ("samples", samples),
    ("import", import),
    ("dockerignore", dockerignore),
    ("trace", trace),
    ("tar", tar),
];

/// A message that a user gets: something, one that a terminal survives, and not a book.
fn shown(error: impl Display) {
    let text = error.to_string();
    let raw = text.chars().find(|c| c.is_control() && *c != '\n');
    assert!(raw.is_none(), "a message with {raw:?}: {text:?}");
    assert!((10..400_000).contains(&text.len()), "a message of {} bytes", text.len());
}

/// `study.toml`, in a folder with a few files. What it names lies inside, and a second reading finds the same.
fn study(dir: &Path, data: &[u8]) {
    let folder = dir.join("study");
    if !folder.exists() {
        for (path, text) in [
            ("project/src/main.py", "print('hello')\n"),
            ("project/requirements.txt", "left-pad\n"),
            ("project/.dockerignore", "*.pyc\n"),
            ("changes/src/main.py", "print('changed')\n"),
            ("registry/none", ""),
            ("Dockerfile", "FROM scratch\nCOPY . .\n"),
            ("fix.patch", "--- a/src/main.py\n+++ b/src/main.py\n@@ -1 +1 @@\n-print('hello')\n+print('patched')\n"),
        ] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink("/etc", folder.join("out")).unwrap();
    }
    let folder = folder.canonicalize().unwrap();
    let file = folder.join("study.toml");
    fs::write(&file, data).unwrap();
    let study = match Study::load(&file) {
        Ok(study) => study,
        Err(errors) => {
            let places: Vec<_> = errors.problems().iter().filter_map(|problem| problem.place).collect();
            assert!(places.is_sorted(), "problems out of order: {places:?}");
            let lines = data.split(|byte| *byte == b'\n').count();
            assert!(places.iter().all(|(line, column)| (1..=lines).contains(line) && *column > 0), "{places:?}");
            assert!(!errors.problems().is_empty());
            return shown(errors);
        }
    };
    let patches = study.states.iter().filter_map(|state| match &state.derived {
        Some(layerbench::study::Derived::Patch(file)) => Some(file),
        _ => None,
    });
    let mut named: Vec<_> = study.states.iter().filter_map(|state| state.overlay.as_ref()).chain(patches).collect();
    named.extend(study.registry.as_ref().map(|registry| &registry.storage));
    if !matches!(study.source, Source::Folder(_)) {
        // The project alone may lie beside the study, and the Dockerfiles with it.
        named.extend(study.approaches.iter().map(|approach| &approach.dockerfile).chain([&study.project]));
    }
    assert!(named.iter().all(|path| path.starts_with(&folder)), "outside of the study: {named:?}");
    let once = |ids: Vec<&str>| ids.iter().collect::<HashSet<_>>().len() == ids.len();
    assert!(once(study.states.iter().map(|state| state.id.as_str()).collect()));
    assert!(once(study.scenarios.iter().map(|scenario| scenario.id.as_str()).collect()));
    assert!(once(study.approaches.iter().map(|approach| approach.id.as_str()).collect()));
    assert!(study.scenarios.iter().all(|scenario| study.state(&scenario.state).is_some()));
    let again = Study::load(&file).unwrap();
    assert_eq!(format!("{study:?}"), format!("{again:?}"));
    if matches!(study.source, Source::Study) {
        assert_eq!(study.hash().unwrap(), again.hash().unwrap());
    }
}

const RECORD: &str = r#"{"schema": "layerbench.run/1", "study": "small", "title": "A small study", "approaches": ["a", "b"],
  "scenarios": [{"id": "cold", "title": "Cold", "cache": "cold"}], "published": null, "findings": [],
  "study_hash": "0000000000000000000000000000000000000000000000000000000000000000", "options": {}, "seed": 7,
  "plan": [[1, "a", "cold"]], "engine": {}, "isolation": "private", "cold": "pristine", "bases": [], "git": null,
  "started_at": "2026-01-31T12:00:00Z", "ended_at": null, "program": "0.1.0", "status": "running", "notes": []}"#;
const SAMPLES: &str = "block,position,approach,scenario,status,reason,seconds,engine_seconds,pull_seconds,context_bytes,\
    pulled_bytes,steps,steps_cached,image_id,image_bytes,started_at";
const STEPS: &str = "block,position,approach,scenario,step,kind,name,digest,inputs,start_s,end_s,cached,bytes,error\n";

/// A folder with the files of a run.
fn run_folder(dir: &Path, files: [&[u8]; 3]) -> std::path::PathBuf {
    let folder = dir.join("run");
    fs::create_dir_all(&folder).unwrap();
    for (name, content) in ["run.json", "samples.csv", "steps.csv"].into_iter().zip(files) {
        fs::write(folder.join(name), content).unwrap();
    }
    folder
}

/// `run.json`. A record that was read is written and read again, and its plan can be left out.
fn record(dir: &Path, data: &[u8]) {
    let engines = data.windows(9).any(|part| part == b"\"strata\":");
    let head = format!("{SAMPLES}{}\n", if engines { ",engine" } else { "" });
    let folder = run_folder(dir, [data, head.as_bytes(), STEPS.as_bytes()]);
    let (writing, run) = match RunFolder::resume(&folder) {
        Ok(opened) => opened,
        Err(error) => return shown(error),
    };
    let mut skimmed = RunFolder::skim(&folder, |_, _| panic!("a sample out of nothing")).unwrap().record;
    assert!(skimmed.plan.is_empty());
    skimmed.plan.clone_from(&run.record.plan);
    assert_eq!(skimmed, run.record);
    writing.write_record(&run.record).unwrap();
    assert_eq!(RunFolder::open(&folder).unwrap().record, run.record);
}

/// What stands between the two tables in the bytes of the target `samples`.
const BETWEEN: u8 = 0x1e;

/// `samples.csv`, and after the separator `steps.csv`. What was read is written and read again.
fn samples(dir: &Path, data: &[u8]) {
    let mut tables = data.splitn(2, |byte| *byte == BETWEEN);
    let samples = tables.next().unwrap_or_default();
    let steps = tables.next().unwrap_or(STEPS.as_bytes());
    let folder = run_folder(dir, [RECORD.as_bytes(), samples, steps]);
    let run = match RunFolder::open(&folder) {
        Ok(run) => run,
        Err(error) => return shown(error),
    };
    run.warnings.iter().for_each(shown);
    let mut skimmed = Vec::new();
    RunFolder::skim(&folder, |_, sample| skimmed.push(sample)).unwrap();
    assert!(run.samples.iter().map(|(sample, _)| sample).eq(&skimmed));
    let first = stored_anew(dir, &run.samples);
    assert_eq!(first.warnings, []);
    let key = |(sample, steps): &(Sample, Vec<Step>)| (sample.key.clone(), sample.status, steps.len());
    assert!(first.samples.iter().map(key).eq(run.samples.iter().map(key)));
    // What had to be made safe for spreadsheets is so from then on.
    assert_eq!(stored_anew(dir, &first.samples).samples, first.samples);
}

/// Stores samples in a new folder, and reads it.
fn stored_anew(dir: &Path, samples: &[(Sample, Vec<Step>)]) -> StoredRun {
    let record =
        RunFolder::open(&run_folder(dir, [RECORD.as_bytes(), format!("{SAMPLES}\n").as_bytes(), STEPS.as_bytes()]));
    let results = dir.join("results");
    let mut folder = RunFolder::create(&results, OffsetDateTime::UNIX_EPOCH, "0", &record.unwrap().record).unwrap();
    for (sample, steps) in samples {
        folder.append_sample(sample, steps).unwrap();
    }
    let stored = RunFolder::open(folder.path()).unwrap();
    fs::remove_dir_all(&results).unwrap();
    stored
}

/// A table of figures from elsewhere. What was read is written and read again.
fn import(dir: &Path, data: &[u8]) {
    let file = dir.join("raw.csv");
    fs::write(&file, data).unwrap();
    let table = match read_table(&file) {
        Ok(table) => table,
        Err(error) => return shown(error),
    };
    assert!(table.rows.iter().all(|row| row.seconds.len() == table.scenarios.len()));
    assert!(table.rows.is_sorted_by_key(|row| row.line));
    fs::write(&file, semicolons(&table)).unwrap();
    let again = read_table(&file).unwrap();
    assert_eq!(again.scenarios, table.scenarios);
    let figures = |table: &Imported| -> Vec<_> {
        table.rows.iter().map(|row| (row.approach.clone(), row.seconds.clone())).collect()
    };
    assert_eq!(figures(&again), figures(&table));
}

fn semicolons(table: &Imported) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
    let head = std::iter::once("scenario").chain(table.scenarios.iter().map(String::as_str));
    writer.write_record(head).unwrap();
    for row in &table.rows {
        let seconds = row.seconds.iter().map(|cell| cell.map(|s| s.get().to_string()).unwrap_or_default());
        writer.write_record(std::iter::once(row.approach.clone()).chain(seconds)).unwrap();
    }
    writer.into_inner().unwrap()
}

/// An ignore file. Its own lines are the paths that it is asked about.
fn dockerignore(_: &Path, data: &[u8]) {
    let rules = match IgnoreRules::parse(data) {
        Ok(rules) => rules,
        Err(problems) => {
            assert!(problems.is_sorted_by_key(|problem| problem.line) && !problems.is_empty());
            return problems.iter().for_each(shown);
        }
    };
    // Neither line ends, comments nor blank lines mean anything.
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let same = [lines.join(&b"\r\n"[..]), lines.join(&b"\n#!*\n\n"[..])].map(|text| IgnoreRules::parse(&text).unwrap());
    for path in lines.iter().take(40).copied().chain([&b"src/main.py"[..], b"a/b/c.pyc", b".git/HEAD"]) {
        let excluded = rules.excludes(path);
        assert!(same.iter().all(|other| other.excludes(path) == excluded), "{path:?}");
        // As the walk of a context asks, folder by folder.
        let mut parent: Option<ParentMatch> = None;
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let folder = &path[..at];
            let (matched, below) = rules.patterns().matches_folder(folder, parent.as_ref());
            assert_eq!(matched, rules.patterns().matches_in(folder, parent.as_ref()));
            // A folder that the walk does not enter has nothing inside that is kept.
            let entered = !matched || rules.may_reinclude_below(folder);
            assert!(entered || excluded || clean(path) != path, "{path:?} below {folder:?}");
            parent = Some(below);
        }
        assert_eq!(excluded, rules.patterns().matches_in(path, parent.as_ref()));
    }
}

/// BuildKit's messages, each with its length before it. Whatever an engine says can be stored and read.
fn trace(dir: &Path, mut data: &[u8]) {
    let mut messages = Vec::new();
    while let Ok(message) = StatusResponse::decode_length_delimited(&mut data) {
        messages.push(message);
        if data.is_empty() || messages.len() == 1000 {
            break;
        }
    }
    let trace = trace::decode(&messages, UNIX_EPOCH + Duration::from_secs(1_000));
    let mut digests = HashSet::new();
    assert!(trace.steps.iter().all(|step| digests.insert(&step.digest)), "a digest twice");
    assert!(trace.steps.is_sorted_by(|a, b| a.start().unwrap_or(f64::MAX) <= b.start().unwrap_or(f64::MAX)));
    for step in &trace.steps {
        let times: Vec<f64> = step.intervals.iter().flat_map(|interval| [interval.start, interval.end]).collect();
        assert!(times.is_sorted() && times.iter().all(|time| time.is_finite() && *time >= 0.0), "{times:?}");
    }
    assert!(trace.bases.is_sorted());
    assert!(trace.failure.as_ref().is_none_or(|failure| failure.log.len() <= 12));
    let key = BuildKey {
        block: 1,
        position: 1,
        approach: ApproachId::new("a").unwrap(),
        scenario: ScenarioId::new("cold").unwrap(),
    };
    let sample = Sample {
        reason: trace.failure.map(|failure| failure.error).unwrap_or_default(),
        engine_seconds: trace.engine_seconds,
        pull_seconds: trace.pull_seconds,
        pulled_bytes: trace.pulled_bytes,
        ..Sample::bare(key, trace.engine_seconds)
    };
    let count = trace.steps.len();
    let first = stored_anew(dir, &[(sample, trace.steps)]);
    assert_eq!((first.samples[0].1.len(), &first.warnings[..]), (count, &[][..]));
    assert_eq!(stored_anew(dir, &first.samples).samples, first.samples);
}

/// A tar stream: of a file system as an engine exports it, and of an image as it saves it.
fn tar(_: &Path, data: &[u8]) {
    stream(data);
    // Almost any change makes a checksum wrong, and the rest unread.
    stream(&with_checksums(data.to_vec()));
}

/// Makes the checksums of all headers right, those of tar streams within included.
fn with_checksums(mut data: Vec<u8>) -> Vec<u8> {
    for block in data.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    data
}

fn stream(data: &[u8]) {
    match Inventory::read(data) {
        Ok(inventory) => {
            assert!(inventory.entries.len() * 512 <= data.len(), "more entries than headers");
            let clean = |path: &str| !path.is_empty() && path.split('/').all(|part| !part.is_empty() && part != ".");
            assert!(inventory.entries.iter().all(|entry| clean(&entry.path) && entry.mode <= 0o7777));
            assert!(inventory.contents.values().map(Vec::len).sum::<usize>() <= data.len());
            let _ = (inventory.bytes(), inventory.files());
            written_anew(&inventory);
        }
        Err(error) => shown(format!("the image: {error}")),
    }
    let prefix: Vec<_> = paths(&data[..data.len() / 1024 * 512]);
    assert!(paths(data).starts_with(&prefix), "a stream that breaks off is read otherwise than a whole one");
    match Layers::read(data) {
        Ok(layers) => {
            assert!(layers.0.iter().all(|layer| layer.hidden_bytes <= layer.bytes));
            assert_eq!(
                layers.0.last().map_or(0, |layer| layer.hidden_bytes),
                0,
                "the last layer hides nothing of itself"
            );
            let _ = (layers.hidden_bytes(), layers.owners(), layers.base_by_time(time::Duration::HOUR));
        }
        Err(error) => shown(format!("the image: {error}")),
    }
}

/// Paths of all members up to where the stream makes no sense.
fn paths(data: &[u8]) -> Vec<String> {
    let mut members = Members::new(data);
    let mut paths = Vec::new();
    while let Ok(Some(member)) = members.following() {
        paths.push(member.path);
    }
    paths
}

/// What was read, as the `tar` crate writes it, reads the same.
fn written_anew(inventory: &Inventory) {
    let mut tar = tar::Builder::new(Vec::new());
    let mut written = Vec::new();
    for entry in inventory.entries.iter().filter(|entry| entry.size <= 4096 && !entry.path.contains('\0')).take(50) {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(match entry.kind {
            FileKind::File => EntryType::Regular,
            FileKind::Folder => EntryType::Directory,
            FileKind::Link => EntryType::Symlink,
            FileKind::HardLink => EntryType::Link,
            FileKind::Special => EntryType::Fifo,
        });
        header.set_size(entry.size);
        header.set_mode(entry.mode);
        header.set_uid(entry.uid);
        header.set_gid(entry.gid);
        // It refuses paths that lead up.
        if tar.append_data(&mut header, &*entry.path, std::io::repeat(7).take(entry.size)).is_ok() {
            written.push(entry);
        } else {
            break;
        }
    }
    let again = Inventory::read(&tar.into_inner().unwrap()[..]).unwrap();
    assert_eq!(again.entries.len(), written.len());
    for (new, old) in again.entries.iter().zip(written) {
        assert_eq!((&new.path, new.kind, new.mode, new.size), (&old.path, old.kind, old.mode, old.size));
        assert_eq!((new.uid, new.gid), (old.uid, old.gid));
    }
}
