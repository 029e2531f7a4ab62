//! `layerbench clean`: undoes what interrupted runs left behind, and says so.

use super::args::CleanArgs;
use super::{End, Stop};
use crate::engine::EngineError;
use crate::engine::host;
use crate::engine::remains::{self, Cleaned};
use std::path::Path;
use std::time::Duration;

/// Carries out the command.
pub fn clean(args: &CleanArgs) -> Result<End, Stop> {
    let home = remains::home();
    let done = cleaned(&home, Duration::from_secs(args.wait))?;
    if done.is_empty() {
        println!("nothing to clean up in {}", home.display());
    }
    let mut end = End::Fine;
    for one in done {
        match one {
            Cleaned::Undone(name) => println!("removed what {name} left behind"),
            Cleaned::InUse(name, owner) => println!("left alone: {name} is in use by process {owner}"),
            Cleaned::Failed(name, error) => {
                say!("layerbench: {name}: {error}");
                end = End::Failed;
            }
        }
    }
    Ok(end)
}

/// Takes away what runs left behind that were broken off, before one of them goes on: its builds would find it. What
/// cannot be taken away is told.
pub fn before_going_on() {
    let done = cleaned(&remains::home(), Duration::ZERO);
    for one in done.unwrap_or_else(|error| vec![Cleaned::Failed("what runs left behind".to_owned(), error)]) {
        match one {
            Cleaned::Undone(name) => say!("removed what {name} left behind"),
            Cleaned::InUse(..) => {}
            Cleaned::Failed(name, error) => say!("warning: {name}: {error}"),
        }
    }
}

/// Of private engines, and on engines of the user.
fn cleaned(home: &Path, wait: Duration) -> Result<Vec<Cleaned>, EngineError> {
    let mut done = remains::clean(home, wait)?;
    done.extend(host::clean(home)?);
    Ok(done)
}
