//! `init` on projects of every kind that it knows, and on a repository with branches for its states: what it writes is
//! accepted at once, and runs. The last test needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/own.rs"]
mod own;
#[path = "support/tiny.rs"]
mod tiny;

use layerbench::model::Status;
use layerbench::store::RunFolder;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tiny::{messages, program};

/// A project: its kind, its files, and what a change of its sources and dependencies must be.
type Sample = (&'static str, &'static [(&'static str, &'static str)], Option<&'static str>, Option<&'static str>);

const PROJECTS: [Sample; 11] = [
    (
        "Poetry",
        &[
            ("pyproject.toml", "[tool.poetry]\nname = \"a\"\n"),
            ("poetry.lock", ""),
            ("a/main.py", "print(1)\n"),
            ("tests/test_a.py", ""),
        ],
        Some("a/main.py"),
        Some("pyproject.toml"),
    ),
    (
        "uv",
        &[("pyproject.toml", "[project]\nname = \"a\"\n"), ("uv.lock", ""), ("src/a/app.py", "")],
        Some("src/a/app.py"),
        Some("pyproject.toml"),
    ),
    (
        "PDM",
        &[("pyproject.toml", "[project]\nname = \"a\"\n"), ("pdm.lock", ""), ("a.py", "")],
        Some("a.py"),
        Some("pyproject.toml"),
    ),
    (
        "pip",
        &[("requirements.txt", "left-pad\n"), ("app.py", ""), ("setup.py", "")],
        Some("app.py"),
        Some("requirements.txt"),
    ),
    (
        "npm",
        &[("package.json", "{\n  \"name\": \"a\"\n}\n"), ("package-lock.json", "{}"), ("index.js", "")],
        Some("index.js"),
        Some("changes/deps"),
    ),
    (
        "pnpm",
        &[("package.json", "{\"name\": \"a\"}"), ("pnpm-lock.yaml", ""), ("src/server.ts", ""), ("vite.config.ts", "")],
        Some("src/server.ts"),
        Some("changes/deps"),
    ),
    (
        "Cargo",
        &[
            ("Cargo.toml", "[package]\nname = \"a\"\n"),
            ("Cargo.lock", ""),
            ("src/main.rs", "fn main() {}\n"),
            ("build.rs", ""),
        ],
        Some("src/main.rs"),
        Some("Cargo.toml"),
    ),
    (
        "Go modules",
        &[("go.mod", "module a\n"), ("go.sum", ""), ("cmd/main.go", ""), ("cmd/main_test.go", "")],
        Some("cmd/main.go"),
        Some("go.mod"),
    ),
    (
        "Maven",
        &[("pom.xml", "<project/>"), ("src/main/java/a/App.java", "")],
        Some("src/main/java/a/App.java"),
        Some("pom.xml"),
    ),
    (
        "Gradle",
        &[("build.gradle.kts", ""), ("src/main/kotlin/Main.kt", "")],
        Some("src/main/kotlin/Main.kt"),
        Some("build.gradle.kts"),
    ),
    ("no package manager that is known", &[("index.html", "<p>hi</p>\n")], Some("index.html"), None),
];

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn call(dir: &Path, args: &[&str], code: i32) -> (String, String) {
    let output = program(dir, args).output().unwrap();
    let (text, said) = (String::from_utf8(output.stdout.clone()).unwrap(), messages(&output));
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{said}\n{text}");
    (text, said)
}

#[test]
fn every_kind_of_project_gets_a_study_that_is_accepted_at_once() {
    for (kind, files, source, manifest) in PROJECTS {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), files);
        write(dir.path(), &[("Dockerfile", "FROM scratch\nCOPY . .\n"), (".dockerignore", "Dockerfile*\n")]);
        write(dir.path(), &[("docker/new.Dockerfile", "FROM scratch\nCOPY . .\n"), ("Dockerfile.md", "no\n")]);
        let (said, _) = call(dir.path(), &["init"], 0);
        assert!(said.contains(&format!("study.toml: {kind}, 2 Dockerfiles")), "{said}");
        let text = fs::read_to_string(dir.path().join("layerbench/study.toml")).unwrap();
        for file in [source, manifest].into_iter().flatten() {
            assert!(text.contains(&format!("[\"{file}\"]")) || text.contains(&format!("\"{file}\"")), "{kind}: {text}");
        }
        let (plan, _) = call(dir.path(), &["run", "layerbench", "--dry-run", "--reps", "1"], 0);
        for (column, there) in [("cold", true), ("sources", source.is_some()), ("deps", manifest.is_some())] {
            assert_eq!(plan.lines().any(|line| line.ends_with(column)), there, "{kind}: {plan}");
        }
        for row in [" Dockerfile ", " docker-new.Dockerfile "] {
            assert!(plan.contains(row), "{kind}: {plan}");
        }
        let (_, refused) = call(dir.path(), &["init", "."], 2);
        assert!(refused.contains("--force"), "{refused}");
        fs::write(dir.path().join("layerbench/study.toml"), "").unwrap();
        call(dir.path(), &["init", ".", "--force"], 0);
        assert_eq!(fs::read_to_string(dir.path().join("layerbench/study.toml")).unwrap(), text);
    }
}

#[test]
fn a_folder_without_a_dockerfile_gets_no_study() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("main.py", "")]);
    let (_, said) = call(dir.path(), &["init"], 2);
    assert!(said.contains("found no Dockerfile"), "{said}");
    assert!(!dir.path().join("layerbench").exists());
}

/// What is in a folder, to the byte: contents, modes, and times of change.
fn everything(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32, std::time::SystemTime)> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let data = entry.path().symlink_metadata().unwrap();
        if data.is_dir() {
            found.extend(everything(&entry.path()));
        } else {
            let content = if data.is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
            found.insert(entry.path(), (content, data.permissions().mode(), data.modified().unwrap()));
        }
    }
    found
}

fn git(dir: &Path, args: &[&str]) {
    let set = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "commit.gpgsign=false",
    ];
    let output = Command::new("git").args(set).args(args).current_dir(dir).output().expect("install git");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository as the article's: a branch for each state, a Dockerfile that is a link; a submodule and an LFS pointer.
fn repository(dir: &Path) {
    own::project(dir);
    fs::create_dir(dir.join("dockerfiles")).unwrap();
    fs::rename(dir.join("Dockerfile.new"), dir.join("dockerfiles/05-final.Dockerfile")).unwrap();
    fs::remove_file(dir.join("Dockerfile")).unwrap();
    std::os::unix::fs::symlink("dockerfiles/05-final.Dockerfile", dir.join("Dockerfile")).unwrap();
    fs::write(dir.join("big.bin"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n").unwrap();
    git(dir, &["init", "--quiet"]);
    for (branch, file) in [
        ("01-basic", None),
        ("02-sources-changed", Some("main.py")),
        ("03-requirements-changed", Some("requirements.txt")),
    ] {
        git(dir, &["checkout", "--quiet", "-b", branch]);
        if let Some(file) = file {
            fs::write(dir.join(file), format!("# {branch}\n")).unwrap();
        }
        git(dir, &["add", "--all"]);
        if file.is_none() {
            git(
                dir,
                &[
                    "update-index",
                    "--add",
                    "--cacheinfo",
                    "160000,1234567890123456789012345678901234567890,vendor/other",
                ],
            );
        }
        git(dir, &["commit", "--quiet", "-m", branch]);
    }
    git(dir, &["checkout", "--quiet", "01-basic"]);
}

#[test]
fn a_repository_runs_from_its_url_with_what_init_writes_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join("work");
    repository(&work);
    git(dir.path(), &["clone", "--quiet", "--bare", "work", "public.git"]);
    fs::write(work.join("main.py"), "not committed\n").unwrap();
    let before = everything(&work);
    let url = format!("file://{}", dir.path().join("public.git").display());
    let (said, _) = call(dir.path(), &["init", &url], 0);
    assert!(said.contains("the states of 3 branches"), "{said}");
    let run = ["run", "layerbench", "--reps", "1", "--engine", "private"];
    let (table, said) = call(dir.path(), &run, 0);
    for column in ["cold", "warm", "sources-changed", "requirements-changed"] {
        assert!(table.contains(column), "{table}");
    }
    for remark in ["vendor/other is a submodule", "big.bin is a pointer of git LFS"] {
        assert!(said.contains(remark), "{said}");
    }
    let stored = RunFolder::open(&dir.path().join("results/latest")).unwrap();
    assert_eq!(stored.samples.len(), 4);
    assert!(stored.samples.iter().all(|(sample, _)| sample.status == Status::Ok));
    assert!(stored.record.notes.iter().any(|note| note.contains("submodule")));
    let head = git2::Repository::open(&work).unwrap().revparse_single("01-basic").unwrap().id().to_string();
    assert_eq!(stored.record.git.as_ref().map(|git| git.revision.clone()), Some(head));

    // The work tree's own repository, at a revision and with what is in no commit.
    call(
        dir.path(),
        &[
            "run",
            "--context",
            "work#02-sources-changed",
            "--change",
            "deps=ref:03-requirements-changed",
            "--dry-run",
            "--reps",
            "1",
        ],
        0,
    );
    call(
        dir.path(),
        &["run", "--context", "work", "--change", "deps=ref:03-requirements-changed", "--dry-run", "--reps", "1"],
        0,
    );
    let (_, refused) = call(dir.path(), &["run", "--context", "work", "--uncommitted", "refuse", "--dry-run"], 2);
    assert!(refused.contains("main.py"), "{refused}");
    assert_eq!(before, everything(&work), "the work tree, the index or the repository was touched");
}
