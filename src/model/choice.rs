//! What a call chooses about how builds are made. The words are those of options and records.

use serde::{Deserialize, Serialize};

/// Which cache state a scenario that is not cold starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainKind {
    /// The one that the scenario before it left, as the article did it.
    #[default]
    Article,
    /// The one that its approach's cold build left, restored for each sample.
    Checkpoint,
}

impl ChainKind {
    /// The word used in options and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// Who asks the engine for builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// The build call alone, without a client's process.
    #[default]
    Layerbench,
    /// `docker build`, from its start to its exit.
    Docker,
}

/// What to do about uncommitted changes of a folder in git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uncommitted {
    /// They are built.
    Use,
    /// Nothing is built.
    Refuse,
}
