//! `layerbench doctor` on a real engine: every line has a level, what stands in the way has a remedy, and nothing of
//! the examination is left. Needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
mod tiny;

use serde_json::Value;
use std::fs;
use tiny::{GOOD, messages, program, tiny_study};

fn examine(dockerfile: &str, args: &[&str]) -> (Option<i32>, Vec<(String, String, String)>) {
    let dir = tempfile::tempdir().unwrap();
    tiny_study(dir.path(), &[("good", dockerfile)]);
    let args = [&["doctor", ".", "--format", "json", "--engine", "private"], args].concat();
    let output = program(dir.path(), &args).output().unwrap();
    assert!(!dir.path().join("home").exists(), "something is left behind");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", messages(&output)));
    assert_eq!(document["schema"], "layerbench.doctor/1");
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let lines = document["lines"].as_array().unwrap();
    for line in lines {
        assert!(line["level"] == "ok" || line["remedy"] != "" || line["topic"] == "engine", "no remedy: {line}");
    }
    let lines = lines.iter().map(|l| (text(l, "topic"), text(l, "level"), text(l, "text"))).collect();
    (output.status.code(), lines)
}

#[test]
fn a_machine_that_can_build_is_told_so() {
    let (code, lines) = examine(GOOD, &[]);
    assert_eq!(code, Some(0), "{lines:?}");
    let topics: Vec<&str> = lines.iter().map(|(topic, _, _)| topic.as_str()).collect();
    assert_eq!(topics, ["disk", "frequency", "load", "engine", "fingerprint", "noise", "pulls"]);
    let noise = &lines.iter().find(|(topic, _, _)| topic == "noise").unwrap().2;
    assert!(noise.contains("20 cached builds") && noise.contains("median"), "{noise}");
}

#[test]
fn a_base_image_that_cannot_be_had_stops() {
    let (code, lines) = examine("FROM 127.0.0.1:9/nobody:1\n", &["--only", "bases"]);
    assert_eq!(code, Some(1));
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].0.as_str(), lines[0].1.as_str()), ("base image", "stop"));
    assert!(lines[0].2.contains("connection refused"), "{lines:?}");
}

#[test]
fn too_many_pulls_are_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let dockerfile =
        "FROM python:3.12 AS a\nFROM python:3.13 AS b\nFROM node:22\nCOPY --from=a /x /x\nCOPY --from=b /x /y\n";
    let many: Vec<(String, &str)> = (0..4).map(|n| (format!("a{n}"), dockerfile)).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    tiny_study(dir.path(), &many);
    fs::remove_dir_all(dir.path().join("home")).ok();
    let output = program(dir.path(), &["doctor", ".", "--only", "pulls"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text.starts_with("warn  pulls: 12 manifests a block from Docker Hub, 120 for 10 blocks"), "{text}");
}
