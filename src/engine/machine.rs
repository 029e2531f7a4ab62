//! The machine around an engine: what a private engine needs of it, what a run leaves on it, and what it says of
//! itself before and after a build.
//!
//! It asks engines through `wire`, and knows nothing of the kinds of engine that stand on it. Inside, `claimed` is above
//! `traces`, `forwarding` and `system`; `network`, `remains` and `workspace` are above `claimed`.

pub(super) mod claimed;
mod forwarding;
pub(super) mod hardware;
mod held;
pub mod home;
pub mod look;
pub(super) mod network;
pub mod places;
pub mod remains;
pub(super) mod system;
pub(super) mod traces;
pub mod workspace;
