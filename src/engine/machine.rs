//! The machine around an engine.

pub mod claim;
pub mod look;
pub(super) mod network;

pub use look::*;
