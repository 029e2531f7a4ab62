//! Tables that grow by whole lines. What has been acknowledged is on the disk.
//! What the bytes mean is not known in here.

use super::store_error::StoreError;
use crate::files::open_unlinked;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that grows by whole lines.
#[derive(Debug)]
pub(super) struct Growing {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Growing {
    /// Begins a file with its first line.
    pub fn create(path: &Path, head: &[u8]) -> Result<Self, StoreError> {
        let file =
            OpenOptions::new().append(true).create_new(true).open(path).map_err(StoreError::io(path, "create"))?;
        let mut growing = Self { path: path.to_owned(), file, length: 0 };
        growing.append(head)?;
        Ok(growing)
    }

    /// Goes on with a file after its first `length` bytes; what follows them is cut off.
    pub fn go_on(path: &Path, length: u64) -> Result<Self, StoreError> {
        let opened = || -> io::Result<File> {
            let file = open_unlinked(OpenOptions::new().append(true), path)?;
            file.set_len(length)?;
            file.sync_all()?;
            Ok(file)
        };
        Ok(Self { path: path.to_owned(), file: opened().map_err(StoreError::io(path, "write"))?, length })
    }

    /// Adds lines, and returns when they are on the disk. On an error none of them is there.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), StoreError> {
        let in_place = || -> io::Result<bool> {
            let (open, named) = (self.file.metadata()?, fs::metadata(&self.path)?);
            Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
        };
        if !in_place().unwrap_or(false) {
            // What is written into a file that was removed goes with it, and nobody is told.
            return Err(StoreError::Gone { path: self.path.clone() });
        }
        let mut added = || -> io::Result<()> {
            self.file.write_all(lines)?;
            self.file.sync_data()
        };
        if let Err(error) = added() {
            // If even this fails, the torn line is recognised when it is read.
            let _ = self.file.set_len(self.length);
            return Err(StoreError::io(&self.path, "write")(error));
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Bytes of whole lines.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes back what was added after the first `length` bytes, as far as that is possible.
    pub fn take_back(&mut self, length: u64) {
        if self.file.set_len(length).is_ok() {
            self.length = length;
        }
    }
}
