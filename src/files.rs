//! Files of this machine: replaced as a whole, pointed at, locked.
//!
//! What stands in them, and what they are for, is not known in here; errors are those of the operating system.

mod link;
mod lock;
mod whole;

pub use link::point;
pub use lock::Lock;
pub use whole::{deliver, replace, sweep, sync_folder};

use std::path::Path;

/// The folder that a path is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
