//! A hash of what an engine would see of a context: paths, modes, contents, link targets; no times, no owners.
//!
//! It tells two states of a project apart. It is not BuildKit's own checksum and must not be compared with it.

use super::context_error::ContextError;
use super::entry::{Entry, Kind};
use super::root::Context;
use super::selection::Selection;
use crate::project::ignore::PatternList;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Hashes the context at `root` without what `excludes` leaves out.
///
/// # Errors
/// When the context, or anything in it that is not excluded, cannot be read.
pub fn digest(root: &Path, excludes: PatternList) -> Result<[u8; 32], ContextError> {
    let context = Context::open(root)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    for entry in context.walk(Selection::excluding(excludes))? {
        let entry = entry?;
        describe(&mut hash, &entry);
        if entry.kind == Kind::File {
            hash.update(content(&context, &entry, &mut buffer)?);
        }
    }
    Ok(hash.finalize().into())
}

/// Every field with its length, so that no two entries read alike.
fn describe(hash: &mut Sha256, entry: &Entry) {
    // A further name of a file is hashed by its content, as the file that it is.
    let link: &[u8] = if entry.kind == Kind::Symlink { &entry.link } else { b"" };
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    field(&entry.path);
    field(&entry.mode.to_le_bytes());
    field(link);
    field(&entry.device.0.to_le_bytes());
    field(&entry.device.1.to_le_bytes());
    field(&entry.xattrs.len().to_le_bytes());
    for (name, value) in &entry.xattrs {
        field(name);
        field(value);
    }
}

fn content(context: &Context, entry: &Entry, buffer: &mut [u8]) -> Result<[u8; 32], ContextError> {
    let mut hash = Sha256::new();
    let mut read = || -> std::io::Result<()> {
        let mut file = match context.open_file(&entry.path) {
            Ok(file) => file,
            // A socket cannot be opened, and is an empty file to the engine.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        loop {
            match file.read(buffer)? {
                0 => return Ok(()),
                length => hash.update(buffer.get(..length).unwrap_or_default()),
            }
        }
    };
    read().map_err(|e| ContextError::Unreadable(context.root().join(OsStr::from_bytes(&entry.path)), e))?;
    Ok(hash.finalize().into())
}
