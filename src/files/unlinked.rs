//! Files that are opened as what they are.

use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a file with these options, but never through a link that was put in its place after it was looked at; and
/// without waiting for the other end of a pipe.
///
/// # Errors
/// Those of the operating system; of a link, that there are too many.
pub fn open_unlinked(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default()).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_file_is_opened_and_a_link_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        let mut text = String::new();
        open_unlinked(OpenOptions::new().read(true), &file).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        for options in [OpenOptions::new().read(true), OpenOptions::new().append(true)] {
            assert!(open_unlinked(options, &link).is_err());
        }
    }
}
