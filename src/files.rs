//! Files of this machine: replaced as a whole, pointed at, locked.
//!
//! What stands in them, and what they are for, is not known in here; errors are those of the operating system.

mod flock;
mod link;
mod sync;
mod unlinked;
mod whole;

pub use flock::Lock;
pub use link::point;
pub use sync::sync_folder;
pub use unlinked::open_unlinked;
pub use whole::{deliver, replace, sweep};
