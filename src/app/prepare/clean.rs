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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fake_world::FakeWorld;
    use crate::engine::machine::workspace::Workspace;
    use std::fs;

    #[test]
    fn what_nobody_holds_is_taken_away_and_what_is_in_use_stays() {
        let world = FakeWorld::new();
        let cleaning = clean(world.world(), Duration::ZERO).unwrap();
        assert_eq!((cleaning.home, cleaning.done), (world.at("home"), Vec::new()), "there is no such folder");
        fs::create_dir_all(world.at("home/engines/old/deep")).unwrap();
        let held = Workspace::new(&world.at("home"), "new").unwrap();
        let own = Cleaned::InUse("new".to_owned(), std::process::id());
        let done = clean(world.world(), Duration::ZERO).unwrap().done;
        assert_eq!(done, [own, Cleaned::Undone("old".to_owned())]);
        assert!(held.path().is_dir() && !world.at("home/engines/old").exists());
        // Before a run goes on, nobody is told of what others use.
        before_going_on(world.world());
        assert_eq!(world.witness.said(), "");
        drop(held);
        assert!(!world.at("home").exists(), "an empty home is no home");
    }

    #[test]
    fn what_cannot_be_taken_away_is_told_and_stays() {
        let world = FakeWorld::new();
        world.write("home/engines/old/remains.json", "no record");
        before_going_on(world.world());
        let said = world.witness.said();
        assert!(said.starts_with("warning: old: reading ") && world.at("home/engines/old").is_dir(), "{said}");
        world.write("elsewhere/home", "no folder");
        let home = world.at("elsewhere/home");
        assert!(clean(World { home: &home, ..world.world() }, Duration::ZERO).is_err());
    }
}
