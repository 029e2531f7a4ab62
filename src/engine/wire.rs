//! What is said to an engine, and what it answers: addresses and connections, the session in which it asks for files,
//! builds and their traces, and all other questions. By ourselves, or by the installed docker client.
//!
//! Nothing here knows the machine around an engine, nor which kind of engine it speaks to. Inside, from the bottom up:
//! `endpoint`, `session`, `trace`; then `control`, `registry_login`, `build_settings`, `docker_client`; then
//! `build_request`, `build_call`, `outcomes`; then the two clients (`own_client`, `docker_client::process`), and
//! `timed_build`, which chooses between them. `daemon` and `looker` ask everything that is no build.

mod build_call;
pub mod build_request;
pub mod build_settings;
mod control;
pub mod daemon;
pub mod docker_client;
pub mod endpoint;
pub mod looker;
pub mod outcomes;
mod own_client;
pub mod refusal;
pub mod registry_login;
pub mod session;
pub mod timed_build;
pub mod trace;
