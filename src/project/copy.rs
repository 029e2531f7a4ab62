//! A copy of what a Dockerfile can see of a folder: what ignore rules leave out is not worth copying, and may be huge.
//! Times and permissions are kept. The folder itself is only read.

use super::context::{Context, Kind, Selection};
use super::ignore::PatternList;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Copies a folder to `to`: what at least one list of ignore patterns leaves in, but nothing at or below `skip`.
/// Returns the files.
///
/// # Errors
/// What cannot be read or written, in one line.
pub fn copy(from: &Path, views: Vec<PatternList>, skip: &[PathBuf], to: &Path) -> Result<Vec<PathBuf>, String> {
    let context = Context::open(from).map_err(|error| error.to_string())?;
    fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let mut files = Vec::new();
    for view in views {
        for entry in context.walk(Selection::excluding(view)).map_err(|error| error.to_string())? {
            let entry = entry.map_err(|error| error.to_string())?;
            let relative = Path::new(OsStr::from_bytes(&entry.path));
            let (source, place) = (context.root().join(relative), to.join(relative));
            if skip.iter().any(|skip| source.starts_with(skip)) || place.symlink_metadata().is_ok() {
                continue;
            }
            let copied = match entry.kind {
                Kind::Folder => fs::create_dir(&place).and_then(|()| fs::set_permissions(&place, rights(&source)?)),
                Kind::File if is_socket(&source) => Ok(()),
                Kind::File => {
                    files.push(relative.to_owned());
                    context.open_file(&entry.path).and_then(|file| copy_file(file, &place))
                }
                Kind::Symlink => symlink(OsStr::from_bytes(&entry.link), &place),
                Kind::Special => Ok(()), // no builder copies a pipe or a device
            };
            copied.map_err(|error| format!("{}: {error}", source.display()))?;
        }
    }
    let rules = context.root().join(".dockerignore");
    if rules.is_file() && !to.join(".dockerignore").exists() {
        let failed = |error: std::io::Error| format!("{}: {error}", rules.display());
        let real = rules.canonicalize().map_err(failed)?;
        if !real.starts_with(context.root()) {
            return Err(format!("{}: found a link that leads out of the folder; put a copy there", rules.display()));
        }
        fs::File::open(real).and_then(|file| copy_file(file, &to.join(".dockerignore"))).map_err(failed)?;
    }
    Ok(files)
}

/// Rights of a folder; its owner must be able to write into the copy.
fn rights(folder: &Path) -> std::io::Result<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::Permissions::from_mode(fs::metadata(folder)?.permissions().mode() & 0o777 | 0o700))
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.symlink_metadata().is_ok_and(|data| data.file_type().is_socket())
}

fn copy_file(mut from: fs::File, to: &Path) -> std::io::Result<()> {
    let mut file = fs::File::create_new(to)?;
    std::io::copy(&mut from, &mut file)?;
    let data = from.metadata()?;
    file.set_permissions(data.permissions())?;
    file.set_modified(data.modified()?)
}
