//! Writing and locking as the store says that it failed.

use super::store_error::StoreError;
use crate::files::{self, Lock};
use std::path::Path;

/// Writes a file so that, whatever happens, either the old or the new content is there.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    files::replace(path, content).map_err(StoreError::io(path, "write"))
}

/// As [`replace`], for what is made from the run's records and can be made again.
pub(super) fn put(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    files::replace(path, content).map_err(StoreError::not_put(path, "writing"))
}

/// Locks a folder against other programs, until the answer is dropped or the program dies.
pub(super) fn lock(folder: &Path) -> Result<Lock, StoreError> {
    let lock = Lock::on_folder(folder).map_err(StoreError::io(folder, "read"))?;
    match lock.take_within(Lock::HANDED_ON).map_err(StoreError::io(folder, "lock"))? {
        true => Ok(lock),
        false => Err(StoreError::Busy { path: folder.to_owned() }),
    }
}
