//! Studies and runs that are not measured here: a study written for a project, figures that come from elsewhere.

pub mod import;
pub mod init;
