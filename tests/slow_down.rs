//! The real thing, on private engines: the same study twice shows no regression; a `sleep 0.5` put into one step of one
//! approach is found, named, explained to the step, and confirmed against the revision before it. Needs root and
//! Docker Engine; nothing is downloaded.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[allow(dead_code)]
#[path = "support/runs.rs"]
mod runs;

use runs::{Answer, call};
use std::fs;
use std::path::Path;
use std::process::Command;

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

fn run(dir: &Path, reps: &str) -> (Answer, String) {
    let answer = call(dir, &["run", "study", "--reps", reps, "--engine", "private"]);
    let path = fs::read_link(dir.join("results/latest")).unwrap();
    (answer, dir.join("results").join(path).to_string_lossy().into_owned())
}

#[test]
fn the_same_study_twice_is_quiet_and_a_sleep_is_found_and_explained() {
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
    let (_, third) = run(dir.path(), "8");
    let found = call(dir.path(), &["compare", &second, &third]);
    println!("{}", found.out);
    assert_eq!(found.code, 3, "{}{}", found.out, found.err);
    let json = call(dir.path(), &["compare", &second, &third, "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let cells = value["cells"].as_array().unwrap();
    let slower = |cell: &&serde_json::Value| cell["approach"] == "other" && cell["verdict"] == "regression";
    assert_eq!(cells.iter().filter(slower).count(), 2, "{}", found.out);

    let explained = call(dir.path(), &["explain", &third, "other/cold", "--against", &second]);
    println!("{}", explained.out);
    let json = call(dir.path(), &["explain", &third, "other/cold", "--against", &second, "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let shares = value["shares"].as_array().unwrap();
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    assert_eq!(shares[0]["name"], "RUN sleep 0.3 && sleep 0.5 && echo built >>/main");
    let sum: f64 = shares.iter().map(|share| number(&share["difference_s"])).sum();
    let all = sum + number(&value["small"]["difference_s"]) + number(&value["remainder_s"]);
    assert!((all - number(&value["difference_s"])).abs() < 1e-9);
    let run: f64 = shares
        .iter()
        .filter(|share| share["name"].as_str().unwrap().starts_with("RUN sleep"))
        .map(|share| number(&share["difference_s"]))
        .sum();
    assert!((0.4..1.2).contains(&run), "{run}");

    // Built again from tonight's files and those of the revision before, which are no longer in the work tree.
    let confirmed = call(dir.path(), &["gate", &third, "--rule", "baseline", "--confirm", "--reps", "6"]);
    println!("{}{}", confirmed.out, confirmed.err);
    assert_eq!(confirmed.code, 3, "{}{}", confirmed.out, confirmed.err);
    for word in ["measured afresh: other / cold: confirmed", "The baseline was built from revision"] {
        assert!(confirmed.out.replace("\n  ", " ").contains(word), "{}", confirmed.out);
    }
    assert!(!confirmed.out.contains("plain / cold: confirmed"), "{}", confirmed.out);
    assert_eq!(fs::read_to_string(dir.path().join("study/other")).unwrap(), slow);
    let status = Command::new("git").args(["status", "--porcelain", "study"]).current_dir(dir.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&status.stdout), " M study/other\n");
}
