//! A copy of what a Dockerfile can see of a folder: what ignore rules leave out is not worth copying, and may be huge.
//! Times and permissions are kept. The folder itself is only read.

use super::context::{Context, ContextError, Kind, Selection};
use super::ignore::PatternList;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Why a folder could not be copied, in one line.
#[derive(Debug)]
pub enum CopyError {
    /// The folder cannot be read.
    Unreadable(ContextError),
    /// A file or folder that cannot be read or written.
    Io(PathBuf, io::Error),
    /// Rules of what is left out that stand elsewhere.
    LeadsOut(PathBuf),
}

impl CopyError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io(path, error)
    }
}

impl From<ContextError> for CopyError {
    fn from(error: ContextError) -> Self {
        Self::Unreadable(error)
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::LeadsOut(path) => {
                write!(f, "{}: found a link that leads out of the folder; put a copy there", path.display())
            }
        }
    }
}

impl std::error::Error for CopyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(error) => Some(error),
            Self::Io(_, error) => Some(error),
            Self::LeadsOut(_) => None,
        }
    }
}

/// Copies a folder to `to`: what at least one list of ignore patterns leaves in, but nothing at or below `skip`.
/// Returns the files.
///
/// # Errors
/// What cannot be read or written.
pub fn copy(from: &Path, views: Vec<PatternList>, skip: &[PathBuf], to: &Path) -> Result<Vec<PathBuf>, CopyError> {
    let context = Context::open(from)?;
    fs::create_dir_all(to).map_err(CopyError::io(to))?;
    let mut files = Vec::new();
    for view in views {
        for entry in context.walk(Selection::excluding(view))? {
            let entry = entry?;
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
            copied.map_err(CopyError::io(&source))?;
        }
    }
    let rules = context.root().join(".dockerignore");
    if rules.is_file() && !to.join(".dockerignore").exists() {
        let real = rules.canonicalize().map_err(CopyError::io(&rules))?;
        if !real.starts_with(context.root()) {
            return Err(CopyError::LeadsOut(rules));
        }
        let copied = fs::File::open(real).and_then(|file| copy_file(file, &to.join(".dockerignore")));
        copied.map_err(CopyError::io(&rules))?;
    }
    Ok(files)
}

/// Rights of a folder; its owner must be able to write into the copy.
fn rights(folder: &Path) -> io::Result<fs::Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::Permissions::from_mode(fs::metadata(folder)?.permissions().mode() & 0o777 | 0o700))
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.symlink_metadata().is_ok_and(|data| data.file_type().is_socket())
}

fn copy_file(mut from: fs::File, to: &Path) -> io::Result<()> {
    let mut file = fs::File::create_new(to)?;
    io::copy(&mut from, &mut file)?;
    let data = from.metadata()?;
    file.set_permissions(data.permissions())?;
    file.set_modified(data.modified()?)
}
