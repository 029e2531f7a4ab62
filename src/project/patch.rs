//! Patches as `git diff` writes them, applied to the files of a folder that is the caller's to change.
//! Exact: no line may be elsewhere than the patch says, and all of it applies or nothing.

use git2::{Diff, IndexEntry, IndexTime, Oid, Repository};
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// Why a patch was not applied, in one line that completes "found …".
#[derive(Debug)]
pub enum PatchError {
    /// A text that is no patch, and what the library says of it.
    NoPatch(String),
    /// A patch of other files than those in the folder.
    DoesNotApply(String),
    /// A patch of something that is no plain file of the folder.
    NotPlain(PathBuf),
    /// The library could not work it out.
    Broken(String),
    /// There is no room to work it out in.
    NoRoom(io::Error),
    /// A file that cannot be read or written.
    Io(PathBuf, io::Error),
}

impl PatchError {
    fn broken(error: git2::Error) -> Self {
        Self::Broken(said(&error))
    }
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPatch(why) => write!(f, "text that is no patch ({why})"),
            Self::DoesNotApply(why) => write!(f, "a patch that does not apply ({why})"),
            Self::NotPlain(path) => write!(f, "a patch of {path:?}, which is no plain file of the project"),
            Self::Broken(why) => f.write_str(why),
            Self::NoRoom(error) => error.fmt(f),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for PatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoRoom(error) | Self::Io(_, error) => Some(error),
            _ => None,
        }
    }
}

fn said(error: &git2::Error) -> String {
    error.message().trim().to_owned()
}

/// Applies a patch to a folder.
///
/// # Errors
/// What was found. Nothing is changed then.
pub fn apply(patch: &[u8], folder: &Path) -> Result<(), PatchError> {
    let broken = PatchError::broken;
    let diff = Diff::from_buffer(patch).map_err(|error| PatchError::NoPatch(said(&error)))?;
    let paths = paths(&diff, folder)?;
    let store = tempfile::tempdir().map_err(PatchError::NoRoom)?;
    let repository = Repository::init_bare(store.path()).map_err(broken)?;
    let mut before = repository.index().map_err(broken)?;
    for path in &paths {
        let Some((content, mode)) = read(&folder.join(path))? else { continue };
        let blob = repository.blob(&content).map_err(broken)?;
        before.add(&entry(path, blob, mode)).map_err(broken)?;
    }
    let tree = before.write_tree_to(&repository).and_then(|id| repository.find_tree(id)).map_err(broken)?;
    let after = repository.apply_to_tree(&tree, &diff, None).map_err(|error| PatchError::DoesNotApply(said(&error)))?;
    for path in &paths {
        let written = match after.get_path(path, 0) {
            Some(entry) => {
                let blob = repository.find_blob(entry.id).map_err(broken)?;
                write(&folder.join(path), blob.content(), entry.mode)
            }
            None => fs::remove_file(folder.join(path)),
        };
        written.map_err(|error| PatchError::Io(path.clone(), error))?;
    }
    Ok(())
}

/// The files that a patch names: plain paths inside the folder, reached through no symbolic link.
fn paths(diff: &Diff<'_>, folder: &Path) -> Result<BTreeSet<PathBuf>, PatchError> {
    let mut paths = BTreeSet::new();
    for delta in diff.deltas() {
        for path in [delta.old_file().path(), delta.new_file().path()].into_iter().flatten() {
            let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
            let linked = path.ancestors().any(|part| folder.join(part) != *folder && folder.join(part).is_symlink());
            if !plain || linked {
                return Err(PatchError::NotPlain(path.to_owned()));
            }
            paths.insert(path.to_owned());
        }
    }
    Ok(paths)
}

fn read(path: &Path) -> Result<Option<(Vec<u8>, u32)>, PatchError> {
    match path.symlink_metadata() {
        Err(_) => Ok(None),
        Ok(data) => {
            let content = fs::read(path).map_err(|error| PatchError::Io(path.to_owned(), error))?;
            let executable = data.permissions().mode() & 0o111 != 0;
            Ok(Some((content, if executable { 0o100_755 } else { 0o100_644 })))
        }
    }
}

fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    if path.exists() {
        fs::remove_file(path)?;
    }
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(if mode & 0o111 != 0 { 0o755 } else { 0o644 }))
}

fn entry(path: &Path, id: Oid, mode: u32) -> IndexEntry {
    let never = IndexTime::new(0, 0);
    IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_os_str().as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test says what went wrong by failing
    use super::*;

    const PATCH: &str = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n\
        diff --git a/sub/new.txt b/sub/new.txt\nnew file mode 100755\n--- /dev/null\n+++ b/sub/new.txt\n@@ -0,0 +1 @@\n+new\n\
        diff --git a/old.txt b/old.txt\ndeleted file mode 100644\n--- a/old.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n";

    #[test]
    fn a_patch_changes_makes_and_removes_files() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.txt"), "one\ntwo\n").unwrap();
        fs::write(dir.path().join("old.txt"), "old\n").unwrap();
        fs::write(dir.path().join("other.txt"), "kept\n").unwrap();
        apply(PATCH.as_bytes(), dir.path()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("a.txt")).unwrap(), "one\nthree\n");
        let new = dir.path().join("sub/new.txt");
        assert_eq!(fs::read_to_string(&new).unwrap(), "new\n");
        assert_eq!(new.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert!(!dir.path().join("old.txt").exists() && dir.path().join("other.txt").exists());
    }

    #[test]
    fn one_that_does_not_apply_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.txt"), "one\nelse\n").unwrap();
        fs::write(dir.path().join("old.txt"), "old\n").unwrap();
        assert!(apply(PATCH.as_bytes(), dir.path()).unwrap_err().to_string().contains("does not apply"));
        assert_eq!(fs::read_to_string(dir.path().join("a.txt")).unwrap(), "one\nelse\n");
        assert!(dir.path().join("old.txt").exists() && !dir.path().join("sub").exists());
        assert!(apply(b"hello\n", dir.path()).is_err());
        let outside = PATCH.replace("sub/new.txt", "../new.txt");
        assert!(apply(outside.as_bytes(), dir.path()).is_err());
        std::os::unix::fs::symlink("/tmp", dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("a.txt"), "one\ntwo\n").unwrap();
        assert!(apply(PATCH.as_bytes(), dir.path()).unwrap_err().to_string().contains("no plain file"));
    }
}
