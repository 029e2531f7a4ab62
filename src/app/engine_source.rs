//! Where the engines of a use case come from: what is asked for, and what is given. Which they are is decided elsewhere.

use super::failure::Failure;
use crate::engine::kinds::private::registry::Registries;
use crate::engine::{Client, Engine};
use crate::model::{ChainKind, ClientKind};
use std::fmt;
use std::path::Path;

/// A kind of engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// The best isolation that this machine has.
    Auto,
    /// One that is started for the run.
    Private,
    /// One inside the user's.
    Dind,
    /// The one that the docker client would use.
    Host,
    /// The one at an address.
    At(String),
    /// An address whose engine may be emptied.
    Emptied(String),
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Private => "private",
            Self::Dind => "dind",
            Self::Host => "host",
            Self::At(address) | Self::Emptied(address) => address,
        })
    }
}

/// What engines are opened for.
pub struct Opening<'a> {
    /// Where engines live, and what is made on others is written down.
    pub home: &'a Path,
    /// Names what the engine leaves, if anything.
    pub run: &'a str,
    /// The registries that a private engine is given.
    pub registries: Registries,
    /// Whether its state must be kept and put back.
    pub chain: ChainKind,
    /// What an engine inside the user's is made of.
    pub image: &'a str,
}

/// An opened engine.
pub struct Opened {
    /// The engine.
    pub engine: Box<dyn Engine>,
    /// Why it is this one, in a few words.
    pub why: String,
    /// What an engine that was there before calls itself.
    pub id: Option<String>,
    /// What the user must know before it is used.
    pub warning: Option<String>,
}

impl Opened {
    /// An engine of which nothing has to be said.
    pub fn new(engine: impl Engine + 'static, id: Option<String>, why: impl Into<String>) -> Self {
        Self { engine: Box::new(engine), why: why.into(), id, warning: None }
    }
}

/// Where engines come from, and what asks them for builds.
pub trait EngineSource {
    /// Opens an engine of a kind.
    ///
    /// # Errors
    /// When there is none, it does not answer, or what it is opened for cannot be done on it.
    fn open(&self, kind: &EngineKind, opening: Opening<'_>) -> Result<Opened, Failure>;

    /// The client that asks engines for builds; `place` is a folder for its files.
    ///
    /// # Errors
    /// When there is none of this kind, or it cannot build.
    fn client(&self, kind: ClientKind, place: &Path) -> Result<Client, Failure>;
}
