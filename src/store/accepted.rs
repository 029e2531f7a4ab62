//! `accepted.toml` beside the runs of a history: changes that are wanted, each with its reason.
//! Made to be read, reviewed and edited by people.

use super::store_error::StoreError;
use super::writing;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

const FILE: &str = "accepted.toml";
const HEAD: &str = "# Changes that are wanted, and why: nights before them are no measure for those after.\n\
                    # Written by `layerbench history DIR accept`; may be edited by hand.\n";

/// A change that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Name of the first run after the change.
    pub run: String,
    /// The approach; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approach: Option<String>,
    /// The scenario; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// Why it is wanted.
    pub reason: String,
    /// When it was accepted, RFC 3339.
    pub at: String,
}

impl Accepted {
    /// Whether it is about a cell.
    #[must_use]
    pub fn covers(&self, approach: &str, scenario: &str) -> bool {
        self.approach.as_deref().is_none_or(|name| name == approach)
            && self.scenario.as_deref().is_none_or(|name| name == scenario)
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    accepted: Vec<Accepted>,
}

/// The accepted changes of a history; none if there is no such file.
///
/// # Errors
/// When the file cannot be read or understood.
pub fn accepted(folder: &Path) -> Result<Vec<Accepted>, StoreError> {
    let file = folder.join(FILE);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io(&file, "read")(error)),
    };
    let content: Content = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        StoreError::Accepted { file, line, found: said(error.message()) }
    })?;
    Ok(content.accepted)
}

/// Adds an accepted change; what is in the file stays as it is.
///
/// # Errors
/// When the file cannot be read, understood or written.
pub fn accept(folder: &Path, change: &Accepted) -> Result<(), StoreError> {
    accepted(folder)?;
    let file = folder.join(FILE);
    let mut text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => HEAD.to_owned(),
        Err(error) => return Err(StoreError::io(&file, "read")(error)),
    };
    let added = toml::to_string(&Content { accepted: vec![change.clone()] }).map_err(|error| StoreError::Accepted {
        file: file.clone(),
        line: 1,
        found: error.to_string(),
    })?;
    text.push('\n');
    text.push_str(&added);
    writing::replace(&file, text.as_bytes())
}

/// What a parser found wrong, in one line and without what it expected.
fn said(message: &str) -> String {
    let found = message.split(", expected").next().unwrap_or(message);
    found.lines().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_changes_are_kept_and_the_file_stays_readable() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(accepted(dir.path()).unwrap(), []);
        let one = Accepted {
            run: "20260101T000000Z-a".to_owned(),
            approach: Some("slow".to_owned()),
            scenario: None,
            reason: "a \"new\" base\nimage".to_owned(),
            at: "2026-01-01T00:00:00Z".to_owned(),
        };
        accept(dir.path(), &one).unwrap();
        let two = Accepted { approach: None, ..one.clone() };
        accept(dir.path(), &two).unwrap();
        assert_eq!(accepted(dir.path()).unwrap(), [one.clone(), two]);
        assert!(one.covers("slow", "cold") && !one.covers("quick", "cold"));
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(text.starts_with("# Changes") && text.matches("[[accepted]]").count() == 2, "{text}");
        fs::write(dir.path().join(FILE), "[[accepted]]\nrun = 1\n").unwrap();
        assert!(accepted(dir.path()).unwrap_err().to_string().contains("accepted.toml"));
    }
}
