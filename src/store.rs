//! Run folders: created, appended to build by build, read back, gone on with.
//! What is stored has types and a schema version of its own; readers get model types.
//! Nothing is judged or computed in here.

mod accepted;
mod columns;
mod error;
mod files;
mod growing;
mod images;
mod import;
mod nights;
mod options;
mod plain;
mod record;
mod reports;
mod run_folder;
mod samples;
mod schema;
mod scorecards;
mod steps;
mod stored_run;
mod table;
#[cfg(test)]
mod tests;

pub use accepted::{Accepted, accept, accepted};
pub use error::{StoreError, StoreWarning};
pub use images::{image_table, images, write_images};
pub use import::{Imported, ImportedRow, import};
pub use nights::{StoredNight, StoredNights, nights};
pub use options::{CallOptions, Recorded, RunOptions};
pub use record::{
    BaseRecord, BaseSource, EngineRecord, FindingKind, FindingRecord, GitRecord, RunRecord, RunStatus, ScenarioRecord,
};
pub use reports::{Reports, write_reports};
pub use run_folder::RunFolder;
pub use schema::SCHEMA;
pub use scorecards::{scorecards, write_scorecards};
pub use stored_run::{SkimmedRun, StoredRun};
