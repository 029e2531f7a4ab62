//! Run folders: created, appended to build by build, read back, gone on with.
//! What is stored has types and a schema version of its own; readers get model types.
//! Nothing is judged or computed in here.

mod accepted;
mod columns;
mod csv_table;
mod growing;
mod image_table;
mod imported;
mod options;
mod plain;
mod record;
mod reports;
mod run_folder;
mod samples;
mod schema;
mod scorecards;
mod steps;
mod store_error;
mod stored_nights;
mod stored_run;
#[cfg(test)]
mod tests;
mod writing;

pub use accepted::{Accepted, accept, accepted};
pub use image_table::{images, write_images};
pub use imported::{Imported, ImportedRow, import};
pub use options::{CallOptions, Recorded, RunOptions};
pub use record::{
    BaseRecord, BaseSource, EngineRecord, FindingKind, FindingRecord, GitRecord, RunRecord, RunStatus, ScenarioRecord,
};
pub use reports::{Reports, write_reports};
pub use run_folder::RunFolder;
pub use schema::SCHEMA;
pub use scorecards::{scorecards, write_scorecards};
pub use store_error::{StoreError, StoreWarning};
pub use stored_nights::{StoredNight, StoredNights, nights};
pub use stored_run::{SkimmedRun, StoredRun};
