//! The kinds of engine, and what only they know: how each is started, emptied and cleaned up, and how cold it is.
//!
//! All of them speak through `wire` and stand on `machine`. None knows another.

mod base_images;
pub mod dind;
pub mod host;
pub mod private;
