//! Files that are written as a whole or not at all. A device or a pipe is written into, and stays what it is.

use super::sync::{folder_of, sync_folder};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What the names of files begin with that are not whole yet.
const NEW: &str = ".new-";
/// As many links may stand between a name and what it leads to; the kernel follows no more.
const MOST_LINKS: usize = 40;

/// Writes a file so that, whatever happens, either the old or the new content is there, with the rights 0644 less those
/// that the umask takes.
///
/// A symbolic link of that name is itself replaced by the file, wherever it leads: in a folder that came from others,
/// there may be one. What is neither file, folder nor link is written into.
///
/// # Errors
/// When that fails; the old content is then still there.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let special = path.symlink_metadata().is_ok_and(|found| !found.is_symlink() && is_special(&found));
    if special { pour(path, content) } else { put_in_place(path, content) }
}

/// As [`replace`], for a name that a user typed: a link that leads to a device or a pipe is followed, and so is one to
/// what this program itself was given to write to, such as `/dev/stdout`.
///
/// # Errors
/// When the file cannot be written.
pub fn deliver(path: &Path, content: &[u8]) -> io::Result<()> {
    let special = fs::metadata(path).is_ok_and(|found| is_special(&found)) || leads_to_open_file(path);
    if special { pour(path, content) } else { put_in_place(path, content) }
}

/// Takes away what [`replace`] leaves in a folder when its program is killed in the middle of it. Only for a folder that
/// is locked: a file that is just being written looks the same.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(NEW.as_bytes()) {
            let _ = fs::remove_file(entry.path()); // it harms nobody
        }
    }
}

fn is_special(found: &fs::Metadata) -> bool {
    !found.is_file() && !found.is_dir()
}

/// Whether a name stands for something that a process has opened, as `/dev/stdout` does.
fn leads_to_open_file(path: &Path) -> bool {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        let listed = at.parent().is_some_and(|folder| folder.ends_with("fd"));
        if listed && (at.starts_with("/proc") || at.starts_with("/dev")) {
            return true;
        }
        let Ok(to) = fs::read_link(&at) else { return false };
        at = folder_of(&at).join(to);
    }
    false
}

/// Writes into what is there. Appending changes nothing for a device or a pipe, and destroys nothing of a file.
fn pour(path: &Path, content: &[u8]) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.write_all(content)
}

fn put_in_place(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    // Not the crate's own way to make one: its errors name a file that nobody has heard of.
    let made = |new: &Path| OpenOptions::new().write(true).create_new(true).mode(0o644).open(new);
    let mut new = tempfile::Builder::new().prefix(NEW).make_in(folder, made)?;
    new.write_all(content)?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    use std::fs::File;
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::path::PathBuf;
    use tempfile::TempDir;

    /// Reads what comes out of a pipe while something writes into it.
    fn through_pipe(pipe: &Path, write: impl FnOnce()) -> String {
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut text = String::new();
                File::open(pipe).unwrap().read_to_string(&mut text).unwrap();
                text
            });
            write();
            reader.join().unwrap()
        })
    }

    fn pipe(dir: &TempDir) -> PathBuf {
        let path = dir.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        path
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_stays() {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "the old, which is longer").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        replace(&file, b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        let other = dir.path().join("plain");
        OpenOptions::new().write(true).create_new(true).mode(0o644).open(&other).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode(&file), mode(&other), "0644 less the umask");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        let said = replace(&dir.path().join("nowhere/file"), b"").unwrap_err().to_string();
        assert_eq!(said, "No such file or directory (os error 2)");
        assert!(replace(dir.path(), b"").is_err(), "a folder is no file");
        assert!(dir.path().is_dir() && fs::read_dir(dir.path()).unwrap().count() == 2);
    }

    #[test]
    fn a_link_is_replaced_and_what_it_leads_to_stays_as_it_is() {
        let dir = TempDir::new().unwrap();
        let (link, target) = (dir.path().join("link"), dir.path().join("target"));
        for write in [replace, deliver] {
            for there in [true, false] {
                let _ = fs::remove_file(&link);
                let _ = fs::remove_file(&target);
                if there {
                    fs::write(&target, "precious").unwrap();
                }
                symlink("target", &link).unwrap();
                write(&link, b"new").unwrap();
                assert!(link.symlink_metadata().unwrap().is_file());
                assert_eq!(fs::read_to_string(&link).unwrap(), "new");
                assert_eq!(fs::read_to_string(&target).ok(), there.then(|| "precious".to_owned()));
            }
        }
    }

    #[test]
    fn a_pipe_stays_a_pipe_also_behind_a_link() {
        let dir = TempDir::new().unwrap();
        let pipe = pipe(&dir);
        let link = dir.path().join("link");
        symlink("pipe", &link).unwrap();
        assert_eq!(through_pipe(&pipe, || replace(&pipe, b"one").unwrap()), "one");
        assert_eq!(through_pipe(&pipe, || deliver(&pipe, b"two").unwrap()), "two");
        assert_eq!(through_pipe(&pipe, || deliver(&link, b"three").unwrap()), "three");
        assert!(link.is_symlink() && pipe.symlink_metadata().unwrap().file_type().is_fifo());
        // One that may be somebody else's is not followed.
        replace(&link, b"four").unwrap();
        assert_eq!(fs::read_to_string(&link).unwrap(), "four");
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_device_stays_a_device() {
        let dir = TempDir::new().unwrap();
        let (null, full) = (dir.path().join("null"), dir.path().join("full"));
        for (path, minor) in [(&null, 3), (&full, 7)] {
            let made = mknodat(CWD, path, FileType::CharacterDevice, Mode::from_raw_mode(0o600), makedev(1, minor));
            if made.is_err() || OpenOptions::new().append(true).open(path).is_err() {
                return; // not everybody may make devices, nor open them everywhere
            }
        }
        for write in [replace, deliver] {
            write(&null, b"gone").unwrap();
            assert_eq!(write(&full, b"x").unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
        assert!(null.metadata().unwrap().file_type().is_char_device());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_socket_is_no_place_for_a_file() {
        let dir = TempDir::new().unwrap();
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(replace(&socket, b"x").is_err() && deliver(&socket, b"x").is_err());
        assert!(socket.metadata().unwrap().file_type().is_socket());
    }

    #[test]
    fn what_the_program_was_given_to_write_to_is_written_to() {
        use std::os::fd::AsRawFd;
        let dir = TempDir::new().unwrap();
        let (given, link) = (dir.path().join("given"), dir.path().join("stdout"));
        fs::write(&given, "before\n").unwrap();
        let open = OpenOptions::new().append(true).open(&given).unwrap();
        let listed = format!("/proc/self/fd/{}", open.as_raw_fd());
        symlink(&listed, &link).unwrap();
        deliver(&link, b"after\n").unwrap();
        deliver(Path::new(&listed), b"at last\n").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&given).unwrap(), "before\nafter\nat last\n");
    }

    #[test]
    fn what_a_killed_program_left_is_swept_away() {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join(".new-Ab12"), "half").unwrap();
        fs::write(dir.path().join("new"), "whole").unwrap();
        sweep(dir.path());
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["new"]);
    }
}
