//! One entry as fsutil describes it: Go's mode bits, hard links by the first name, owners left out.
//!
//! Asks the file system about one path; knows no patterns and no order.

use super::entry::{Entry, Kind};
use rustix::io::Errno;
use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Go's bit of a folder.
pub const GO_FOLDER: u32 = 1 << 31;
/// Go's bit of a symbolic link.
pub const GO_SYMLINK: u32 = 1 << 27;
const GO_DEVICE: u32 = 1 << 26;
const GO_PIPE: u32 = 1 << 25;
const GO_SETUID: u32 = 1 << 23;
const GO_SETGID: u32 = 1 << 22;
const GO_CHAR_DEVICE: u32 = 1 << 21;
const GO_STICKY: u32 = 1 << 20;
/// Go's bits that say what kind of file it is; none of them is set for a regular file.
pub const GO_TYPE: u32 = GO_FOLDER | GO_SYMLINK | GO_DEVICE | GO_PIPE | (1 << 24) | GO_CHAR_DEVICE | (1 << 19);

/// The first path of every file that has more than one name, by inode, as fsutil keeps it.
pub(super) type Links = HashMap<u64, Vec<u8>>;

/// Describes what is at `full`.
pub(super) fn entry(full: &Path, path: &[u8], links: &mut Links) -> io::Result<Entry> {
    let meta = full.symlink_metadata()?;
    let (kind, mode) = kind_and_mode(&meta);
    let mut entry = Entry {
        path: path.to_vec(),
        kind,
        mode,
        size: if kind == Kind::Folder { 0 } else { meta.size() },
        mtime_ns: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
        link: Vec::new(),
        device: (0, 0),
        xattrs: xattrs(full)?,
    };
    if kind == Kind::Special && !meta.file_type().is_fifo() {
        entry.device = (rustix::fs::major(meta.rdev()), rustix::fs::minor(meta.rdev()));
    }
    if kind != Kind::Folder && meta.nlink() > 1 {
        match links.get(&meta.ino()) {
            Some(first) => entry.link.clone_from(first),
            None => {
                links.insert(meta.ino(), path.to_vec());
            }
        }
    }
    if kind == Kind::Symlink {
        entry.link = std::fs::read_link(full)?.into_os_string().into_vec();
    }
    Ok(entry)
}

fn kind_and_mode(meta: &Metadata) -> (Kind, u32) {
    let kind = meta.file_type();
    let (kind, bits) = if kind.is_dir() {
        (Kind::Folder, GO_FOLDER)
    } else if kind.is_symlink() {
        (Kind::Symlink, GO_SYMLINK)
    } else if kind.is_fifo() {
        (Kind::Special, GO_PIPE)
    } else if kind.is_char_device() {
        (Kind::Special, GO_DEVICE | GO_CHAR_DEVICE)
    } else if kind.is_block_device() {
        (Kind::Special, GO_DEVICE)
    } else {
        // fsutil clears the bit of a socket, which leaves a regular file.
        (Kind::File, 0)
    };
    let unix = meta.mode();
    let special = [(0o4000, GO_SETUID), (0o2000, GO_SETGID), (0o1000, GO_STICKY)]
        .into_iter()
        .filter(|(bit, _)| unix & bit != 0)
        .fold(0, |sum, (_, go)| sum | go);
    (kind, bits | special | (unix & 0o777))
}

/// The extended attributes, in the order of their names; none where the file system has none.
fn xattrs(full: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut small = [0_u8; 256];
    let mut large = Vec::new();
    let names = match rustix::fs::llistxattr(full, &mut small[..]) {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(Vec::new()),
        Ok(length) => small.get(..length),
        Err(Errno::RANGE) => {
            large.resize(1 << 16, 0);
            let length = rustix::fs::llistxattr(full, &mut large[..])?;
            large.get(..length)
        }
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    let mut value = vec![0; 1 << 16];
    for name in names.unwrap_or_default().split(|b| *b == 0) {
        if name.is_empty() || name.starts_with(b"com.apple.") {
            continue;
        }
        if let Ok(length) = rustix::fs::lgetxattr(full, name, &mut value[..]) {
            found.push((name.to_vec(), value.get(..length).unwrap_or_default().to_vec()));
        }
    }
    found.sort();
    Ok(found)
}
