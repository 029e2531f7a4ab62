//! Everything that speaks to Docker.

pub mod session;
