//! What is said to an engine, and what it answers.

pub(super) mod build_call;
pub mod build_settings;
pub(super) mod control;
pub mod daemon;
pub mod docker_client;
pub mod endpoint;
pub mod looker;
pub mod own_client;
pub mod refusal;
pub mod registry_login;
pub mod session;
pub mod trace;
