//! Which entries of a context are wanted: ignore rules, and the paths that a request names.

use super::context_error::ContextError;
use super::follow;
use crate::project::ignore::PatternList;

/// Which entries of a folder are wanted.
#[derive(Debug, Default)]
pub struct Selection {
    pub(super) excludes: PatternList,
    pub(super) includes: PatternList,
}

impl Selection {
    /// Everything but what the rules exclude.
    #[must_use]
    pub fn excluding(excludes: PatternList) -> Self {
        Self { excludes, includes: PatternList::default() }
    }

    /// For a folder without links: follow paths are include patterns.
    ///
    /// # Errors
    /// When a pattern is none.
    pub fn plain<P: AsRef<[u8]>>(excludes: PatternList, includes: &[P], follow: &[P]) -> Result<Self, ContextError> {
        let targets = follow::plain(follow);
        Self::of(excludes, includes, (!follow.is_empty()).then_some(targets))
    }

    /// `targets`: the resolved follow paths, if there were any.
    pub(super) fn of<P: AsRef<[u8]>>(
        excludes: PatternList,
        includes: &[P],
        targets: Option<Vec<Vec<u8>>>,
    ) -> Result<Self, ContextError> {
        let mut wanted: Vec<Vec<u8>> = includes.iter().map(|p| p.as_ref().to_vec()).collect();
        if let Some(targets) = targets.and_then(follow::without_nested) {
            wanted.extend(targets);
            wanted = follow::without_nested(wanted).unwrap_or_default();
        }
        let includes = PatternList::new(&wanted).map_err(|(index, reason)| {
            let text = wanted.get(index).map(Vec::as_slice).unwrap_or_default();
            ContextError::Pattern(String::from_utf8_lossy(text).into_owned(), reason)
        })?;
        Ok(Self { excludes, includes })
    }

    /// Whether a path is wanted, asked without a walk.
    #[must_use]
    pub fn contains(&self, path: &[u8]) -> bool {
        (self.includes.is_empty() || self.includes.matches(path)) && !self.excludes.matches(path)
    }
}
