//! The names of one folder, sorted, in one piece of memory: a folder of 100,000 files costs about 2 MB.
//!
//! Names and whether they are folders; nothing else is asked of the file system.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A sorted listing, read from the front.
#[derive(Debug)]
pub(super) struct Listing {
    names: Vec<u8>,
    /// Start, length and whether it is a folder.
    items: Vec<(u32, u16, bool)>,
    next: usize,
}

impl Listing {
    /// Lists a folder.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let mut names = Vec::new();
        let mut items = Vec::new();
        for item in std::fs::read_dir(folder)? {
            let item = item?;
            let is_folder = match item.file_type() {
                Ok(kind) => kind.is_dir(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let name = item.file_name();
            let bytes = name.as_bytes();
            let (Ok(start), Ok(length)) = (u32::try_from(names.len()), u16::try_from(bytes.len())) else {
                return Err(io::Error::other("the folder holds more than 4 GB of names"));
            };
            names.extend_from_slice(bytes);
            items.push((start, length, is_folder));
        }
        items.sort_unstable_by(|a, b| name(&names, *a).cmp(name(&names, *b)));
        Ok(Self { names, items, next: 0 })
    }

    /// The next name, and whether it is a folder (a link to a folder is not).
    pub(super) fn next(&mut self) -> Option<(&[u8], bool)> {
        let item = *self.items.get(self.next)?;
        self.next += 1;
        Some((name(&self.names, item), item.2))
    }
}

fn name(names: &[u8], (start, length, _): (u32, u16, bool)) -> &[u8] {
    let start = start as usize;
    names.get(start..start + usize::from(length)).unwrap_or_default()
}
