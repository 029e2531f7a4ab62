//! `layerbench doctor`: what a run would use, and what is in the way. Each line says ok, warn or stop, and what to do.

use super::alone::{self, Alone};
use super::args::{DoctorArgs, DoctorFormat, Topic};
use super::bases;
use super::pick::{Picked, pick, wanted};
use super::prepare::{self, Replacement};
use super::pulls;
use super::source;
use super::style::plain;
use super::{End, Stop};
use crate::engine::remains::{Workspace, home};
use crate::engine::{BuildRequest, Engine, Interrupt};
use crate::model::{ApproachId, Bytes, ChainKind, NoProgress};
use crate::plan::{Plan, PlanOptions};
use crate::runner::Recipe;
use crate::stats;
use crate::study::Study;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a registry may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Free room that a run wants, and without which it is not worth starting, in bytes.
const ROOM_WANTED: u64 = 10 << 30;
const ROOM_NEEDED: u64 = 2 << 30;
/// Cached builds that the noise floor is taken from.
const NOISE_BUILDS: usize = 20;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Stop,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Stop => "stop",
        }
    }
}

/// One line of the examination.
struct Line {
    topic: &'static str,
    level: Level,
    text: String,
    remedy: String,
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Line>);

impl Findings {
    fn add(&mut self, topic: &'static str, level: Level, text: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Line { topic, level, text: text.into(), remedy: remedy.into() });
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

/// Carries out the command.
pub fn doctor(args: &DoctorArgs) -> Result<End, Stop> {
    let subject = subject(args)?;
    let wants = |topic| args.only.is_empty() || args.only.contains(&topic);
    let mut found = Findings::default();
    if wants(Topic::Machine) {
        machine(&mut found);
    }
    if [Topic::Engine, Topic::Bases, Topic::Noise].into_iter().any(wants) {
        let wanted = wanted(&args.engines, ChainKind::Article, false)?;
        let study = subject.as_ref().map(|subject| &subject.study);
        match pick(&args.engines, &wanted, &super::run::run_id(), study, ChainKind::Article, None) {
            Ok(Picked { engines, lines }) => {
                for (named, line) in engines.into_iter().zip(lines) {
                    engine(&mut found, args, named.engine, line, subject.as_ref());
                }
            }
            Err(stop) if stop.end == End::Wrong => return Err(stop),
            Err(stop) => found.add("engine", Level::Stop, stop.text, ""),
        }
    }
    if let Some(subject) = subject.as_ref().filter(|_| wants(Topic::Pulls)) {
        let (level, text) = pulls::examine(&subject.recipes, 10, false);
        let level = if level { Level::Ok } else { Level::Warn };
        found.add("pulls", level, text, if level == Level::Ok { "" } else { pulls::REMEDY });
    }
    match args.format {
        DoctorFormat::Text => print_text(&found),
        DoctorFormat::Json => print_json(&found)?,
    }
    Ok(if found.0.iter().any(|line| line.level == Level::Stop) { End::Failed } else { End::Fine })
}

/// The study that is asked for; without one, only if the default is there.
fn subject(args: &DoctorArgs) -> Result<Option<Subject>, Stop> {
    let path = match &args.study {
        Some(path) => path.clone(),
        None if Path::new("scenarios/article/study.toml").is_file() => "scenarios/article".into(),
        None => return Ok(None),
    };
    let (study, files) = source::peek(&path, args.allow_outside)?;
    let options = PlanOptions {
        reps: 1,
        most: 1,
        engines: Vec::new(),
        approaches: Vec::new(),
        scenarios: Vec::new(),
        seed: 0,
        chain: ChainKind::Article,
    };
    let plan = Plan::new(&study, &options).map_err(Stop::wrong)?;
    let replacements = prepare::replacements(&study, &args.base)?;
    let recipes = prepare::recipes(&study, &plan, &replacements, args.base.len())?;
    Ok(Some(Subject { study, recipes, replacements, _files: files }))
}

fn machine(found: &mut Findings) {
    let home = home();
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
    found: &mut Findings,
    args: &DoctorArgs,
    mut engine: Box<dyn Engine>,
    line: String,
    subject: Option<&Subject>,
) {
    let wants = |topic| args.only.is_empty() || args.only.contains(&topic);
    match engine.fingerprint() {
        Err(error) => return found.add("engine", Level::Stop, error.to_string(), ""),
        Ok(_) if !wants(Topic::Engine) => {}
        Ok(facts) => {
            found.add("engine", Level::Ok, line, "");
            let fact = |key: &str| facts.get(key).map_or("unknown", String::as_str);
            let text = format!(
                "Docker Engine {}, containerd {}, runc {}, {} storage, {} file system, {} image store, Linux {}, {}",
                fact("engine"),
                fact("containerd"),
                fact("runc"),
                fact("storage_driver"),
                fact("backing_filesystem"),
                fact("image_store"),
                fact("kernel"),
                fact("processor")
            );
            found.add("fingerprint", Level::Ok, text, "");
        }
    }
    if let Some(subject) = subject.filter(|_| wants(Topic::Bases)) {
        images(found, engine.as_mut(), subject);
    }
    // Two that measure at once would measure each other.
    let alone = wants(Topic::Noise).then(|| Alone::now(&alone::name("doctor", "cached builds", &home())));
    if let Some(Err(other)) = &alone {
        let remedy = "run doctor again when it has ended";
        found.add("noise", Level::Warn, format!("not measured beside {other}"), remedy);
    }
    if let Some(Ok(_alone)) = alone {
        match noise(engine.as_mut()) {
            Ok((median, spread)) => {
                let share = spread / median;
                let text = format!(
                    "{NOISE_BUILDS} cached builds of a tiny image: median {:.0} ms, interquartile range {:.0} ms ({:.0} %)",
                    median * 1e3,
                    spread * 1e3,
                    share * 1e2
                );
                let level = if share > 0.25 { Level::Warn } else { Level::Ok };
                let remedy = if level == Level::Warn {
                    "something else is busy on this machine: differences of less will not show"
                } else {
                    ""
                };
                found.add("noise", level, text, remedy);
            }
            Err(text) => found.add("noise", Level::Stop, text, "the engine cannot build: its message says why"),
        }
    }
    if let Err(error) = engine.finish() {
        found.add("engine", Level::Warn, error.to_string(), "run `layerbench clean`");
    }
}

fn images(found: &mut Findings, engine: &mut dyn Engine, subject: &Subject) {
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
fn noise(engine: &mut dyn Engine) -> Result<(f64, f64), String> {
    let workspace = Workspace::new(&super::run::run_id()).map_err(|e| e.to_string())?;
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

fn print_text(found: &Findings) {
    for line in &found.0 {
        let text = plain(line.text.trim_end()).replace('\n', "\n      ");
        println!("{:5} {}: {text}", line.level.word(), line.topic);
        if !line.remedy.is_empty() {
            println!("      {}", plain(&line.remedy));
        }
    }
}

fn print_json(found: &Findings) -> Result<(), Stop> {
    let lines: Vec<_> = found
        .0
        .iter()
        .map(|line| json!({"topic": line.topic, "level": line.level.word(), "text": line.text, "remedy": line.remedy}))
        .collect();
    let document = json!({"schema": "layerbench.doctor/1", "lines": lines});
    println!("{}", serde_json::to_string_pretty(&document).map_err(Stop::failed)?);
    Ok(())
}
