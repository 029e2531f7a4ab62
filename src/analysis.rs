//! What samples say: tables, marks, critical paths, the published figures beside ours, findings.
//!
//! Pure: everything comes in as model types and plain descriptors. No file, no engine, no formatting
//! for people in here.

pub mod change;
pub mod compare;
pub mod explain;
pub mod findings;
pub mod gate;
pub mod likeness;
pub mod marks;
pub mod nights;
pub mod parts;
pub mod path;
pub mod published;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
