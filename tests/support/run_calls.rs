//! Wrong calls of `run`, each with the folder that it is made in.

use crate::calls::{Case, app, git, nothing, repository, stored, study, study_with};
use crate::runs::Night;
use layerbench::store::RunStatus;
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A run of the call `layerbench run .` that was broken off before its first build.
pub fn broken_off(dir: &Path, change: impl Fn(&mut Night)) {
    study(dir);
    stored(
        dir,
        |night| {
            night.n = 0;
            night.record.approaches = vec!["good".to_owned()];
            night.record.status = RunStatus::Interrupted;
            night.record.plan = vec![(1, "good".to_owned(), "cold".to_owned())];
            let options = json!({"study": ".", "reps": 1, "engine": ["unix:///nowhere/docker.sock"], "timeout": 60});
            night.record.options = serde_json::from_value(options).unwrap();
            change(night);
        },
        0..1,
    );
}

pub const CALLS: &[Case] = &[
    ("run: a study that is no file", nothing, &["run", "/dev/null"], 2),
    (
        "run: a study that is no text",
        |dir| {
            study(dir);
            fs::write(dir.join("study.toml"), b"name = \"\xff\"").unwrap();
        },
        &["run", "."],
        2,
    ),
    (
        "run: a study that is too large",
        |dir| {
            study(dir);
            fs::File::create(dir.join("study.toml")).unwrap().set_len(100 << 20).unwrap();
        },
        &["run", "."],
        2,
    ),
    ("run: an option that is not known", study, &["run", ".", "--repetitions", "3"], 2),
    ("run: a command that is not known", study, &["measure", "."], 2),
    ("run: a precision that is none", study, &["run", ".", "--precision", "0"], 2),
    (
        "run: a plan that never ends",
        study,
        &[
            "run",
            ".",
            "--reps",
            "100000",
            "--engine",
            "a=unix:///a",
            "--engine",
            "b=unix:///b",
            "--engine",
            "c=unix:///c",
            "--engine",
            "d=unix:///d",
            "--dry-run",
        ],
        2,
    ),
    (
        "run: a checkpoint for two cold scenarios",
        |dir| study_with(dir, "\n[[scenario]]\nid = \"again\"\ncache = \"cold\"\nstate = \"base\"\n"),
        &["run", ".", "--chain", "checkpoint", "--dry-run"],
        2,
    ),
    ("run: a checkpoint of your own engine", study, &["run", ".", "--chain", "checkpoint", "--engine", "host"], 2),
    (
        "run: engines that do not go together",
        study,
        &[
            "run",
            ".",
            "--engine",
            "auto",
            "--engine",
            "host",
            "--engine",
            "host",
            "--engine",
            "a=unix:///a",
            "--engine",
            "a=unix:///b",
            "--engine",
            "a b=dind",
        ],
        2,
    ),
    (
        "run: engines that may not be emptied",
        study,
        &[
            "run",
            ".",
            "--engine",
            "unix:///a",
            "--may-empty",
            "unix:///a",
            "--may-empty",
            "tcp://build.example.org:2376",
        ],
        2,
    ),
    ("run: an engine of a context that is not there", study, &["run", ".", "--engine", "context:nowhere"], 2),
    (
        "run: an engine inside yours, for a study with a registry",
        |dir| {
            fs::create_dir(dir.join("images")).unwrap();
            study_with(dir, "\n[registry]\nstorage = \"images\"\naddress = \"127.0.0.1:5000\"\n");
        },
        &["run", ".", "--engine", "dind"],
        2,
    ),
    ("run: a folder that leads out of the repository", repository, &["run", "--context", "app#main:../x"], 2),
    (
        "run: a Dockerfile that leads out of the repository",
        |dir| {
            repository(dir);
            fs::write(dir.join("secret"), "FROM scratch\n").unwrap();
        },
        &["run", "--context", "app#main", "--dockerfile", "link"],
        2,
    ),
    ("run: a repository that is none", nothing, &["run", "--context", "file:///nowhere/app.git#main"], 2),
    ("run: a revision that begins like an option", repository, &["run", "--context", "app#--upload-pack=x"], 2),
    (
        "run: uncommitted changes of a revision",
        repository,
        &["run", "--context", "app#main", "--uncommitted", "use"],
        2,
    ),
    (
        "run: Dockerfiles, arguments and changes that are wrong, all at once",
        |dir| {
            app(dir);
            fs::create_dir(dir.join("app/folder")).unwrap();
            fs::create_dir(dir.join("app/folder.py")).unwrap();
        },
        &[
            "run",
            "--context",
            "app",
            "--dockerfile",
            "Dockerfile",
            "--dockerfile",
            "./Dockerfile",
            "--dockerfile",
            "folder",
            "--build-arg",
            "LAYERBENCH_NOT_SET",
            "--build-arg",
            "=x",
            "--change",
            "a=patch:nowhere.patch",
            "--change",
            "b=../main.py",
            "--change",
            "c=folder/",
            "--change",
            "g=folder.py",
            "--change",
            "deps",
            "--change",
            "d e=main.py",
            "--change",
            "e=",
            "--change",
            "f=main.py",
            "--change",
            "f=run:true",
        ],
        2,
    ),
    ("run: a folder that the repository does not have", repository, &["run", "--context", "app#main:nowhere"], 2),
    ("run: an address with a space", nothing, &["run", "--context", "https://git.example.org/a b.git#main"], 2),
    (
        "run: an address with a port that is none",
        nothing,
        &["run", "--context", "https://git.example.org:x/a.git#main"],
        2,
    ),
    ("run: an address that is an option", nothing, &["run", "--context", "ssh://-oProxyCommand=x/a.git#main"], 2),
    (
        "run: a repository with a name that leads out of it",
        |dir| {
            app(dir);
            let repository = git2::Repository::init(dir.join("app")).unwrap();
            let file = repository.blob(b"x").unwrap();
            let raw = [b"100644 ../x\0", file.as_bytes()].concat();
            let tree = repository.odb().unwrap().write(git2::ObjectType::Tree, &raw).unwrap();
            let who = git2::Signature::now("t", "t@example.org").unwrap();
            let tree = repository.find_tree(tree).unwrap();
            repository.commit(Some("refs/heads/main"), &who, &who, "x", &tree, &[]).unwrap();
        },
        &["run", "--context", "app#main"],
        2,
    ),
    (
        "run: an ignore file that leads out of the context",
        |dir| {
            app(dir);
            fs::write(dir.join("app/Dockerfile.dockerignore"), "*.pyc\n").unwrap();
            fs::write(dir.join("secret"), "").unwrap();
            symlink("../secret", dir.join("app/.dockerignore")).unwrap();
        },
        &["run", "--context", "app"],
        1,
    ),
    (
        "run: an ignore file that leads to nothing",
        |dir| {
            study(dir);
            symlink("nowhere", dir.join("project/.dockerignore")).unwrap();
        },
        &["run", ".", "--engine", "unix:///nowhere/docker.sock"],
        2,
    ),
    (
        "run: a repository elsewhere on this machine",
        |dir| {
            study(&dir.join("folder/study"));
            git(dir, &[&["init", "-q", "outside"]]);
            let file = dir.join("folder/study/study.toml");
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, text.replace("path = \"project\"", "git = \"../../outside\"\nref = \"main\"")).unwrap();
        },
        &["run", "folder/study"],
        2,
    ),
    (
        "run: a patch through a link",
        |dir| {
            app(dir);
            fs::create_dir(dir.join("app/folder")).unwrap();
            fs::write(dir.join("app/folder/x"), "one\n").unwrap();
            symlink("folder", dir.join("app/link")).unwrap();
            let patch = "--- a/link/x\n+++ b/link/x\n@@ -1 +1 @@\n-one\n+two\n";
            fs::write(dir.join("a.patch"), format!("diff --git a/link/x b/link/x\n{patch}")).unwrap();
            fs::write(dir.join("b.patch"), "").unwrap();
        },
        &["run", "--context", "app", "--change", "a=patch:a.patch", "--change", "b=patch:b.patch"],
        2,
    ),
    (
        "run: an addition to a link",
        |dir| {
            study(dir);
            symlink("main.txt", dir.join("project/link")).unwrap();
            let file = dir.join("study.toml");
            let text = fs::read_to_string(&file).unwrap();
            let append = "append = [{ file = \"link\", text = \"x\" }]";
            fs::write(&file, text.replace("overlay = \"changed\"", append)).unwrap();
        },
        &["run", ".", "--engine", "unix:///nowhere/docker.sock"],
        1,
    ),
    (
        "run: too many states",
        |dir| {
            let states: String = (0..999).map(|number| format!("[[state]]\nid = \"s{number}\"\n")).collect();
            study_with(dir, &states);
        },
        &["run", "."],
        2,
    ),
    ("run: going on with nothing", study, &["run", "--resume", "project"], 2),
    (
        "run: going on, with an engine that may be emptied only now",
        |dir| broken_off(dir, |_| ()),
        &["run", "--resume", "nights/0", "--may-empty", "tcp://a:1"],
        2,
    ),
    (
        "run: going on, with an engine that may be emptied no more, and without a build argument",
        |dir| {
            broken_off(dir, |night| {
                night.option("may_empty", json!(["tcp://a:1"]));
                night.option("call", json!({"build_args": ["VERSION"]}));
            })
        },
        &["run", "--resume", "nights/0"],
        2,
    ),
    (
        "run: going on with a call that is none",
        |dir| broken_off(dir, |night| night.option("reps", json!("many"))),
        &["run", "--resume", "nights/0"],
        2,
    ),
    (
        "run: going on with another study",
        |dir| broken_off(dir, |night| night.record.plan = vec![(1, "other".to_owned(), "cold".to_owned())]),
        &["run", "--resume", "nights/0"],
        2,
    ),
    (
        "run: going on with a run whose samples are damaged",
        |dir| {
            broken_off(dir, |_| ());
            fs::write(dir.join("nights/0/samples.csv"), "a,b\n").unwrap();
        },
        &["run", "--resume", "nights/0"],
        2,
    ),
];
