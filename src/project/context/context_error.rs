//! Why the files of a build context cannot be had, and what to do about it.

use crate::project::ignore::Reason;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a context cannot be read. Every message is one line.
#[derive(Debug)]
pub enum ContextError {
    /// There is nothing at the path.
    Missing(PathBuf),
    /// The path is not a folder.
    NotAFolder(PathBuf),
    /// The links of the path lead in a circle.
    Loop(PathBuf),
    /// The engine or the caller gave a pattern that is none.
    Pattern(String, Reason),
    /// Something in the context cannot be read.
    Unreadable(PathBuf, io::Error),
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => {
                write!(f, "{path:?} does not exist; give the folder to build from")
            }
            Self::NotAFolder(path) => {
                write!(f, "{path:?} is not a folder; give the folder that the Dockerfile copies from")
            }
            Self::Loop(path) => write!(f, "{path:?} is a symbolic link that leads back to itself; remove the link"),
            Self::Pattern(pattern, reason) => {
                write!(f, "{pattern:?}: {reason}; correct the pattern")
            }
            Self::Unreadable(path, error) => write!(
                f,
                "cannot read {path:?} of the build context: {error}; change its permissions or exclude it in .dockerignore"
            ),
        }
    }
}

impl std::error::Error for ContextError {}

impl ContextError {
    /// What an error of the operating system means for a path.
    pub(super) fn at(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(path),
            io::ErrorKind::NotADirectory => Self::NotAFolder(path),
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Self::Loop(path),
            _ => Self::Unreadable(path, error),
        }
    }
}
