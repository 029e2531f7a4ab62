//! The words of Layerbench as types: identifiers, durations, byte counts, samples, steps, events.
//!
//! No I/O and no policy in here: what is valid is decided in `runner`, how it is stored in `store`,
//! how it is shown in `report`.

mod event;
mod ident;
mod measure;
mod sample;
mod shown;
mod step;

pub use event::{Event, NoProgress, Progress};
pub use ident::{ApproachId, BuildKey, EngineId, IdError, ScenarioId, StateId};
pub use measure::{Bytes, Seconds};
pub use sample::{CacheState, ChainKind, ColdKind, Outcome, Sample, Status};
pub use shown::{shown_seconds, visible};
pub use step::{Interval, Step, StepKind};
