//! What interrupted runs left behind, undone: on private engines, and on engines of the user.

use crate::app::{Failure, World};
use crate::engine::EngineError;
use crate::engine::kinds::host;
use crate::engine::machine::remains::{self, Cleaned};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What became of what was left behind.
pub struct Cleaning {
    /// Where it was looked for.
    pub home: PathBuf,
    /// Each thing that was found.
    pub done: Vec<Cleaned>,
}

/// Undoes what runs left behind; waits at most so long for those that are just ending.
///
/// # Errors
/// When the home cannot be read.
pub fn clean(world: World<'_>, wait: Duration) -> Result<Cleaning, Failure> {
    let done = cleaned(world.home, wait)?;
    Ok(Cleaning { home: world.home.to_owned(), done })
}

/// Takes away what runs left behind that were broken off, before one of them goes on: its builds would find it. What
/// cannot be taken away is told.
pub fn before_going_on(world: World<'_>) {
    let done = cleaned(world.home, Duration::ZERO);
    for one in done.unwrap_or_else(|error| vec![Cleaned::Failed("what runs left behind".to_owned(), error)]) {
        match one {
            Cleaned::Undone(name) => world.say(format!("removed what {name} left behind")),
            Cleaned::InUse(..) => {}
            Cleaned::Failed(name, error) => world.say(format!("warning: {name}: {error}")),
        }
    }
}

/// Of private engines, and on engines of the user.
fn cleaned(home: &Path, wait: Duration) -> Result<Vec<Cleaned>, EngineError> {
    let mut done = remains::clean(home, wait)?;
    done.extend(host::clean(home)?);
    Ok(done)
}
