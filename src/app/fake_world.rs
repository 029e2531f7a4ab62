//! A world for tests of use cases: a folder that is gone with it, engines that play a script, a machine on which nothing
//! happens, and a witness of all that is said. Nothing is built, and neither the environment nor this machine's home or
//! lock is looked at. Compiled for tests only.

use super::measure::run::{Answer, Made, run};
use super::measure::run_request::RunRequest;
use super::prepare::request::{EngineChoice, Origin, Wish};
use super::read::Run;
use super::{EngineKind, EngineSource, Failure, InFlight, MachineLock, Opened, Opening, Watcher, World};
use crate::engine::fake::{FakeEngine, FakeMachine, docker_client, outcome};
use crate::engine::machine::look::Look;
use crate::engine::{BuildRequest, Client, Interrupt};
use crate::model::{
    BuildKey, ChainKind, ClientKind, Criterion, Event, NoProgress, Outcome, Progress, SCORECARD_SCHEMA, Sample,
    Scorecard, Seconds,
};
use crate::store::{self, RunFolder};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The study that [`FakeWorld::new`] writes: two approaches, cold, warm, and with changed sources.
pub const STUDY: &str = r#"schema = "layerbench.study/1"
name = "tiny"
project = { path = "project" }
[[state]]
id = "base"
[[state]]
id = "sources"
after = "base"
overlay = "changed"
[[scenario]]
id = "cold"
cache = "cold"
state = "base"
[[scenario]]
id = "warm"
cache = "warm"
state = "base"
[[scenario]]
id = "sources"
cache = "changed"
state = "sources"
[[approach]]
id = "slow"
dockerfile = "slow.Dockerfile"
[[approach]]
id = "quick"
dockerfile = "quick.Dockerfile"
"#;

/// The Dockerfile of each approach.
pub const DOCKERFILE: &str = "FROM busybox:1\nCOPY app.txt /\nRUN true\n";

/// Seconds between two nights.
const DAY: i64 = 24 * 60 * 60;

/// A world in a folder of its own.
pub struct FakeWorld {
    place: tempfile::TempDir,
    home: PathBuf,
    machine: FakeMachine,
    /// What keeps the machine to one run at a time: nothing, at first.
    pub lock: MachineLock,
    /// What was said and seen.
    pub witness: Witness,
    /// Where engines come from.
    pub engines: FakeEngines,
}

impl FakeWorld {
    /// A world with the tiny study in `study`.
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let world = Self {
            home: place.path().join("home"),
            place,
            machine: FakeMachine::new([]),
            lock: MachineLock::None,
            witness: Witness::default(),
            engines: FakeEngines::default(),
        };
        world.write("study/project/app.txt", "one\n");
        world.write("study/changed/app.txt", "two\n");
        world.write("study/slow.Dockerfile", DOCKERFILE);
        world.write("study/quick.Dockerfile", DOCKERFILE);
        world.write("study/study.toml", STUDY);
        world
    }

    /// The same with a machine that shows these looks, one after the other.
    pub fn on_a_machine(looks: impl IntoIterator<Item = Look>) -> Self {
        Self { machine: FakeMachine::new(looks), ..Self::new() }
    }

    /// What a use case is carried out in.
    pub fn world(&self) -> World<'_> {
        let Self { witness, engines, home, machine, lock, .. } = self;
        World { watcher: witness, engines, home, machine, lock }
    }

    /// A place in its folder.
    pub fn at(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Writes a file in its folder.
    pub fn write(&self, name: &str, text: &str) {
        let file = self.at(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Two blocks of the tiny study, in an order that is always the same.
    pub fn request(&self) -> RunRequest {
        RunRequest {
            wish: Wish::Study(self.at("study")),
            origin: Origin::default(),
            reps: 2,
            precision: None,
            approaches: Vec::new(),
            scenarios: Vec::new(),
            engines: EngineChoice { engines: vec!["private".to_owned()], ..EngineChoice::default() },
            bases: Vec::new(),
            seed: Some(7),
            out: self.at("results"),
            timeout: 60,
            chain: ChainKind::Article,
            client: ClientKind::Layerbench,
            registry_cache: None,
            resume: None,
            finish_build: false,
            dry_run: false,
            no_wait: true,
        }
    }

    /// Makes a run.
    pub fn run(&self, request: &RunRequest) -> Result<Made, Failure> {
        match run(self.world(), request)? {
            Answer::Made(made) => Ok(*made),
            Answer::Plan(plan) => panic!("only a plan:\n{plan}"),
            Answer::NothingLeft => panic!("nothing is left"),
        }
    }

    /// Makes a run that comes to its end.
    pub fn whole(&self, request: &RunRequest) -> Run {
        let made = self.run(request).unwrap();
        assert_eq!((made.failures.as_slice(), &made.ended), (&[][..], &Ok(super::Ending::Fine)));
        made.run.unwrap()
    }

    /// Nights before a run, oldest first: like it in everything but when they were, and what `seconds` gives for each night
    /// (from 0) and sample.
    pub fn nights(&self, run: &Path, count: usize, seconds: impl Fn(usize, &Sample) -> f64) -> Vec<PathBuf> {
        let stored = RunFolder::open(run).unwrap();
        let images = store::images(run).unwrap();
        let results = stored.path.ancestors().nth(2).unwrap();
        let tonight = OffsetDateTime::parse(&stored.record.started_at, &Rfc3339).unwrap();
        let night = |night: usize| {
            let days = i64::try_from(count - night).unwrap();
            let start = tonight - time::Duration::seconds(days * DAY);
            let mut record = stored.record.clone();
            record.started_at = start.format(&Rfc3339).unwrap();
            let mut folder = RunFolder::create(results, start, "night", &record).unwrap();
            for (sample, steps) in &stored.samples {
                let seconds = Seconds::new(seconds(night, sample)).unwrap();
                folder.append_sample(&Sample { seconds, ..sample.clone() }, steps).unwrap();
            }
            store::write_images(folder.path(), &images).unwrap();
            folder.path().to_path_buf()
        };
        (0..count).map(night).collect()
    }
}

/// Keeps what it is told, and stops a run when it was asked to.
#[derive(Default)]
pub struct Witness {
    said: RefCell<Vec<String>>,
    events: RefCell<Vec<Event>>,
    expected: RefCell<Vec<BuildKey>>,
    interrupts: RefCell<Vec<(InFlight, Interrupt)>>,
    /// Builds until the user wants to stop.
    patience: Cell<Option<usize>>,
}

impl Witness {
    /// The user wants to stop when so many more builds have begun.
    pub fn stop_at_build(&self, number: usize) {
        self.patience.set(Some(number));
    }

    /// The user wants to stop as soon as anybody asks.
    pub fn stop_at_once(&self) {
        self.patience.set(Some(0));
    }

    /// Everything that was said so far, a line each.
    pub fn said(&self) -> String {
        self.said.borrow().join("\n")
    }

    /// Whether this was said, as a whole.
    pub fn heard(&self, line: &str) -> bool {
        self.said.borrow().iter().any(|said| said == line)
    }

    /// The samples of the builds that ended so far.
    pub fn samples(&self) -> Vec<Sample> {
        let events = self.events.borrow();
        let samples = events.iter().filter_map(|event| match event {
            Event::BuildFinished { sample, .. } => Some((**sample).clone()),
            _ => None,
        });
        samples.collect()
    }

    /// The builds that were announced last.
    pub fn expected(&self) -> Vec<BuildKey> {
        self.expected.borrow().clone()
    }

    /// What was to become of the build in flight, call by call.
    pub fn in_flight(&self) -> Vec<InFlight> {
        self.interrupts.borrow().iter().map(|(in_flight, _)| *in_flight).collect()
    }
}

impl Watcher for Witness {
    fn say(&self, text: &str) {
        self.said.borrow_mut().push(text.to_owned());
    }

    fn interrupt(&self, in_flight: InFlight) -> Interrupt {
        let interrupt = Interrupt::default();
        if self.patience.get() == Some(0) {
            interrupt.raise();
        }
        self.interrupts.borrow_mut().push((in_flight, interrupt.clone()));
        interrupt
    }

    fn expect(&self, builds: Vec<BuildKey>) -> Arc<dyn Progress> {
        *self.expected.borrow_mut() = builds;
        Arc::new(NoProgress)
    }

    fn event(&self, event: &Event) {
        if matches!(event, Event::BuildStarted { .. })
            && let Some(patience) = self.patience.get()
        {
            self.patience.set(patience.checked_sub(1));
            if let (1, Some((_, interrupt))) = (patience, self.interrupts.borrow().last()) {
                interrupt.raise();
                self.patience.set(None);
            }
        }
        self.events.borrow_mut().push(event.clone());
    }

    fn steps(&self) -> Arc<dyn Progress> {
        Arc::new(NoProgress)
    }
}

/// A build that an engine was asked for, as far as a test or a script looks at it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The engine, as `--engine` has it.
    pub engine: String,
    /// Number of the build in its chain, from 0.
    pub number: usize,
    /// The approach.
    pub approach: String,
    /// The state of the project's files.
    pub state: String,
    /// The Dockerfile's text.
    pub dockerfile: String,
    /// Time limit in seconds.
    pub timeout: u64,
    /// Who asked.
    pub client: Client,
}

impl Asked {
    fn new(engine: &EngineKind, number: usize, request: &BuildRequest) -> Self {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            engine: engine.to_string(),
            number,
            // layerbench-RUN-APPROACH
            approach: request.context_key.splitn(3, '-').nth(2).unwrap_or_default().to_owned(),
            state: name(&request.context),
            dockerfile: String::from_utf8_lossy(&request.dockerfile).into_owned(),
            timeout: request.timeout.as_secs(),
            client: request.client.clone(),
        }
    }

    /// A build that ends well after these seconds: three steps, of which the cache has as many as it should.
    pub fn built_in(&self, seconds: f64) -> Outcome {
        let cached = match (self.number, self.state.as_str()) {
            (0, _) => 0,
            (_, "base") => 3,
            _ => 1,
        };
        outcome(seconds, 3, cached)
    }

    /// How long it takes if nothing else is said: 10 s cold, 1 s warm, 4 s with changed sources, up to a hundredth more,
    /// and twice that for every approach but `quick`.
    pub fn usual_seconds(&self, dice: usize) -> f64 {
        let seconds = match (self.number, self.state.as_str()) {
            (0, _) => 10.0,
            (_, "base") => 1.0,
            _ => 4.0,
        };
        let part = f64::from(u32::try_from(dice * 37 % 101).unwrap()) / 10_000.0;
        let times = if self.approach.ends_with("quick") { 1.0 } else { 2.0 };
        seconds * times * (1.0 + part)
    }
}

/// An engine that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedEngine {
    /// Its kind.
    pub kind: EngineKind,
    /// Whether its state had to be kept and put back.
    pub chain: ChainKind,
    /// The registry that a pull-through cache stood before.
    pub cache: Option<String>,
    /// The home that it was given.
    pub home: PathBuf,
}

/// What a build gives: the build, and its number among all of its engine, from 0.
type WorldScript = dyn Fn(&Asked, usize) -> Outcome;

/// What is done to an engine of a kind before it is used.
type Preparing = dyn Fn(&EngineKind, &mut FakeEngine);

/// Engines that play a script.
pub struct FakeEngines {
    script: RefCell<Rc<WorldScript>>,
    prepare: RefCell<Box<Preparing>>,
    asked: Rc<RefCell<Vec<Asked>>>,
    opened: RefCell<Vec<OpenedEngine>>,
    broken: RefCell<BTreeSet<String>>,
}

impl Default for FakeEngines {
    fn default() -> Self {
        Self {
            script: RefCell::new(Rc::new(|asked, dice| asked.built_in(asked.usual_seconds(dice)))),
            prepare: RefCell::new(Box::new(|_, _| {})),
            asked: Rc::default(),
            opened: RefCell::default(),
            broken: RefCell::default(),
        }
    }
}

impl FakeEngines {
    /// What builds give from now on: each comes with its number among all of its engine, from 0.
    pub fn play(&self, script: impl Fn(&Asked, usize) -> Outcome + 'static) {
        *self.script.borrow_mut() = Rc::new(script);
    }

    /// Changes each engine that is opened from now on.
    pub fn prepare(&self, prepare: impl Fn(&EngineKind, &mut FakeEngine) + 'static) {
        *self.prepare.borrow_mut() = Box::new(prepare);
    }

    /// Engines of this kind cannot be opened.
    pub fn break_down(&self, kind: &str) {
        self.broken.borrow_mut().insert(kind.to_owned());
    }

    /// The builds that were asked for since this was asked last.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.borrow_mut())
    }

    /// The engines that were opened since this was asked last.
    pub fn opened(&self) -> Vec<OpenedEngine> {
        std::mem::take(&mut self.opened.borrow_mut())
    }
}

impl EngineSource for FakeEngines {
    fn open(&self, kind: &EngineKind, opening: Opening<'_>) -> Result<Opened, Failure> {
        if self.broken.borrow().contains(&kind.to_string()) {
            return Err(Failure::failed(format!("{kind} does not answer")));
        }
        let cache = opening.registries.cache.map(|cache| cache.upstream);
        let (chain, home) = (opening.chain, opening.home.to_path_buf());
        self.opened.borrow_mut().push(OpenedEngine { kind: kind.clone(), chain, cache, home });
        let (script, asked, own) = (self.script.borrow().clone(), self.asked.clone(), kind.clone());
        let dice = Cell::new(0);
        let mut engine = FakeEngine::new(move |number, request| {
            let one = Asked::new(&own, number, request);
            let outcome = script(&one, dice.replace(dice.get() + 1));
            asked.borrow_mut().push(one);
            outcome
        });
        engine.keeps_checkpoints = chain == ChainKind::Checkpoint;
        (self.prepare.borrow())(kind, &mut engine);
        Ok(Opened::new(engine, Some(kind.to_string()), "asked for"))
    }

    fn client(&self, kind: ClientKind, place: &Path) -> Result<Client, Failure> {
        Ok(match kind {
            ClientKind::Layerbench => Client::Layerbench,
            ClientKind::Docker => docker_client(place),
        })
    }
}

/// The scorecard of an approach's image, of which little is known but its size and that it is run as root.
pub fn scorecard(approach: &str, file_bytes: u64) -> Scorecard {
    let mut criteria: Vec<Criterion> = (1..=6).map(|number| Criterion::unknown(number, "nobody looked")).collect();
    criteria[0].figure("file_bytes", file_bytes);
    criteria[2].figure("uid", 0);
    Scorecard {
        schema: SCORECARD_SCHEMA.to_owned(),
        image: format!("{approach}:1"),
        id: "sha256:7".to_owned(),
        approach: Some(approach.to_owned()),
        engine: None,
        base: String::new(),
        criteria,
        demands: Vec::new(),
    }
}
