//! The folder that is built from: found, walked, read.

use super::context_error::ContextError;
use super::follow;
use super::selection::Selection;
use super::walk::Walk;
use crate::files::open_unlinked;
use crate::project::ignore::PatternList;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A folder that is built from.
#[derive(Clone, Debug)]
pub struct Context {
    root: PathBuf,
}

impl Context {
    /// Finds the folder; links in the path itself are followed.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(root: &Path) -> Result<Self, ContextError> {
        let real = root.canonicalize().map_err(|e| ContextError::at(root, e))?;
        let meta = real.metadata().map_err(|e| ContextError::at(root, e))?;
        if !meta.is_dir() {
            return Err(ContextError::NotAFolder(root.to_owned()));
        }
        Ok(Self { root: real })
    }

    /// The folder, with no links in its path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Turns the patterns of a request into a selection, resolving the links that the follow paths go through.
    ///
    /// # Errors
    /// When a pattern is none, or a folder on the way cannot be read.
    pub fn select<P: AsRef<[u8]>>(
        &self,
        excludes: PatternList,
        includes: &[P],
        follow: &[P],
    ) -> Result<Selection, ContextError> {
        let targets = follow::resolve(&self.root, follow)?;
        Selection::of(excludes, includes, (!follow.is_empty()).then_some(targets))
    }

    /// The selected entries, folders before what is in them, the names of each folder in the order of their bytes.
    ///
    /// # Errors
    /// When the folder itself cannot be listed.
    pub fn walk(&self, selection: Selection) -> Result<Walk, ContextError> {
        Walk::new(self.root.clone(), selection)
    }

    /// Opens a file of the context for reading; never through a link in the place of the file.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open_file(&self, path: &[u8]) -> io::Result<File> {
        open_unlinked(OpenOptions::new().read(true), &self.root.join(OsStr::from_bytes(path)))
    }
}
