//! Paths as a study writes them, and the places inside the study's folder that they mean.
//! A path that could mean anything outside that folder is refused, however it gets there.
//! What is at a path is not read in here.

use super::fields::At;
use super::problem::{Problems, quoted};
use std::io;
use std::path::{Component, Path, PathBuf};

/// A larger Dockerfile is refused; BuildKit would read it into memory.
const LARGEST_FILE: u64 = 1 << 20;

/// What a path must lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PathKind {
    Folder,
    File,
}

impl PathKind {
    fn word(self) -> &'static str {
        match self {
            Self::Folder => "a folder",
            Self::File => "a file",
        }
    }
}

/// The folder that a study may use: absolute and without symbolic links.
pub(super) struct Root(pub PathBuf);

impl Root {
    /// Finds what a path of the study leads to, with symbolic links followed.
    pub(super) fn find(
        &self,
        written: &At<String>,
        kind: PathKind,
        what: &str,
        problems: &mut Problems<'_>,
    ) -> Option<PathBuf> {
        self.find_in(&[], written, kind, what, problems)
    }

    /// As [`Root::find`]; what the study's folder does not have is looked for in other ones.
    pub(super) fn find_in(
        &self,
        others: &[PathBuf],
        written: &At<String>,
        kind: PathKind,
        what: &str,
        problems: &mut Problems<'_>,
    ) -> Option<PathBuf> {
        let relative = relative(written, what, problems)?;
        if !self.0.join(&relative).exists()
            && let Some((other, real)) =
                others.iter().find_map(|other| Some((other, other.join(&relative).canonicalize().ok()?)))
            && real.starts_with(other)
        {
            return fits(&real, kind, written, what, problems).then_some(real);
        }
        let looked_for = self.0.join(relative);
        let shown = quoted(&written.value);
        let real = match looked_for.canonicalize() {
            Ok(real) => real,
            Err(error) => {
                problems.add(
                    &written.span,
                    format!("nothing at {shown} ({})", reason(&looked_for, &error)),
                    format!("{} for {what}", kind.word()),
                    "create it, or correct the path; paths start at the study's folder",
                );
                return None;
            }
        };
        if !real.starts_with(&self.0) {
            problems.add(
                &written.span,
                format!("{shown}, a symbolic link that leads out of the study's folder"),
                format!("{} inside the study's folder", kind.word()),
                "put a copy into the study's folder",
            );
            return None;
        }
        fits(&real, kind, written, what, problems).then_some(real)
    }
}

fn reason(looked_for: &Path, error: &io::Error) -> String {
    let path = quoted(&looked_for.to_string_lossy());
    match error.kind() {
        io::ErrorKind::NotFound => format!("looked for {path}"),
        _ => format!("looked for {path}: {error}"),
    }
}

pub(super) fn fits(real: &Path, kind: PathKind, written: &At<String>, what: &str, problems: &mut Problems<'_>) -> bool {
    let shown = quoted(&written.value);
    let (is, size) = match real.metadata() {
        Ok(data) if data.is_dir() => (Some(PathKind::Folder), 0),
        Ok(data) if data.is_file() => (Some(PathKind::File), data.len()),
        _ => (None, 0),
    };
    if is != Some(kind) {
        let found = is.map_or("neither a file nor a folder", PathKind::word);
        problems.add(
            &written.span,
            format!("{found} at {shown}"),
            format!("{} for {what}", kind.word()),
            "correct the path",
        );
        return false;
    }
    if size > LARGEST_FILE {
        problems.add(
            &written.span,
            format!("a file of {size} bytes at {shown}"),
            format!("at most {LARGEST_FILE} bytes for {what}"),
            "make it shorter",
        );
        return false;
    }
    true
}

/// Takes a path that stays below where it starts: relative, without `..`, not empty.
pub(super) fn relative(written: &At<String>, what: &str, problems: &mut Problems<'_>) -> Option<PathBuf> {
    let text = &written.value;
    let path = Path::new(text);
    let wrong = if text.is_empty() {
        Some("an empty path")
    } else if text.chars().any(char::is_control) {
        Some("a control character in the path")
    } else if path.components().any(|c| c == Component::ParentDir) {
        Some("'..' in the path")
    } else if path.is_absolute() || text.contains(":\\") {
        Some("the absolute path")
    } else {
        None
    };
    match wrong {
        None => Some(path.components().filter(|c| *c != Component::CurDir).collect()),
        Some(wrong) => {
            problems.add(
                &written.span,
                format!("{wrong} {} for {what}", quoted(text)),
                "a path inside the study, such as \"dockerfiles/simple.Dockerfile\"",
                "write it relative to the study's folder, without '..'",
            );
            None
        }
    }
}
