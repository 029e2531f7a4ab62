//! A private engine for as long as a command runs, e.g. to compare clients on it.

use crate::app::prepare::run_id::run_id;
use crate::app::{Ending, EngineKind, Failure, InFlight, Opening, World};
use crate::engine::kinds::dind::USUAL_IMAGE;
use crate::engine::kinds::private::registry::Registries;
use crate::model::ChainKind;
use std::process::Command;
use std::time::Duration;

/// How often it is looked whether the command has ended.
const POLL: Duration = Duration::from_millis(20);

/// What is asked for.
pub struct Request {
    /// The command.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Runs a command with `DOCKER_HOST` set to a private engine, and throws the engine away.
///
/// # Errors
/// When there is no engine, or the command cannot be started or does not end well.
pub fn lend(world: World<'_>, request: &Request) -> Result<Ending, Failure> {
    let program = &request.program;
    let interrupt = world.watcher.interrupt(InFlight::Cancelled);
    let opening = Opening {
        home: world.home,
        run: &run_id(),
        registries: Registries::default(),
        chain: ChainKind::Article,
        image: USUAL_IMAGE,
    };
    let mut engine = world.engines.open(&EngineKind::Private, opening)?.engine;
    engine.begin_chain()?;
    let started =
        Command::new(program).args(&request.arguments).env("DOCKER_HOST", engine.endpoint()?.to_string()).spawn();
    let ended = started.map_err(|e| Failure::failed(format!("{program}: {e}"))).and_then(|mut child| {
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if interrupt.is_raised() => {
                    // In a terminal it got the signal too, and has its own way to end.
                    std::thread::sleep(POLL * 50);
                    let _ = child.kill();
                }
                Ok(None) => std::thread::sleep(POLL),
                Err(e) => return Err(Failure::failed(format!("{program}: {e}"))),
            }
        }
    });
    engine.finish()?;
    match ended? {
        _ if interrupt.is_raised() => Ok(Ending::Interrupted),
        status if status.success() => Ok(Ending::Fine),
        status => Err(Failure::failed(format!("{program}: {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fake_world::FakeWorld;
    use std::fs;

    fn sh(script: &str) -> Request {
        Request { program: "sh".to_owned(), arguments: vec!["-c".to_owned(), script.to_owned()] }
    }

    #[test]
    fn a_command_is_given_an_engine_of_its_own_and_its_end_is_told() {
        let world = FakeWorld::new();
        let seen = world.at("seen");
        let told = sh(&format!("echo $DOCKER_HOST >{}", seen.display()));
        assert_eq!(lend(world.world(), &told), Ok(Ending::Fine));
        assert_eq!(fs::read_to_string(&seen).unwrap(), "unix:///nowhere/fake.sock\n");
        let opened = world.engines.opened();
        assert_eq!((opened.len(), &opened[0].kind, &opened[0].home), (1, &EngineKind::Private, &world.at("home")));
        assert_eq!(lend(world.world(), &sh("exit 3")), Err(Failure::failed("sh: exit status: 3")));
        let nothing = Request { program: "/nowhere/at/all".to_owned(), arguments: Vec::new() };
        let failure = lend(world.world(), &nothing).unwrap_err();
        assert!(failure.text.starts_with("/nowhere/at/all: No such file"), "{}", failure.text);
    }

    #[test]
    fn a_command_is_ended_when_the_user_stops_and_not_begun_without_an_engine() {
        let world = FakeWorld::new();
        world.witness.stop_at_once();
        assert_eq!(lend(world.world(), &sh("exec sleep 600")), Ok(Ending::Interrupted));
        assert_eq!(world.witness.in_flight(), [InFlight::Cancelled]);
        world.engines.break_down("private");
        let begun = sh(&format!("touch {}", world.at("begun").display()));
        assert_eq!(lend(world.world(), &begun), Err(Failure::failed("private does not answer")));
        assert!(!world.at("begun").exists());
    }
}
