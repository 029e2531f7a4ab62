//! Why a repository, or a revision of it, cannot be had.

use super::address::AddressError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What was found in place of a repository and a revision, in one line that completes "found …".
#[derive(Debug)]
pub enum GitError {
    /// An address that is not fetched from.
    Address(AddressError),
    /// No repository at a path, and what git says.
    NoRepository(String, String),
    /// A repository elsewhere that cannot be read, and what git says.
    NotRead(String, String),
    /// The program git cannot be started to fetch from an address.
    NoGit(String, io::Error),
    /// A repository on this machine that cannot be read.
    Broken(String),
    /// A text that no branch, tag or commit can be called.
    Name(String),
    /// A branch, tag or commit that the repository does not have.
    NoRevision {
        /// What was asked for.
        name: String,
        /// The repository.
        place: PathBuf,
        /// Branches that it has.
        branches: Vec<String>,
    },
    /// A revision of a repository elsewhere that cannot be fetched.
    NotFetched {
        /// What was asked for.
        name: String,
        /// Address of the repository.
        remote: String,
        /// What git says.
        why: String,
    },
    /// A folder that a commit does not have.
    NoFolder(PathBuf, String),
    /// A name of a file that is no text.
    NotUtf8,
    /// A name of a file that no checkout would write.
    FileName(String),
    /// More files than this, which nothing is built from.
    TooMany(usize),
    /// A file or folder that cannot be written.
    Io(PathBuf, io::Error),
}

impl GitError {
    /// What the library says of a repository that it cannot read.
    pub(super) fn broken(error: &git2::Error) -> Self {
        Self::Broken(printable(error.message()))
    }

    /// What the system says of a file or folder.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io(path, error)
    }
}

/// As much of what others say as people need, without what could steer a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

impl From<AddressError> for GitError {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::NoRepository(address, why) => write!(f, "no git repository at {address:?} ({why})"),
            Self::NotRead(address, why) => write!(f, "{address} cannot be read ({why})"),
            Self::NoGit(address, error) => {
                write!(f, "{address}, but git cannot be started to fetch from it ({error}); install git")
            }
            Self::Broken(why) => write!(f, "a repository that cannot be read ({why})"),
            Self::Name(name) => write!(f, "{name:?} as a branch, tag or commit"),
            Self::NoRevision { name, place, branches } => {
                let known = if branches.is_empty() { "none".to_owned() } else { branches.join(", ") };
                write!(f, "no branch, tag or commit {name:?} in {} (branches: {known})", place.display())
            }
            Self::NotFetched { name, remote, why } => write!(f, "{name:?} of {remote} cannot be fetched ({why})"),
            Self::NoFolder(folder, commit) => write!(f, "no folder {folder:?} in commit {commit:.12}"),
            Self::NotUtf8 => f.write_str("a name that is not UTF-8"),
            Self::FileName(name) => write!(f, "the name {name:?}, which no checkout would write"),
            Self::TooMany(most) => write!(f, "more than {most} files and folders"),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for GitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::NoGit(_, error) | Self::Io(_, error) => Some(error),
            _ => None,
        }
    }
}
