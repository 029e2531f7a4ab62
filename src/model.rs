//! The words of Layerbench as types: identifiers, durations, byte counts, samples, steps, events.
//!
//! No I/O and no policy in here: what is valid is decided in `runner`, how it is stored in `store`,
//! how it is shown in `report`.

mod approach_image;
mod choice;
mod event;
mod fingerprint;
mod ident;
mod isolation;
mod quantity;
mod sample;
mod scorecard;
mod step;

pub use approach_image::Image;
pub use choice::{ChainKind, ClientKind, Uncommitted};
pub use event::{CheckError, Event, NoProgress, Progress};
pub use fingerprint::{Fingerprint, ImageStore, OWN_CLIENT, Property, UNKNOWN};
pub use ident::{ApproachId, BuildKey, Cell, EngineId, IdError, ScenarioId, StateId};
pub use isolation::Isolation;
pub use quantity::{Bytes, Seconds};
pub use sample::{CacheState, ColdKind, Outcome, Sample, Status};
pub use scorecard::{
    AuditEvidence, CRITERIA, Criterion, CriterionVerdict, Demanded, RunAudit, SCORECARD_SCHEMA, Scorecard,
};
pub use step::{Interval, Step, StepKind};
