//! What a context consists of.

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
