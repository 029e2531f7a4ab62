//! The files below a folder, in an order that never changes, and the files that a state has.
//! Symbolic links are looked at and never followed.
//! Nothing is written in here.

use super::raw::RawState;
use crate::files::open_unlinked;
use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why the files below a folder cannot be used.
#[derive(Debug)]
pub(super) struct TreeError {
    pub path: PathBuf,
    pub found: String,
}

impl TreeError {
    pub fn io(path: &Path, error: &io::Error) -> Self {
        Self { path: path.to_owned(), found: error.to_string() }
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: found {}", self.path, self.found)
    }
}

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    Folder,
    File { executable: bool },
    Link { target: PathBuf },
}

/// One file, folder or symbolic link.
#[derive(Debug)]
pub(super) struct TreeEntry {
    /// Relative to the folder that was walked.
    pub relative: PathBuf,
    /// Where it is.
    pub path: PathBuf,
    pub what: What,
}

/// All entries below a folder, each folder before what is in it, sorted by name.
/// What lies at `skip` is left out.
pub(super) fn walk(root: &Path, skip: Option<&Path>) -> Result<Vec<TreeEntry>, TreeError> {
    let mut entries = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let at = root.join(&folder);
        let reading = |error: io::Error| TreeError::io(&at, &error);
        let mut below = Vec::new();
        for child in fs::read_dir(&at).map_err(reading)? {
            let child = child.map_err(reading)?;
            if skip != Some(child.path().as_path()) {
                below.push(entry(folder.join(child.file_name()), child.path())?);
            }
        }
        below.sort_by(|a, b| a.relative.cmp(&b.relative));
        let found = below.iter().filter(|entry| entry.what == What::Folder);
        folders.extend(found.map(|entry| entry.relative.clone()).rev());
        entries.extend(below);
    }
    Ok(entries)
}

fn entry(relative: PathBuf, path: PathBuf) -> Result<TreeEntry, TreeError> {
    let data = fs::symlink_metadata(&path).map_err(|error| TreeError::io(&path, &error))?;
    let what = if data.is_dir() {
        What::Folder
    } else if data.is_file() {
        What::File { executable: is_executable(&data) }
    } else if data.is_symlink() {
        What::Link { target: fs::read_link(&path).map_err(|error| TreeError::io(&path, &error))? }
    } else {
        return Err(TreeError { found: "neither a file, a folder nor a symbolic link".to_owned(), path });
    };
    Ok(TreeEntry { relative, path, what })
}

/// Opens a file for reading, but never through a link that was put in its place after it was looked at.
pub(super) fn open(path: &Path) -> io::Result<File> {
    open_unlinked(fs::OpenOptions::new().read(true), path)
}

pub(super) fn is_executable(data: &Metadata) -> bool {
    data.permissions().mode() & 0o111 != 0
}

/// The states as layers over the project, to look files up without copying anything.
pub(super) struct StatePile<'s> {
    project: &'s Path,
    states: &'s [&'s RawState],
    below: Vec<Option<usize>>,
}

impl<'s> StatePile<'s> {
    pub fn new(project: &'s Path, states: &'s [&'s RawState]) -> Self {
        let mut index = HashMap::new();
        let mut below = Vec::new();
        for (at, state) in states.iter().enumerate() {
            let after = state.after.as_ref();
            below.push(after.and_then(|after| index.get(&after.value).copied()));
            if let Some(id) = &state.id {
                index.insert(&id.value, at);
            }
        }
        Self { project, states, below }
    }

    /// Whether the files of the state at this index, or of one below it, have to be worked out first.
    pub fn is_worked_out(&self, state: usize) -> bool {
        let mut at = Some(state);
        while let Some(index) = at {
            if self.states[index].derived.is_some() {
                return true;
            }
            at = self.below[index];
        }
        false
    }

    /// Whether the state at this index has the path, after its own removals.
    pub fn has(&self, state: usize, path: &Path) -> bool {
        !self.removes(state, path) && self.has_before_removal(state, path)
    }

    /// Whether the state at this index has the path before its own removals.
    pub fn has_before_removal(&self, state: usize, path: &Path) -> bool {
        let mut at = state;
        loop {
            let overlay = self.states[at].overlay.as_ref();
            if overlay.is_some_and(|overlay| is_there(overlay, path)) {
                return true;
            }
            match self.below[at] {
                None => return is_there(self.project, path),
                Some(below) if self.removes(below, path) => return false,
                Some(below) => at = below,
            }
        }
    }

    fn removes(&self, state: usize, path: &Path) -> bool {
        let mut removed = self.states[state].remove.iter();
        removed.any(|removed| path.starts_with(&removed.value))
    }
}

/// Whether a folder has the path, without following any symbolic link on the way.
fn is_there(folder: &Path, path: &Path) -> bool {
    let mut way = path.ancestors().skip(1);
    !way.any(|part| !part.as_os_str().is_empty() && folder.join(part).is_symlink())
        && folder.join(path).symlink_metadata().is_ok()
}
