//! Calls that fail after the first build was asked for; each with what it does to the folder, and its environment.

use crate::faulty::{BROKEN, VERSION, willing};
use crate::faulty_calls::{Case, ENGINE, Prepared, client, elsewhere, with};
use crate::run_calls::broken_off;
use crate::tiny::{GOOD, tiny_study};
use crate::{golden, tiny};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// A docker client that does this when it is to build; its last word is the folder of the context.
fn building(dir: &Path, text: &str) {
    client(
        dir,
        &format!(
            "for context; do :; done\ncase $1 in\n--version) echo Docker version 28.5.2, build x ;;\n\
             buildx) echo github.com/docker/buildx v0.29.1 abc ;;\n*) {text} ;;\nesac"
        ),
    );
}

/// It finds base images, and cannot fetch them.
fn without_bases(method: &str, path: &str, all: &str) -> (u16, String) {
    let text = match path {
        path if path.starts_with("/distribution/") => {
            r#"{"Descriptor":{"mediaType":"x","digest":"sha256:1","size":1},"Platforms":[]}"#
        }
        "/build" => return (500, BROKEN.to_owned()),
        _ => return willing(method, path, all),
    };
    (200, text.to_owned())
}

fn newer(method: &str, path: &str, all: &str) -> (u16, String) {
    if path == "/version" { (200, VERSION.replace("28.5.2", "29.0.0")) } else { willing(method, path, all) }
}

const WITH_TOOLS: (&str, &str) = ("PATH", "DIR/bin:/usr/bin:/bin");

const ONCE: &[&str] = &["run", ".", "--engine", "unix://DIR/engine.sock", "--reps=1", "--seed=1"];
const DOCKER: &[&str] = &["run", ".", "--engine", "unix://DIR/engine.sock", "--reps=1", "--seed=1", "--client=docker"];

const CASES: &[Case] = &[
    ("run: a docker client that gives no image", |dir| building(dir, "exit 0"), DOCKER, &[WITH_TOOLS], 1),
    ("run: a docker client that fails without a word", |dir| building(dir, "exit 7"), DOCKER, &[WITH_TOOLS], 1),
    (
        "run: a docker client that removes the contexts",
        |dir| {
            building(dir, "rm -rf \"$context\" \"$(dirname \"$context\")\"/*");
            tiny_study(dir, &[("good", GOOD), ("other", GOOD)]);
        },
        DOCKER,
        &[WITH_TOOLS],
        1,
    ),
    (
        "run: a base image that cannot be fetched",
        |dir| {
            with(without_bases, dir);
            elsewhere(dir);
        },
        ONCE,
        &[],
        1,
    ),
    (
        "run: going on with another engine, and other files",
        |dir| {
            broken_off(dir, |night| {
                night.option("engine", json!(["host"]));
                night.option("scenario", json!(["cold"]));
            });
            with(newer, dir);
        },
        &["run", "--resume", "nights/0"],
        &[ENGINE],
        2,
    ),
];

#[test]
fn what_is_said_of_a_run_that_cannot_go_on() {
    let (mut all, mut wrong) = (String::new(), String::new());
    for (title, prepare, args, environment, code) in CASES {
        let mut call = Prepared::new(*prepare, args, environment);
        let output = call.command.output().unwrap();
        let text = call.settle(&tiny::messages(&output));
        if output.status.code() != Some(*code) || text.contains("panicked") {
            writeln!(wrong, "{title}: {:?}: {text}", output.status).unwrap();
        }
        writeln!(all, "## {title}: layerbench {}\n{}\nexit code {code}\n", args.join(" "), text.trim_end()).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
    golden::messages("Begun", &all);
}
