//! Carries out a plan on an engine: one chain after the other, each build checked before it counts.
//! It emits events and nothing else: it never prints, and opens no file but those that a study wants to be different
//! for each sample, which it has written anew before the clock starts.
//!
//! Imports run one way: `conduct` is above `course`, which chain comes next; that is above `chains`; these are above
//! `attempt` and `images`; `attempt` is above `judging`. All of them work on one `under_way::Run`. What they look things
//! up in, `materials`, `guards` and [`validity`], knows none of them.

mod attempt;
mod chains;
mod conduct;
mod course;
mod ending;
mod guards;
mod images;
mod judging;
mod materials;
#[cfg(test)]
mod tests;
mod under_way;
pub mod validity;

pub use conduct::{Around, Sink, run};
pub use ending::{End, RunError, SinkError};
pub use materials::{AuditFn, Auditor, Materials, Recipe};
