//! Wrong calls of what judges runs and has their suspects built again, each with the folder that it is made in.

use crate::calls::{Case, git, slower, stored, study};
use crate::runs::{Night, night};
use layerbench::store::GitRecord;
use layerbench::study::Study;
use serde_json::json;
use std::fs;
use std::path::Path;

/// Two nights of the study that is there, of which the second is slower, and whose files are those that it has.
pub fn made_of(dir: &Path, change: fn(&mut Night, u32)) {
    let hash = Study::load(dir).unwrap().hash().unwrap();
    slower(dir, |night, day| {
        night.option("study", ".".into());
        change(night, day);
    });
    for day in 0..2 {
        let file = dir.join(format!("nights/{day}/run.json"));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(&format!("{:064x}", 1), &hash)).unwrap();
    }
}

/// The same of the usual study.
fn proved(dir: &Path, change: fn(&mut Night, u32)) {
    study(dir);
    made_of(dir, change);
}

/// The same, where the files of the first night were others, of this revision.
fn changed(dir: &Path, git: fn() -> Option<GitRecord>) {
    proved(dir, |_, _| ());
    let file = dir.join("nights/0/run.json");
    let mut record: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    record["study_hash"] = format!("{:064x}", 2).into();
    record["git"] = serde_json::to_value(git()).unwrap();
    fs::write(&file, record.to_string()).unwrap();
}

/// Another than that of `runs::night`.
fn revision() -> Option<GitRecord> {
    Some(GitRecord { revision: format!("{:040x}", 0xef01), dirty: false })
}

/// With published figures, of which one line is this.
fn published(dir: &Path, name: &str, line: &str) {
    stored(dir, |night| night.record.published = Some("figures".to_owned()), 0..1);
    let file = dir.join("nights/0/run.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"figures\"", &format!("{name:?}"))).unwrap();
    fs::create_dir_all(dir.join("results/figures")).unwrap();
    fs::write(dir.join("results/figures/published.csv"), format!("approach,scenario,median,min,max\n{line}\n"))
        .unwrap();
}

const CONFIRM: &[&str] = &["gate", "nights/1", "--confirm", "--format", "markdown"];

pub const CALLS: &[Case] = &[
    (
        "gate: fresh builds, where nobody wrote down the revision",
        |dir| changed(dir, || Some(GitRecord { dirty: true, ..revision().unwrap() })),
        CONFIRM,
        4,
    ),
    ("gate: fresh builds of a study in no repository", |dir| changed(dir, revision), CONFIRM, 4),
    (
        "gate: fresh builds of a study in a repository without files",
        |dir| {
            changed(dir, revision);
            git(dir, &[&["init", "-q", "--bare", "."]]);
        },
        CONFIRM,
        4,
    ),
    (
        "gate: fresh builds of a revision that is gone",
        |dir| {
            changed(dir, revision);
            git(dir, &[&["init", "-qb", "main"]]);
        },
        CONFIRM,
        4,
    ),
    (
        "gate: fresh builds on several engines, of a run on one",
        |dir| proved(dir, |_, _| ()),
        &["gate", "nights/1", "--confirm", "--engine", "a=private", "--engine", "b=host"],
        2,
    ),
    (
        "gate: fresh builds on an engine that is not named",
        |dir| {
            proved(dir, |_, _| ());
            for day in 0..2 {
                let mut night = night(day).still().on(&["one", "two"], "two");
                if day == 1 {
                    night = night.slow(1.5);
                }
                night.option("study", json!("."));
                night.record.study_hash = Study::load(dir).unwrap().hash().unwrap();
                fs::remove_dir_all(dir.join(format!("nights/{day}"))).unwrap();
                fs::rename(night.write(&dir.join("nights")), dir.join(format!("nights/{day}"))).unwrap();
            }
        },
        &["gate", "nights/1", "--confirm", "--format", "markdown", "--engine", "one=private", "--engine", "three=host"],
        4,
    ),
    (
        "gate: fresh builds of a study with a pipe in it",
        |dir| {
            proved(dir, |_, _| ());
            rustix::fs::mkfifoat(rustix::fs::CWD, dir.join("project/pipe"), rustix::fs::Mode::RUSR).unwrap();
        },
        CONFIRM,
        1,
    ),
    (
        "report: published figures elsewhere",
        |dir| published(dir, "../../outside", "a1,cold,1,1,1"),
        &["report", "nights/0"],
        2,
    ),
    (
        "report: published figures of a scenario that is none",
        |dir| published(dir, "figures", "a1,../cold,1,1,1"),
        &["report", "nights/0"],
        2,
    ),
    (
        "report: published figures that are none",
        |dir| published(dir, "figures", "a1,cold,1,fast,1"),
        &["report", "nights/0"],
        2,
    ),
];
