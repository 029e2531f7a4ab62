//! Studies as users write them, right and wrong, through the one way in: [`Study::load`].
//! What the wrong ones of `tests/golden/studies` are answered with is a part of `tests/golden/errors.txt`; run the
//! tests with `INSTA_UPDATE=always` to write it anew, and read what changed.

use super::{Expectation, SecretSource, Study, materialize};
use crate::model::{CacheState, StateId};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::TempDir;

const GOOD: &str = r##"
schema = "layerbench.study/1"
name = "small"
title = "A small study"
published = "small"

[project]
path = "project"

[[state]]
id = "base"

[[state]]
id = "sources"
after = "base"
overlay = "changes/sources"
remove = ["old"]
append = [{ file = "src/main.py", text = "# changed\n" }]

[[state]]
id = "more"
after = "sources"
append = [{ file = "run.sh", text = "true\n" }]

[[scenario]]
id = "cold"
title = "Cold cache"
cache = "cold"
state = "base"

[[scenario]]
id = "warm"
cache = "warm"
state = "base"

[[scenario]]
id = "sources"
cache = "changed"
state = "sources"

[[approach]]
id = "one"
dockerfile = "Dockerfile"

[[approach]]
id = "two"
title = "The second"
dockerfile = "linked.Dockerfile"
target = "runtime"
args = { PYTHON = "3.12", EMPTY = "" }
labels = { "org.example.team" = "web" }
platform = "linux/arm64"
network = "none"
hosts = { "db.example" = "10.0.0.7" }
secrets = { token = { env = "TOKEN" }, netrc = { file = "/root/.netrc" } }

[check]
stdout = "Hello, World!\n"

[registry]
storage = "registry"

[[base]]
from = "python:3.12"
to = "127.0.0.1:5000/stand-in/python:3.12"
stand_in = true

[[finding]]
id = "faster"
claim = "The second is faster."
faster = { approach = "two", than = ["one"], scenario = "cold", by = 1.5 }

[[finding]]
id = "same"
claim = "Both are as large."
unchanged_size = { approaches = ["two"], than = "one" }
"##;

/// A folder with everything that the studies in these tests refer to.
fn folder(text: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let at = |path: &str| dir.path().join(path);
    for path in ["project/src", "project/old", "changes/sources/src", "registry"] {
        fs::create_dir_all(at(path)).unwrap();
    }
    fs::write(at("study.toml"), text).unwrap();
    fs::write(at("Dockerfile"), "FROM scratch\n").unwrap();
    fs::write(at("project/src/main.py"), "print()\n").unwrap();
    fs::write(at("project/old/file"), "old\n").unwrap();
    fs::write(at("project/run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("project/run.sh"), fs::Permissions::from_mode(0o555)).unwrap();
    symlink("src/main.py", at("project/link")).unwrap();
    fs::write(at("changes/sources/src/main.py"), "print(1)\n").unwrap();
    fs::write(at("changes/sources/new"), "new\n").unwrap();
    fs::write(at("registry/blob"), "blob\n").unwrap();
    symlink("Dockerfile", at("linked.Dockerfile")).unwrap();
    symlink("/etc/hostname", at("outside.Dockerfile")).unwrap();
    symlink("/", at("outside")).unwrap();
    dir
}

fn errors(text: &str) -> String {
    let dir = folder(text);
    let error = Study::load(dir.path()).expect_err("a wrong study");
    let real = dir.path().canonicalize().unwrap();
    error.to_string().replace(&*dir.path().to_string_lossy(), "STUDY").replace(&*real.to_string_lossy(), "STUDY")
}

fn state(id: &str) -> StateId {
    StateId::new(id).unwrap()
}

#[test]
fn a_study_is_read_whole() {
    let dir = folder(GOOD);
    let study = Study::load(&dir.path().join("study.toml")).unwrap();
    let root = dir.path().canonicalize().unwrap();
    assert_eq!(study.folder(), root);
    assert_eq!(study.project, root.join("project"));
    assert_eq!(study.name, "small");
    assert_eq!(study.states.len(), 3);
    assert_eq!(study.states[1].after, Some(state("base")));
    assert_eq!(study.scenarios[2].cache, CacheState::Changed);
    let two = &study.approaches[1];
    assert_eq!(two.dockerfile, root.join("Dockerfile"), "links are followed");
    assert_eq!(two.settings.labels, [("org.example.team".to_owned(), "web".to_owned())]);
    assert_eq!(two.settings.platform.as_deref(), Some("linux/arm64"));
    assert_eq!(two.settings.network.as_deref(), Some("none"));
    assert_eq!(two.settings.hosts, [("db.example".to_owned(), "10.0.0.7".to_owned())]);
    let sources: Vec<_> = two.settings.secrets.iter().map(|(_, source)| source.clone()).collect();
    assert!(sources.contains(&SecretSource::Environment("TOKEN".into())));
    assert!(sources.contains(&SecretSource::File("/root/.netrc".into())));
    assert_eq!(two.settings.args[0], ("PYTHON".to_owned(), "3.12".to_owned()));
    assert_eq!(two.target.as_deref(), Some("runtime"));
    let registry = study.registry.as_ref().unwrap();
    assert_eq!(registry.address.to_string(), "127.0.0.1:5000");
    assert!(study.bases[0].stand_in);
    let Expectation::Faster { by, than, .. } = &study.findings[0].expects else {
        panic!("{:?}", study.findings);
    };
    assert_eq!((*by, than.len()), (Some(1.5), 1));
    assert!(matches!(
        study.findings[1].expects,
        Expectation::UnchangedSize { within, .. } if within == 0.01
    ));
}

#[test]
fn wrong_studies_are_answered_as_agreed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/studies");
    let mut studies: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    studies.sort();
    assert!(studies.len() >= 8, "{studies:?}");
    let answer = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        format!("## {}\n{}\n", path.file_name().unwrap().to_string_lossy(), errors(&text))
    };
    crate::golden::messages("Studies", &studies.iter().map(answer).collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_is_no_study_file_is_refused() {
    let nowhere = Study::load(Path::new("/nonexistent/study.toml")).unwrap_err();
    assert_eq!(
        nowhere.to_string(),
        "/nonexistent/study.toml: found nothing there; expected a study's file, or a folder with a study.toml; correct the path"
    );
    let dir = folder(GOOD);
    let file = dir.path().join("study.toml");
    fs::write(&file, b"name = \"\xff\"").unwrap();
    assert!(Study::load(&file).unwrap_err().to_string().contains("byte 9 of 10"));
    fs::write(&file, b"name = \0").unwrap();
    assert!(Study::load(&file).unwrap_err().to_string().contains("not text"));
    let big = fs::File::create(&file).unwrap();
    big.set_len(100 << 20).unwrap();
    let error = Study::load(&file).unwrap_err().to_string();
    assert!(error.contains("found a file of 104857600 bytes"), "{error}");
    let error = Study::load(Path::new("/dev/null")).unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
}

#[test]
fn ten_thousand_approaches_are_read_right_or_wrong() {
    use std::fmt::Write;
    let mut text = GOOD.to_owned();
    for i in 0..10_000 {
        write!(text, "[[approach]]\nid = \"a{i}\"\ndockerfile = \"Dockerfile\"\n").unwrap();
    }
    let dir = folder(&text);
    assert_eq!(Study::load(dir.path()).unwrap().approaches.len(), 10_002);
    for i in 0..2_000 {
        write!(
            text,
            "[[finding]]\nid = \"f{i}\"\nclaim = \"c\"\nsmaller = {{ approach = \"b{i}\", than = \"one\" }}\n"
        )
        .unwrap();
    }
    fs::write(dir.path().join("study.toml"), &text).unwrap();
    let wrong = Study::load(dir.path()).unwrap_err();
    assert_eq!(wrong.problems().len(), 2_000);
    assert!(wrong.to_string().ends_with("… and 1900 more"));
}

#[test]
fn a_large_dockerfile_is_refused() {
    let dir = folder(GOOD);
    let file = fs::File::create(dir.path().join("Dockerfile")).unwrap();
    file.set_len(100 << 20).unwrap();
    let error = Study::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("at most 1048576 bytes for a Dockerfile"), "{error}");
}

#[test]
fn text_of_any_kind_never_stops_the_program() {
    // Every prefix of a good study, and the study with each of its lines taken out or doubled.
    let lines: Vec<&str> = GOOD.lines().collect();
    let dir = folder(GOOD);
    let file = dir.path().join("study.toml");
    for cut in (0..GOOD.len()).step_by(7) {
        fs::write(&file, &GOOD[..cut]).unwrap();
        let _ = Study::load(&file);
    }
    for at in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(at);
        let mut more = lines.clone();
        more.insert(at, lines[at]);
        for text in [fewer.join("\n"), more.join("\n"), lines[at].repeat(3)] {
            fs::write(&file, text).unwrap();
            if let Err(error) = Study::load(&file) {
                assert!(!error.problems().is_empty());
            }
        }
    }
    fs::write(&file, "a = ".to_owned() + &"[".repeat(100_000)).unwrap();
    assert!(Study::load(&file).is_err());
}

#[test]
fn the_hash_follows_contents_and_executable_bits_only() {
    let dir = folder(GOOD);
    let at = |path: &str| dir.path().join(path);
    let hash = || Study::load(dir.path()).unwrap().hash().unwrap();
    let first = hash();
    assert_eq!(first.len(), 64);
    fs::write(at("registry/blob"), "other\n").unwrap();
    fs::write(at("README"), "not part of it\n").unwrap();
    let file = fs::File::open(at("project/src/main.py")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(hash(), first, "none of this is part of the study");

    let mut seen = vec![first];
    let mut changed = |what: &str| {
        let now = hash();
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    fs::set_permissions(at("project/src/main.py"), fs::Permissions::from_mode(0o755)).unwrap();
    changed("executable bit");
    fs::write(at("changes/sources/new"), "newer\n").unwrap();
    changed("overlay");
    fs::write(at("Dockerfile"), "FROM scratch\n#\n").unwrap();
    changed("Dockerfile");
    fs::write(at("Dockerfile.dockerignore"), "x\n").unwrap();
    changed("ignore file of a Dockerfile");
    fs::create_dir(at("project/empty")).unwrap();
    changed("empty folder");
    fs::write(at("study.toml"), format!("{GOOD}\n#")).unwrap();
    changed("study file");
}

#[test]
fn a_hash_does_not_depend_on_where_the_study_lies() {
    let hash = |dir: &TempDir| Study::load(dir.path()).unwrap().hash().unwrap();
    assert_eq!(hash(&folder(GOOD)), hash(&folder(GOOD)));
}

#[test]
fn states_pile_up_in_a_folder() {
    let dir = folder(GOOD);
    let study = Study::load(dir.path()).unwrap();
    let out = TempDir::new().unwrap();
    let read = |path: &str| fs::read_to_string(out.path().join(path)).unwrap();
    let into = out.path().join("base");
    materialize(&study, &state("base"), &into).unwrap();
    assert_eq!(read("base/src/main.py"), "print()\n");
    assert_eq!(read("base/old/file"), "old\n");
    assert_eq!(fs::read_link(into.join("link")).unwrap(), Path::new("src/main.py"));

    materialize(&study, &state("more"), &out.path().join("more")).unwrap();
    assert_eq!(read("more/src/main.py"), "print(1)\n# changed\n");
    assert_eq!(read("more/new"), "new\n");
    assert!(!out.path().join("more/old").exists());
    assert_eq!(read("more/run.sh"), "#!/bin/sh\ntrue\n");
    let mode = fs::metadata(out.path().join("more/run.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o555, "the bits survive an addition");

    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let (original, kept) = (dir.path().join("project/src/main.py"), into.join("src/main.py"));
    assert_eq!(time(&original), time(&kept), "what did not change keeps its time");
    assert!(time(&out.path().join("more/src/main.py")) > time(&original), "what changed has a new one");

    let again = materialize(&study, &state("base"), &into).unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");
    let inside = dir.path().join("project/out");
    let error = materialize(&study, &state("base"), &inside).unwrap_err();
    assert!(error.to_string().contains("lies inside"), "{error}");
    let error = materialize(&study, &state("none"), &out.path().join("x")).unwrap_err();
    assert!(error.to_string().contains("has no state none"), "{error}");
}

#[test]
fn an_overlay_cannot_write_through_a_link() {
    let dir = folder(GOOD);
    let victim = TempDir::new().unwrap();
    fs::remove_dir_all(dir.path().join("project/src")).unwrap();
    symlink(victim.path(), dir.path().join("project/src")).unwrap();
    let text = GOOD.replace("append = [{ file = \"src/main.py\", text = \"# changed\\n\" }]", "");
    fs::write(dir.path().join("study.toml"), text).unwrap();
    let study = Study::load(dir.path()).unwrap();
    let out = TempDir::new().unwrap();
    let error = materialize(&study, &state("sources"), out.path()).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "left empty");
}
