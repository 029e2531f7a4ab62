//! The scorecard of an image on an engine, or those that a run kept.

use crate::app::measure::auditor::{RUN_LIMIT, needed};
use crate::app::prepare::run_id::run_id;
use crate::app::{EngineKind, Failure, InFlight, Opening, World};
use crate::audit::demands;
use crate::audit::image::{Options, audit as look};
use crate::engine::kinds::dind::USUAL_IMAGE;
use crate::engine::kinds::private::registry::Registries;
use crate::engine::wire::endpoint::Endpoint;
use crate::model::{Bytes, ChainKind, Scorecard};
use crate::store::scorecards;
use crate::study::{Demands, Study};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is asked for.
pub struct Request {
    /// Name or id of an image, or the folder of a run.
    pub image: String,
    /// Which engine has the image: `host`, which is usual, or an address.
    pub engine: Option<String>,
    /// The files of the image may have at most this size together.
    pub max_bytes: Option<String>,
    /// It must not be run as root.
    pub no_root: bool,
    /// Its user may write at most this many paths.
    pub writable_paths: Option<u64>,
    /// A study whose demands are taken, as far as none above overrules them.
    pub study: Option<PathBuf>,
    /// A lock file that says what is needed at run time.
    pub lock: Option<PathBuf>,
    /// How long the image may run each time that it is started, in seconds.
    pub run_limit: Option<u64>,
}

/// What was found.
pub struct Answer {
    /// A scorecard for each image.
    pub cards: Vec<Scorecard>,
}

impl Answer {
    /// The demands that are not met, a line each.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        self.cards
            .iter()
            .flat_map(|card| card.demands.iter().map(move |one| (card, one)))
            .filter(|(_, one)| one.met != Some(true))
            .map(|(card, one)| {
                let name = card.approach.as_deref().unwrap_or(&card.image);
                format!("{name}: {} is demanded; found: {}", one.demand, one.found)
            })
            .collect()
    }
}

/// Audits an image, or holds the scorecards of a run against demands.
///
/// # Errors
/// When the call is wrong, the run kept no scorecards, or the image cannot be looked at.
pub fn audit(world: World<'_>, request: &Request) -> Result<Answer, Failure> {
    let demanded = demanded(request)?;
    let folder = Path::new(&request.image);
    if folder.join("run.json").is_file() {
        return of_run(request, folder, &demanded);
    }
    if folder.is_dir() && request.image.contains('/') {
        return Err(Failure::wrong(format!(
            "{}: found a folder without run.json; expected the folder of a run, or the name or id of an image",
            folder.display()
        )));
    }
    Ok(Answer { cards: vec![of_image(world, request, demanded)?] })
}

fn of_run(request: &Request, folder: &Path, demanded: &Demands) -> Result<Answer, Failure> {
    only_of_images(request)?;
    let mut cards = scorecards(folder).map_err(Failure::wrong)?.ok_or_else(|| {
        Failure::wrong(format!("{}: the run kept no scorecards; it is older than they are", folder.display()))
    })?;
    for card in &mut cards {
        let more = demands::check(card, demanded);
        card.demands.retain(|old| !more.iter().any(|new| new.criterion == old.criterion));
        card.demands.extend(more);
    }
    Ok(Answer { cards })
}

/// A run's images are not looked at again: what only an engine could answer is refused.
fn only_of_images(request: &Request) -> Result<(), Failure> {
    let given = [
        ("--engine", request.engine.is_some()),
        ("--lock", request.lock.is_some()),
        ("--run-limit", request.run_limit.is_some()),
    ];
    let given: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if given.is_empty() {
        return Ok(());
    }
    Err(Failure::wrong(format!(
        "{}: found {} with the folder of a run, whose scorecards were made when it ran; expected an image, or only demands",
        request.image,
        given.join(" and ")
    )))
}

/// Those of the study, overruled by those of the call.
fn demanded(request: &Request) -> Result<Demands, Failure> {
    let study = request.study.as_deref().map(Study::load).transpose().map_err(Failure::wrong)?;
    let mut demands = study.map(|study| study.audit.demands).unwrap_or_default();
    if let Some(text) = &request.max_bytes {
        let bytes = Bytes::parse(text).ok_or_else(|| {
            Failure::wrong(format!("--max-bytes {text:?}: expected a size such as 200MB, 1.5GB or 190MiB"))
        })?;
        demands.max_bytes = Some(bytes.0);
    }
    demands.root = if request.no_root { Some(false) } else { demands.root };
    demands.writable_paths = request.writable_paths.or(demands.writable_paths);
    Ok(demands)
}

fn of_image(world: World<'_>, request: &Request, demands: Demands) -> Result<Scorecard, Failure> {
    let interrupt = world.watcher.interrupt(InFlight::Cancelled);
    let needed = request.lock.as_deref().map(needed).transpose().map_err(Failure::wrong)?;
    let opening = Opening {
        home: world.home,
        run: &run_id(),
        registries: Registries::default(),
        chain: ChainKind::Article,
        image: USUAL_IMAGE,
    };
    let kind = kind(request.engine.as_deref().unwrap_or("host"))?;
    let mut engine = world.engines.open(&kind, opening)?.engine;
    let limit = request.run_limit.map_or(RUN_LIMIT, Duration::from_secs);
    let options = Options { limit, built_since: None, needed: needed.map(Ok), demands };
    let looker = engine.looker(&interrupt)?;
    let card = look(&looker, &request.image, &options);
    engine.finish()?;
    match card {
        Err(_) if interrupt.is_raised() => Err(Failure::interrupted("stopped")),
        card => Ok(card?),
    }
}

/// The engine that has the image: one that was there before.
fn kind(text: &str) -> Result<EngineKind, Failure> {
    match text {
        "host" => Ok(EngineKind::Host),
        address if address.contains("://") || address.starts_with("context:") => {
            Endpoint::parse(address).map_err(|e| Failure::wrong(format!("--engine {address}: {e}")))?;
            Ok(EngineKind::At(address.to_owned()))
        }
        other => Err(Failure::wrong(format!(
            "--engine {other:?}: expected host, or the address of an engine that has the image, such as unix:///run/docker.sock"
        ))),
    }
}
