//! Everything that speaks to Docker: where an engine is, what it is asked, what it answers.
//!
//! [`Engine`] is the boundary: the runner knows nothing else. Behind it stand a private engine that Layerbench
//! starts and throws away, one inside the user's own, that one itself (all in [`kinds`]), and a [`fake`] for tests of
//! plans and reports.
//!
//! Imports run one way, from the top down, and this file, which only declares and re-exports, is imported by none of them:
//!
//! - [`kinds`] and [`fake`]: the engines
//! - `contract`: what each of them promises
//! - [`machine`]: the machine around an engine
//! - [`wire`]: what is said to an engine
//! - `answers`, `engine_error`, `interrupt`: the words that all of them share

mod answers;
mod contract;
mod engine_error;
pub mod fake;
mod interrupt;
pub mod kinds;
pub mod machine;
pub mod wire;

pub use answers::{CacheContents, ImageFacts, ImageSource, Resolved};
pub use contract::{Engine, Named};
pub use engine_error::EngineError;
pub use interrupt::Interrupt;
pub use wire::build_request::{BuildRequest, Client};
pub use wire::build_settings::BuildSettings;
