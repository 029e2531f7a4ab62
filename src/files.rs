//! Files of this machine: replaced as a whole, pointed at, locked.
//!
//! What stands in them, and what they are for, is not known in here; errors are those of the operating system.

mod folder;
mod link;
mod lock;
mod whole;

pub use folder::sync_folder;
pub use link::point;
pub use lock::Lock;
pub use whole::{deliver, replace, sweep};
