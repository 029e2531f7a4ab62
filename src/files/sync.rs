//! Folders that files are in.

use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::Path;

/// The folder that a path is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the names in a folder endure, where its file system can do that and its rights allow it.
///
/// # Errors
/// When the folder is not there, or its disk fails.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|opened| opened.sync_all()) {
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::ACCESS | Errno::INVAL | Errno::OPNOTSUPP)) => {
            Ok(())
        }
        synced => synced,
    }
}
