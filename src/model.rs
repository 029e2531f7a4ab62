//! The words of Layerbench as types: identifiers, durations, byte counts, samples, steps, events.
//!
//! No I/O and no policy in here: what is valid is decided in `runner`, how it is stored in `store`,
//! how it is shown in `report`.

mod choice;
mod event;
mod ident;
mod image;
mod measure;
mod sample;
mod scorecard;
mod step;

pub use choice::{ChainKind, ClientKind, Uncommitted};
pub use event::{Event, NoProgress, Progress};
pub use ident::{ApproachId, BuildKey, EngineId, IdError, ScenarioId, StateId};
pub use image::Image;
pub use measure::{Bytes, Seconds};
pub use sample::{CacheState, ColdKind, Outcome, Sample, Status};
pub use scorecard::{CRITERIA, Criterion, CriterionVerdict, Demanded, Evidence, RunAudit, SCORECARD_SCHEMA, Scorecard};
pub use step::{Interval, Step, StepKind};
