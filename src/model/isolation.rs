//! How an engine is kept apart from what else its machine does.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of isolation. The words are those of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Isolation {
    /// An engine of our own with its own data-root, network and process namespaces.
    Private,
    /// An engine of our own in a container of the user's engine.
    Dind,
    /// The user's own engine, on which only what the run makes is removed.
    Host,
    /// An engine elsewhere of which the user said that it may be emptied.
    Emptied,
    /// The figures were imported: nothing is known of the engine.
    Imported,
    /// The run was on several engines, each isolated in its own way.
    Several,
    /// What another version recorded, or nothing.
    Other(String),
}

impl Isolation {
    const NAMED: [Self; 6] = [Self::Private, Self::Dind, Self::Host, Self::Emptied, Self::Imported, Self::Several];

    /// The word for records.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Private => "private",
            Self::Dind => "dind",
            Self::Host => "host",
            Self::Emptied => "emptied",
            Self::Imported => "imported",
            Self::Several => "several",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for Isolation {
    fn from(word: &str) -> Self {
        Self::NAMED.into_iter().find(|known| known.as_str() == word).unwrap_or_else(|| Self::Other(word.to_owned()))
    }
}

impl From<String> for Isolation {
    fn from(word: String) -> Self {
        Self::from(word.as_str())
    }
}

impl From<Isolation> for String {
    fn from(isolation: Isolation) -> Self {
        isolation.as_str().to_owned()
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_record_is_written_back_as_it_was_read() {
        for (word, read) in [
            ("private", Isolation::Private),
            ("dind", Isolation::Dind),
            ("host", Isolation::Host),
            ("emptied", Isolation::Emptied),
            ("imported", Isolation::Imported),
            ("several", Isolation::Several),
            ("jail", Isolation::Other("jail".to_owned())),
            ("", Isolation::Other(String::new())),
        ] {
            let text = serde_json::to_string(word).unwrap();
            assert_eq!(serde_json::from_str::<Isolation>(&text).unwrap(), read);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }
}
