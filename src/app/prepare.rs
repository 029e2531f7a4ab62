//! Everything before the first build: what was asked for, the files of a study, base images and engines, the record.
//! All problems are found in here; nothing is built, and the user's own files are only read.

pub mod alone;
pub mod bases;
mod checkout;
pub mod clean;
pub mod engines;
pub mod new_record;
mod outside;
pub mod pulls;
pub mod real_world;
pub mod recipes;
pub mod request;
pub mod run_id;
pub mod secrets;
pub mod subject;
pub mod without_study;

pub use checkout::checkout;
