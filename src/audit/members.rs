//! The members of a tar stream, one after the other, with what PAX and GNU extensions say of them.
//!
//! The `tar` crate parses the headers. Its own reader is not used: it splits PAX records at newlines, which the
//! capabilities of a file may hold, and then loses long paths too.

use crate::text::visible;
use std::io::{self, Read};
use tar::{EntryType, Header};

const BLOCK: usize = 512;
/// The longest extension that is read; real ones have some hundred bytes.
const LONGEST_EXTENSION: u64 = 1 << 20;
/// The attribute that holds a file's capabilities, as tar streams of engines carry it.
const CAPABILITY: &[u8] = b"SCHILY.xattr.security.capability";

/// What stands in front of a member's content.
#[derive(Clone, Debug)]
pub struct Member {
    /// Path without `./`, leading and trailing `/`.
    pub path: String,
    /// Target of a link, as it stands there.
    pub link: Vec<u8>,
    /// What it is; a folder under an old form of it is one here.
    pub kind: EntryType,
    /// Permission bits, with set-uid, set-gid and sticky bit.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of the file; of one with holes, with them.
    pub size: u64,
    /// Has file capabilities.
    pub capability: bool,
}

/// Reads members. As a reader it gives the content of the last one.
pub struct Members<R> {
    stream: R,
    /// Bytes of the content that were not read yet, and of what fills it up to whole blocks.
    unread: u64,
    filling: u64,
}

/// What extensions say of the member that follows them.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    /// Bytes of its content in the stream.
    size: Option<u64>,
    /// Bytes of the file, holes included.
    real_size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    capability: bool,
}

fn broken(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a tar stream {}", what.into()))
}

/// What the `tar` crate says of a header, which quotes it.
fn unreadable(error: &io::Error) -> io::Error {
    broken(format!("has a header that cannot be read ({})", visible(&error.to_string())))
}

impl<R: Read> Members<R> {
    /// Of a stream that is at its beginning.
    pub fn new(stream: R) -> Self {
        Self { stream, unread: 0, filling: 0 }
    }

    /// The next member; what was not read of the last one is passed over. `None` at the end.
    ///
    /// # Errors
    /// When the stream breaks off or is no tar.
    pub fn following(&mut self) -> io::Result<Option<Member>> {
        let mut extension = Extension::default();
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            match header.entry_type() {
                EntryType::XHeader => extension.take_records(&self.extension()?)?,
                EntryType::GNULongName => extension.path = Some(text(self.extension()?)),
                EntryType::GNULongLink => extension.link = Some(text(self.extension()?)),
                // What a global header says of all members is nothing that is asked here.
                EntryType::XGlobalHeader => {}
                _ => return self.member(&header, extension).map(Some),
            }
        }
    }

    /// The next header; the place behind it is that of its content.
    fn header(&mut self) -> io::Result<Option<Header>> {
        let rest = self.unread.saturating_add(self.filling);
        if io::copy(&mut self.stream.by_ref().take(rest), &mut io::sink())? < rest {
            return Err(broken("breaks off within a file"));
        }
        (self.unread, self.filling) = (0, 0);
        let mut block = Vec::with_capacity(BLOCK);
        self.stream.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        // A stream that ends where a header may stand is whole, even if the empty blocks are missing.
        if block.iter().all(|byte| *byte == 0) && (block.is_empty() || block.len() == BLOCK) {
            return Ok(None);
        }
        if block.len() < BLOCK {
            return Err(broken("breaks off within a header"));
        }
        let header = Header::from_byte_slice(&block).clone();
        let sum: u32 =
            block.iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { u32::from(*b) }).sum();
        if header.cksum().map_err(|error| unreadable(&error))? != sum {
            return Err(broken("has a header whose checksum is wrong"));
        }
        self.unread = header.entry_size().map_err(|error| unreadable(&error))?;
        self.fill();
        Ok(Some(header))
    }

    fn fill(&mut self) {
        // What is missing to a whole number of blocks; a size near the largest number has some too.
        self.filling = self.unread.wrapping_neg() % BLOCK as u64;
    }

    fn extension(&mut self) -> io::Result<Vec<u8>> {
        if self.unread > LONGEST_EXTENSION {
            return Err(broken(format!("has an extension of {} bytes", self.unread)));
        }
        let (expected, mut content) = (self.unread, Vec::new());
        self.read_to_end(&mut content)?;
        if content.len() as u64 == expected { Ok(content) } else { Err(broken("breaks off within an extension")) }
    }

    fn member(&mut self, header: &Header, extension: Extension) -> io::Result<Member> {
        let mut kind = header.entry_type();
        let path = extension.path.unwrap_or_else(|| header.path_bytes().into_owned());
        if kind.is_file() && path.ends_with(b"/") {
            kind = EntryType::Directory;
        }
        if let Some(size) = extension.size {
            self.unread = size;
        }
        let mut size = self.unread;
        let content = kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse();
        let none = kind.is_hard_link() || kind.is_symlink() || kind.is_dir() || kind.is_character_special();
        if none || kind.is_block_special() || kind.is_fifo() {
            self.unread = 0;
        }
        self.fill();
        if kind.is_gnu_sparse() {
            let gnu = header.as_gnu().ok_or_else(|| broken("has a file with holes that is not GNU's"))?;
            size = gnu.real_size().map_err(|error| unreadable(&error))?;
            self.pass_maps(gnu.is_extended())?;
        }
        size = extension.real_size.unwrap_or(size);
        Ok(Member {
            path: clean_path(&path),
            link: extension.link.or_else(|| header.link_name_bytes().map(|name| name.into_owned())).unwrap_or_default(),
            kind,
            // Programs leave fields empty that have no meaning for the kind.
            mode: header.mode().unwrap_or(0) & 0o7777,
            uid: extension.uid.unwrap_or_else(|| header.uid().unwrap_or(0)),
            gid: extension.gid.unwrap_or_else(|| header.gid().unwrap_or(0)),
            size: if content { size } else { 0 },
            capability: extension.capability,
        })
    }

    /// Blocks that say where a file's holes are, in front of its content and not counted in its size.
    fn pass_maps(&mut self, mut more: bool) -> io::Result<()> {
        while more {
            let mut map = tar::GnuExtSparseHeader::new();
            self.stream.read_exact(map.as_mut_bytes())?;
            more = map.is_extended();
        }
        Ok(())
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.by_ref().take(self.unread).read(into)?;
        self.unread -= read as u64;
        Ok(read)
    }
}

impl Extension {
    /// Records of the form `LENGTH KEY=VALUE\n`, where the length counts all of it, and a value may hold anything.
    fn take_records(&mut self, mut records: &[u8]) -> io::Result<()> {
        let wrong = || broken("has a PAX record whose length is wrong");
        while !records.is_empty() {
            let space = records.iter().position(|byte| *byte == b' ').ok_or_else(wrong)?;
            let length = number(&records[..space]).and_then(|length| usize::try_from(length).ok()).ok_or_else(wrong)?;
            let record = records.get(space + 1..length).and_then(|record| record.strip_suffix(b"\n"));
            let record = record.ok_or_else(wrong)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
            self.take(&record[..equals], &record[equals + 1..]);
            records = &records[length..];
        }
        Ok(())
    }

    fn take(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"path" | b"GNU.sparse.name" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = number(value),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.real_size = number(value),
            b"uid" => self.uid = number(value),
            b"gid" => self.gid = number(value),
            CAPABILITY => self.capability = !value.is_empty(),
            _ => {}
        }
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A GNU extension's text ends at its first zero byte.
fn text(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
        bytes.truncate(end);
    }
    bytes
}

/// A path without `./`, leading and trailing `/`.
#[must_use]
pub fn clean_path(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of members with these kinds, names and contents.
    fn stream(members: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (kind, name, content) in members {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_path(name).unwrap();
            header.set_size(content.len() as u64);
            header.set_cksum();
            tar.append(&header, *content).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn all(bytes: &[u8]) -> io::Result<Vec<Member>> {
        let mut members = Members::new(bytes);
        std::iter::from_fn(|| members.following().transpose()).collect()
    }

    #[test]
    fn records_are_read_by_their_length_whatever_the_values_hold() {
        let value: &[u8] = b"\x01\0\0\x02\n\x0a=5 a\n\0";
        let mut records = Vec::new();
        for (key, value) in [("SCHILY.xattr.security.capability", value), ("path", b"long/name"), ("size", b"3")] {
            let rest = key.len() + value.len() + 3;
            let length = rest
                + if rest + 2 > 99 {
                    3
                } else if rest + 1 > 9 {
                    2
                } else {
                    1
                };
            records.extend_from_slice(format!("{length} {key}=").as_bytes());
            records.extend_from_slice(value);
            records.push(b'\n');
        }
        let bytes = stream(&[(EntryType::XHeader, "x", &records), (EntryType::Regular, "short", b"abc")]);
        let found = all(&bytes).unwrap();
        assert_eq!(
            (found[0].path.as_str(), found[0].size, found[0].capability, found.len()),
            ("long/name", 3, true, 1)
        );
        for wrong in [&b"3"[..], b"99 a=b\n", b"4 a=", b"x a=b\n", b"5 ab\n", b"18446744073709551615 a=b\n", b"0 a=b\n"]
        {
            assert!(all(&stream(&[(EntryType::XHeader, "x", wrong)])).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn long_names_old_folders_and_links_with_a_size_are_understood() {
        let long = "n".repeat(300);
        let bytes = stream(&[
            (EntryType::XGlobalHeader, "g", b"12 path=no\n\n"),
            (EntryType::GNULongName, "././@LongLink", format!("{long}\0").as_bytes()),
            (EntryType::Regular, "cut", b"12345"),
            (EntryType::Regular, "folder/", b""),
            (EntryType::Regular, "last", &[7; 512]),
        ]);
        let found = all(&bytes).unwrap();
        let shown: Vec<_> = found.iter().map(|m| (m.path.as_str(), m.kind, m.size)).collect();
        assert_eq!(
            shown,
            [
                (long.as_str(), EntryType::Regular, 5),
                ("folder", EntryType::Directory, 0),
                ("last", EntryType::Regular, 512)
            ]
        );
        for cut in [100, 513, 1024 + 600, bytes.len() - 1024 - 1] {
            assert!(all(&bytes[..cut]).is_err(), "{cut}");
        }
        assert_eq!(all(&bytes[..bytes.len() - 1024]).unwrap().len(), 3, "without the blocks of its end");
    }

    #[test]
    fn the_size_of_a_file_is_that_with_its_holes() {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNUSparse);
        header.set_path("holes").unwrap();
        header.set_size(4);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(1 << 20);
        gnu.set_is_extended(true);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend_from_slice(&[0; 512]);
        bytes.extend_from_slice(b"data");
        bytes.extend_from_slice(&[0; 508]);
        bytes.extend_from_slice(&stream(&[(EntryType::Regular, "next", b"x")]));
        let found = all(&bytes).unwrap();
        assert_eq!((found[0].size, found[1].path.as_str()), (1 << 20, "next"));
    }
}
