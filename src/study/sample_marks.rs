//! The comments of a state's files, written anew for each sample, so that what a sample builds was never built before.
//! The files are those that were laid out; nothing else is touched.

use super::comment::TOKEN;
use crate::model::StateId;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

/// The files of all states that differ from sample to sample. Empty for a study without comments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<StateId, Laid>);

/// What is to be done for each sample of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Laid {
    /// Files with comments: where they are, and their content with the token in it.
    pub commented: Vec<(PathBuf, Vec<u8>)>,
    /// Files that the state changes.
    pub changed: Vec<PathBuf>,
}

/// A file of a state that could not be made ready for a sample, and why.
#[derive(Debug)]
pub struct MarksError(PathBuf, io::Error);

impl fmt::Display for MarksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.display(), self.1)
    }
}

impl std::error::Error for MarksError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.1)
    }
}

impl Marks {
    pub(super) fn insert(&mut self, state: StateId, laid: Laid) {
        self.0.insert(state, laid);
    }

    /// The same under other names.
    ///
    /// # Errors
    /// Those of `name`.
    pub fn renamed<E>(self, name: impl Fn(&StateId) -> Result<StateId, E>) -> Result<Self, E> {
        self.0.into_iter().map(|(state, laid)| Ok((name(&state)?, laid))).collect::<Result<_, E>>().map(Self)
    }

    /// Adds those of other states.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Makes the files of a state ready for a sample: `text` goes into its comments, and what the state changes gets
    /// the time of a change made now, as tools that go by times (cargo, make) expect of a source that was edited after
    /// the build before. A chain gives the same text to all of its states: what an earlier one changed stays so.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, state: &StateId, text: &str) -> Result<(), MarksError> {
        let Some(laid) = self.0.get(state) else { return Ok(()) };
        let fails = |path: &PathBuf| {
            let path = path.clone();
            move |error: io::Error| MarksError(path, error)
        };
        for (path, template) in &laid.commented {
            let permissions = fs::metadata(path).map_err(fails(path))?.permissions();
            fs::remove_file(path).map_err(fails(path))?; // it may have no right to be written
            fs::write(path, replaced(template, text)).map_err(fails(path))?;
            fs::set_permissions(path, permissions).map_err(fails(path))?;
        }
        let now = SystemTime::now();
        for path in &laid.changed {
            fs::File::open(path).and_then(|file| file.set_modified(now)).map_err(fails(path))?;
        }
        Ok(())
    }
}

/// A content with its tokens replaced.
fn replaced(template: &[u8], text: &str) -> Vec<u8> {
    let mut content = Vec::with_capacity(template.len() + text.len());
    let mut rest = template;
    while let Some(at) = find(rest) {
        content.extend_from_slice(&rest[..at]);
        content.extend_from_slice(text.as_bytes());
        rest = &rest[at + TOKEN.len()..];
    }
    content.extend_from_slice(rest);
    content
}

/// Where a token stands in a content.
pub(super) fn find(content: &[u8]) -> Option<usize> {
    content.windows(TOKEN.len()).position(|window| window == TOKEN.as_bytes())
}
