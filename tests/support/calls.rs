//! Calls that are wrong, each with the folder that it is made in.

use crate::own;
use crate::runs::{Night, night};
use crate::tiny::{GOOD, STUDY, tiny_study};
use layerbench::model::Property;
use layerbench::store::RunStatus;
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

/// A case: its title, what it does to the folder, the call, and the exit code that must come.
pub type Case = (&'static str, fn(&Path), &'static [&'static str], i32);

pub fn nothing(_: &Path) {}

/// A project in `app`, with two Dockerfiles.
pub fn app(dir: &Path) {
    own::project(&dir.join("app"));
}

pub fn git(dir: &Path, calls: &[&[&str]]) {
    for call in calls {
        let done =
            Command::new("git").args(*call).current_dir(dir).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.unwrap().success(), "git {call:?}");
    }
}

/// The same, in a commit on `main`.
pub fn repository(dir: &Path) {
    app(dir);
    symlink("/etc/hostname", dir.join("app/link")).unwrap();
    let who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "x"];
    git(&dir.join("app"), &[&["init", "-qb", "main"], &["add", "."], &who]);
}

pub fn study(dir: &Path) {
    tiny_study(dir, &[("good", GOOD)]);
}

pub fn study_with(dir: &Path, text: &str) {
    study(dir);
    let good = "\n[[approach]]\nid = \"good\"\ndockerfile = \"good.Dockerfile\"\n";
    fs::write(dir.join("study.toml"), format!("{STUDY}{good}{text}")).unwrap();
}

pub fn stored(dir: &Path, change: impl Fn(&mut Night), days: std::ops::Range<u32>) {
    for day in days {
        let mut night = night(day).still();
        change(&mut night);
        let path = night.write(&dir.join("nights"));
        fs::rename(path, dir.join(format!("nights/{day}"))).unwrap();
    }
}

/// Three finished runs, `nights/0` to `nights/2`.
pub fn nights(dir: &Path) {
    stored(dir, |_| (), 0..3);
}

/// Two nights, of which the second is slower.
pub fn slower(dir: &Path, change: impl Fn(&mut Night, u32)) {
    for day in 0..2 {
        stored(
            dir,
            |night| {
                if day == 1 {
                    night.factor = Box::new(|a, s| if (a, s) == ("a3", "cold") { 1.5 } else { 1.0 });
                }
                change(night, day);
            },
            day..day + 1,
        );
    }
}

fn imported(dir: &Path, text: &str) {
    fs::write(dir.join("raw.csv"), text).unwrap();
}

fn scorecards(dir: &Path, text: &str) {
    nights(dir);
    fs::write(dir.join("nights/0/audit.json"), text).unwrap();
}

/// A night of which one line of a file is damaged.
fn damaged(dir: &Path, file: &str, from: &str, to: &str) {
    stored(dir, |_| (), 0..1);
    let file = dir.join("nights/0").join(file);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
}

fn images(dir: &Path, text: &str) {
    nights(dir);
    fs::write(dir.join("nights/0/images.csv"), text).unwrap();
}

pub const CALLS: &[Case] = &[
    ("audit: a size that is none", nothing, &["audit", "image", "--max-bytes", "many"], 2),
    ("audit: an engine that has no image of yours", nothing, &["audit", "image", "--engine", "private"], 2),
    ("audit: a folder", study, &["audit", "./project"], 2),
    ("audit: an engine for the folder of a run", nights, &["audit", "nights/0", "--engine", "host"], 2),
    ("audit: a run without scorecards", nights, &["audit", "nights/0"], 2),
    ("audit: scorecards that are cut off", |dir| scorecards(dir, "{"), &["audit", "nights/0"], 2),
    (
        "audit: scorecards of another version",
        |dir| scorecards(dir, r#"{"schema": "layerbench.audit/9", "images": []}"#),
        &["audit", "nights/0"],
        2,
    ),
    (
        "audit: scorecards that somebody changed",
        |dir| {
            let card = r#"{"schema": "layerbench.audit/1", "image": "x", "id": "x", "base": "", "demands": [], "criteria": [
                {"number": 9, "title": "Fast", "verdict": "pass", "reason": "", "figures": {}, "evidence": []}]}"#;
            scorecards(dir, &format!(r#"{{"schema": "layerbench.audit/1", "images": [{card}]}}"#));
        },
        &["audit", "nights/0"],
        2,
    ),
    (
        "audit: a lock file that needs another file",
        |dir| fs::write(dir.join("poetry.lock"), "[[package]]\nname = \"click\"\n").unwrap(),
        &["audit", "image", "--lock", "poetry.lock"],
        2,
    ),
    ("build: a named context", app, &["build", "--build-context", "a=b", "app"], 2),
    ("build: a label without a value", app, &["build", "--label", "a", "app"], 2),
    ("build: a host without an address", app, &["build", "--add-host", "a", "app"], 2),
    ("build: a secret without a name", app, &["build", "--secret", "token", "app"], 2),
    (
        "build: secrets that cannot be read",
        app,
        &["build", "--secret", "id=a,src=nowhere", "--secret", "id=b,env=LAYERBENCH_NOT_SET", "app"],
        2,
    ),
    (
        "build: a secret that is too large",
        |dir| {
            app(dir);
            fs::write(dir.join("large"), vec![b'x'; 600 << 10]).unwrap();
        },
        &["build", "--secret", "id=a,src=large", "app"],
        2,
    ),
    ("build: no Dockerfile", study, &["build", "project"], 2),
    ("build: a folder as the Dockerfile", app, &["build", "--file", "app", "app"], 2),
    (
        "build: a Dockerfile that is too large",
        |dir| {
            app(dir);
            fs::File::create(dir.join("large")).unwrap().set_len(100 << 20).unwrap();
        },
        &["build", "--file", "large", "app"],
        2,
    ),
    (
        "compare: three approaches",
        nights,
        &["compare", "nights/0", "--approach", "a1", "--approach", "a2", "--approach", "a3"],
        2,
    ),
    ("compare: one run", nights, &["compare", "nights/0"], 2),
    ("compare: an approach with a run", nights, &["compare", "nights/0:a1", "nights/1"], 2),
    ("compare: an approach twice", nights, &["compare", "nights/0:a1", "nights/1:a2", "--approach", "a2"], 2),
    ("compare: an approach that the run does not have", nights, &["compare", "nights/0:a1", "nights/1:a9"], 2),
    ("compare: an approach that is no name", nights, &["compare", "nights/0", "--approach", "a 1"], 2),
    (
        "compare: runs on different machines",
        |dir| {
            nights(dir);
            stored(dir, |night| night.record.fingerprint.insert(Property::Kernel, "5.10"), 3..4);
        },
        &["compare", "nights/0", "nights/3"],
        4,
    ),
    (
        "compare: a file that cannot be written",
        nights,
        &["compare", "nights/0", "nights/1", "--out", "nowhere/x.txt"],
        1,
    ),
    ("engine: no command", nothing, &["engine"], 2),
    ("explain: one cell", nights, &["explain", "nights/0", "a1/cold"], 2),
    ("explain: a cell that is not there", nights, &["explain", "nights/0", "a1/cold", "a1/tepid"], 2),
    ("explain: builds without steps", nights, &["explain", "nights/0", "a1/cold", "a2/cold"], 4),
    (
        "explain: no valid build",
        |dir| {
            nights(dir);
            let file = dir.join("nights/0/samples.csv");
            let text = fs::read_to_string(&file).unwrap();
            let failed = |line: &str| {
                if line.contains(",a1,cold,") { line.replace(",ok,", ",failed,") } else { line.to_owned() }
            };
            fs::write(&file, text.lines().map(failed).collect::<Vec<_>>().join("\n") + "\n").unwrap();
        },
        &["explain", "nights/0", "a1/cold", "a2/cold"],
        4,
    ),
    ("export: a form that is not known", nights, &["export", "nights/0", "--format", "xls"], 2),
    (
        "gate: a run that is not over",
        |dir| stored(dir, |night| night.record.status = RunStatus::Running, 0..1),
        &["gate", "nights/0"],
        4,
    ),
    ("gate: nothing to hold it against", |dir| stored(dir, |_| (), 0..1), &["gate", "nights/0"], 4),
    (
        "gate: fresh builds on engines of which none is named",
        |dir| slower(dir, |_, _| ()),
        &["gate", "nights/1", "--confirm", "--engine", "a=private", "--engine", "b=host"],
        2,
    ),
    (
        "gate: fresh builds of a run without a study file",
        |dir| slower(dir, |night, _| night.option("call", json!({"context": "."}))),
        &["gate", "nights/1", "--confirm"],
        2,
    ),
    (
        "gate: fresh builds of other files than those of the night",
        |dir| {
            study(dir);
            slower(dir, |night, _| night.option("study", ".".into()));
        },
        // Text for people is wrapped, which depends on how long the path is.
        &["gate", "nights/1", "--confirm", "--format", "markdown"],
        4,
    ),
    ("history: a folder without runs", study, &["history", "project"], 2),
    ("history: nothing there", nothing, &["history", "nowhere"], 2),
    (
        "history: a run that cannot be read",
        |dir| {
            nights(dir);
            fs::remove_dir_all(dir.join("nights/1")).unwrap();
            fs::remove_dir_all(dir.join("nights/2")).unwrap();
            fs::write(dir.join("nights/0/run.json"), "{").unwrap();
        },
        &["history", "nights"],
        2,
    ),
    ("history: a change accepted without a reason", nights, &["history", "nights", "accept", "1", "--reason", " "], 2),
    ("history: a run that is not there", nights, &["history", "nights", "accept", "9", "--reason", "x"], 2),
    (
        "history: a cell that is not there",
        nights,
        &["history", "nights", "accept", "1", "--cell", "a9/cold", "--reason", "x"],
        2,
    ),
    (
        "history: accepted changes that cannot be read",
        |dir| {
            nights(dir);
            fs::write(dir.join("nights/accepted.toml"), "[[change]]\nrun = 1\n").unwrap();
        },
        &["history", "nights"],
        2,
    ),
    ("history: pictures where nothing can be written", nights, &["history", "nights", "--charts", "/proc/x"], 1),
    ("import: nothing there", nothing, &["import", "nowhere.csv", "--study", "none"], 2),
    (
        "import: figures that are none",
        |dir| imported(dir, "scenario;cold\na;1,5\n"),
        &["import", "raw.csv", "--study", "none"],
        2,
    ),
    ("import: commas", |dir| imported(dir, "scenario,cold\na,1\n"), &["import", "raw.csv", "--study", "none"], 2),
    (
        "import: a file that is no text",
        |dir| fs::write(dir.join("raw.csv"), b"scenario;cold\na\xff;1\n").unwrap(),
        &["import", "raw.csv", "--study", "none"],
        2,
    ),
    (
        "import: a line that is too long",
        |dir| imported(dir, "scenario;cold\na;1;2\n"),
        &["import", "raw.csv", "--study", "none"],
        2,
    ),
    ("import: no figures", |dir| imported(dir, "scenario;cold\n"), &["import", "raw.csv", "--study", "none"], 2),
    (
        "import: a file that is too large",
        |dir| fs::File::create(dir.join("raw.csv")).unwrap().set_len(1 << 30).unwrap(),
        &["import", "raw.csv", "--study", "none"],
        2,
    ),
    (
        "import: a wrong renaming",
        |dir| imported(dir, "scenario;cold\na;1\n"),
        &["import", "raw.csv", "--study", "none", "--rename", "a"],
        2,
    ),
    (
        "import: names that are none, and twice the same",
        |dir| imported(dir, "scenario;cold;cold;b c\na;1;2;3\n../x;1;2;3\n"),
        &["import", "raw.csv", "--study", "none"],
        2,
    ),
    (
        "import: names that the study does not have, and two for one",
        |dir| {
            study(dir);
            imported(dir, "scenario;cold;tepid\ngood;1;2\nGood;1;2\nbad;1;2\n");
        },
        &["import", "raw.csv", "--study", "."],
        2,
    ),
    (
        "import: sizes that are none",
        |dir| {
            imported(dir, "scenario;cold\na;1\n");
            fs::write(dir.join("sizes.csv"), "approach,size\na,large\n").unwrap();
        },
        &["import", "raw.csv", "--study", "none", "--sizes", "sizes.csv"],
        2,
    ),
    (
        "import: sizes of no approach",
        |dir| {
            imported(dir, "scenario;cold\na;1\n");
            fs::write(dir.join("sizes.csv"), "approach,size\n../a,1MB\n").unwrap();
        },
        &["import", "raw.csv", "--study", "none", "--sizes", "sizes.csv"],
        2,
    ),
    (
        "import: a study's name that is none",
        |dir| imported(dir, "scenario;cold\na;1\n"),
        &["import", "raw.csv", "--study", "none", "--name", "../x"],
        2,
    ),
    ("init: nothing there", nothing, &["init", "nowhere"], 2),
    ("init: no Dockerfile", study, &["init", "project"], 2),
    (
        "init: a study that is there",
        |dir| {
            app(dir);
            fs::create_dir(dir.join("app/layerbench")).unwrap();
            fs::write(dir.join("app/layerbench/study.toml"), "").unwrap();
        },
        &["init", "app"],
        2,
    ),
    ("init: a revision that is not there", repository, &["init", "app#nowhere"], 2),
    (
        "history: a night with a status that is none",
        |dir| damaged(dir, "samples.csv", ",ok,", ",good,"),
        &["history", "nights"],
        2,
    ),
    (
        "history: a night with a time that is none",
        |dir| damaged(dir, "samples.csv", ",ok,,", ",ok,,x"),
        &["history", "nights"],
        2,
    ),
    (
        "history: a night without positions",
        |dir| damaged(dir, "samples.csv", "\n1,1,", "\n1,0,"),
        &["history", "nights"],
        2,
    ),
    (
        "history: a night with a build twice",
        |dir| damaged(dir, "samples.csv", "\n1,2,a1,warm", "\n1,2,a1,cold"),
        &["history", "nights"],
        2,
    ),
    (
        "history: a night with an approach that it does not name",
        |dir| damaged(dir, "samples.csv", ",a1,", ",a9,"),
        &["history", "nights"],
        2,
    ),
    ("report: images without columns", |dir| images(dir, "a,b\n"), &["report", "nights/0", "--format", "html"], 2),
    (
        "report: layers that are no numbers",
        |dir| images(dir, "approach,layer_bytes\na1,1 2 x\n"),
        &["report", "nights/0", "--format", "html"],
        2,
    ),
    (
        "report: an image that is no number",
        |dir| images(dir, "approach,layer_bytes,image_bytes\na1,1,x\n"),
        &["report", "nights/0", "--format", "html"],
        2,
    ),
    (
        "report: a sample of an engine that the run does not have",
        |dir| {
            let path = night(0).still().on(&["one", "two"], "one").write(&dir.join("nights"));
            fs::rename(path, dir.join("nights/0")).unwrap();
            let file = dir.join("nights/0/samples.csv");
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, text.replacen(",one\n", ",three\n", 1)).unwrap();
        },
        &["report", "nights/0"],
        2,
    ),
    ("report: pictures where nothing can be written", nights, &["report", "nights/0", "--charts", "/proc/x"], 1),
    (
        "report: pictures of a kind that was not built in",
        nights,
        &["report", "nights/0", "--charts", "pictures", "--png"],
        2,
    ),
    ("report: a format that is not known", nights, &["report", "nights/0", "--format", "docx"], 2),
    (
        "report: a record with names that are none",
        |dir| stored(dir, |night| night.record.approaches[0] = "a 1".to_owned(), 0..1),
        &["report", "nights/0"],
        2,
    ),
    (
        "report: a record with a cache state that is none",
        |dir| stored(dir, |night| night.record.scenarios[0].cache = "tepid".to_owned(), 0..1),
        &["report", "nights/0"],
        2,
    ),
];
