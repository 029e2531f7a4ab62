//! The files of a revision, written to a folder of the caller's; and what of them is not there.

use super::git_error::GitError;
use git2::{ObjectType, Repository, Tree};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

/// Modes of git's tree entries.
const EXECUTABLE: i32 = 0o100_755;
const LINK: i32 = 0o120_000;
/// What a file begins with whose content is kept by LFS.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
/// A larger file is no pointer.
const LFS_LARGEST: u64 = 1024;
/// A revision with more files is refused: a few small trees can stand for any number of them.
const MOST_FILES: usize = 1_000_000;
/// A longer `.gitmodules` is not looked at.
const MODULES_LARGEST: u64 = 1 << 20;

/// What of a revision could not be written, for people; one line each.
pub type Remarks = Vec<String>;

/// Lays trees out. Everything is made anew and nothing is followed: in a tree that was made by hand a name may stand
/// twice, first as a link to elsewhere.
pub(super) struct Writing<'r> {
    repository: &'r Repository,
    remarks: Remarks,
    files: usize,
}

impl<'r> Writing<'r> {
    pub(super) fn of(repository: &'r Repository) -> Self {
        Self { repository, remarks: Remarks::new(), files: 0 }
    }

    /// What could not be written.
    pub(super) fn remarks(self) -> Remarks {
        self.remarks
    }

    /// Writes a tree, which stands at `inside` of what was asked for, into a folder that is there.
    pub(super) fn tree(&mut self, tree: &Tree<'_>, inside: &Path, to: &Path) -> Result<(), GitError> {
        for entry in tree {
            let name = std::str::from_utf8(entry.name_bytes()).map_err(|_| GitError::NotUtf8)?;
            if name.contains('/') || [".", "..", ".git"].contains(&name) {
                return Err(GitError::FileName(name.to_owned()));
            }
            self.files += 1;
            if self.files > MOST_FILES {
                return Err(GitError::TooMany(MOST_FILES));
            }
            let (path, shown) = (to.join(name), inside.join(name));
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let below = self.repository.find_tree(entry.id()).map_err(|e| GitError::broken(&e))?;
                    fs::create_dir(&path).map_err(GitError::io(&path))?;
                    self.tree(&below, &shown, &path)?;
                }
                Some(ObjectType::Blob) => {
                    let blob = self.repository.find_blob(entry.id()).map_err(|e| GitError::broken(&e))?;
                    let written = write_blob(blob.content(), entry.filemode(), &path);
                    written.map_err(GitError::io(&path))?;
                    if is_pointer(blob.content()) {
                        self.remarks.push(pointer(&shown));
                    }
                }
                _ => {
                    fs::create_dir(&path).map_err(GitError::io(&path))?;
                    self.remarks.push(submodule(&shown));
                }
            }
        }
        Ok(())
    }
}

fn write_blob(content: &[u8], mode: i32, path: &Path) -> std::io::Result<()> {
    if mode == LINK {
        let target = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(content);
        return symlink(target, path);
    }
    let mut file = fs::File::create_new(path)?;
    file.write_all(content)?;
    let mode = if mode == EXECUTABLE { 0o755 } else { 0o644 };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

fn is_pointer(content: &[u8]) -> bool {
    content.len() as u64 <= LFS_LARGEST && content.starts_with(LFS_POINTER)
}

fn pointer(file: &Path) -> String {
    format!("{} is a pointer of git LFS; what it stands for is not in the build", file.display())
}

fn submodule(folder: &Path) -> String {
    format!("{} is a submodule; its files are not in the build", folder.display())
}

/// What of a folder of a work tree is not there: submodules that were not fetched, and pointers of LFS.
#[must_use]
pub fn missing_in(folder: &Path, files: &[PathBuf]) -> Remarks {
    let mut remarks = Remarks::new();
    let modules = folder.join(".gitmodules");
    let own = modules.symlink_metadata().is_ok_and(|data| data.is_file() && data.len() <= MODULES_LARGEST);
    let modules = if own { fs::read_to_string(modules).unwrap_or_default() } else { String::new() };
    for line in modules.lines() {
        let Some((key, path)) = line.split_once('=').filter(|(key, _)| key.trim() == "path") else { continue };
        let (_, path) = (key, Path::new(path.trim()));
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let empty = |at: PathBuf| fs::read_dir(at).is_ok_and(|mut entries| entries.next().is_none());
        if plain && empty(folder.join(path)) {
            remarks.push(submodule(path));
        }
    }
    for file in files {
        let at = folder.join(file);
        let small = at.symlink_metadata().is_ok_and(|data| data.is_file() && data.len() <= LFS_LARGEST);
        if small && fs::read(&at).is_ok_and(|content| is_pointer(&content)) {
            remarks.push(pointer(file));
        }
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_that_stands_for_too_many_files_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(dir.path().join("git")).unwrap();
        let file = repository.blob(b"x").unwrap();
        let mut builder = repository.treebuilder(None).unwrap();
        for name in ["a", "b", "c"] {
            builder.insert(name, file, EXECUTABLE).unwrap();
        }
        let tree = repository.find_tree(builder.write().unwrap()).unwrap();
        let write = |files, to: &str| {
            let to = dir.path().join(to);
            fs::create_dir(&to).unwrap();
            Writing { repository: &repository, remarks: Remarks::new(), files }.tree(&tree, Path::new(""), &to)
        };
        write(MOST_FILES - 3, "fits").unwrap();
        let said = write(MOST_FILES - 2, "does-not").unwrap_err();
        crate::golden::messages("Repositories", &format!("## a tree that stands for a million files\n{said}"));
    }
}
