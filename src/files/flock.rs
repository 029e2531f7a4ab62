//! Locks that one program holds against all others; the kernel lets go of them however it ends.

use rustix::fs::{FileType, FlockOperation, Mode, OFlags, flock, fstat, open};
use rustix::io::Errno;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest text about a holder that is read, in bytes.
const HOLDER_LIMIT: usize = 1000;

/// A file or folder that can be locked. Others cannot lock it from [`Lock::take`] until [`Lock::release`], or until the
/// value is dropped.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// How long a lock may outlive its holder: a child that is just being started has a copy of it until it becomes
    /// another program.
    pub const HANDED_ON: Duration = Duration::from_millis(500);

    /// A folder; a link to one is not followed.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn on_folder(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        Ok(Self(open(path, flags, Mode::empty())?.into()))
    }

    /// A file, which is made with these rights, whatever the umask says, if it is not there. Others may have made it, in
    /// a folder that everybody may write into: no link is followed, and nothing in it is changed.
    ///
    /// # Errors
    /// When it cannot be opened, or is something else than a plain file with one name.
    pub fn on_file(path: &Path, rights: u32) -> io::Result<Self> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        // Without CREATE first: some kernels refuse it for a file of somebody else in such a folder (fs.protected_regular).
        let file = match open(path, flags | OFlags::RDWR, Mode::empty()) {
            Err(Errno::NOENT) => made(path, flags, rights)?,
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => {
                File::from(open(path, flags | OFlags::RDONLY, Mode::empty())?)
            }
            opened => File::from(opened?),
        };
        let facts = fstat(&file)?;
        if FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile && facts.st_nlink == 1 {
            Ok(Self(file))
        } else {
            Err(io::Error::other("not a plain file with one name"))
        }
    }

    /// Locks it, if no other program has; says whether it is locked now. A file system that knows no locks keeps nobody
    /// from working.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn take(&self) -> io::Result<bool> {
        match flock(&self.0, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::NOLCK) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Lock::take`], and tries again for that long.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn take_within(&self, patience: Duration) -> io::Result<bool> {
        let since = Instant::now();
        loop {
            let taken = self.take()?;
            if taken || since.elapsed() >= patience {
                return Ok(taken);
            }
            std::thread::sleep(patience / 50);
        }
    }

    /// Lets go of it.
    pub fn release(&self) {
        let _ = flock(&self.0, FlockOperation::Unlock); // it goes with the value at the latest
    }

    /// Writes into a file who has locked it, for those who wait. All such texts begin with `mark`; a file with anything
    /// else in it belongs to somebody else, and is not written to.
    pub fn sign(&self, mark: &str, text: &str) {
        let before = self.content();
        if before.is_empty() || before.starts_with(mark) {
            let _ = self.0.set_len(0).and_then(|()| self.0.write_all_at(text.as_bytes(), 0)); // the lock counts
        }
    }

    /// Takes such a text out of the file again. A file that may only be read keeps it.
    pub fn unsign(&self, mark: &str) {
        if self.content().starts_with(mark) {
            let _ = self.0.set_len(0);
        }
    }

    /// Who says in the file to have locked it, if anybody does. Any user can have written it.
    #[must_use]
    pub fn holder(&self, mark: &str) -> Option<String> {
        Some(self.content()).filter(|text| text.starts_with(mark))
    }

    fn content(&self) -> String {
        let mut text = vec![0; HOLDER_LIMIT];
        let length = self.0.read_at(&mut text, 0).unwrap_or(0);
        text.truncate(length);
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn made(path: &Path, flags: OFlags, rights: u32) -> io::Result<File> {
    let rights_then = Mode::from_raw_mode(rights);
    match open(path, flags | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, rights_then) {
        Err(Errno::EXIST) => Ok(File::from(open(path, flags | OFlags::RDWR, Mode::empty())?)),
        made => {
            let file = File::from(made?);
            file.set_permissions(Permissions::from_mode(rights))?;
            Ok(file)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const MARK: &str = "the run ";

    #[test]
    fn what_is_no_plain_file_is_not_locked() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("precious"), "gold").unwrap();
        std::os::unix::fs::symlink(at("precious"), at("link")).unwrap();
        fs::hard_link(at("precious"), at("second")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        for name in ["link", "second", "nowhere/lock", ".", "pipe"] {
            assert!(Lock::on_file(&at(name), 0o666).is_err(), "{name}");
        }
        assert_eq!(fs::read_to_string(at("precious")).unwrap(), "gold");
        std::os::unix::fs::symlink(dir.path(), at("folder")).unwrap();
        assert!(Lock::on_folder(&at("folder")).is_err() && Lock::on_folder(&at("precious")).is_err());
    }

    #[test]
    fn a_lock_holds_until_it_is_let_go_of_or_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let (first, second) = (Lock::on_file(&path, 0o666).unwrap(), Lock::on_file(&path, 0o600).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o666, "whatever the umask says");
        assert!(first.take().unwrap() && !second.take().unwrap());
        first.release();
        assert!(second.take().unwrap() && !first.take().unwrap());
        drop(second);
        assert!(first.take().unwrap());
        let (one, two) = (Lock::on_folder(dir.path()).unwrap(), Lock::on_folder(dir.path()).unwrap());
        assert!(one.take().unwrap() && !two.take_within(Duration::from_millis(20)).unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                drop(one);
            });
            assert!(two.take_within(Duration::from_secs(60)).unwrap());
        });
    }

    #[test]
    fn a_holder_is_named_and_a_file_of_somebody_else_is_never_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Lock::on_file(&path, 0o666).unwrap();
        assert_eq!(lock.holder(MARK), None);
        lock.sign(MARK, "the run a, which has a long name");
        lock.sign(MARK, "the run b");
        assert_eq!(Lock::on_file(&path, 0o666).unwrap().holder(MARK).as_deref(), Some("the run b"));
        lock.unsign(MARK);
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        fs::write(&path, "gold").unwrap();
        lock.sign(MARK, "the run a");
        lock.unsign(MARK);
        assert_eq!((lock.holder(MARK), fs::read_to_string(&path).unwrap()), (None, "gold".to_owned()));
    }
}
