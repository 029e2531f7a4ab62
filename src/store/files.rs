//! Files that survive a crash: replaced as a whole, or grown by whole lines.
//! What has been acknowledged is on the disk.
//! What the bytes mean is not known in here.

use super::error::StoreError;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the names of files begin with that are not whole yet.
const NEW: &str = ".new-";

/// Writes a file so that, whatever happens, either the old or the new content is there.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    written(path, content).map_err(StoreError::io(path, "write"))
}

/// As [`replace`], for what is made from the run's records and can be made again.
///
/// # Errors
/// When it cannot be written.
pub fn put(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    written(path, content).map_err(StoreError::not_put(path, "writing"))
}

fn written(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(NEW)
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Takes away what [`replace`] leaves in a folder when its program is killed in the middle of it. Only for a folder that
/// is locked: a file that is just being written looks the same.
pub(super) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(NEW.as_bytes()) {
            let _ = fs::remove_file(entry.path()); // it harms nobody
        }
    }
}

/// Points a symbolic link at a target, in one step for whoever looks.
pub(super) fn point(link: &Path, target: &Path) -> Result<(), StoreError> {
    let folder = link.parent().unwrap_or(Path::new("."));
    let pointed = || -> io::Result<()> {
        let new = folder.join(format!("{POINTING}{}", std::process::id()));
        for old in fs::read_dir(folder)?.flatten() {
            // Its program was killed between the two steps, or had the number of this one.
            if old.path() == new || old.file_name().to_str().is_some_and(of_dead) {
                let _ = fs::remove_file(old.path()); // if it stays, what follows says so
            }
        }
        symlink(target, &new)?;
        if let Err(error) = fs::rename(&new, link) {
            let _ = fs::remove_file(&new); // the rename's error is the one to show
            return Err(error);
        }
        sync_folder(folder)
    };
    pointed().map_err(StoreError::io(link, "point to the new run"))
}

/// What the names of links begin with that are about to take another's place; the number of their program follows.
const POINTING: &str = ".latest-";

/// Whether this is the name of such a link whose program is gone.
fn of_dead(name: &str) -> bool {
    let process = name.strip_prefix(POINTING).and_then(|number| Pid::from_raw(number.parse().ok()?));
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}

/// How long a lock may outlive its holder: a child that is just being started has a copy of it until it becomes another
/// program.
const HANDED_ON: Duration = Duration::from_millis(500);

/// Locks a folder against other programs, until the answer is dropped or the program dies.
pub(super) fn lock(folder: &Path) -> Result<File, StoreError> {
    let file = File::open(folder).map_err(StoreError::io(folder, "read"))?;
    let since = Instant::now();
    let locked = loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if since.elapsed() < HANDED_ON => std::thread::sleep(HANDED_ON / 50),
            other => break other,
        }
    };
    match locked {
        Err(Errno::WOULDBLOCK) => Err(StoreError::Busy { path: folder.to_owned() }),
        // A file system that knows no locks keeps nobody from working.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::NOLCK) => Ok(file),
        Err(error) => Err(StoreError::io(folder, "lock")(error.into())),
    }
}

/// Makes the names in a folder endure.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A file that grows by whole lines.
#[derive(Debug)]
pub(super) struct Growing {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Growing {
    /// Begins a file with its first line.
    pub fn create(path: &Path, head: &[u8]) -> Result<Self, StoreError> {
        let file =
            OpenOptions::new().append(true).create_new(true).open(path).map_err(StoreError::io(path, "create"))?;
        let mut growing = Self { path: path.to_owned(), file, length: 0 };
        growing.append(head)?;
        Ok(growing)
    }

    /// Goes on with a file after its first `length` bytes; what follows them is cut off.
    pub fn go_on(path: &Path, length: u64) -> Result<Self, StoreError> {
        let opened = || -> io::Result<File> {
            let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
            let file = OpenOptions::new().append(true).custom_flags(nofollow).open(path)?;
            file.set_len(length)?;
            file.sync_all()?;
            Ok(file)
        };
        Ok(Self { path: path.to_owned(), file: opened().map_err(StoreError::io(path, "write"))?, length })
    }

    /// Adds lines, and returns when they are on the disk. On an error none of them is there.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), StoreError> {
        let in_place = || -> io::Result<bool> {
            let (open, named) = (self.file.metadata()?, fs::metadata(&self.path)?);
            Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
        };
        if !in_place().unwrap_or(false) {
            // What is written into a file that was removed goes with it, and nobody is told.
            return Err(StoreError::Gone { path: self.path.clone() });
        }
        let mut added = || -> io::Result<()> {
            self.file.write_all(lines)?;
            self.file.sync_data()
        };
        if let Err(error) = added() {
            // If even this fails, the torn line is recognised when it is read.
            let _ = self.file.set_len(self.length);
            return Err(StoreError::io(&self.path, "write")(error));
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Bytes of whole lines.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes back what was added after the first `length` bytes, as far as that is possible.
    pub fn take_back(&mut self, length: u64) {
        if self.file.set_len(length).is_ok() {
            self.length = length;
        }
    }
}
