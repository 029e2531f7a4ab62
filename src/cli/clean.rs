//! `layerbench clean`.

use super::args::CleanArgs;
use super::out::{say, write_out};
use crate::app::prepare::clean;
use crate::app::{Ending, Failure, World};
use crate::engine::machine::remains::Cleaned;
use std::time::Duration;

/// Carries out the command.
pub fn clean(world: World<'_>, args: &CleanArgs) -> Result<Ending, Failure> {
    let cleaning = clean::clean(world, Duration::from_secs(args.wait))?;
    if cleaning.done.is_empty() {
        write_out(format!("nothing to clean up in {}\n", cleaning.home.display()).as_bytes())?;
    }
    let mut ending = Ending::Fine;
    for one in cleaning.done {
        match one {
            Cleaned::Undone(name) => write_out(format!("removed what {name} left behind\n").as_bytes())?,
            Cleaned::InUse(name, owner) => {
                write_out(format!("left alone: {name} is in use by process {owner}\n").as_bytes())?;
            }
            Cleaned::Failed(name, error) => {
                say(&format!("layerbench: {name}: {error}"));
                ending = Ending::Failed;
            }
        }
    }
    Ok(ending)
}
