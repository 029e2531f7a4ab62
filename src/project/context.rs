//! The files of a build context, in the order and form in which BuildKit's fsutil sends them.
//!
//! Lazy: a walk holds one listing per open folder and opens no file; only `digest` reads contents.
//! Links are kept and never followed. What is done with the entries is not known here.

mod digest;
mod follow;
mod listing;
mod stat;
#[cfg(test)]
mod tests;

use super::ignore::{ParentMatch, PatternList, Reason};
pub use digest::digest;
use listing::Listing;
use stat::Links;
pub use stat::{GO_FOLDER, GO_SYMLINK, GO_TYPE};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file, or a socket, which fsutil sends as an empty file.
    File,
    /// A symbolic link.
    Symlink,
    /// A device node or a named pipe.
    Special,
}

/// One file, folder or link of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the context, `/` between names; not always UTF-8.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Go's mode bits: type from bit 31 down, permissions in the low nine.
    pub mode: u32,
    /// In bytes; 0 for folders.
    pub size: u64,
    /// Last change of the content, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Where a symbolic link points; for a further name of a file, the first one; else empty.
    pub link: Vec<u8>,
    /// Major and minor number of a device node.
    pub device: (u32, u32),
    /// Extended attributes.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

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
    fn at(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(path),
            io::ErrorKind::NotADirectory => Self::NotAFolder(path),
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Self::Loop(path),
            _ => Self::Unreadable(path, error),
        }
    }
}

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
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        std::fs::OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
            .open(self.root.join(OsStr::from_bytes(path)))
    }
}

/// Which entries of a folder are wanted.
#[derive(Debug, Default)]
pub struct Selection {
    excludes: PatternList,
    includes: PatternList,
}

impl Selection {
    /// Everything but what the rules exclude.
    #[must_use]
    pub fn excluding(excludes: PatternList) -> Self {
        Self { excludes, includes: PatternList::default() }
    }

    /// For a folder without links: follow paths are include patterns.
    ///
    /// # Errors
    /// When a pattern is none.
    pub fn plain<P: AsRef<[u8]>>(excludes: PatternList, includes: &[P], follow: &[P]) -> Result<Self, ContextError> {
        let targets = follow::plain(follow);
        Self::of(excludes, includes, (!follow.is_empty()).then_some(targets))
    }

    /// `targets`: the resolved follow paths, if there were any.
    fn of<P: AsRef<[u8]>>(
        excludes: PatternList,
        includes: &[P],
        targets: Option<Vec<Vec<u8>>>,
    ) -> Result<Self, ContextError> {
        let mut wanted: Vec<Vec<u8>> = includes.iter().map(|p| p.as_ref().to_vec()).collect();
        if let Some(targets) = targets.and_then(follow::without_nested) {
            wanted.extend(targets);
            wanted = follow::without_nested(wanted).unwrap_or_default();
        }
        let includes = PatternList::new(&wanted).map_err(|(index, reason)| {
            let text = wanted.get(index).map(Vec::as_slice).unwrap_or_default();
            ContextError::Pattern(String::from_utf8_lossy(text).into_owned(), reason)
        })?;
        Ok(Self { excludes, includes })
    }

    /// Whether a path is wanted, asked without a walk.
    #[must_use]
    pub fn contains(&self, path: &[u8]) -> bool {
        (self.includes.is_empty() || self.includes.matches(path)) && !self.excludes.matches(path)
    }
}

/// A folder that is being walked.
#[derive(Debug)]
struct Frame {
    listing: Listing,
    /// Length of the folder's path, with its trailing slash.
    path_len: usize,
    included: Option<ParentMatch>,
    excluded: Option<ParentMatch>,
    /// Its own entry was given out.
    sent: bool,
}

/// What the patterns say about one path.
enum Verdict {
    Wanted,
    /// Not wanted, but what is in it may be.
    Passed,
    /// Not wanted, nor anything in it.
    Pruned,
}

/// A walk over the entries of a context. Entries that vanish while it runs are left out.
#[derive(Debug)]
pub struct Walk {
    /// Path of the current entry; starts with the root.
    full: Vec<u8>,
    root_len: usize,
    frames: Vec<Frame>,
    selection: Selection,
    links: Links,
    ready: VecDeque<Entry>,
}

impl Walk {
    fn new(root: PathBuf, selection: Selection) -> Result<Self, ContextError> {
        let listing = Listing::read(&root).map_err(|e| ContextError::at(&root, e))?;
        let mut full = root.into_os_string().into_encoded_bytes();
        if full.last() != Some(&b'/') {
            full.push(b'/');
        }
        Ok(Self {
            root_len: full.len(),
            frames: vec![Frame { listing, path_len: full.len(), included: None, excluded: None, sent: true }],
            full,
            selection,
            links: Links::default(),
            ready: VecDeque::new(),
        })
    }

    fn relative(&self) -> &[u8] {
        self.full.get(self.root_len..).unwrap_or_default()
    }

    /// Goes one name further; `false` at the end.
    fn advance(&mut self) -> Result<bool, ContextError> {
        let Some(frame) = self.frames.last_mut() else {
            return Ok(false);
        };
        self.full.truncate(frame.path_len);
        let Some((name, folder)) = frame.listing.next() else {
            self.frames.pop();
            return Ok(true);
        };
        self.full.extend_from_slice(name);
        let (verdict, included, excluded) = self.judge(folder);
        if matches!(verdict, Verdict::Pruned) {
            return Ok(true);
        }
        let wanted = matches!(verdict, Verdict::Wanted);
        if wanted {
            self.give_out()?;
        }
        if folder {
            self.enter(wanted, included, excluded)?;
        }
        Ok(true)
    }

    /// As fsutil's filter: include patterns first, then exclude patterns; each may end the walk of a folder.
    fn judge(&self, folder: bool) -> (Verdict, Option<ParentMatch>, Option<ParentMatch>) {
        let path = self.relative();
        let parent = self.frames.last();
        let mut verdict = Verdict::Wanted;
        let ask = |list: &PatternList, info: Option<&ParentMatch>| {
            if folder {
                let (matched, info) = list.matches_folder(path, info);
                (matched, Some(info))
            } else {
                (list.matches_in(path, info), None)
            }
        };
        let Selection { includes, excludes } = &self.selection;
        let (mut included, mut excluded) = (None, None);
        if !includes.is_empty() {
            let (matched, info) = ask(includes, parent.and_then(|f| f.included.as_ref()));
            included = info;
            if !matched {
                if folder && !includes.may_match_below(path) {
                    return (Verdict::Pruned, None, None);
                }
                verdict = Verdict::Passed;
            }
        }
        if !excludes.is_empty() {
            let (matched, info) = ask(excludes, parent.and_then(|f| f.excluded.as_ref()));
            excluded = info;
            if matched {
                if folder && !excludes.may_except_below(path) {
                    return (Verdict::Pruned, None, None);
                }
                verdict = Verdict::Passed;
            }
        }
        (verdict, included, excluded)
    }

    /// Gives out the current entry, after the folders on the way to it that were passed before.
    fn give_out(&mut self) -> Result<(), ContextError> {
        let ends: Vec<usize> = self
            .frames
            .iter_mut()
            .filter_map(|f| {
                let sent = std::mem::replace(&mut f.sent, true);
                (!sent).then_some(f.path_len.saturating_sub(1))
            })
            .chain([self.full.len()])
            .collect();
        for end in ends {
            let full = Path::new(OsStr::from_bytes(self.full.get(..end).unwrap_or_default()));
            let path = self.full.get(self.root_len..end).unwrap_or_default();
            match stat::entry(full, path, &mut self.links) {
                Ok(entry) => self.ready.push_back(entry),
                Err(error) if vanished(&error) => {}
                Err(error) => return Err(ContextError::Unreadable(full.to_owned(), error)),
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        wanted: bool,
        included: Option<ParentMatch>,
        excluded: Option<ParentMatch>,
    ) -> Result<(), ContextError> {
        let full = Path::new(OsStr::from_bytes(&self.full));
        match Listing::read(full) {
            Ok(listing) => {
                self.frames.push(Frame { listing, path_len: self.full.len() + 1, included, excluded, sent: wanted });
                self.full.push(b'/');
                Ok(())
            }
            Err(error) if vanished(&error) => Ok(()),
            Err(error) if !wanted && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            Err(error) => Err(ContextError::Unreadable(full.to_owned(), error)),
        }
    }
}

fn vanished(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl Iterator for Walk {
    type Item = Result<Entry, ContextError>;

    /// The next entry. After an error the walk has ended.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Some(Ok(entry));
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.frames.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}
