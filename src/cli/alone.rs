//! One run at a time on a machine: two at once would measure each other. The second waits, and says for what by name.
//!
//! A file is locked as long as a run builds; the kernel lets go of it however the run ends. It is one for the whole
//! machine, whoever runs and whatever `LAYERBENCH_HOME` says, because all share one processor and one disk.

use super::{End, Stop};
use crate::engine::Interrupt;
use crate::model::visible;
use rustix::fs::{FileType, FlockOperation, Mode, OFlags, flock, fstat, open};
use rustix::io::Errno;
use std::fs::{File, Permissions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Names the file that is locked; `none` lets runs be made side by side, as tests of this program are.
const VARIABLE: &str = "LAYERBENCH_LOCK";
/// How often it is looked whether the other run has ended.
const POLL: Duration = Duration::from_millis(200);
/// The longest name of another run that is read, in bytes.
const NAME_LIMIT: u64 = 500;

/// Nobody else builds as long as this value lives.
pub struct Alone(Option<File>);

impl Alone {
    /// Waits until no other run builds on this machine. Others are told of this one by its id and what it builds.
    ///
    /// # Errors
    /// When the user wants to stop meanwhile, or the file cannot be used.
    pub fn wait(id: &str, what: &str, interrupt: &Interrupt) -> Result<Self, Stop> {
        let Some(path) = place() else { return Ok(Self(None)) };
        let failed = |e: &dyn std::fmt::Display| {
            Stop::failed(format!(
                "{}: {e}; it is locked so that no two runs measure each other: let {VARIABLE} name another file",
                path.display()
            ))
        };
        let mut file = opened(&path).map_err(|e| failed(&e))?;
        let mut told = String::new();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(e) => return Err(failed(&e)),
            }
            let other = holder(&mut file);
            if interrupt.is_raised() {
                return Err(Stop { end: End::Interrupted, text: format!("stopped while waiting for {other}") });
            }
            if other != told {
                eprintln!("waiting for {other}: two runs at once on one machine would measure each other");
                told = other;
            }
            std::thread::sleep(POLL);
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "the run {id} of {what} (process {})", std::process::id())
        };
        write(&mut file).map_err(|e| failed(&e))?;
        Ok(Self(Some(file)))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Who comes later must not be told of a run that has ended. The lock goes with the file.
        let _ = self.0.as_ref().map(|file| file.set_len(0));
    }
}

/// The file, or nothing for none.
fn place() -> Option<PathBuf> {
    match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        Some(value) if value == "none" => None,
        Some(value) => Some(PathBuf::from(value)),
        None => {
            let folder = Some(PathBuf::from("/run/lock")).filter(|folder| folder.is_dir());
            Some(folder.unwrap_or_else(std::env::temp_dir).join("layerbench.lock"))
        }
    }
}

/// Opens the file, which others may have made. Everybody may write into its folder: no link is followed.
fn opened(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Without CREATE first: some kernels refuse it for a file of somebody else in such a folder (fs.protected_regular).
    let file = match open(path, flags, Mode::empty()) {
        Err(Errno::NOENT) => {
            let made = File::from(open(path, flags | OFlags::CREATE, Mode::from_raw_mode(0o666))?);
            // For all, whatever the umask says; it stays as it is if somebody else was first.
            let _ = made.set_permissions(Permissions::from_mode(0o666));
            made
        }
        opened => File::from(opened?),
    };
    let facts = fstat(&file)?;
    if FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile && facts.st_nlink <= 1 {
        Ok(file)
    } else {
        Err(std::io::Error::other("not a plain file with one name"))
    }
}

/// The name of the run that holds the lock.
fn holder(file: &mut File) -> String {
    let mut name = Vec::new();
    let read = file.rewind().and_then(|()| (&*file).take(NAME_LIMIT).read_to_end(&mut name));
    let name = visible(&String::from_utf8_lossy(&name)).trim().to_owned();
    if read.is_err() || name.is_empty() { "another run".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plain_file_is_not_locked() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("precious"), "gold").unwrap();
        std::os::unix::fs::symlink(at("precious"), at("link")).unwrap();
        std::fs::hard_link(at("precious"), at("second")).unwrap();
        for name in ["link", "second", "nowhere/lock", "."] {
            assert!(opened(&at(name)).is_err(), "{name}");
        }
        assert!(opened(&at("lock")).is_ok() && opened(&at("lock")).is_ok());
        assert_eq!(std::fs::read_to_string(at("precious")).unwrap(), "gold");
    }
}
