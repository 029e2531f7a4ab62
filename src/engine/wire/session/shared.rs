//! What all transfers of a session share: the folders that it offers, what went over so far, and what went wrong first.

use super::folder::Folder;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// What went over a session so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Times that the engine asked for a folder.
    pub calls: u64,
    /// Entries described to the engine.
    pub stats: u64,
    /// Files whose content the engine asked for.
    pub files: u64,
    /// Bytes of content that were sent.
    pub bytes: u64,
    /// Files that were gone when their content was asked for. They were sent empty, as the docker client sends
    /// them; a build with any cannot be trusted.
    pub vanished: u64,
}

/// What all transfers of a session share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folders: HashMap<Vec<u8>, Folder>,
    pub(super) calls: AtomicU64,
    pub(super) stats: AtomicU64,
    pub(super) files: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) vanished: AtomicU64,
    failure: Mutex<Option<String>>,
    pub(super) alive: Option<mpsc::Sender<()>>,
}

impl Shared {
    /// With these folders to offer.
    pub(super) fn new(folders: Vec<(String, Folder)>, alive: mpsc::Sender<()>) -> Self {
        Self {
            folders: folders.into_iter().map(|(name, f)| (name.into_bytes(), f)).collect(),
            alive: Some(alive),
            ..Self::closed()
        }
    }

    /// With nothing to offer.
    pub(super) fn closed() -> Self {
        Self {
            folders: HashMap::new(),
            calls: AtomicU64::new(0),
            stats: AtomicU64::new(0),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            vanished: AtomicU64::new(0),
            failure: Mutex::new(None),
            alive: None,
        }
    }

    /// What went over the session so far.
    pub(super) fn counters(&self) -> Transferred {
        Transferred {
            calls: self.calls.load(Relaxed),
            stats: self.stats.load(Relaxed),
            files: self.files.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            vanished: self.vanished.load(Relaxed),
        }
    }

    /// The first thing that could not be served.
    pub(super) fn failure(&self) -> Option<String> {
        lock(&self.failure).clone()
    }

    /// Keeps the first thing that could not be served.
    pub(super) fn fail(&self, text: &str) {
        lock(&self.failure).get_or_insert_with(|| text.to_owned());
    }
}

/// A lock that a panic elsewhere does not take away: what it guards is valid after every statement.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
