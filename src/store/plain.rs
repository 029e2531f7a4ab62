//! Whether a folder holds a run, and nothing in it is somebody else's.

use super::schema::{FILES, FOLDERS, RECORD};
use super::store_error::StoreError;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of a run, after links.
pub(super) fn found(path: &Path) -> Result<PathBuf, StoreError> {
    if !path.join(RECORD).exists() {
        return Err(StoreError::NotARun { path: path.to_owned() });
    }
    let path = path.canonicalize().map_err(StoreError::io(path, "read"))?;
    plain(&path).map(|()| path)
}

/// Refuses a folder with links in it.
pub(super) fn plain(path: &Path) -> Result<(), StoreError> {
    let is_not = |name: &str, wanted: fn(&fs::FileType) -> bool| {
        path.join(name).symlink_metadata().is_ok_and(|data| !wanted(&data.file_type()))
    };
    let files = FILES.into_iter().filter(|name| is_not(name, fs::FileType::is_file));
    let folders = FOLDERS.into_iter().filter(|name| is_not(name, fs::FileType::is_dir));
    match files.chain(folders).next() {
        Some(name) => Err(StoreError::NotPlain { path: path.join(name) }),
        None => Ok(()),
    }
}
