//! `layerbench engine`: a private engine for as long as a command runs, e.g. to compare clients on it.

use super::args::EngineArgs;
use super::{End, Stop, run, signals};
use crate::engine::private::PrivateEngine;
use crate::engine::private::registry::Registries;
use crate::engine::{Engine, Interrupt};
use crate::model::ChainKind;
use std::process::Command;
use std::time::Duration;

/// How often it is looked whether the command has ended.
const POLL: Duration = Duration::from_millis(20);

/// Carries out the command.
pub fn engine(args: &EngineArgs) -> Result<End, Stop> {
    let program = &args.program;
    let interrupt = Interrupt::default();
    signals::watch(&interrupt, signals::InFlight::Cancelled);
    let mut engine = PrivateEngine::new(&run::run_id(), Registries::default(), ChainKind::Article)?;
    engine.begin_chain()?;
    let started =
        Command::new(program).args(&args.arguments).env("DOCKER_HOST", engine.endpoint()?.to_string()).spawn();
    let ended = started.map_err(|e| Stop::failed(format!("{program}: {e}"))).and_then(|mut child| {
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if interrupt.is_raised() => {
                    // In a terminal it got the signal too, and has its own way to end.
                    std::thread::sleep(POLL * 50);
                    let _ = child.kill();
                }
                Ok(None) => std::thread::sleep(POLL),
                Err(e) => return Err(Stop::failed(format!("{program}: {e}"))),
            }
        }
    });
    engine.finish()?;
    match ended? {
        _ if interrupt.is_raised() => Ok(End::Interrupted),
        status if status.success() => Ok(End::Fine),
        status => Err(Stop::failed(format!("{program}: {status}"))),
    }
}
