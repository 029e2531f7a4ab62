//! Undoes what interrupted runs left on the machine.

use super::claimed::{Claim, Found};
use crate::engine::engine_error::EngineError;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What became of one folder of remains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleaned {
    /// Its owner was gone; it was undone.
    Undone(String),
    /// Its owner still runs: (name, process id).
    InUse(String, u32),
    /// It could not be undone.
    Failed(String, EngineError),
}

/// Undoes what runs left whose owners are gone, waiting up to `patience` for owners that are just ending.
///
/// # Errors
/// When the folder cannot be read. That it does not exist is no error.
pub fn clean(home: &Path, patience: Duration) -> Result<Vec<Cleaned>, EngineError> {
    let engines = home.join("engines");
    let entries = match fs::read_dir(&engines) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => {
            return Err(EngineError::new(
                format!("reading {}", engines.display()),
                e,
                "run it as the user who made the folder, or as root",
            ));
        }
    };
    let mut dirs: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|path| path.is_dir()).collect();
    dirs.sort();
    let since = Instant::now();
    Ok(dirs
        .iter()
        .map(|dir| {
            loop {
                match clean_one(dir) {
                    Cleaned::InUse(..) if since.elapsed() < patience => std::thread::sleep(Duration::from_millis(20)),
                    done => return done,
                }
            }
        })
        .collect())
}

fn clean_one(dir: &Path) -> Cleaned {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match Claim::again(dir) {
        Err(error) => Cleaned::Failed(name, error),
        Ok(Found::InUse(owner)) => Cleaned::InUse(name, owner),
        Ok(Found::Free(mut claim)) => match claim.undo() {
            Ok(()) => Cleaned::Undone(name),
            Err(error) => Cleaned::Failed(name, error),
        },
    }
}
