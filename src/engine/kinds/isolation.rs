//! How an engine is kept apart from what else its machine does: the fact `isolation` of its fingerprint.

/// A kind of isolation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isolation {
    /// An engine of our own with its own data-root, network and process namespaces.
    Private,
    /// An engine of our own in a container of the user's engine.
    Dind,
    /// The user's own engine, on which only what the run makes is removed.
    Host,
    /// An engine elsewhere of which the user said that it may be emptied.
    Emptied,
}

impl Isolation {
    /// The word for records.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Dind => "dind",
            Self::Host => "host",
            Self::Emptied => "emptied",
        }
    }
}
