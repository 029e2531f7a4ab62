//! A folder with Dockerfiles to a table and a verdict, without a study file: what is built, what is recorded, what is
//! left alone, and what is refused before the first build. Needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/golden.rs"]
mod golden;
#[path = "support/own.rs"]
mod own;
#[path = "support/tiny.rs"]
mod tiny;

use layerbench::model::Status;
use layerbench::store::{RunFolder, RunStatus};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use tiny::{disturbed, messages, program};

const CALL: [&str; 7] =
    ["run", "--dockerfile", "Dockerfile", "--dockerfile", "Dockerfile.new", "--change", "sources=main.py"];

/// Every file below a folder with its content and its time.
fn files(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let data = entry.metadata().unwrap();
        if data.is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path(), (fs::read(entry.path()).unwrap(), data.modified().unwrap()));
        }
    }
    found
}

#[test]
fn two_dockerfiles_of_five_files_get_a_table_and_a_verdict_that_names_the_faster() {
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("app");
    own::project(&project);
    fs::write(project.join(".dockerignore"), "secret\n").unwrap();
    fs::write(project.join("secret"), "x").unwrap();
    let before = files(&project);
    let more = ["--build-arg", "VERSION=2", "--reps", "5", "--engine", "private", "--context", "app"];
    let mut output = program(dir.path(), &[&CALL[..], &more].concat()).output().unwrap();
    for _ in 0..2 {
        if disturbed(&dir.path().join("results")) {
            output = program(dir.path(), &[&CALL[..], &more].concat()).output().unwrap();
        }
    }
    let (text, said) = (String::from_utf8(output.stdout.clone()).unwrap(), messages(&output));
    assert_eq!(output.status.code(), Some(0), "{said}\n{text}");
    for scenario in ["cold", "sources"] {
        let line = text.lines().find(|line| line.starts_with(&format!("  {scenario} "))).unwrap();
        assert!(line.contains("Dockerfile.new is faster"), "{text}");
        assert!(line.contains('…') && line.contains('%'), "{text}");
    }
    assert_eq!(before, files(&project), "the project was touched");
    let stored = RunFolder::open(&dir.path().join("results/latest")).unwrap();
    assert!(stored.path.canonicalize().unwrap().starts_with(dir.path().canonicalize().unwrap().join("results/app")));
    assert_eq!(stored.record.status, RunStatus::Finished);
    assert_eq!(stored.samples.len(), 30);
    assert!(stored.samples.iter().all(|(sample, _)| sample.status == Status::Ok));
    assert!(!dir.path().join("home").exists(), "something is left in the private engines' folder");
    let call = stored.record.options.call().unwrap().call.clone().unwrap();
    assert_eq!(call.changes[0], "sources=main.py");
    assert_eq!(call.build_args[0], "VERSION", "the value is nobody's business");
    assert_eq!(call.context, "app");
}

/// The engine is never begun with: what a plan says of states and rows is enough.
fn dry(dir: &Path, args: &[&str]) -> String {
    let output = program(dir, &[&["run", "--dry-run", "--reps", "1"], args].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", messages(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn changes_are_columns_in_the_order_in_which_they_were_given() {
    let dir = tempfile::tempdir().unwrap();
    own::project(dir.path());
    let before = files(dir.path());
    let plan = dry(dir.path(), &["--change", "sources=main.py", "--change", "deps=requirements.txt"]);
    let columns: Vec<&str> = plan
        .lines()
        .filter(|line| line.contains("Dockerfile"))
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert_eq!(columns, ["cold", "warm", "sources", "deps"], "{plan}");
    assert_eq!(before, files(dir.path()), "a dry run left something");
}

#[test]
fn a_matrix_of_arguments_gives_a_row_each() {
    let dir = tempfile::tempdir().unwrap();
    tiny::tiny_study(dir.path(), &[("final", &tiny::GOOD.replace("WORKDIR", "ARG A\nARG B\nWORKDIR"))]);
    let file = dir.path().join("study.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}args = {{ A = [\"3.12\", \"3/13\"], B = [\"x\", \"y\"] }}\n")).unwrap();
    let plan = dry(dir.path(), &["."]);
    for row in ["final-A-3.12-B-x", "final-A-3.12-B-y", "final-A-3-13-B-x", "final-A-3-13-B-y"] {
        assert!(plan.contains(row), "{plan}");
    }
    let plan = dry(dir.path(), &[".", "--approach", "*-B-x"]);
    assert!(plan.contains("final-A-3-13-B-x") && !plan.contains("B-y"), "{plan}");
}

/// A case: its title, what it does to a good project, how it calls.
struct Case {
    title: &'static str,
    spoil: fn(&Path),
    args: &'static [&'static str],
}

fn nothing(_: &Path) {}

fn in_git(dir: &Path) {
    let repository = git2::Repository::init(dir).unwrap();
    let mut index = repository.index().unwrap();
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    index.write().unwrap();
    let who = git2::Signature::now("t", "t@example.org").unwrap();
    repository.commit(Some("refs/heads/main"), &who, &who, "x", &tree, &[]).unwrap();
    repository.set_head("refs/heads/main").unwrap();
}

const CASES: &[Case] = &[
    Case {
        title: "no Dockerfile",
        spoil: |dir| fs::remove_file(dir.join("Dockerfile")).unwrap(),
        args: &["--context", "."],
    },
    Case { title: "a context that is not there", spoil: nothing, args: &["--context", "nowhere"] },
    Case {
        title: "a context with a password in its address",
        spoil: nothing,
        args: &["--context", "https://me:secret@git.example.org/app.git#main"],
    },
    Case {
        title: "a context that would have git run a program",
        spoil: nothing,
        args: &["--context", "ext::sh://app"],
    },
    Case {
        title: "many mistakes, all at once",
        spoil: |dir| fs::write(dir.join(".dockerignore"), "main.py\n").unwrap(),
        args: &[
            "--dockerfile",
            "Dockerfile",
            "--dockerfile",
            "Dockerfile.old",
            "--dockerfile",
            "main.py",
            "--change",
            "sources=main.py",
            "--change",
            "deps=package.json",
            "--change",
            "more=gone.py",
            "--change",
            "cold=a.py",
            "--change",
            "x=files:nowhere",
            "--build-arg",
            "VERSON=2",
        ],
    },
    Case {
        title: "a change to the same content",
        spoil: |dir| {
            fs::create_dir(dir.join("same")).unwrap();
            fs::copy(dir.join("main.py"), dir.join("same/main.py")).unwrap();
            fs::write(dir.join(".dockerignore"), "same\n").unwrap();
        },
        args: &["--change", "sources=files:same"],
    },
    Case {
        title: "a patch that does not apply, a ref that does not exist, a command without leave, all at once",
        spoil: |dir| {
            fs::write(
                dir.join("a.patch"),
                "diff --git a/main.py b/main.py\n--- a/main.py\n+++ b/main.py\n@@ -1 +1 @@\n-print('bye')\n+print('tschüss')\n",
            )
            .unwrap();
            in_git(dir);
        },
        args: &["--change", "sources=patch:a.patch", "--change", "deps=ref:nowhere", "--change", "more=run:true"],
    },
    Case { title: "a ref that does not exist", spoil: in_git, args: &["--change", "sources=ref:nowhere"] },
    Case { title: "a ref without git", spoil: nothing, args: &["--change", "sources=ref:main"] },
    Case {
        title: "a command that fails",
        spoil: nothing,
        args: &["--change", "sources=run:echo no >&2; exit 3", "--allow-run"],
    },
    Case { title: "a command without leave", spoil: nothing, args: &["--change", "sources=run:echo >>main.py"] },
    Case {
        title: "uncommitted changes, refused",
        spoil: |dir| {
            in_git(dir);
            fs::write(dir.join("main.py"), "print(2)\n").unwrap();
        },
        args: &["--context", ".", "--uncommitted", "refuse"],
    },
    Case { title: "a revision of git that is not there", spoil: in_git, args: &["--context", ".#nowhere"] },
    Case {
        title: "a study's build argument that its Dockerfile does not declare",
        spoil: |dir| {
            tiny::tiny_study(dir, &[("good", tiny::GOOD)]);
            let text = fs::read_to_string(dir.join("study.toml")).unwrap();
            fs::write(dir.join("study.toml"), format!("{text}args = {{ PYTHON = \"3\" }}\n")).unwrap();
        },
        args: &["."],
    },
    Case {
        title: "a study with keys that say too much or nothing",
        spoil: |dir| {
            tiny::tiny_study(dir, &[("good", tiny::GOOD)]);
            let text = fs::read_to_string(dir.join("study.toml")).unwrap();
            let text = text.replace("overlay = \"changed\"", "ref = \"a\"\nrun = \"b\"\ncomment = [\"busybox\"]");
            let text = text.replace("path = \"project\"", "path = \"../nowhere\"\nref = \"main\"");
            fs::write(dir.join("study.toml"), format!("{text}args = {{ A = [], B = [1] }}\n")).unwrap();
        },
        args: &["."],
    },
];

#[test]
fn every_mistake_is_found_before_the_first_build() {
    let mut all = String::new();
    for case in CASES {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("app");
        own::project(&project);
        (case.spoil)(&project);
        let output = program(&project, &[&["run"], case.args].concat()).output().unwrap();
        let root = dir.path().canonicalize().unwrap().display().to_string();
        let text = messages(&output).replace(&root, "DIR");
        assert_eq!(output.status.code(), Some(2), "{}: {text}", case.title);
        assert!(output.stdout.is_empty() && !text.contains("panicked"), "{}: {text}", case.title);
        assert!(!project.join("results").exists(), "{}: a result was begun", case.title);
        assert!(!project.join("home").exists(), "{}: something is left behind", case.title);
        let args = case.args.join(" ");
        writeln!(all, "## {}: layerbench run {args}\n{}\nexit code 2\n", case.title, text.trim_end()).unwrap();
    }
    golden::messages("Dockerfiles of a call", &all);
}
