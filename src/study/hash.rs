//! One number for a study: what it says and every file that it refers to.
//! Two studies with the same hash build the same things; modification times and owners do not count.
//! The storage of a registry is left out: its images are told apart by their own digests.

use super::definition::Study;
use super::tree::{What, is_executable, open, walk};
use crate::text::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A file of the study that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashError {
    path: PathBuf,
    found: String,
}

impl HashError {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self { path: path.to_owned(), found: error.to_string() }
    }
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?}: found {}; expected a file, folder or symbolic link that can be read; remove it from the study or give yourself the right to read it",
            self.path, self.found
        )
    }
}

impl std::error::Error for HashError {}

/// What is known of one path: a letter for its kind, and a digest of its content.
type Seen = BTreeMap<PathBuf, (u8, [u8; 32])>;

impl Study {
    /// SHA-256 in hexadecimal over the study file and every file it refers to: paths, contents and
    /// executable bits. Files of the registry are left out.
    ///
    /// # Errors
    /// When one of the files cannot be read.
    pub fn hash(&self) -> Result<String, HashError> {
        hash(self)
    }
}

fn hash(study: &Study) -> Result<String, HashError> {
    let mut seen = Seen::new();
    let skip = study.registry.as_ref().map(|r| r.storage.as_path());
    let overlays = study.states.iter().flat_map(|s| s.worked_out.as_deref().into_iter().chain(s.overlay.as_deref()));
    for folder in std::iter::once(study.project.as_path()).chain(overlays) {
        add_folder(study, folder, skip, &mut seen)?;
    }
    for approach in &study.approaches {
        add_file(study, &approach.dockerfile, &mut seen)?;
        let ignore = ignore_file(&approach.dockerfile);
        if ignore.is_file() {
            add_file(study, &ignore, &mut seen)?;
        }
    }
    let mut all = Sha256::new();
    all.update(study.digest);
    for (path, (kind, digest)) in &seen {
        let path = path.as_os_str().as_bytes();
        all.update([*kind]);
        all.update((path.len() as u64).to_le_bytes());
        all.update(path);
        all.update(digest);
    }
    Ok(hex(&all.finalize()))
}

/// BuildKit looks for an ignore file of this name beside the Dockerfile.
fn ignore_file(dockerfile: &Path) -> PathBuf {
    let mut name = dockerfile.as_os_str().to_owned();
    name.push(".dockerignore");
    PathBuf::from(name)
}

fn add_folder(study: &Study, folder: &Path, skip: Option<&Path>, seen: &mut Seen) -> Result<(), HashError> {
    let entries = walk(folder, skip).map_err(|error| HashError { path: error.path, found: error.found })?;
    seen.insert(inside(study, folder), (b'd', [0; 32]));
    for entry in entries {
        let value = match entry.what {
            What::Folder => (b'd', [0; 32]),
            What::File { executable } => (kind(executable), content(&entry.path)?),
            What::Link { target } => (b'l', Sha256::digest(target.as_os_str().as_bytes()).into()),
        };
        seen.insert(inside(study, &entry.path), value);
    }
    Ok(())
}

fn add_file(study: &Study, path: &Path, seen: &mut Seen) -> Result<(), HashError> {
    if let Entry::Vacant(place) = seen.entry(inside(study, path)) {
        let real = path.canonicalize().map_err(|error| HashError::io(path, &error))?;
        let data = fs::metadata(&real).map_err(|error| HashError::io(path, &error))?;
        place.insert((kind(is_executable(&data)), content(&real)?));
    }
    Ok(())
}

fn kind(executable: bool) -> u8 {
    if executable { b'x' } else { b'f' }
}

fn inside(study: &Study, path: &Path) -> PathBuf {
    let moved = study.places.iter().find_map(|(place, name)| Some(name.join(path.strip_prefix(place).ok()?)));
    moved.unwrap_or_else(|| path.strip_prefix(&study.folder).unwrap_or(path).to_owned())
}

fn content(path: &Path) -> Result<[u8; 32], HashError> {
    let mut digest = Sha256::new();
    let fails = |error: io::Error| HashError::io(path, &error);
    let mut file = open(path).map_err(fails)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(fails)? {
            0 => return Ok(digest.finalize().into()),
            read => digest.update(&buffer[..read]),
        }
    }
}
