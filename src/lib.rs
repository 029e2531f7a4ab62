//! Layerbench measures how long Docker images take to build, and proves the cache state of every sample.
//!
//! The folders of `src` are layers; a module imports only from the layers above it in this list
//! (`tests/layers.rs` holds the rule):
//!
//! - 0: [`model`] (the words), [`text`] (making text safe and fit), [`stats`] (pure statistics), [`files`] (of this machine)
//! - 1: [`study`] (TOML to a study), [`project`] (files of a build context), [`store`] (run folders)
//! - 2: [`plan`] (what will be built, in order), [`engine`] (everything that speaks to Docker), [`analysis`]
//! - 3: [`runner`] (carries out a plan and checks every sample), [`audit`] (the scorecard of an image)
//! - 4: [`progress`], [`chart`], [`report`]
//! - 5: [`app`] (the use cases)
//! - 6: [`cli`]

#[cfg(test)]
#[path = "../tests/support/golden.rs"]
mod golden;
#[cfg(test)]
#[path = "../tests/support/snapshot.rs"]
mod snapshot;

pub mod analysis;
pub mod app;
pub mod audit;
pub mod chart;
pub mod cli;
pub mod engine;
pub mod files;
pub mod model;
pub mod plan;
pub mod progress;
pub mod project;
pub mod report;
pub mod runner;
pub mod stats;
pub mod store;
pub mod study;
pub mod text;
