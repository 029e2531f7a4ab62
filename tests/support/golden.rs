//! `tests/golden/errors.txt`: every message of the program, to be read as a user would. Each test that provokes some has
//! a part of the file; `INSTA_UPDATE=always` writes its part anew. No snapshot of insta: it is one list, for people and for
//! `tests/messages.rs`, which grows from the tests of many binaries.

use rustix::fs::{FlockOperation, flock};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the list is.
pub fn list() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/errors.txt")
}

/// Holds the messages that a test provoked against its part of the list.
pub fn messages(part: &str, text: &str) {
    let heading = format!("# {part}\n\n");
    let text = format!("{}\n\n", text.trim());
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        let file = fs::File::options().create(true).append(true).open(list()).unwrap();
        flock(&file, FlockOperation::LockExclusive).unwrap(); // tests run side by side
        let whole = fs::read_to_string(list()).unwrap();
        let mut parts: Vec<(String, String)> = parts(&whole);
        parts.retain(|(known, _)| *known != heading);
        parts.push((heading.clone(), text.clone()));
        parts.sort();
        let parts: String = parts.into_iter().map(|(heading, text)| heading + &text).collect();
        fs::write(list(), format!("{}\n", parts.trim_end())).unwrap();
    }
    let whole = fs::read_to_string(list()).unwrap_or_default();
    let expected = parts(&whole).into_iter().find(|(known, _)| *known == heading).map(|(_, text)| text);
    let same = expected.is_some_and(|expected| expected.trim_end() == text.trim_end());
    assert!(same, "the part {part:?} of {} reads differently now:\n{text}", list().display());
}

/// The parts of the list: heading and text.
fn parts(whole: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for line in whole.split_inclusive('\n') {
        match parts.last_mut() {
            _ if line.starts_with("# ") => parts.push((format!("{line}\n"), String::new())),
            Some((_, text)) if text.is_empty() && line == "\n" => {}
            Some((_, text)) => text.push_str(line),
            None => {}
        }
    }
    parts
}
