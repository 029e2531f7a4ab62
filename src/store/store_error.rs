//! What can be wrong with a run folder, and how it is said.
//! Errors stop reading or writing; warnings come with what was read.
//! Nothing in here touches a file.
//! Long: each way to fail has its sentence, and all stand together so that they can be read together.

use super::schema::SCHEMA;
use crate::model::SCORECARD_SCHEMA;
use crate::text::visible;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a run folder cannot be written or read.
#[derive(Debug)]
pub enum StoreError {
    /// The operating system refused.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done with it, e.g. `write`.
        doing: &'static str,
        /// The reason.
        error: io::Error,
    },
    /// A table or report that is made from the run's records cannot be put into its folder.
    NotPut {
        /// The file or folder.
        path: PathBuf,
        /// What was being done with it: `writing` or `making`.
        doing: &'static str,
        /// The reason.
        error: io::Error,
    },
    /// A file that was being written is not where it was.
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// A name that cannot be part of a path.
    Name {
        /// What it names.
        what: &'static str,
        /// The name.
        found: String,
    },
    /// The folder of a new run is already there.
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// A run that another program is writing.
    Busy {
        /// Its folder.
        path: PathBuf,
    },
    /// A folder that holds no run.
    NotARun {
        /// The path that was given.
        path: PathBuf,
    },
    /// Something else than a file or folder of the run's own.
    NotPlain {
        /// Where it is.
        path: PathBuf,
    },
    /// A record of another schema.
    Schema {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: String,
    },
    /// A record that cannot be understood.
    Record {
        /// The file.
        file: PathBuf,
        /// What is wrong, with its line and column.
        found: String,
    },
    /// Scorecards that cannot be read or understood.
    Scorecards {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        found: String,
    },
    /// A list of accepted changes that cannot be understood.
    Accepted {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        found: String,
    },
    /// A table whose first line does not name its columns as expected.
    Columns {
        /// The file.
        file: PathBuf,
        /// The columns it names.
        found: String,
        /// The columns it should name.
        expected: String,
    },
    /// A line that does not fit the table.
    Row {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A value that must not be stored, such as a time that is not a number.
    Value {
        /// What is wrong.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
}

impl StoreError {
    /// For `map_err`: what was being done with a path.
    pub(super) fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, doing, error }
    }

    /// For `map_err`, as [`StoreError::io`].
    pub(super) fn not_put(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::NotPut { path, doing, error }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, doing, error } => {
                write!(f, "{path:?}: cannot {doing} it: {error}; {}", remedy(error))
            }
            Self::NotPut { path, doing, error } => write!(f, "{doing} {}: {error}", path.display()),
            Self::Gone { path } => write!(
                f,
                "{path:?}: cannot write it: it was moved or removed while the run was made; put its folder back, and the run can be resumed"
            ),
            Self::Name { what, found } => write!(
                f,
                "the {what}: found {found:?}; expected 1 to 100 letters, digits, '.', '_' or '-', starting with a letter or digit; choose such a name"
            ),
            Self::Taken { path } => {
                write!(f, "{path:?}: found a folder; expected nothing, for a new run; start again, or resume that run")
            }
            Self::Busy { path } => write!(
                f,
                "{path:?}: found a run that another program is still making; expected one that was broken off; wait until that program has ended"
            ),
            Self::NotARun { path } => write!(
                f,
                "{path:?}: found no run.json; expected the folder of a run, such as results/latest; correct the path"
            ),
            Self::NotPlain { path } => write!(
                f,
                "{path:?}: found a link, or no plain file or folder; expected one of the run's own; put a copy of what it leads to in its place"
            ),
            Self::Schema { file, found } => write!(
                f,
                "{file:?}: found the schema {found:?}; expected {SCHEMA:?}; use the version of Layerbench that wrote it"
            ),
            // What stands in the files must not steer the terminal.
            Self::Record { file, found } => {
                let found = visible(found);
                write!(f, "{file:?}: found {found}; expected the record of a run; restore the file from a copy")
            }
            Self::Scorecards { file, found } => write!(
                f,
                "{}: found {found}; expected scorecards of the schema {SCORECARD_SCHEMA:?}; restore the file from a copy",
                file.display()
            ),
            Self::Accepted { file, line, found } => write!(
                f,
                "{file:?}, line {line}: found {}; expected changes, each headed [[accepted]], with run, reason and at, and perhaps approach and scenario; correct the line, or remove the change and accept it anew with layerbench history",
                visible(found)
            ),
            Self::Columns { file, found, expected } => write!(
                f,
                "{file:?}, line 1: found the columns {}; expected {expected}; restore the file from a copy, with commas between the columns",
                visible(found)
            ),
            Self::Row { file, line, found, expected } => write!(
                f,
                "{file:?}, line {line}: found {found}; expected {expected}; restore the line from a copy of the file"
            ),
            Self::Value { found, expected } => {
                write!(f, "found {found}; expected {expected}; nothing was stored")
            }
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } | Self::NotPut { error, .. } => Some(error),
            _ => None,
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: make room; the run can be resumed"
        }
        io::ErrorKind::PermissionDenied => "give yourself the right to do so, or name another folder",
        io::ErrorKind::ReadOnlyFilesystem => "name a folder on a disk that can be written to",
        io::ErrorKind::NotFound => "check that it was not removed, and that the path is right",
        _ => "check the path and the disk",
    }
}

/// Something about a run folder that people should know and that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreWarning {
    /// The last line of a table was cut off, as a crash does it, and is not used.
    TornLine {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// Steps of builds that have no sample, as a crash leaves them; they are not used.
    StepsWithoutSample {
        /// The file.
        file: PathBuf,
        /// How many rows.
        rows: usize,
    },
}

impl fmt::Display for StoreWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TornLine { file, line } => {
                write!(f, "{file:?}, line {line} was cut off when the run was interrupted, and is not used")
            }
            Self::StepsWithoutSample { file, rows } => {
                write!(f, "{file:?}: {rows} rows at the end belong to a build that was interrupted, and are not used")
            }
        }
    }
}
