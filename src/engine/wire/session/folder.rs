//! The folders that a session offers: one on disk, read lazily, or a few files in memory.
//!
//! Which of their entries are wanted is `project::context`'s to say; how they are sent is `diffcopy`'s.

use crate::project::context::{Context, ContextError, Entry, Kind, Selection};
use crate::project::ignore::PatternList;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

/// A folder of a session.
#[derive(Clone, Debug)]
pub enum Folder {
    /// A folder on disk.
    Disk(Context),
    /// Files that exist only here.
    Memory(MemoryFolder),
}

/// Named contents that are served as a folder, so that a rewritten Dockerfile never touches the disk.
#[derive(Clone, Default)]
pub struct MemoryFolder(Arc<BTreeMap<Vec<u8>, Bytes>>);

impl fmt::Debug for MemoryFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.keys().map(|name| String::from_utf8_lossy(name));
        f.debug_list().entries(names).finish()
    }
}

impl MemoryFolder {
    /// A folder of these files. A name holds no slash.
    ///
    /// # Errors
    /// The first name that is none.
    pub fn new<N: Into<Vec<u8>>, B: Into<Bytes>>(files: impl IntoIterator<Item = (N, B)>) -> Result<Self, Vec<u8>> {
        let mut all = BTreeMap::new();
        for (name, content) in files {
            let name: Vec<u8> = name.into();
            if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') || name.contains(&0) {
                return Err(name);
            }
            all.insert(name, content.into());
        }
        Ok(Self(Arc::new(all)))
    }
}

/// The engine keeps the copy it holds of a file with the same size and time, so the time follows from the content.
fn time_of(content: &[u8]) -> i64 {
    let hash = Sha256::digest(content);
    let number = hash.iter().take(8).fold(0_u64, |sum, b| sum << 8 | u64::from(*b));
    // Between 2001 and 2032.
    1_000_000_000_000_000_000 + i64::try_from(number % 1_000_000_000_000_000_000).unwrap_or_default()
}

/// The wanted entries of a folder, in order.
pub(super) type Entries = Box<dyn Iterator<Item = Result<Entry, ContextError>> + Send>;

impl Folder {
    /// Starts a walk with the patterns of a request.
    pub(super) fn walk(
        &self,
        excludes: &[Vec<u8>],
        includes: &[Vec<u8>],
        follow: &[Vec<u8>],
    ) -> Result<Entries, ContextError> {
        let excludes = PatternList::new(excludes).map_err(|(index, reason)| {
            let text = excludes.get(index).map(Vec::as_slice).unwrap_or_default();
            ContextError::Pattern(String::from_utf8_lossy(text).into_owned(), reason)
        })?;
        match self {
            Self::Disk(context) => {
                let selection = context.select(excludes, includes, follow)?;
                Ok(Box::new(context.walk(selection)?))
            }
            Self::Memory(folder) => {
                let selection = Selection::plain(excludes, includes, follow)?;
                let entries: Vec<_> = folder
                    .0
                    .iter()
                    .filter(|(name, _)| selection.contains(name))
                    .map(|(name, content)| Ok(memory_entry(name, content)))
                    .collect();
                Ok(Box::new(entries.into_iter()))
            }
        }
    }

    /// Opens a file for reading.
    pub(super) fn open(&self, path: &[u8]) -> io::Result<Box<dyn Read>> {
        match self {
            Self::Disk(context) => Ok(Box::new(context.open_file(path)?)),
            Self::Memory(folder) => match folder.0.get(path) {
                Some(content) => Ok(Box::new(io::Cursor::new(content.clone()))),
                None => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }
}

fn memory_entry(name: &[u8], content: &[u8]) -> Entry {
    Entry {
        path: name.to_vec(),
        kind: Kind::File,
        mode: 0o644,
        size: content.len() as u64,
        mtime_ns: time_of(content),
        link: Vec::new(),
        device: (0, 0),
        xattrs: Vec::new(),
    }
}
