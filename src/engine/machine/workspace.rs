//! A folder for the files of one run, known to whoever cleans up.

use super::claimed::{Claim, Remains};
use crate::engine::engine_error::EngineError;
use std::path::Path;

/// A folder for the files that a run works on; gone with the value, or with `layerbench clean`.
pub struct Workspace(Claim);

impl Workspace {
    /// Makes the folder of a run in a home.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(home: &Path, run: &str) -> Result<Self, EngineError> {
        Claim::make(home, Remains::folder(run)).map(Self)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.dir()
    }
}
