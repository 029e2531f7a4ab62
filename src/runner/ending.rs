//! How a run ends, and why it could not go on.

use super::guards::NoRoom;
use crate::engine::EngineError;
use std::fmt;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every build of the plan was done.
    Complete,
    /// The user stopped it.
    Interrupted,
}

/// Whoever keeps the events of a run refused one, e.g. because the disk is full: why, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkError(pub String);

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SinkError {}

/// Why a run could not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// The engine could not be used any more.
    Engine(EngineError),
    /// Whoever gets the events refused one.
    Sink(SinkError),
    /// The machine or a registry does not let it go on: the reason.
    Stopped(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Sink(error) => error.fmt(f),
            Self::Stopped(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for RunError {}

impl RunError {
    /// Of a plan that was made for something else.
    pub(super) fn not_prepared(what: &dyn fmt::Display) -> Self {
        Self::Stopped(format!("the plan names {what}, which was not prepared"))
    }
}

impl From<EngineError> for RunError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<NoRoom> for RunError {
    fn from(disk: NoRoom) -> Self {
        Self::Stopped(disk.to_string())
    }
}
