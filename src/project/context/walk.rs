//! A walk over the entries of a context: holds one listing per open folder, and opens no file.

use super::context_error::ContextError;
use super::entry::Entry;
use super::listing::Listing;
use super::selection::Selection;
use super::stat::{self, Links};
use crate::project::ignore::{ParentMatch, PatternList};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A folder that is being walked.
#[derive(Debug)]
struct Level {
    listing: Listing,
    /// Length of the folder's path, with its trailing slash.
    path_len: usize,
    included: Option<ParentMatch>,
    excluded: Option<ParentMatch>,
    /// Its own entry was given out.
    sent: bool,
}

/// What the patterns say about one path.
enum Fate {
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
    levels: Vec<Level>,
    selection: Selection,
    links: Links,
    ready: VecDeque<Entry>,
}

impl Walk {
    pub(super) fn new(root: PathBuf, selection: Selection) -> Result<Self, ContextError> {
        let listing = Listing::read(&root).map_err(|e| ContextError::at(&root, e))?;
        let mut full = root.into_os_string().into_encoded_bytes();
        if full.last() != Some(&b'/') {
            full.push(b'/');
        }
        Ok(Self {
            root_len: full.len(),
            levels: vec![Level { listing, path_len: full.len(), included: None, excluded: None, sent: true }],
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
        let Some(level) = self.levels.last_mut() else {
            return Ok(false);
        };
        self.full.truncate(level.path_len);
        let Some((name, folder)) = level.listing.next() else {
            self.levels.pop();
            return Ok(true);
        };
        self.full.extend_from_slice(name);
        let (fate, included, excluded) = self.judge(folder);
        if matches!(fate, Fate::Pruned) {
            return Ok(true);
        }
        let wanted = matches!(fate, Fate::Wanted);
        if wanted {
            self.give_out()?;
        }
        if folder {
            self.enter(wanted, included, excluded)?;
        }
        Ok(true)
    }

    /// As fsutil's filter: include patterns first, then exclude patterns; each may end the walk of a folder.
    fn judge(&self, folder: bool) -> (Fate, Option<ParentMatch>, Option<ParentMatch>) {
        let path = self.relative();
        let parent = self.levels.last();
        let mut fate = Fate::Wanted;
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
                    return (Fate::Pruned, None, None);
                }
                fate = Fate::Passed;
            }
        }
        if !excludes.is_empty() {
            let (matched, info) = ask(excludes, parent.and_then(|f| f.excluded.as_ref()));
            excluded = info;
            if matched {
                if folder && !excludes.may_except_below(path) {
                    return (Fate::Pruned, None, None);
                }
                fate = Fate::Passed;
            }
        }
        (fate, included, excluded)
    }

    /// Gives out the current entry, after the folders on the way to it that were passed before.
    fn give_out(&mut self) -> Result<(), ContextError> {
        let ends: Vec<usize> = self
            .levels
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
                self.levels.push(Level { listing, path_len: self.full.len() + 1, included, excluded, sent: wanted });
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
                    self.levels.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}
