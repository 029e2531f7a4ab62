//! How a call ended, and why one could not be carried out.

use crate::engine::EngineError;
use crate::files;
use std::fmt;
use std::path::Path;

/// How a call ended. Which number a shell gets for it is the command line's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It did what was asked.
    Fine,
    /// The world stood in the way: no engine, a full disk, builds that failed.
    Failed,
    /// The call or the study is wrong.
    Wrong,
    /// Something got worse, or a demand is not met.
    Regression,
    /// Too few samples, a global shift, runs that cannot be compared.
    CannotTell,
    /// The user stopped it.
    Interrupted,
}

/// A call that could not be carried out: how it ended, and the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How it ended; never [`Ending::Fine`].
    pub ending: Ending,
    /// What is wrong and what to do; several problems stand on a line each.
    pub text: String,
}

impl Failure {
    /// The call or the study is wrong.
    pub fn wrong(text: impl fmt::Display) -> Self {
        Self { ending: Ending::Wrong, text: text.to_string() }
    }

    /// Nothing can be said.
    pub fn cannot_tell(text: impl fmt::Display) -> Self {
        Self { ending: Ending::CannotTell, text: text.to_string() }
    }

    /// The world stood in the way.
    pub fn failed(text: impl fmt::Display) -> Self {
        Self { ending: Ending::Failed, text: text.to_string() }
    }

    /// The user stopped it.
    pub fn interrupted(text: impl fmt::Display) -> Self {
        Self { ending: Ending::Interrupted, text: text.to_string() }
    }

    /// An answer or a picture could not be made. All are made in memory, before anything is written.
    pub fn unmade(error: impl fmt::Display) -> Self {
        Self::failed(format!("making the answer: {error}"))
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::failed(error)
    }
}

/// Writes a file that the user asked for, as a whole or not at all.
pub(super) fn put(path: &Path, content: &[u8]) -> Result<(), Failure> {
    files::replace(path, content).map_err(|e| Failure::failed(format!("writing {}: {e}", path.display())))
}
