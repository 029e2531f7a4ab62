//! The files of a build context, in the order and form in which BuildKit's fsutil sends them.
//!
//! Lazy: a walk holds one listing per open folder and opens no file; only `digest` reads contents.
//! Links are kept and never followed. What is done with the entries is not known here.

mod context_error;
mod digest;
mod entry;
mod follow;
mod listing;
mod root;
mod selection;
mod stat;
#[cfg(test)]
mod tests;
mod walk;

pub use context_error::ContextError;
pub use digest::digest;
pub use entry::{Entry, Kind};
pub use root::Context;
pub use selection::Selection;
pub use stat::{GO_FOLDER, GO_SYMLINK, GO_TYPE};
pub use walk::Walk;
