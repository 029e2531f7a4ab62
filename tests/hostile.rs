//! Studies and run folders that somebody sent: nothing outside of them is read or written, no command is carried out
//! that was not allowed, nothing but text reaches a terminal, and nothing is too large. No engine is needed.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/runs.rs"]
#[allow(dead_code)] // not all of it is used here
mod runs;
#[path = "support/tiny.rs"]
mod tiny;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tiny::{GOOD, STUDY, messages, program, tiny_study};

/// What must never be shown, and stands in a file outside of every study here.
const CANARY: &str = "canary-5a1f";
const APPROACH: &str = "\n[[approach]]\nid = \"good\"\ndockerfile = \"good.Dockerfile\"\n";
/// Gets as far as all files are laid out, and builds nothing.
const RUN: [&str; 4] = ["run", ".", "--engine", "unix:///nowhere/docker.sock"];

/// A good study in `study`, beside a folder `outside` with something in it that is nobody's business.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        tiny_study(&place.study(""), &[("good", GOOD)]);
        fs::create_dir(place.outside("")).unwrap();
        for name in ["file", "Dockerfile", "main.txt"] {
            fs::write(place.outside(name), format!("FROM {CANARY}\n[{CANARY}\n")).unwrap();
        }
        place
    }

    fn study(&self, name: &str) -> PathBuf {
        self.0.path().join("folder/study").join(name)
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.0.path().join("outside").join(name)
    }

    fn write(&self, text: &str) {
        fs::write(self.study("study.toml"), text).unwrap();
    }

    /// A call, which must end with a code, say this, show nothing from outside and leave everything there as it was.
    fn expect(&self, args: &[&str], code: i32, said: &str) -> String {
        let before = listed(&self.outside(""));
        let output = program(&self.study(""), args).output().unwrap();
        let text = all(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(said), "{args:?}: {said:?} is not in: {text}");
        assert!(!text.contains(CANARY), "{args:?}: {text}");
        assert!(!text.contains("panicked"), "{args:?}: {text}");
        assert!(plain(&text), "{args:?}: {text:?}");
        assert_eq!(listed(&self.outside("")), before, "{args:?}: {text}");
        text
    }
}

fn all(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &messages(output)
}

/// No character that a terminal takes for more than text.
fn plain(text: &str) -> bool {
    !text.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c))
}

/// Names and contents below a folder.
fn listed(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(listed(&entry.path()));
        } else {
            found.push((entry.path(), fs::read(entry.path()).unwrap_or_default()));
        }
    }
    found.sort();
    found
}

#[test]
fn no_path_of_a_study_leads_out_of_it() {
    let place = Place::new();
    let outside = place.outside("");
    let outside = outside.display();
    let state = |line: &str| STUDY.replace("overlay = \"changed\"", line) + APPROACH;
    let fields: [&dyn Fn(&str) -> String; 11] = [
        &|path| STUDY.replace("path = \"project\"", &format!("path = {path:?}")) + APPROACH,
        &|path| state(&format!("overlay = {path:?}")),
        &|path| state(&format!("patch = {path:?}")),
        &|path| state(&format!("remove = [{path:?}]")),
        &|path| state(&format!("append = [{{ file = {path:?}, text = \"x\" }}]")),
        &|path| state(&format!("comment = [{path:?}]")),
        &|path| STUDY.to_owned() + &APPROACH.replace("\"good.Dockerfile\"", &format!("{path:?}")),
        &|path| format!("{STUDY}{APPROACH}[registry]\nstorage = {path:?}\n"),
        &|path| format!("{STUDY}{APPROACH}[audit]\nlock = {path:?}\n"),
        &|path| format!("published = {path:?}\n{STUDY}{APPROACH}"),
        &|path| STUDY.replace("name = \"tiny\"", &format!("name = {path:?}")) + APPROACH,
    ];
    for (number, field) in fields.iter().enumerate() {
        for path in [
            format!("{outside}"),
            format!("{outside}/file"),
            format!("{outside}/main.txt"),
            "project/../../../outside/main.txt".to_owned(),
            "./../../outside".to_owned(),
            "../../outside/file".to_owned(),
        ] {
            // A project may lie above the study, with leave.
            let code = if number == 0 && path.starts_with("../../outside/f") { "found a file" } else { "found" };
            place.write(&field(&path));
            let text = place.expect(&RUN, 2, code);
            assert!(text.contains("study.toml"), "field {number}, {path}: {text}");
        }
    }
}

#[test]
fn no_link_of_a_study_leads_out_of_it() {
    type Spoil = fn(&Place);
    let link = "a link that leads out";
    let symbolic = "a symbolic link that leads out of the study's folder";
    let cases: [(Spoil, &str); 7] = [
        (
            |place| {
                fs::remove_dir_all(place.study("project")).unwrap();
                symlink(place.outside(""), place.study("project")).unwrap();
            },
            symbolic,
        ),
        (
            |place| {
                fs::remove_dir_all(place.study("changed")).unwrap();
                symlink(place.outside(""), place.study("changed")).unwrap();
            },
            symbolic,
        ),
        (
            |place| {
                fs::remove_file(place.study("good.Dockerfile")).unwrap();
                symlink(place.outside("Dockerfile"), place.study("good.Dockerfile")).unwrap();
            },
            symbolic,
        ),
        (|place| symlink(place.outside("file"), place.study("good.Dockerfile.dockerignore")).unwrap(), link),
        (|place| symlink(place.outside("file"), place.study("project/.dockerignore")).unwrap(), link),
        (|place| symlink("../../../outside/file", place.study("project/.dockerignore")).unwrap(), link),
        (
            |place| {
                fs::write(
                    place.study("study.toml"),
                    format!(
                        "{}{APPROACH}",
                        STUDY.replace("overlay = \"changed\"", "append = [{ file = \"out/file\", text = \"x\" }]")
                    ),
                )
                .unwrap();
                symlink(place.outside(""), place.study("project/out")).unwrap();
            },
            "found no \"out/file\" in this state",
        ),
    ];
    for (spoil, said) in cases {
        let place = Place::new();
        spoil(&place);
        place.expect(&RUN, 2, said);
    }
    // What is a link is built as one: only its name is of the project.
    let place = Place::new();
    symlink(place.outside("file"), place.study("project/link")).unwrap();
    symlink(place.outside(""), place.study("changed/folder")).unwrap();
    place.expect(&RUN, 1, "/nowhere/docker.sock");
}

#[test]
fn what_a_study_reads_elsewhere_takes_leave() {
    let place = Place::new();
    let above = |path: &str| STUDY.replace("path = \"project\"", &format!("path = {path:?}")) + APPROACH;
    place.write(&above("../../outside"));
    place.expect(&RUN, 2, "--allow-outside");
    place.expect(&["doctor", ".", "--only", "pulls"], 2, "--allow-outside");
    // Beside it is fine, and so is all of the repository around it; a folder for everybody is nobody's project.
    fs::rename(place.study("project"), place.0.path().join("folder/app")).unwrap();
    place.write(&above("../app"));
    place.expect(&RUN, 1, "/nowhere/docker.sock");
    fs::set_permissions(place.0.path().join("folder"), std::os::unix::fs::PermissionsExt::from_mode(0o1777)).unwrap();
    place.expect(&RUN, 2, "--allow-outside");
    git2::Repository::init(place.0.path().join("folder")).unwrap();
    place.expect(&RUN, 2, "--allow-outside");
    place.expect(&[&RUN[..], &["--allow-outside"]].concat(), 1, "/nowhere/docker.sock");
    fs::remove_dir_all(place.0.path().join("folder/.git")).unwrap();
    git2::Repository::init(place.0.path()).unwrap();
    place.expect(&RUN, 1, "/nowhere/docker.sock");

    let place = Place::new();
    for (secret, what) in [
        (format!("file = \"{}\"", place.outside("file").display()), "the file"),
        ("file = \"../../outside/file\"".to_owned(), "the file"),
        ("env = \"HOME\"".to_owned(), "the variable HOME for the secret token"),
    ] {
        place.write(&format!("{STUDY}{APPROACH}secrets = {{ token = {{ {secret} }} }}\n"));
        let said = place.expect(&RUN, 2, "--allow-outside");
        assert!(said.contains(what), "{said}");
        place.expect(&[&RUN[..], &["--allow-outside"]].concat(), 1, "/nowhere/docker.sock");
    }
    let elsewhere = git2::Repository::init(place.outside("git")).unwrap();
    for address in [elsewhere.path().display().to_string(), format!("file://{}", elsewhere.path().display())] {
        place.write(&above("project").replace("path = \"project\"", &format!("git = {address:?}")));
        place.expect(&RUN, 2, "--allow-outside");
    }
}

#[test]
fn no_address_of_a_repository_carries_a_command_out() {
    let place = Place::new();
    let mark = place.0.path().join("carried-out");
    let script = place.0.path().join("script");
    fs::write(&script, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script = script.display();
    for address in [
        format!("ext::{script}"),
        format!("ext::{script}://"),
        format!("ext::sh -c {script}% ://x"),
        format!("ssh://-oProxyCommand={script}/app"),
        format!("ssh://-oProxyCommand={script}@localhost/app"),
        format!("-oProxyCommand={script}@localhost:app"),
        format!("--upload-pack={script}"),
        format!("git@localhost:--upload-pack={script}"),
        format!("foo://{script}"),
    ] {
        place.write(&(STUDY.replace("path = \"project\"", &format!("git = {address:?}")) + APPROACH));
        place.expect(&RUN, 2, "found");
        let context = format!("--context={address}#main");
        place.expect(&["run", &context, "--engine", "unix:///nowhere/docker.sock"], 2, "found");
        place.expect(&["init", "--", &address], 2, "");
    }
    for reference in [format!("--upload-pack={script}"), "-x".to_owned()] {
        for source in ["git@localhost:app", "."] {
            let context = format!("--context={source}#{reference}");
            place.expect(&["run", &context, "--engine", "unix:///nowhere/docker.sock"], 2, "found");
        }
    }
    assert!(!mark.exists(), "a command was carried out");
}

/// A tree as no git would make it.
fn tree(repository: &git2::Repository, entries: &[(&str, &str, git2::Oid)]) -> git2::Oid {
    let mut raw = Vec::new();
    for (mode, name, id) in entries {
        raw.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        raw.extend_from_slice(id.as_bytes());
    }
    repository.odb().unwrap().write(git2::ObjectType::Tree, &raw).unwrap()
}

#[test]
fn no_tree_of_a_repository_climbs_out_of_its_folder() {
    let place = Place::new();
    let repository = git2::Repository::init_bare(place.study("app.git")).unwrap();
    let evil = repository.blob(b"evil\n").unwrap();
    let out = repository.blob(place.outside("").as_os_str().as_encoded_bytes()).unwrap();
    let file = repository.blob(place.outside("file").as_os_str().as_encoded_bytes()).unwrap();
    let inner = tree(&repository, &[("100644", "file", evil), ("100644", "new", evil)]);
    let who = git2::Signature::now("t", "t@example.org").unwrap();
    let trees: [&[(&str, &str, git2::Oid)]; 8] = [
        &[("120000", "a", out), ("40000", "a", inner)],
        &[("120000", "a", file), ("100644", "a", evil)],
        &[("120000", "a", out), ("160000", "a", evil)],
        &[("100644", "../outside", evil)],
        &[("40000", "..", inner)],
        &[("40000", ".git", inner)],
        &[("100644", "/tmp/x", evil)],
        &[("100644", "a", evil), ("40000", "a", inner)],
    ];
    for (number, entries) in trees.iter().enumerate() {
        let id = tree(&repository, entries);
        let tree = repository.find_tree(id).unwrap();
        let commit = repository.commit(None, &who, &who, "x", &tree, &[]).unwrap();
        place.write(
            &(STUDY.replace("path = \"project\"", &format!("git = \"app.git\"\nref = \"{commit}\"")) + APPROACH),
        );
        let said = place.expect(&RUN, 2, "study.toml:5:7: found ");
        assert!(said.contains("File exists") || said.contains("which no checkout would write"), "{number}: {said}");
    }
}

/// Takes no room, and more memory than there is if it is read.
fn long(path: &Path) {
    File::create(path).unwrap().set_len(4 << 30).unwrap();
}

#[test]
fn what_is_too_large_is_refused_and_not_read() {
    type Spoil = fn(&Place);
    let cases: [(Spoil, &str); 5] = [
        (
            |place| long(&place.study("good.Dockerfile")),
            "a file of 4294967296 bytes at \"good.Dockerfile\"; expected at most",
        ),
        (|place| long(&place.study("good.Dockerfile.dockerignore")), "4294967296 bytes; expected"),
        (|place| long(&place.study("study.toml")), "a file of 4294967296 bytes; expected a study of at most"),
        (
            |place| {
                place.write(&(STUDY.replace("overlay = \"changed\"", "patch = \"a.patch\"") + APPROACH));
                long(&place.study("a.patch"));
            },
            "a file of 4294967296 bytes at \"a.patch\"",
        ),
        // What a project has is copied, however large it is.
        (
            |place| File::create(place.study("project/.dockerignore")).unwrap().set_len(5 << 20).unwrap(),
            "5242880 bytes; expected",
        ),
    ];
    for (spoil, said) in cases {
        let place = Place::new();
        spoil(&place);
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 1000000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_layerbench")])
            .args(RUN)
            .current_dir(place.study(""))
            .env("LAYERBENCH_HOME", place.study("home"))
            .output()
            .unwrap();
        let text = all(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(said), "{said:?} is not in: {text}");
    }
}

#[test]
fn ten_thousand_approaches_are_loaded_and_listed_in_seconds() {
    let place = Place::new();
    let mut text = STUDY.to_owned();
    for number in 0..10_000 {
        write!(text, "[[approach]]\nid = \"a{number}\"\ndockerfile = \"good.Dockerfile\"\n").unwrap();
    }
    place.write(&text);
    let since = Instant::now();
    let output = program(&place.study(""), &["run", ".", "--dry-run", "--reps", "1"]).output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(list.contains("30000 builds") && list.contains(" a9999 "), "{}", &list[..500]);
    place.expect(&["run", ".", "--dry-run", "--approach", "b*"], 2, "a0, a1, a2");
    text += "[[approach]]\nid = \"a7\"\ndockerfile = \"good.Dockerfile\"\n";
    place.write(&text);
    place.expect(&["run", ".", "--dry-run"], 2, "the approach \"a7\" a second time");
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
}

#[test]
fn nothing_in_a_name_reaches_the_terminal_raw() {
    let hostile = "a\u{1b}]0;title\u{7}\u{9b}31m\u{202e}b";
    let toml = toml::Value::from(hostile).to_string();
    let place = Place::new();
    for text in [
        STUDY.replace("\"tiny\"", &toml) + APPROACH,
        STUDY.replace("\"base\"", &toml) + APPROACH,
        STUDY.replace("id = \"cold\"", &format!("id = {toml}")) + APPROACH,
        STUDY.to_owned() + &APPROACH.replace("\"good\"", &toml),
        STUDY.to_owned() + &APPROACH.replace("\"good\"", "\"a/b\""),
        STUDY.to_owned() + &APPROACH.replace("\"good\"", "\"../b\""),
        STUDY.to_owned() + &APPROACH.replace("\"good.Dockerfile\"", &toml),
        STUDY.replace("path =", &format!("{toml} =")) + APPROACH,
        STUDY.replace("path = \"project\"", &format!("git = {toml}")) + APPROACH,
        STUDY.replace("overlay = \"changed\"", &format!("ref = {toml}")) + APPROACH,
        format!("{STUDY}{APPROACH}needs = {toml}\n"),
        format!("{STUDY}{APPROACH}args = {{ A = {toml} }}\n"),
        hostile.to_owned(),
    ] {
        place.write(&text);
        place.expect(&RUN, 2, "found");
    }
    // Names of files, and what a Dockerfile, a command and a patch say.
    let place = Place::new();
    fs::write(place.study("project").join(hostile), "x").unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.study("changed").join(hostile), rustix::fs::Mode::RUSR).unwrap();
    place.expect(&RUN, 1, "neither a file, a folder nor a symbolic link");
    let place = Place::new();
    fs::write(place.study("good.Dockerfile"), format!("FROM scratch\n# {hostile}\nFROM {hostile} AS {hostile}\n"))
        .unwrap();
    place.expect(&[&RUN[..], &["--base", "x=y"]].concat(), 2, "no Dockerfile builds FROM x");
    let run = |command: &str| {
        STUDY.replace("overlay = \"changed\"", &format!("run = {}", toml::Value::from(command))) + APPROACH
    };
    place.write(&run("printf '\\033[2J\\302\\233a\\342\\200\\256' >&2; exit 3"));
    place.expect(&[&RUN[..], &["--allow-run"]].concat(), 2, "found exit status: 3");
}

#[test]
fn a_command_is_carried_out_only_with_leave_whatever_a_record_says() {
    let place = Place::new();
    let mark = place.0.path().join("carried-out");
    let command = format!("touch {}; echo two >main.txt", mark.display());
    place.write(&(STUDY.replace("overlay = \"changed\"", &format!("run = {command:?}")) + APPROACH));
    place.expect(&RUN, 2, "--allow-run");
    place.expect(&["run", ".", "--dry-run", "--reps", "1"], 0, "sources-changed");
    let nights = place.study("nights");
    for (day, factor) in [(1, 1.0), (2, 1.5)] {
        let mut night = runs::night(day).slow(factor);
        night.option("allow_run", true.into());
        night.option("study", place.study("").display().to_string().into());
        night.write(&nights);
    }
    let tonight = nights.join(runs::night(2).name).display().to_string();
    let gate = ["gate", &tonight, "--rule", "baseline", "--confirm", "--engine", "unix:///nowhere/docker.sock"];
    place.expect(&gate, 2, "--allow-run");
    let mut night = runs::night(3);
    let resumed = &mut night.record;
    resumed.status = layerbench::store::RunStatus::Interrupted;
    resumed.approaches = vec!["good".to_owned()];
    resumed.plan = ["cold", "warm", "sources-changed"].map(|id| (1, "good".to_owned(), id.to_owned())).to_vec();
    night.n = 0;
    let options = [
        ("allow_run", true.into()),
        ("study", serde_json::Value::from(".")),
        ("engine", RUN[3].into()),
        ("reps", 1.into()),
    ];
    options.into_iter().for_each(|(key, value)| night.option(key, value));
    let folder = night.write(&nights).display().to_string();
    place.expect(&["run", "--resume", &folder], 2, "--allow-run");
    assert!(!mark.exists(), "a command was carried out");
    place.expect(&[&gate[..], &["--allow-run"]].concat(), 4, "");
    assert!(mark.exists(), "with leave it is carried out");
}

#[test]
fn a_run_folder_of_somebody_else_is_read_and_written_in_itself_only() {
    let place = Place::new();
    let run = |spoil: &dyn Fn(&Path), args: &[&str], code: i32, said: &str| {
        let _ = fs::remove_dir_all(place.study("results"));
        let folder = runs::night(1).write(&place.study("results/small"));
        spoil(&folder);
        let folder = folder.display().to_string();
        let args: Vec<&str> = args.iter().map(|arg| if *arg == "RUN" { &folder } else { *arg }).collect();
        place.expect(&args, code, said);
    };
    let instead = |name: &'static str| {
        let outside = place.outside("file");
        move |folder: &Path| {
            let _ = fs::remove_file(folder.join(name));
            symlink(&outside, folder.join(name)).unwrap();
        }
    };
    for name in ["run.json", "samples.csv", "steps.csv", "images.csv", "audit.json", "report.html", "charts"] {
        for args in [
            &["report", "RUN"][..],
            &["run", "--resume", "RUN"],
            &["explain", "RUN", "a1/cold", "a2/cold"],
            &["export", "RUN", "--format", "junit"],
        ] {
            run(&instead(name), args, 2, "found a link, or no plain file or folder");
        }
    }
    let pipe = |folder: &Path| {
        fs::remove_file(folder.join("samples.csv")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.join("samples.csv"), rustix::fs::Mode::RUSR).unwrap();
    };
    run(&pipe, &["report", "RUN"], 2, "found a link, or no plain file or folder");
    // What is written into a folder is written anew.
    let out = place.study("results").display().to_string() + "/report.txt";
    let planted = |_: &Path| symlink(place.outside("file"), format!("{out}.new")).unwrap();
    run(&planted, &["report", "RUN", "--out", &out], 0, "");
    let published = |folder: &Path| {
        let text = fs::read_to_string(folder.join("run.json")).unwrap();
        fs::write(folder.join("run.json"), text.replace("\"published\":null", "\"published\":\"../../../outside\""))
            .unwrap();
    };
    fs::write(place.outside("published.csv"), format!("{CANARY}\n{CANARY}\n")).unwrap();
    run(&published, &["report", "RUN"], 2, "published");
}
