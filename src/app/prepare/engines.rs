//! Which engines a call gets: what `--engine` says, or the best isolation that this machine has.
//! First all that was asked for is read, without touching an engine; then all of it is opened. Either way everything
//! that is wrong is said at once.

use super::request::EngineChoice;
use crate::app::{EngineKind, EngineSource, Failure, Opened, Opening, World};
use crate::engine::kinds::dind::DindEngine;
use crate::engine::kinds::host::HostEngine;
use crate::engine::kinds::private::registry::{LocalRegistry, Registries, RegistryCache};
use crate::engine::kinds::private::{PrivateEngine, missing};
use crate::engine::wire::docker_client::DockerClient;
use crate::engine::wire::endpoint::Endpoint;
use crate::engine::{Client, EngineError, Named};
use crate::model::{ChainKind, ClientKind, EngineId};
use crate::study::Study;
use std::path::Path;

/// An engine that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name: that of the only one, unless several were asked for.
    pub name: EngineId,
    kind: EngineKind,
}

/// Reads the values of `--engine`: each `[NAME=]ENGINE`. A single one has a name only if `named`.
pub fn wanted(choice: &EngineChoice, chain: ChainKind, named: bool) -> Result<Vec<Wanted>, Failure> {
    let mut wrong = Vec::new();
    let mut all: Vec<(EngineId, EngineKind)> = Vec::new();
    for text in &choice.engines {
        match one(text) {
            Ok((_, kind @ EngineKind::Auto)) if choice.engines.len() > 1 => {
                wrong.push(format!("--engine {kind}: found beside others; expected private, dind, host or an address"));
            }
            Ok((_, kind))
                if chain == ChainKind::Checkpoint && !matches!(kind, EngineKind::Auto | EngineKind::Private) =>
            {
                wrong.push(format!(
                    "--chain checkpoint with --engine {kind}: only a private engine can be stopped and copied"
                ))
            }
            Ok((name, kind)) => {
                if all.iter().any(|(_, other)| *other == kind) {
                    wrong.push(format!("--engine {kind}: found a second time; expected each engine once"));
                } else if all.iter().any(|(other, _)| *other == name) {
                    wrong.push(format!("--engine {text}: a second engine of this name; give it another: NAME={kind}"));
                } else {
                    all.push((name, kind));
                }
            }
            Err(problem) => wrong.push(problem),
        }
    }
    for address in &choice.may_empty {
        match all.iter_mut().find(|(_, kind)| *kind == EngineKind::At(address.clone())) {
            Some((_, kind)) if ["tcp://", "ssh://"].iter().any(|way| address.starts_with(way)) => {
                *kind = EngineKind::Emptied(address.clone());
            }
            Some(_) => wrong.push(format!(
                "--may-empty {address}: expected an engine at tcp:// or ssh://; the machine's own engine is never emptied"
            )),
            None => wrong.push(format!(
                "--may-empty {address}: found no --engine {address}; expected exactly the address of an engine of this call"
            )),
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::wrong(wrong.join("\n")));
    }
    let named = named || all.len() > 1;
    Ok(all.into_iter().map(|(name, kind)| Wanted { name: if named { name } else { EngineId::only() }, kind }).collect())
}

fn one(text: &str) -> Result<(EngineId, EngineKind), String> {
    let (given, word) = match text.split_once('=') {
        Some((name, rest)) if !name.contains("://") && !name.starts_with("context:") => (Some(name), rest),
        _ => (None, text),
    };
    let kind = match word {
        "auto" => EngineKind::Auto,
        "private" => EngineKind::Private,
        "dind" => EngineKind::Dind,
        "host" => EngineKind::Host,
        address if address.contains("://") || address.starts_with("context:") => {
            Endpoint::parse(address).map_err(|e| format!("--engine {text}: {e}"))?;
            EngineKind::At(address.to_owned())
        }
        other => {
            return Err(format!(
                "--engine {other:?}: expected auto, private, dind, host, or an address such as unix:///run/docker.sock"
            ));
        }
    };
    let name = match given {
        Some(name) => EngineId::new(name).map_err(|e| format!("--engine {text}: {e}"))?,
        None => EngineId::new(&usual_name(word)).unwrap_or_default(),
    };
    Ok((name, kind))
}

/// What an engine is called if nobody says: `tcp-build.example.org-2376`.
fn usual_name(word: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' };
    let mut name: String = word.chars().map(plain).take(100).collect();
    while name.contains("--") {
        name = name.replace("--", "-");
    }
    name.trim_end_matches('-').to_owned()
}

/// Engines that were opened.
pub struct Picked {
    /// In the order of the call.
    pub engines: Vec<Named>,
    /// A line for each that says which and why.
    pub lines: Vec<String>,
}

/// Opens the engines for a study.
pub fn pick(
    world: World<'_>,
    choice: &EngineChoice,
    wanted: &[Wanted],
    run: &str,
    study: Option<&Study>,
    chain: ChainKind,
    cache: Option<RegistryCache>,
) -> Result<Picked, Failure> {
    let local = study
        .and_then(|study| study.registry.as_ref())
        .map(|registry| LocalRegistry { storage: registry.storage.clone(), address: registry.address.to_string() });
    let other = wanted.iter().find(|wanted| !matches!(wanted.kind, EngineKind::Auto | EngineKind::Private));
    if let Some(Wanted { kind, .. }) = other.filter(|_| cache.is_some()) {
        return Err(Failure::wrong(format!(
            "--registry-cache with --engine {kind}: only a private engine can be given one; an engine of yours takes it as a registry mirror in its daemon.json"
        )));
    }
    let registries = Registries { local, cache };
    let mut picked = Picked { engines: Vec::new(), lines: Vec::new() };
    let mut failed: Vec<Failure> = Vec::new();
    let mut known: Vec<(String, EngineKind)> = Vec::new();
    for (number, Wanted { name, kind }) in wanted.iter().enumerate() {
        // Each engine writes down under a name of its own what it leaves.
        let run = if number == 0 { run.to_owned() } else { format!("{run}-e{}", number + 1) };
        let label = name.before(": ");
        let call =
            Opening { home: world.home, run: &run, registries: registries.clone(), chain, image: &choice.dind_image };
        let opened = world.engines.open(kind, call);
        match opened {
            Ok(opened) => {
                if let Some(warning) = &opened.warning {
                    world.say(warning);
                }
                let twin = opened.id.as_ref().and_then(|id| known.iter().find(|(other, _)| other == id));
                if let Some((_, other)) = twin {
                    failed.push(Failure::wrong(format!(
                        "--engine {kind}: the same engine as {other}; expected each once"
                    )));
                    continue;
                }
                known.extend(opened.id.map(|id| (id, kind.clone())));
                picked.lines.push(format!("{label}{} — {}", opened.engine.describe(), opened.why));
                picked.engines.push(Named { name: name.clone(), engine: opened.engine });
            }
            Err(stop) => failed.push(Failure { text: format!("{label}{}", stop.text), ..stop }),
        }
    }
    match failed.first() {
        None => Ok(picked),
        Some(first) => {
            let texts: Vec<&str> = failed.iter().map(|stop| stop.text.as_str()).collect();
            Err(Failure { ending: first.ending, text: texts.join("\n") })
        }
    }
}

/// Engines that build.
pub struct RealEngines;

impl EngineSource for RealEngines {
    fn open(&self, kind: &EngineKind, call: Opening<'_>) -> Result<Opened, Failure> {
        match kind {
            EngineKind::Private => private(call, "asked for"),
            EngineKind::Host => host(&call, &Endpoint::from_environment()?, "asked for"),
            EngineKind::Dind => dind(&call, "asked for"),
            EngineKind::At(address) => host(&call, &Endpoint::parse(address).map_err(Failure::wrong)?, "asked for"),
            EngineKind::Emptied(address) => emptied(&call, &Endpoint::parse(address).map_err(Failure::wrong)?),
            EngineKind::Auto => automatic(call),
        }
    }

    fn client(&self, kind: ClientKind, place: &Path) -> Result<Client, Failure> {
        Ok(match kind {
            ClientKind::Layerbench => Client::Layerbench,
            ClientKind::Docker => Client::Docker(DockerClient::find(&place.join("context"))?),
        })
    }
}

fn private(call: Opening<'_>, why: &str) -> Result<Opened, Failure> {
    let engine = PrivateEngine::new(call.home, call.run, call.registries, call.chain)?;
    Ok(Opened::new(engine, None, why))
}

fn host(call: &Opening<'_>, endpoint: &Endpoint, why: &str) -> Result<Opened, Failure> {
    let engine = HostEngine::new(call.home, call.run, endpoint)?;
    let id = engine.id();
    Ok(Opened::new(engine, id, why))
}

fn emptied(call: &Opening<'_>, endpoint: &Endpoint) -> Result<Opened, Failure> {
    let mut engine = HostEngine::new(call.home, call.run, endpoint)?;
    let (images, records) = engine.let_it_be_emptied()?;
    let warning = format!(
        "warning: --may-empty: ALL images ({images} now) and the WHOLE build cache ({records} records) of {endpoint} are removed before each cold build"
    );
    let id = engine.id();
    Ok(Opened { warning: Some(warning), ..Opened::new(engine, id, "asked for") })
}

fn dind(call: &Opening<'_>, why: &str) -> Result<Opened, Failure> {
    if call.registries.any() {
        return Err(Failure::wrong(
            "--engine dind: the study's base images are in a registry that only a private engine can be given; use --engine private",
        ));
    }
    let engine = DindEngine::new(call.home, call.run, &Endpoint::from_environment()?, call.image)?;
    Ok(Opened::new(engine, None, why))
}

/// The best isolation that can be had: private, inside the user's engine, that one itself.
fn automatic(call: Opening<'_>) -> Result<Opened, Failure> {
    let lacking = missing(call.registries.any());
    if lacking.is_empty() {
        return private(call, "everything for it is there");
    }
    if call.registries.any() || call.chain == ChainKind::Checkpoint {
        // Only a private engine can be given a registry, and only it can be copied.
        return private(call, "");
    }
    let lacking = format!("a private engine lacks {}", lacking.join("; "));
    let inside = match dind(&call, &lacking) {
        Ok(opened) => return Ok(opened),
        Err(stop) => stop.text,
    };
    let why = format!("{lacking}; {}", inside.replace("\n  ", ": "));
    let engine = HostEngine::new(call.home, call.run, &Endpoint::from_environment()?).map_err(|error| {
        EngineError::new(
            "no engine can be used",
            format!("{lacking}; the machine's own: {}: {}", error.what, error.found),
            // What helps the one, and what the other.
            [error.remedy.as_str(), "install Docker Engine and run this as root"]
                .join("; or ")
                .trim_start_matches("; or "),
        )
    })?;
    let id = engine.id();
    Ok(Opened::new(engine, id, why))
}
