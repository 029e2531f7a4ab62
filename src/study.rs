//! Studies: TOML to a validated [`Study`], and the files of its states laid out in a folder.
//! Reports all problems of a file together, each with its place. Reads nothing outside the study's
//! folder. What is done with a study (plans, builds, records) must not enter here.

mod approach_settings;
mod check;
mod comment;
mod decode;
mod definition;
mod draft;
mod expectation;
mod fields;
mod finding;
mod hash;
mod load;
mod materialize;
mod matrix;
mod paths;
mod problem;
mod project_table;
mod raw;
mod sample_marks;
#[cfg(test)]
mod tests;
mod tree;

pub use comment::has_comments;
pub use definition::{
    Append, Approach, Audit, Base, Check, Demands, Derived, Fetch, FetchError, GitSource, Registry, SCHEMA, Scenario,
    SecretSource, Settings, Source, State, Study,
};
pub use draft::{
    ChangeError, ChangeKind, DockerfileRow, DraftChange, NoChange, StudyDraft, approach_names, study_name, study_text,
};
pub use expectation::{Expectation, Finding};
pub use hash::HashError;
pub use materialize::{StateError, materialize, materialize_below};
pub use problem::{Problem, StudyErrors};
pub use sample_marks::{Marks, MarksError};
