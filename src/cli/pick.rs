//! Which engine a call gets: what `--engine` says, or the best isolation that this machine has.

use super::Stop;
use crate::engine::endpoint::Endpoint;
use crate::engine::host::HostEngine;
use crate::engine::private::{LocalRegistry, PrivateEngine, missing};
use crate::engine::{Engine, EngineError};
use crate::study::Study;

/// An engine, and a line that says which and why.
pub struct Picked {
    pub engine: Box<dyn Engine>,
    pub line: String,
}

/// Picks an engine for a study.
pub fn pick(wanted: &str, run: &str, study: Option<&Study>) -> Result<Picked, Stop> {
    let registry = study
        .and_then(|study| study.registry.as_ref())
        .map(|registry| LocalRegistry { storage: registry.storage.clone(), address: registry.address.to_string() });
    match wanted {
        "private" => private(run, registry, "asked for"),
        "host" => host(run, &Endpoint::from_environment()?, "asked for"),
        "auto" => automatic(run, registry),
        "dind" => Err(Stop::failed("--engine dind is not there yet; use private or host")),
        address if address.contains("://") || address.starts_with("context:") => {
            host(run, &Endpoint::parse(address).map_err(Stop::wrong)?, "asked for")
        }
        other => Err(Stop::wrong(format!(
            "--engine {other:?}: expected auto, private, host, or an address such as unix:///run/docker.sock"
        ))),
    }
}

fn private(run: &str, registry: Option<LocalRegistry>, why: &str) -> Result<Picked, Stop> {
    let engine = PrivateEngine::new(run, registry)?;
    Ok(Picked { line: format!("{} — {why}", engine.describe()), engine: Box::new(engine) })
}

fn host(run: &str, endpoint: &Endpoint, why: &str) -> Result<Picked, Stop> {
    let engine = HostEngine::new(run, endpoint)?;
    Ok(Picked { line: format!("{} — {why}", engine.describe()), engine: Box::new(engine) })
}

fn automatic(run: &str, registry: Option<LocalRegistry>) -> Result<Picked, Stop> {
    let lacking = missing(registry.is_some());
    if lacking.is_empty() {
        return private(run, registry, "everything for it is there");
    }
    if registry.is_some() {
        // The study's base images are in a registry that only a private engine can be given.
        return private(run, registry, "");
    }
    let why = format!("a private engine lacks {}", lacking.join("; "));
    host(run, &Endpoint::from_environment()?, &why).map_err(|stop| {
        Stop::failed(EngineError::new(
            "no engine can be used",
            format!("a private engine lacks {}; the machine's own: {}", lacking.join("; "), stop.text),
            "install Docker Engine and run this as root, or start Docker, or name an engine with --engine",
        ))
    })
}
