//! A study that builds in a second and downloads nothing: `FROM scratch` and a static busybox.

#![allow(dead_code)] // not every test uses all of it

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The study file of [`tiny_study`], without its approaches.
pub const STUDY: &str = r#"schema = "layerbench.study/1"
name = "tiny"

[project]
path = "project"

[[state]]
id = "base"

[[state]]
id = "sources-changed"
after = "base"
overlay = "changed"

[[scenario]]
id = "cold"
cache = "cold"
state = "base"

[[scenario]]
id = "warm"
cache = "warm"
state = "base"

[[scenario]]
id = "sources-changed"
cache = "changed"
state = "sources-changed"

[check]
stdout = "hello\n"
"#;

/// A Dockerfile that works: five steps, one of them a cache mount.
pub const GOOD: &str = "FROM scratch\nCOPY busybox /bin/sh\nWORKDIR /srv\n\
    RUN --mount=type=cache,target=/cache echo x >>/cache/x\nCOPY main.txt ./\nRUN echo built >>main.txt\n\
    CMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n";

/// Where the static busybox is.
pub fn busybox() -> PathBuf {
    let places = ["/bin/busybox", "/usr/bin/busybox"];
    places.iter().map(PathBuf::from).find(|place| place.is_file()).expect("install the package busybox-static")
}

/// Writes a study with these approaches (name and Dockerfile) into a folder.
pub fn tiny_study(dir: &Path, approaches: &[(&str, &str)]) {
    for folder in ["project", "changed"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    fs::copy(busybox(), dir.join("project/busybox")).unwrap();
    fs::write(dir.join("project/main.txt"), "one\n").unwrap();
    fs::write(dir.join("changed/main.txt"), "two\n").unwrap();
    let mut text = STUDY.to_owned();
    for (name, dockerfile) in approaches {
        fs::write(dir.join(format!("{name}.Dockerfile")), dockerfile).unwrap();
        text += &format!("\n[[approach]]\nid = \"{name}\"\ndockerfile = \"{name}.Dockerfile\"\n");
    }
    fs::write(dir.join("study.toml"), text).unwrap();
}

/// The program, about to be called in a folder.
pub fn program(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_layerbench"));
    command.args(args).current_dir(dir).env("LAYERBENCH_HOME", dir.join("home")).env_remove("DOCKER_HOST");
    command
}

/// Whether other guests of the hypervisor spoiled a sample of the latest run in a folder of results: it is right to call
/// it invalid, and no test can keep it from happening. Who needs a whole run makes it again.
#[allow(clippy::print_stderr)]
pub fn disturbed(results: &Path) -> bool {
    let rows = fs::read_to_string(results.join("latest/samples.csv")).unwrap_or_default();
    let disturbed = rows.contains("(steal time) held the processor back");
    if disturbed {
        eprintln!("once more, because others used the processor:\n{rows}");
    }
    disturbed
}

/// What a call wrote to standard error.
pub fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
