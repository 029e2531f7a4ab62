//! The files of a study as they were at a revision, written to a folder of the run's own. The user's work tree and
//! index are never touched.

use crate::app::Failure;
use crate::project::git::Repository;
use std::path::Path;

/// Writes the folder `study`, as it was at `revision` of the repository that it lies in, to `to`.
pub fn checkout(study: &Path, revision: &str, to: &Path) -> Result<(), Failure> {
    let wrong = |found: &dyn std::fmt::Display| {
        Failure::cannot_tell(format!(
            "the baseline's files: found {found}; expected revision {revision} of {}; fetch it, or name the files with --baseline-study",
            study.display()
        ))
    };
    let source = Repository::around(study).ok_or_else(|| wrong(&"no git repository around it"))?;
    let inside = source.place_of(study).ok_or_else(|| wrong(&"no work tree around it"))?;
    let commit = source.commit(Some(revision)).map_err(|error| wrong(&error))?;
    let remarks = source.export(&commit, Some(&inside), to).map_err(|error| wrong(&error))?;
    match remarks.into_iter().next() {
        Some(remark) => Err(wrong(&remark)),
        None => Ok(()),
    }
}
