//! The files of a project as a build sees them: ignore rules, the walk of a context, the Dockerfile, git.
//!
//! Nothing in here speaks to an engine, builds anything or changes a user's files.

pub mod context;
pub mod copy;
pub mod dockerfile;
pub mod git;
pub mod ignore;
pub mod kind;
pub mod patch;
