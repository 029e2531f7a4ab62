//! The files of a study as they were at a revision, written to a folder of the run's own. The user's work tree and
//! index are never touched.

use crate::app::Failure;
use crate::project::git::Source;
use std::path::Path;

/// Writes the folder `study`, as it was at `revision` of the repository that it lies in, to `to`.
pub fn checkout(study: &Path, revision: &str, to: &Path) -> Result<(), Failure> {
    let wrong = |found: String| {
        Failure::cannot_tell(format!(
            "the baseline's files: found {found}; expected revision {revision} of {}; fetch it, or name the files with --baseline-study",
            study.display()
        ))
    };
    let source = Source::around(study).ok_or_else(|| wrong("no git repository around it".to_owned()))?;
    let inside = source.place_of(study).ok_or_else(|| wrong("no work tree around it".to_owned()))?;
    let commit = source.commit(Some(revision)).map_err(wrong)?;
    let remarks = source.export(&commit, Some(&inside), to).map_err(wrong)?;
    match remarks.into_iter().next() {
        Some(remark) => Err(wrong(remark)),
        None => Ok(()),
    }
}
