//! What a run would use, and what is in the way. Each line says ok, warn or stop, and what to do.

use crate::app::prepare::alone::{self, Alone};
use crate::app::prepare::engines::{Picked, pick, wanted};
use crate::app::prepare::recipes::{self, Replacement};
use crate::app::prepare::request::EngineChoice;
use crate::app::prepare::run_id::run_id;
use crate::app::prepare::{bases, pulls, subject};
use crate::app::{Ending, Failure, World};
use crate::engine::machine::workspace::Workspace;
use crate::engine::{BuildRequest, Engine, Interrupt};
use crate::model::{ApproachId, Bytes, ChainKind, NoProgress, Property};
use crate::plan::{Plan, PlanOptions};
use crate::runner::Recipe;
use crate::stats;
use crate::study::Study;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a registry may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Free room that a run wants, and without which it is not worth starting, in bytes.
const ROOM_WANTED: u64 = 10 << 30;
const ROOM_NEEDED: u64 = 2 << 30;
/// Cached builds that the noise floor is taken from.
const NOISE_BUILDS: usize = 20;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Disk, frequency scaling, load.
    Machine,
    /// The engine, and how it is isolated.
    Engine,
    /// Whether every base image can be had.
    Bases,
    /// Manifests that ten blocks ask for, against the limit.
    Pulls,
    /// How much cached builds of a tiny image differ.
    Noise,
}

/// What is asked for.
pub struct Request {
    /// Folder of a study, or its file; without it, the article's if that is there.
    pub study: Option<PathBuf>,
    /// Only these; all if empty.
    pub only: Vec<Topic>,
    /// On which engines a run would build.
    pub engines: EngineChoice,
    /// Whether the study may read what lies outside of it.
    pub allow_outside: bool,
    /// Base images used in place of others, each `FROM=TO`.
    pub bases: Vec<String>,
}

impl Request {
    fn wants(&self, topic: Topic) -> bool {
        self.only.is_empty() || self.only.contains(&topic)
    }
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Ok,
    /// A run is possible, and should not be trusted blindly.
    Warn,
    /// A run is not possible.
    Stop,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Stop => "stop",
        }
    }
}

/// One line of the examination.
pub struct Line {
    /// What it is about.
    pub topic: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// What would help; may be empty.
    pub remedy: String,
}

/// What was found, in the order in which it was looked at.
#[derive(Default)]
pub struct Answer {
    /// The lines.
    pub lines: Vec<Line>,
}

impl Answer {
    fn add(&mut self, topic: &'static str, level: Level, text: impl Into<String>, remedy: impl Into<String>) {
        self.lines.push(Line { topic, level, text: text.into(), remedy: remedy.into() });
    }

    /// Whether a run is possible.
    #[must_use]
    pub fn ending(&self) -> Ending {
        if self.lines.iter().any(|line| line.level == Level::Stop) { Ending::Failed } else { Ending::Fine }
    }
}

/// The study, as far as one is examined.
struct Subject {
    study: Study,
    /// Holds the files of a project in git.
    _files: tempfile::TempDir,
    recipes: BTreeMap<ApproachId, Recipe>,
    replacements: Vec<Replacement>,
}

/// Looks at the machine, the engines and a study.
///
/// # Errors
/// When the call or the study is wrong. What is in the way of a run is part of the answer.
pub fn doctor(world: World<'_>, request: &Request) -> Result<Answer, Failure> {
    let subject = subject(request)?;
    let mut found = Answer::default();
    if request.wants(Topic::Machine) {
        machine(world.home, &mut found);
    }
    if [Topic::Engine, Topic::Bases, Topic::Noise].into_iter().any(|topic| request.wants(topic)) {
        let wanted = wanted(&request.engines, ChainKind::Article, false)?;
        let study = subject.as_ref().map(|subject| &subject.study);
        match pick(world, &request.engines, &wanted, &run_id(), study, ChainKind::Article, None) {
            Ok(Picked { engines, lines }) => {
                for (named, line) in engines.into_iter().zip(lines) {
                    engine(world, &mut found, request, named.engine, line, subject.as_ref());
                }
            }
            Err(failure) if failure.ending == Ending::Wrong => return Err(failure),
            Err(failure) => found.add("engine", Level::Stop, failure.text, ""),
        }
    }
    if let Some(subject) = subject.as_ref().filter(|_| request.wants(Topic::Pulls)) {
        let (level, text) = pulls::examine(&subject.recipes, 10, false);
        let level = if level { Level::Ok } else { Level::Warn };
        found.add("pulls", level, text, if level == Level::Ok { "" } else { pulls::REMEDY });
    }
    Ok(found)
}

/// The study that is asked for; without one, only if the default is there.
fn subject(request: &Request) -> Result<Option<Subject>, Failure> {
    let path = match &request.study {
        Some(path) => path.clone(),
        None if Path::new("scenarios/article/study.toml").is_file() => "scenarios/article".into(),
        None => return Ok(None),
    };
    let (study, files) = subject::peek(&path, request.allow_outside)?;
    let options = PlanOptions {
        reps: 1,
        most: 1,
        engines: Vec::new(),
        approaches: Vec::new(),
        scenarios: Vec::new(),
        seed: 0,
        chain: ChainKind::Article,
    };
    let plan = Plan::new(&study, &options).map_err(Failure::wrong)?;
    let replacements = recipes::replacements(&study, &request.bases)?;
    let recipes = recipes::recipes(&study, &plan, &replacements, request.bases.len())?;
    Ok(Some(Subject { study, recipes, replacements, _files: files }))
}

fn machine(home: &Path, found: &mut Answer) {
    let place = home.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("/"));
    if let Ok(room) = rustix::fs::statvfs(place) {
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        let text = format!("{} free under {}", Bytes(free), place.display());
        let remedy = "make room, or let LAYERBENCH_HOME name a folder on another disk";
        match free {
            _ if free < ROOM_NEEDED => found.add("disk", Level::Stop, text, remedy),
            _ if free < ROOM_WANTED => found.add("disk", Level::Warn, text, remedy),
            _ => found.add("disk", Level::Ok, text, ""),
        }
    }
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    match governor.trim() {
        "" => found.add("frequency", Level::Ok, "no frequency scaling is visible here", ""),
        "performance" => found.add("frequency", Level::Ok, "governor performance", ""),
        other => found.add(
            "frequency",
            Level::Warn,
            format!("governor {other}: the processor changes its speed"),
            "cpupower frequency-set --governor performance, for the time of the run",
        ),
    }
    let load: f64 = read("/proc/loadavg").split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let text = format!("load {load:.2} on {cores} cores");
    #[allow(clippy::cast_precision_loss)] // a number of cores
    if load > 0.25 * cores as f64 {
        found.add("load", Level::Warn, text, "wait until the machine is quiet, or end what keeps it busy");
    } else {
        found.add("load", Level::Ok, text, "");
    }
}

fn engine(
    world: World<'_>,
    found: &mut Answer,
    request: &Request,
    mut engine: Box<dyn Engine>,
    line: String,
    subject: Option<&Subject>,
) {
    match engine.fingerprint() {
        Err(error) => return found.add("engine", Level::Stop, error.to_string(), ""),
        Ok(_) if !request.wants(Topic::Engine) => {}
        Ok(facts) => {
            found.add("engine", Level::Ok, line, "");
            let fact = |property| facts.shown(property);
            let text = format!(
                "Docker Engine {}, containerd {}, runc {}, {} storage, {} file system, {} image store, Linux {}, {}",
                fact(Property::EngineVersion),
                fact(Property::Containerd),
                fact(Property::Runc),
                fact(Property::StorageDriver),
                fact(Property::BackingFilesystem),
                fact(Property::ImageStore),
                fact(Property::Kernel),
                fact(Property::Processor)
            );
            found.add("fingerprint", Level::Ok, text, "");
        }
    }
    if let Some(subject) = subject.filter(|_| request.wants(Topic::Bases)) {
        images(found, engine.as_mut(), subject);
    }
    if request.wants(Topic::Noise) {
        steadiness(world, found, engine.as_mut());
    }
    if let Err(error) = engine.finish() {
        found.add("engine", Level::Warn, error.to_string(), "run `layerbench clean`");
    }
}

/// How much cached builds of a tiny image differ.
fn steadiness(world: World<'_>, found: &mut Answer, engine: &mut dyn Engine) {
    // Two that measure at once would measure each other.
    let _alone = match Alone::now(world, &alone::name("doctor", "cached builds", world.home)) {
        Ok(alone) => alone,
        Err(other) => {
            let remedy = "run doctor again when it has ended";
            return found.add("noise", Level::Warn, format!("not measured beside {}", other.text), remedy);
        }
    };
    match noise(world.home, engine) {
        Ok((median, spread)) => {
            let share = spread / median;
            let text = format!(
                "{NOISE_BUILDS} cached builds of a tiny image: median {:.0} ms, interquartile range {:.0} ms ({:.0} %)",
                median * 1e3,
                spread * 1e3,
                share * 1e2
            );
            if share > 0.25 {
                let remedy = "something else is busy on this machine: differences of less will not show";
                found.add("noise", Level::Warn, text, remedy);
            } else {
                found.add("noise", Level::Ok, text, "");
            }
        }
        Err(text) => found.add("noise", Level::Stop, text, "the engine cannot build: its message says why"),
    }
}

fn images(found: &mut Answer, engine: &mut dyn Engine, subject: &Subject) {
    let references: BTreeSet<&String> = subject.recipes.values().flat_map(|recipe| &recipe.bases).collect();
    for reference in references {
        let stand_in = subject.replacements.iter().any(|r| r.to == *reference && r.stand_in);
        let kind = if stand_in { " (stand-in)" } else { "" };
        match engine.resolve(reference, ANSWER_LIMIT) {
            Ok(base) => found.add("base image", Level::Ok, format!("{reference}{kind}: {}", base.digest), ""),
            Err(error) => {
                let users = bases::may_lack(&subject.recipes, &bases::needs(&subject.study), reference);
                let without =
                    |users: &Vec<&ApproachId>| format!("it is for {}, which will be left out; or ", names(users));
                found.add(
                    "base image",
                    if users.is_some() { Level::Warn } else { Level::Stop },
                    format!("{reference}{kind}: {}", error.found.trim()),
                    format!(
                        "{}replace it with --base {reference}=OTHER, or make stand-ins with scripts/stand-ins",
                        users.as_ref().map(without).unwrap_or_default()
                    ),
                );
            }
        }
    }
}

fn names(approaches: &[&ApproachId]) -> String {
    approaches.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
}

/// Median and interquartile range of cached builds of a tiny image, in seconds.
fn noise(home: &Path, engine: &mut dyn Engine) -> Result<(f64, f64), String> {
    let workspace = Workspace::new(home, &run_id()).map_err(|e| e.to_string())?;
    let context = workspace.path().join("context");
    fs::create_dir_all(&context).and_then(|()| fs::write(context.join("file"), "x")).map_err(|e| e.to_string())?;
    engine.begin_chain().map_err(|e| e.to_string())?;
    let request = BuildRequest {
        context,
        dockerfile: Arc::new(b"FROM scratch\nCOPY file /file\n".to_vec()),
        tag: "layerbench/doctor:noise".to_owned(),
        context_key: "layerbench-doctor".to_owned(),
        timeout: Duration::from_secs(60),
        ..BuildRequest::default()
    };
    let mut seconds = Vec::new();
    for number in 0..=NOISE_BUILDS {
        let outcome = engine.build(&request, &NoProgress, &Interrupt::default());
        outcome.result.map_err(|(_, why)| why)?;
        if number > 0 {
            seconds.push(outcome.seconds.get());
        }
    }
    seconds.sort_by(f64::total_cmp);
    let at = |share: usize| seconds.get(seconds.len() * share / 4).copied().unwrap_or(0.0);
    let median = stats::median(&seconds).map_err(|e| e.to_string())?;
    Ok((median, at(3) - at(1)))
}

#[cfg(test)]
mod tests;
