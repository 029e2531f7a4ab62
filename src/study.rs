//! Studies: TOML to a validated [`Study`], and the files of its states laid out in a folder.
//! Reports all problems of a file together, each with its place. Reads nothing outside the study's
//! folder. What is done with a study (plans, builds, records) must not enter here.

mod call;
mod check;
mod claim;
mod comment;
mod decode;
mod definition;
mod fields;
mod finding;
mod hash;
mod load;
mod marks;
mod materialize;
mod matrix;
mod paths;
mod problem;
mod project;
mod raw;
mod settings;
#[cfg(test)]
mod tests;
mod tree;

pub use call::{Call, Change, ChangeKind, Row, approach_names, study_name, study_text};
pub use claim::{Expectation, Finding};
pub use comment::has_comments;
pub use definition::{
    Append, Approach, Audit, Base, Check, Demands, Derived, Fetch, GitSource, Registry, SCHEMA, Scenario, SecretSource,
    Settings, Source, State, Study,
};
pub use hash::HashError;
pub use marks::Marks;
pub use materialize::{StateError, materialize, materialize_below};
pub use problem::{Problem, StudyErrors};
