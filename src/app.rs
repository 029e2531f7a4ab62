//! The use cases: a Request in, an Answer out. What a command does is here; how it is called and what it prints is not.
//!
//! No argument parsing, no printing and no exit codes in here. People are told things through a [`Watcher`], engines come
//! from an [`EngineSource`], so that each use case is tested with a fake one.
//!
//! The folders stand in an order of their own, each using only those before it: [`prepare`] (what a run is made of),
//! [`read`] (runs that were made), [`measure`] (making runs), [`judge`] (runs against each other), [`inspect`] (images and
//! machines), [`author`] (studies and runs from elsewhere).

mod engine_source;
mod failure;
#[cfg(test)]
mod fake_world;
mod watcher;
mod world;

pub mod author;
pub mod inspect;
pub mod judge;
pub mod measure;
pub mod prepare;
pub mod read;

pub use engine_source::{EngineKind, EngineSource, Opened, Opening};
use failure::put;
pub use failure::{Ending, Failure};
pub use watcher::{InFlight, Watcher};
pub use world::{MachineLock, World};
