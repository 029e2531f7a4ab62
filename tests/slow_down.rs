//! The real thing, on private engines: the same study twice shows no regression; a `sleep 0.5` put into one step of one
//! approach is found, named, explained to the step, and confirmed against the revision before it. Needs root and
//! Docker Engine; nothing is downloaded.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[allow(dead_code)]
#[path = "support/runs.rs"]
mod runs;

use runs::{Answer, call};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

const STUDY: &str = r#"
schema = "layerbench.study/1"
name = "tiny"
[project]
path = "project"
[[state]]
id = "base"
[[state]]
id = "sources"
after = "base"
append = [{ file = "main", text = "two\n" }]
[[scenario]]
id = "cold"
cache = "cold"
state = "base"
[[scenario]]
id = "sources"
cache = "changed"
state = "sources"
[[approach]]
id = "plain"
dockerfile = "plain"
[[approach]]
id = "other"
dockerfile = "other"
"#;

fn git(dir: &Path, args: &[&str]) {
    let who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(who).args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A study of two approaches, in git; steps of a few tenths of a second, so that shares of it can be told apart.
fn study(dir: &Path) {
    let at = |name: &str| dir.join("study").join(name);
    fs::create_dir_all(at("project")).unwrap();
    fs::copy("/bin/busybox", at("project/busybox")).unwrap();
    fs::write(at("project/main"), "one\n").unwrap();
    fs::write(at("study.toml"), STUDY).unwrap();
    let text = "FROM scratch\nCOPY busybox /bin/sh\nCOPY main /main\nRUN sleep 0.3 && echo built >>/main\n";
    fs::write(at("plain"), text).unwrap();
    fs::write(at("other"), text).unwrap();
    git(dir, &["init", "-q"]);
    git(dir, &["add", "study"]);
    git(dir, &["commit", "-qm", "one"]);
}

/// One test at a time, since each would be the other's noise; so it is with nextest.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A night by `scripts/nightly`: exit code, and what it printed.
fn night(dir: &Path) -> (i32, String) {
    let program = env!("CARGO_BIN_EXE_layerbench");
    let run = dir.join("run");
    if !run.exists() {
        let call = format!("#!/bin/sh\nexec {program} run {}/study --reps 7 --engine private \"$@\"\n", dir.display());
        fs::write(&run, call).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/nightly"))
        .env("LAYERBENCH_PROGRAM", program)
        .env("LAYERBENCH_RUN", &run)
        .env("LAYERBENCH_NIGHTS", dir.join("nights"))
        .env("LAYERBENCH_RULE", "--confirm --reps 6")
        .env("LAYERBENCH_SUMMARY", dir.join("summary.md"))
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), said)
}

#[test]
fn a_night_is_measured_judged_and_kept() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    study(dir.path());
    let (code, said) = night(dir.path());
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("found no comparable run before"), "{said}");
    // Far more than the noise of any machine that builds at all.
    let slow = "FROM scratch\nCOPY busybox /bin/sh\nCOPY main /main\nRUN sleep 1 && echo built >>/main\n";
    fs::write(dir.path().join("study/other"), slow).unwrap();
    let (code, said) = night(dir.path());
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("other / cold: confirmed") && said.contains("The baseline was built from revision"),
        "{said}"
    );
    let kept = fs::read_to_string(dir.path().join("nights/latest/gate.md")).unwrap();
    assert!(kept.contains("regression") && said.contains(&kept), "{kept}\n---\n{said}");
    let summary = fs::read_to_string(dir.path().join("summary.md")).unwrap();
    assert!(summary.starts_with(&kept) && summary.contains("| plain |"), "{summary}");
    let nights = fs::read_dir(dir.path().join("nights/tiny")).unwrap().count();
    assert_eq!(nights, 2);
}

fn run(dir: &Path, reps: &str) -> (Answer, String) {
    let answer = call(dir, &["run", "study", "--reps", reps, "--engine", "private"]);
    let path = fs::read_link(dir.join("results/latest")).unwrap();
    (answer, dir.join("results").join(path).to_string_lossy().into_owned())
}

/// The sleeping step leads the list, and the list adds up.
fn explained(answer: &Answer) {
    let value: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    let shares = value["shares"].as_array().unwrap();
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let find = |name: &str| shares.iter().find(|share| share["name"] == name).unwrap();
    let slow = find("RUN sleep 0.3 && sleep 0.5 && echo built >>/main");
    let quick = find("RUN sleep 0.3 && echo built >>/main");
    assert!([slow, quick].contains(&&shares[0]), "{}", answer.out);
    let step = number(&slow["difference_s"]) + number(&quick["difference_s"]);
    assert!((0.3..1.5).contains(&step), "{step}");
    let sum: f64 = shares.iter().map(|share| number(&share["difference_s"])).sum();
    let all = sum + number(&value["small"]["difference_s"]) + number(&value["remainder_s"]);
    assert!((all - number(&value["difference_s"])).abs() < 1e-9, "{}", answer.out);
}

#[test]
fn the_same_study_twice_is_quiet_and_a_sleep_is_found_and_explained() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    study(dir.path());
    let (answer, first) = run(dir.path(), "8");
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    let (_, second) = run(dir.path(), "8");
    let same = call(dir.path(), &["compare", &first, &second]);
    println!("{}", same.out);
    if same.code == 3 {
        // Somebody else used the machine during one of the two: built in turns, nothing must be left of it.
        let again = call(dir.path(), &["gate", &second, "--rule", "baseline", "--confirm", "--reps", "8"]);
        println!("{}{}", again.out, again.err);
        assert_ne!(again.code, 3, "{}{}", again.out, again.err);
    } else {
        assert!(same.out.contains("0 regressions"), "{}", same.out);
    }

    let slow =
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY main /main\nRUN sleep 0.3 && sleep 0.5 && echo built >>/main\n";
    fs::write(dir.path().join("study/other"), slow).unwrap();
    // On a machine that others use, half a second can drown: the program says so, and the run is made again.
    let inside = |run: &str| call(dir.path(), &["compare", run, "--approach", "plain", "--approach", "other"]);
    let mut third = run(dir.path(), "8").1;
    for _ in 0..2 {
        if inside(&third).out.contains("2 regressions") {
            break;
        }
        println!("too noisy: {}", inside(&third).out);
        third = run(dir.path(), "8").1;
    }
    let found = call(dir.path(), &["compare", &second, &third]);
    println!("{}", found.out);
    // Inside one run both approaches were built in turns, so this holds on a busy machine, too.
    // One comparison of the same in twenty may be called by chance; two in a row are more than that.
    let before = [&first, &second].map(|run| inside(run));
    let inside = inside(&third);
    println!("{}", inside.out);
    assert_eq!(inside.code, 3, "{}{}", inside.out, inside.err);
    assert!(inside.out.contains("2 regressions"), "{}", inside.out);
    assert!(before.iter().any(|answer| answer.code != 3), "{}{}", before[0].out, before[1].out);

    let words = ["explain", &third, "plain/cold", "other/cold"];
    println!("{}", call(dir.path(), &words).out);
    explained(&call(dir.path(), &[&words[..], &["--format", "json"]].concat()));
    if found.code == 3 {
        let words = ["explain", &third, "other/cold", "--against", &second];
        explained(&call(dir.path(), &[&words[..], &["--format", "json"]].concat()));
    }

    // Built again from tonight's files and those of the revision before, which are no longer in the work tree.
    let confirm = ["gate", &third, "--rule", "baseline", "--confirm", "--reps", "6", "--format", "json"];
    let mut confirmed = call(dir.path(), &confirm);
    for _ in 0..2 {
        if !undecided(&confirmed) {
            break;
        }
        println!("too noisy: {}", confirmed.out);
        confirmed = call(dir.path(), &confirm);
    }
    println!("{}{}", confirmed.out, confirmed.err);
    let fresh = built_afresh(&confirmed);
    for cell in &fresh {
        assert_eq!(cell["verdict"] == "regression", cell["approach"] == "other", "{cell}");
    }
    if fresh.iter().any(|cell| cell["approach"] == "other") {
        assert_eq!(confirmed.code, 3, "{}{}", confirmed.out, confirmed.err);
        assert!(confirmed.out.contains("The baseline was built from revision"), "{}", confirmed.out);
    } else {
        // A night on a busy machine hid it: then nothing may be claimed.
        assert_ne!(found.code, 3, "{}", found.out);
        assert_eq!(confirmed.code, 4, "{}{}", confirmed.out, confirmed.err);
    }
    assert_eq!(fs::read_to_string(dir.path().join("study/other")).unwrap(), slow);
    let status = Command::new("git").args(["status", "--porcelain", "study"]).current_dir(dir.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&status.stdout), " M study/other\n");
}

/// The cells that `gate --confirm` built afresh, as its JSON has them.
fn built_afresh(confirmed: &Answer) -> Vec<serde_json::Value> {
    let value: serde_json::Value = serde_json::from_str(&confirmed.out).unwrap();
    value["confirmed"].as_array().cloned().unwrap_or_default()
}

/// Whether the noise of the machine hid what is slower from the builds made afresh.
fn undecided(confirmed: &Answer) -> bool {
    let hidden = |cell: &serde_json::Value| cell["approach"] == "other" && cell["verdict"] == "not enough data";
    built_afresh(confirmed).iter().any(hidden)
}
