//! From a path to the text of a study, and from there to a `Study` or all that is wrong with it.
//! The one place of `study` that opens the study's file.
//! What the text means is decided in `decode` and `check`.

use super::check::{self, Origin};
use super::decode;
use super::definition::{Fetch, FetchError, Study};
use super::paths::Root;
use super::problem::{Problems, StudyErrors, quoted};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// The name of a study's file inside its folder.
const FILE: &str = "study.toml";
/// A larger file is refused unread.
const LARGEST: u64 = 1 << 20;

impl Study {
    /// Reads a study from its file, or from the folder that holds `study.toml`.
    ///
    /// # Errors
    /// All problems of the file together, or that it cannot be read. A project in git is one: see [`Study::fetch`].
    pub fn load(path: &Path) -> Result<Self, StudyErrors> {
        load(path, &mut |source| Err(FetchError::new(format!("{source}, which is not fetched here"))))
    }

    /// Reads a study as [`Study::load`]; `fetch` lays the files of a project in git out in a folder and names it.
    ///
    /// # Errors
    /// All problems of the file together, among them why the project could not be fetched.
    pub fn fetch(path: &Path, fetch: Fetch<'_>) -> Result<Self, StudyErrors> {
        load(path, fetch)
    }
}

fn load(path: &Path, fetch: Fetch<'_>) -> Result<Study, StudyErrors> {
    let shown = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
    let name = shown.display().to_string();
    let bytes = read(&shown, &name)?;
    let text = as_text(&bytes, &name)?;
    let (file, root) = locate(&shown).map_err(|error| unreadable(&name, &error))?;

    let mut problems = Problems::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.add_syntax(&error.span().unwrap_or(0..0), error.message());
    }
    let raw = decode::study(&table, &root, fetch, &mut problems);
    let study = if problems.well_formed() {
        let origin = Origin { file, folder: root.0, digest: Sha256::digest(&bytes).into() };
        check::study(raw, origin, &mut problems)
    } else {
        None
    };
    match study {
        Some(study) if problems.is_empty() => Ok(study),
        _ => Err(problems.into_errors(&name)),
    }
}

fn read(path: &Path, name: &str) -> Result<Vec<u8>, StudyErrors> {
    let data = fs::metadata(path).map_err(|error| unreadable(name, &error))?;
    if !data.is_file() {
        return Err(StudyErrors::whole(
            name,
            "something that is not a regular file",
            "a study in TOML",
            "name the study's file or its folder",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(name, &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(StudyErrors::whole(
            name,
            &format!("a file of {} bytes", data.len().max(LARGEST + 1)),
            &format!("a study of at most {LARGEST} bytes"),
            "check that this is the study's file",
        ));
    }
    Ok(bytes)
}

fn as_text<'b>(bytes: &'b [u8], name: &str) -> Result<&'b str, StudyErrors> {
    let wrong_at = match std::str::from_utf8(bytes) {
        Ok(text) => match bytes.iter().position(|byte| *byte == 0) {
            None => return Ok(text),
            Some(at) => at,
        },
        Err(error) => error.valid_up_to(),
    };
    Err(StudyErrors::whole(
        name,
        &format!("a byte that is not text (byte {} of {})", wrong_at + 1, bytes.len()),
        "a study in TOML, encoded as UTF-8",
        "save it as UTF-8, or check that this is the study's file",
    ))
}

fn locate(path: &Path) -> io::Result<(PathBuf, Root)> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize()?;
    let file = path.file_name().map_or_else(|| folder.join(FILE), |name| folder.join(name));
    Ok((file, Root(folder)))
}

fn unreadable(name: &str, error: &io::Error) -> StudyErrors {
    let (found, remedy) = match error.kind() {
        io::ErrorKind::NotFound => ("nothing there".to_owned(), "correct the path"),
        io::ErrorKind::PermissionDenied => {
            ("a file that may not be read".to_owned(), "give yourself the right to read it")
        }
        _ => (format!("a file that cannot be read ({})", quoted(&error.to_string())), "check the disk and the path"),
    };
    StudyErrors::whole(name, &found, "a study's file, or a folder with a study.toml", remedy)
}
