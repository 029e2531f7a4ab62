//! The kinds of engine, and what only they know.

pub mod dind;
pub mod host;
pub mod private;
