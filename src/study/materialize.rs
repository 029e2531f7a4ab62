//! Lays the files of a state out in a folder: the project, then each state's changes on top.
//! Writes nothing outside that folder: a symbolic link in it is replaced or refused, never followed.
//! On an error the folder is left empty.

use super::comment::{GIVE_WHOLE, TOKEN, comment};
use super::definition::{Append, State, Study};
use super::sample_marks::{self, Laid, Marks};
use super::tree::{What, open, walk};
use crate::model::StateId;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Why the files of a state could not be laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError {
    path: PathBuf,
    found: String,
    remedy: &'static str,
}

impl StateError {
    fn new(path: &Path, found: impl Into<String>, remedy: &'static str) -> Self {
        Self { path: path.to_owned(), found: found.into(), remedy }
    }

    fn io(path: &Path, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full: make room and try again",
            io::ErrorKind::PermissionDenied => "give yourself the right to read and write it",
            _ => "check the path and the disk",
        };
        Self::new(path, error.to_string(), remedy)
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}; {}", self.path, self.found, self.remedy)
    }
}

impl std::error::Error for StateError {}

/// Lays the files of a state out in `into`, which must be empty or not there.
/// Executable bits and symbolic links are kept; modification times are not.
///
/// # Errors
/// When the state is unknown, `into` is not empty or lies inside the study's files, or something
/// cannot be read or written. `into` is then empty again.
pub fn materialize(study: &Study, state: &StateId, into: &Path) -> Result<Marks, StateError> {
    let states = piled(study, state)?;
    prepare(study, into)?;
    match lay_all(study, &states, into) {
        Ok(laid) => {
            let mut marks = Marks::default();
            marks.insert(state.clone(), laid);
            Ok(marks)
        }
        Err(error) => {
            clear(into);
            Err(error)
        }
    }
}

/// Lays out in `into` what a state changes: the files of the state below it, or of the project.
///
/// # Errors
/// As [`materialize`].
pub fn materialize_below(study: &Study, state: &StateId, into: &Path) -> Result<(), StateError> {
    let mut states = piled(study, state)?;
    states.pop();
    prepare(study, into)?;
    let laid = lay_all(study, &states, into).map(drop);
    if laid.is_err() {
        clear(into);
    }
    laid
}

/// The states that make up a state, the lowest first.
fn piled<'s>(study: &'s Study, id: &StateId) -> Result<Vec<&'s State>, StateError> {
    let mut states = Vec::new();
    let mut next = Some(id);
    while let Some(id) = next {
        let Some(state) = study.state(id) else {
            let found = format!("the study has no state {id}");
            return Err(StateError::new(&study.file, found, "name one of its states"));
        };
        states.push(state);
        next = state.after.as_ref();
    }
    states.reverse();
    Ok(states)
}

fn prepare(study: &Study, into: &Path) -> Result<(), StateError> {
    fs::create_dir_all(into).map_err(|error| StateError::io(into, &error))?;
    let mut entries = fs::read_dir(into).map_err(|error| StateError::io(into, &error))?;
    if entries.next().is_some() {
        let remedy = "choose an empty folder for the state's files";
        return Err(StateError::new(into, "the folder is not empty", remedy));
    }
    let real = into.canonicalize().map_err(|error| StateError::io(into, &error))?;
    let overlays = study.states.iter().flat_map(|s| s.overlay.iter().chain(&s.worked_out));
    for source in std::iter::once(&study.project).chain(overlays) {
        if real.starts_with(source) {
            let remedy = "choose a folder outside of it for the state's files";
            let found = format!("the folder lies inside {source:?}, which is copied");
            return Err(StateError::new(into, found, remedy));
        }
    }
    Ok(())
}

fn clear(into: &Path) {
    // Best effort: the error that led here is the one to show.
    for entry in fs::read_dir(into).into_iter().flatten().flatten() {
        let _ = remove(&entry.path());
    }
}

fn lay_all(study: &Study, states: &[&State], into: &Path) -> Result<Laid, StateError> {
    let skip = study.registry.as_ref().map(|r| r.storage.as_path());
    lay(&study.project, skip, into, Times::Kept)?;
    let (mut changed, mut commented) = (BTreeSet::new(), BTreeSet::new());
    for state in states {
        if let Some(whole) = &state.worked_out {
            changed.extend(lay(whole, skip, into, Times::OfChanges)?);
            leave_only(whole, into)?;
        }
        if let Some(overlay) = &state.overlay {
            changed.extend(lay(overlay, skip, into, Times::New)?);
        }
        for path in &state.remove {
            let at = reach(into, path)?;
            remove(&at).map_err(|error| StateError::io(&at, &error))?;
        }
        for addition in &state.append {
            changed.insert(append(into, addition)?);
        }
        for file in &state.comment {
            let text = commenting(into, state, file)?;
            commented.insert(append(into, &Append { file: file.clone(), text })?);
        }
    }
    laid(changed, commented)
}

/// The comment of a state for a file, on a line of its own.
fn commenting(into: &Path, state: &State, file: &Path) -> Result<String, StateError> {
    let at = reach(into, file)?;
    let content = fs::read(&at).map_err(|error| StateError::io(&at, &error))?;
    let start = if content.is_empty() || content.ends_with(b"\n") { "" } else { "\n" };
    let text = comment(file, &format!("layerbench: {} {TOKEN}", state.id))
        .ok_or_else(|| StateError::new(&at, "a file that takes no comment", GIVE_WHOLE))?;
    Ok(format!("{start}{text}"))
}

/// What has to be written anew for each sample, of what is still there.
fn laid(changed: BTreeSet<PathBuf>, commented: BTreeSet<PathBuf>) -> Result<Laid, StateError> {
    let mut laid = Laid::default();
    for path in commented.into_iter().filter(|path| path.is_file()) {
        let content = fs::read(&path).map_err(|error| StateError::io(&path, &error))?;
        if sample_marks::find(&content).is_some() {
            laid.commented.push((path, content));
        }
    }
    let still_there = |path: &PathBuf| path.symlink_metadata().is_ok_and(|data| data.is_file());
    laid.changed = changed.into_iter().filter(still_there).collect();
    Ok(laid)
}

/// Takes away what a folder with all files does not have.
fn leave_only(whole: &Path, into: &Path) -> Result<(), StateError> {
    let entries = walk(into, None).map_err(|error| StateError::new(&error.path, error.found, "check the disk"))?;
    for entry in entries.iter().rev() {
        if whole.join(&entry.relative).symlink_metadata().is_err() {
            vacate(&entry.path).map_err(|error| StateError::io(&entry.path, &error))?;
        }
    }
    Ok(())
}

/// The times of files that are laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    /// Those of the originals: an engine asks only for files whose size or time changed, and what is the same in two
    /// states must not look changed.
    Kept,
    /// New ones, so that what replaces a file never looks like it.
    New,
    /// New ones for what differs from what is there; the rest stays as it is.
    OfChanges,
}

/// Whether a file is there already, with the same content and rights.
fn same(from: &Path, to: &Path) -> bool {
    let data = |path: &Path| path.symlink_metadata().ok().filter(fs::Metadata::is_file);
    let (Some(a), Some(b)) = (data(from), data(to)) else { return false };
    let rights = |data: &fs::Metadata| data.permissions().mode() & 0o777;
    a.len() == b.len() && rights(&a) == rights(&b) && matches!((fs::read(from), fs::read(to)), (Ok(a), Ok(b)) if a == b)
}

fn copy(from: &Path, to: &Path, times: Times) -> io::Result<()> {
    let (mut original, mut file) = (open(from)?, fs::File::create_new(to)?);
    io::copy(&mut original, &mut file)?;
    let data = original.metadata()?;
    file.set_permissions(data.permissions())?;
    match times {
        Times::Kept => file.set_modified(data.modified()?),
        Times::New | Times::OfChanges => Ok(()),
    }
}

/// Lays the files below a folder over those that are there; returns those that it laid.
fn lay(from: &Path, skip: Option<&Path>, into: &Path, times: Times) -> Result<Vec<PathBuf>, StateError> {
    let entries = walk(from, skip).map_err(|error| {
        let remedy = "remove it from the study, or give yourself the right to read it";
        StateError::new(&error.path, error.found, remedy)
    })?;
    let mut laid = Vec::new();
    for entry in &entries {
        let to = reach(into, &entry.relative)?;
        let copied = match &entry.what {
            What::File { .. } if times == Times::OfChanges && same(&entry.path, &to) => continue,
            What::Folder => folder(&entry.path, &to)?,
            What::File { .. } => vacate(&to).and_then(|()| copy(&entry.path, &to, times)),
            What::Link { target } => vacate(&to).and_then(|()| symlink(target, &to)),
        };
        copied.map_err(|error| StateError::io(&to, &error))?;
        if matches!(entry.what, What::File { .. }) {
            laid.push(to);
        }
    }
    Ok(laid)
}

/// The place of a path in the folder, provided that no part of the way is a symbolic link.
fn reach(into: &Path, relative: &Path) -> Result<PathBuf, StateError> {
    let mut at = into.to_owned();
    for part in relative.parent().into_iter().flat_map(Path::components) {
        at.push(part);
        if at.is_symlink() {
            let found = format!("the way to {relative:?} leads through a symbolic link");
            let remedy = "name the place that the link leads to instead";
            return Err(StateError::new(&at, found, remedy));
        }
    }
    Ok(into.join(relative))
}

/// Makes a folder, or takes over the permissions if there is one.
fn folder(from: &Path, to: &Path) -> Result<io::Result<()>, StateError> {
    if to.is_symlink() {
        let remedy = "name the place that the link leads to instead";
        let found = "the overlay has a folder where the project has a symbolic link";
        return Err(StateError::new(to, found, remedy));
    }
    Ok(make_folder(from, to))
}

fn make_folder(from: &Path, to: &Path) -> io::Result<()> {
    if !to.is_dir() {
        vacate(to)?;
        fs::create_dir(to)?;
    }
    // Without the owner's rights nothing could be laid into it.
    let mode = fs::metadata(from)?.permissions().mode() & 0o777 | 0o700;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))
}

/// Takes away what is at a place, if anything.
fn vacate(at: &Path) -> io::Result<()> {
    match remove(at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn remove(at: &Path) -> io::Result<()> {
    if at.symlink_metadata()?.is_dir() { fs::remove_dir_all(at) } else { fs::remove_file(at) }
}

fn append(into: &Path, addition: &Append) -> Result<PathBuf, StateError> {
    let at = reach(into, &addition.file)?;
    let fails = |error: io::Error| StateError::io(&at, &error);
    let data = at.symlink_metadata().map_err(fails)?;
    if !data.is_file() {
        let remedy = "name a regular file to append to";
        return Err(StateError::new(&addition.file, "it is not a regular file in this state", remedy));
    }
    // Written anew, so that a file without the right to write can be changed too.
    let mut content = fs::read(&at).map_err(fails)?;
    content.extend_from_slice(addition.text.as_bytes());
    fs::remove_file(&at).map_err(fails)?;
    fs::write(&at, content).map_err(fails)?;
    fs::set_permissions(&at, data.permissions()).map_err(fails)?;
    Ok(at)
}
