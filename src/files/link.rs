//! Symbolic links that are pointed elsewhere in one step.

use super::sync::{folder_of, sync_folder};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Points a symbolic link at a target, in one step for whoever looks.
///
/// # Errors
/// When that fails, or something else than a link or a file is in its place; nothing is changed then.
pub fn point(link: &Path, target: &Path) -> io::Result<()> {
    let folder = folder_of(link);
    let prefix = format!(".{}-", link.file_name().unwrap_or_default().to_string_lossy());
    let new = folder.join(format!("{prefix}{}", std::process::id()));
    for old in fs::read_dir(folder)?.flatten() {
        // Its program was killed between the two steps, or had the number of this one.
        if old.path() == new || old.file_name().to_str().is_some_and(|name| of_dead(name, &prefix)) {
            let _ = fs::remove_file(old.path()); // if it stays, what follows says so
        }
    }
    symlink(target, &new)?;
    if let Err(error) = fs::rename(&new, link) {
        let _ = fs::remove_file(&new); // the rename's error is the one to show
        return Err(error);
    }
    sync_folder(folder)
}

/// Whether this is the name of a link that was about to take another's place, and whose program is gone. The number of
/// the program follows the prefix.
fn of_dead(name: &str, prefix: &str) -> bool {
    let process = name.strip_prefix(prefix).and_then(|number| Pid::from_raw(number.parse().ok()?));
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::parent_id;

    #[test]
    fn a_link_is_pointed_elsewhere_and_what_the_dead_left_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mut killed = std::process::Command::new("true").spawn().unwrap();
        killed.wait().unwrap();
        let (dead, alive) = (format!(".latest-{}", killed.id()), format!(".latest-{}", parent_id()));
        symlink("nowhere", at(&dead)).unwrap();
        symlink("somewhere", at(&alive)).unwrap();
        for target in ["one", "two"] {
            point(&at("latest"), Path::new(target)).unwrap();
            assert_eq!(fs::read_link(at("latest")).unwrap(), Path::new(target));
        }
        assert!(!at(&dead).is_symlink() && at(&alive).is_symlink());
        fs::create_dir(at("folder")).unwrap();
        assert!(point(&at("folder"), Path::new("one")).is_err());
        assert!(at("folder").is_dir() && fs::read_dir(dir.path()).unwrap().count() == 3);
    }
}
