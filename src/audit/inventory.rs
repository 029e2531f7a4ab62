//! What is in a file system that an engine exports as a tar stream: paths, kinds, modes, owners, sizes, capabilities.
//! The stream is read once; of the contents only a few small files are kept. What it means is not known in here.

use super::members::{Member, Members};
use crate::model::Bytes;
use std::collections::BTreeMap;
use std::io::{self, Read};
use tar::EntryType;

/// The longest content that is kept of one file, and of all.
const LONGEST: u64 = 8 << 20;
const LONGEST_TOGETHER: u64 = 12 << 20;
/// Of a file that may be a key, only this much is looked at.
const KEY_HEAD: u64 = 4096;
/// More entries than any image has; more would be an attack on the memory of the reader.
pub const MOST_ENTRIES: usize = 2_000_000;
/// The same for the bytes of all paths together.
pub const MOST_PATH_BYTES: usize = 256 << 20;

/// The same for the bytes that its files claim to have: sums of them stay numbers.
pub const MOST_FILE_BYTES: u64 = 1 << 60;

/// What is said of an image that is over one of these limits.
pub fn too_many() -> io::Error {
    io::Error::other(format!(
        "more than {MOST_ENTRIES} paths, {} of paths, or {} of files",
        Bytes(MOST_PATH_BYTES as u64),
        Bytes(MOST_FILE_BYTES)
    ))
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A further name of a file that stands elsewhere in the stream.
    HardLink,
    /// A device, pipe or socket.
    Special,
}

/// One path of the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Path without a leading or trailing `/`.
    pub path: Box<str>,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, with set-uid, set-gid and sticky bit.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of a regular file, else 0.
    pub size: u64,
    /// Has file capabilities.
    pub capability: bool,
    /// Begins like a private key.
    pub private_key: bool,
}

impl FileEntry {
    /// What a tar stream says of a path.
    #[must_use]
    pub fn of(member: &Member) -> Self {
        let kind = match member.kind {
            EntryType::Directory => FileKind::Folder,
            EntryType::Symlink => FileKind::Link,
            EntryType::Link => FileKind::HardLink,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => FileKind::File,
            _ => FileKind::Special,
        };
        Self {
            path: member.path.as_str().into(),
            kind,
            mode: member.mode,
            uid: member.uid,
            gid: member.gid,
            size: member.size,
            capability: member.capability,
            private_key: false,
        }
    }

    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        name_of(&self.path)
    }
}

/// The last part of a path.
#[must_use]
pub fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A whole file system.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// All paths, without what the engine itself adds to an export.
    pub entries: Vec<FileEntry>,
    /// Contents of the few files that say what is installed and who users are.
    pub contents: BTreeMap<String, Vec<u8>>,
}

impl Inventory {
    /// Reads a tar stream to its end.
    ///
    /// # Errors
    /// When the stream breaks off, is no tar, or has more entries than [`MOST_ENTRIES`].
    pub fn read(stream: impl Read) -> io::Result<Self> {
        let mut inventory = Self::default();
        let mut room = LONGEST_TOGETHER;
        let (mut path_bytes, mut file_bytes) = (0, 0_u64);
        let mut members = Members::new(stream);
        while let Some(member) = members.following()? {
            if member.path.is_empty() || added_by_engine(&member.path, member.kind) {
                continue;
            }
            path_bytes += member.path.len();
            file_bytes = file_bytes.saturating_add(member.size);
            let full = inventory.entries.len() >= MOST_ENTRIES;
            if full || path_bytes > MOST_PATH_BYTES || file_bytes > MOST_FILE_BYTES {
                return Err(too_many());
            }
            let mut found = FileEntry::of(&member);
            if found.kind == FileKind::File && maybe_key(&found.path) {
                found.private_key = looks_like_key(&mut members)?;
            } else if found.kind == FileKind::File && kept(&found.path) && found.size <= LONGEST.min(room) {
                let mut content = Vec::new();
                members.by_ref().take(LONGEST).read_to_end(&mut content)?;
                room -= content.len() as u64;
                inventory.contents.insert(found.path.to_string(), content);
            }
            inventory.entries.push(found);
        }
        Ok(inventory)
    }

    /// Bytes of all regular files, hard links counted once.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    /// Number of regular files, hard links counted once.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.entries.iter().filter(|entry| entry.kind == FileKind::File).count() as u64
    }

    /// A kept file's text.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        self.contents.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// What an engine puts into every export, although no image holds it.
fn added_by_engine(path: &str, kind: EntryType) -> bool {
    match path {
        ".dockerenv" | "dev" | "proc" | "sys" | "dev/pts" | "dev/shm" | "dev/console" | "etc/mtab" => true,
        // The engine mounts its own over these: empty files here, unless the image has links.
        "etc/hosts" | "etc/hostname" | "etc/resolv.conf" => kind != EntryType::Symlink,
        _ => false,
    }
}

/// Files whose contents say what is installed or who users are.
fn kept(path: &str) -> bool {
    let named = ["etc/passwd", "etc/group", "var/lib/dpkg/status", "lib/apk/db/installed", "usr/lib/apk/db/installed"];
    let one_each = path.strip_prefix("var/lib/dpkg/status.d/").is_some_and(|name| !name.ends_with(".md5sums"));
    named.contains(&path) || one_each
}

/// Files that hold a private key if they begin like one.
pub(super) fn maybe_key(path: &str) -> bool {
    [".pem", ".key"].iter().any(|end| path.ends_with(end))
}

pub(super) fn looks_like_key(content: &mut impl Read) -> io::Result<bool> {
    let mut head = Vec::new();
    content.take(KEY_HEAD).read_to_end(&mut head)?;
    Ok(String::from_utf8_lossy(&head).contains("PRIVATE KEY-----"))
}
