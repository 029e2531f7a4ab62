//! The files of a study as they were at a revision, written to a folder of the run's own. The user's work tree and
//! index are never touched.

use super::Stop;
use git2::{ObjectType, Oid, Repository, Tree};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Modes of git's tree entries.
const EXECUTABLE: i32 = 0o100_755;
const LINK: i32 = 0o120_000;

/// Writes the folder `study`, as it was at `revision` of the repository that it lies in, to `to`.
pub fn checkout(study: &Path, revision: &str, to: &Path) -> Result<(), Stop> {
    let wrong = |found: String| {
        Stop::cannot_tell(format!(
            "the baseline's files: found {found}; expected revision {revision} of {}; fetch it, or name the files with --baseline-study",
            study.display()
        ))
    };
    let git = |error: git2::Error| wrong(error.message().to_owned());
    let repository = Repository::discover(study).map_err(git)?;
    let top = repository.workdir().and_then(|top| top.canonicalize().ok());
    let inside =
        study.canonicalize().ok().zip(top).and_then(|(study, top)| Some(study.strip_prefix(top).ok()?.to_owned()));
    let inside = inside.ok_or_else(|| wrong("no work tree around it".to_owned()))?;
    let commit = repository.find_commit(Oid::from_str(revision).map_err(git)?).map_err(git)?;
    let mut tree = commit.tree().map_err(git)?;
    if !inside.as_os_str().is_empty() {
        let entry = tree.get_path(&inside).map_err(git)?;
        let object = entry.to_object(&repository).map_err(git)?;
        tree = object.into_tree().map_err(|_| wrong("a file in its place".to_owned()))?;
    }
    write(&repository, &tree, to).map_err(|error| wrong(error.to_string()))
}

fn write(repository: &Repository, tree: &Tree<'_>, to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all(to)?;
    for entry in tree {
        let name = std::str::from_utf8(entry.name_bytes())?;
        if name.contains('/') || [".", "..", ".git"].contains(&name) {
            return Err(format!("the name {name:?}").into());
        }
        let path = to.join(name);
        match entry.kind() {
            Some(ObjectType::Tree) => write(repository, &repository.find_tree(entry.id())?, &path)?,
            Some(ObjectType::Blob) => {
                let blob = repository.find_blob(entry.id())?;
                if entry.filemode() == LINK {
                    symlink(std::str::from_utf8(blob.content())?, &path)?;
                    continue;
                }
                fs::write(&path, blob.content())?;
                let mode = if entry.filemode() == EXECUTABLE { 0o755 } else { 0o644 };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            }
            _ => return Err(format!("{name:?}, which is in another repository").into()),
        }
    }
    Ok(())
}
