//! Why an engine could not do what it was asked, in words for people. Every room of `engine` fails with this.

use crate::text::without_logins;
use std::fmt;

/// Why an engine could not do what it was asked: what was tried, what came back, what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineError {
    /// What was tried.
    pub what: String,
    /// What came back.
    pub found: String,
    /// What would help; may be empty.
    pub remedy: String,
}

impl EngineError {
    /// An error with a remedy. Logins in addresses are taken out.
    pub fn new(what: impl Into<String>, found: impl fmt::Display, remedy: impl Into<String>) -> Self {
        let remedy = remedy.into();
        Self { what: without_logins(&what.into()), found: without_logins(&found.to_string()), remedy }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.found.trim_end())?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.remedy) }
    }
}

impl std::error::Error for EngineError {}
