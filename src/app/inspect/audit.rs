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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Ending;
    use crate::app::fake_world::{FakeWorld, STUDY, scorecard};
    use crate::store::write_scorecards;

    fn request(image: &Path) -> Request {
        Request {
            image: image.display().to_string(),
            engine: None,
            max_bytes: None,
            no_root: false,
            writable_paths: None,
            study: None,
            lock: None,
            run_limit: None,
        }
    }

    fn refused(world: &FakeWorld, request: &Request) -> Failure {
        audit(world.world(), request).err().unwrap()
    }

    #[test]
    fn scorecards_of_a_run_are_held_against_demands() {
        let world = FakeWorld::new();
        let run = world.whole(&world.request()).path;
        let failure = refused(&world, &request(&run));
        assert!(failure.text.ends_with("the run kept no scorecards; it is older than they are"), "{}", failure.text);
        write_scorecards(&run, &[scorecard("quick", 1_500_000), scorecard("slow", 2_500_000)]).unwrap();
        let answer = audit(world.world(), &request(&run)).unwrap();
        assert_eq!((answer.cards.len(), answer.missed()), (2, Vec::new()), "nothing is demanded");
        let mut strict = Request { max_bytes: Some("2MB".to_owned()), ..request(&run) };
        let missed = |request: &Request| audit(world.world(), request).unwrap().missed();
        let large = "slow: max_bytes = 2000000 is demanded; found: 2500000";
        assert_eq!(missed(&strict), [large]);
        // What a study demands holds too, unless the call says otherwise. What nobody knows is not met.
        let demands = "[audit]\nmax_bytes = \"3MB\"\nwritable_paths = 0\n";
        world.write("study/study.toml", &format!("{STUDY}{demands}"));
        strict.study = Some(world.at("study"));
        let unknown = |approach: &str| format!("{approach}: writable_paths = 0 is demanded; found: unknown");
        assert_eq!(missed(&strict), [unknown("quick"), large.to_owned(), unknown("slow")]);
        let root = Request { no_root: true, ..request(&run) };
        assert_eq!(missed(&root).len(), 2);
        assert_eq!(world.witness.in_flight().len(), 1, "no engine was needed but for the run");
    }

    #[test]
    fn what_only_an_engine_could_answer_is_not_asked_of_a_run() {
        let world = FakeWorld::new();
        let run = world.whole(&world.request()).path;
        let host = || Some("host".to_owned());
        let failure = refused(&world, &Request { engine: host(), run_limit: Some(3), ..request(&run) });
        assert_eq!(failure.ending, Ending::Wrong);
        assert!(failure.text.contains("found --engine and --run-limit with the folder of a run"), "{}", failure.text);
        let failure = refused(&world, &request(&world.at("study")));
        assert!(failure.text.contains("found a folder without run.json"), "{}", failure.text);
        let failure = refused(&world, &Request { max_bytes: Some("much".to_owned()), ..request(&run) });
        assert!(failure.text.starts_with("--max-bytes \"much\": expected a size"), "{}", failure.text);
    }

    #[test]
    fn an_image_is_looked_at_on_the_engine_that_has_it() {
        let world = FakeWorld::new();
        let image = Path::new("some/image:1");
        // A fake engine has no image that could be looked into.
        let failure = refused(&world, &request(image));
        assert_eq!(
            (failure.ending, failure.text.as_str()),
            (Ending::Failed, "looking into images: a fake engine has none")
        );
        let address = "tcp://127.0.0.1:1".to_owned();
        refused(&world, &Request { engine: Some(address.clone()), ..request(image) });
        let kinds: Vec<EngineKind> = world.engines.opened().into_iter().map(|opened| opened.kind).collect();
        assert_eq!(kinds, [EngineKind::Host, EngineKind::At(address)]);
        for (engine, words) in [("private", "--engine \"private\": expected host, or"), ("x://y", "--engine x://y: ")] {
            let failure = refused(&world, &Request { engine: Some(engine.to_owned()), ..request(image) });
            assert_eq!(failure.ending, Ending::Wrong);
            assert!(failure.text.starts_with(words), "{}", failure.text);
        }
        assert_eq!(world.engines.opened(), []);
    }
}
