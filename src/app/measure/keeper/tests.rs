//! What the process that makes a run reads of it, which is nothing, and what it shows of it, which is what its files hold.

use super::Keeper;
use crate::app::fake_world::{FakeWorld, Witness, scorecard};
use crate::app::measure::run::{Answer, Made, run};
use crate::app::measure::run_request::RunRequest;
use crate::app::read::report::{self, Request};
use crate::app::read::{Form, Run};
use crate::app::{InFlight, Watcher, World};
use crate::engine::Interrupt;
use crate::engine::fake::outcome;
use crate::model::{BuildKey, Bytes, CheckError, CriterionVerdict, EngineId, Event, Progress, Status};
use crate::report::TextStyle;
use crate::runner::{End, RunError};
use crate::store::{self, RunFolder, RunStatus};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use time::OffsetDateTime;

/// The files of a folder that are read, as the kernel tells it. Where a file's content is handed out, its name is added;
/// that it is opened, written or replaced is nothing.
struct Readings(OwnedFd);

impl Readings {
    fn of(folder: &Path) -> Self {
        let queue = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        add_watch(&queue, folder, WatchFlags::ACCESS).unwrap();
        Self(queue)
    }

    /// Names of the files that were read since this was asked last.
    fn names(&self) -> BTreeSet<String> {
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.0, &mut room);
        let mut names = BTreeSet::new();
        loop {
            match reader.next() {
                Err(Errno::WOULDBLOCK) => return names,
                Err(error) => panic!("{error}"),
                Ok(event) => {
                    assert!(!event.events().contains(ReadFlags::QUEUE_OVERFLOW), "something was missed");
                    // That the folder itself is listed has no name.
                    names.extend(event.file_name().map(|name| name.to_string_lossy().into_owned()));
                }
            }
        }
    }
}

/// Watches what is read of a run from the moment that its folder is named.
struct Onlooker<'w> {
    witness: &'w Witness,
    readings: RefCell<Option<Readings>>,
}

impl Watcher for Onlooker<'_> {
    fn say(&self, text: &str) {
        if let Some(folder) = text.strip_prefix("results: ") {
            *self.readings.borrow_mut() = Some(Readings::of(Path::new(folder)));
        }
        self.witness.say(text);
    }

    fn interrupt(&self, in_flight: InFlight) -> Interrupt {
        self.witness.interrupt(in_flight)
    }

    fn expect(&self, builds: Vec<BuildKey>) -> Arc<dyn Progress> {
        self.witness.expect(builds)
    }

    fn event(&self, event: &Event) {
        self.witness.event(event);
    }

    fn steps(&self) -> Arc<dyn Progress> {
        self.witness.steps()
    }
}

/// Makes a run, and watches what is read of it until it is made.
fn watched(world: &FakeWorld, request: &RunRequest) -> (Made, Readings) {
    let onlooker = Onlooker { witness: &world.witness, readings: RefCell::new(None) };
    let answer = run(World { watcher: &onlooker, ..world.world() }, request).unwrap();
    let Answer::Made(made) = answer else { panic!("no run was made") };
    (*made, onlooker.readings.take().unwrap())
}

#[test]
fn a_run_reads_nothing_of_its_own_files_back() {
    let world = FakeWorld::new();
    let nothing = BTreeSet::new();
    world.witness.stop_at_build(7);
    let (made, readings) = watched(&world, &world.request());
    assert_eq!(readings.names(), nothing, "while a run is made that is stopped");
    let begun = made.run.unwrap();
    // What goes on with it reads it, and nothing any more from when it builds.
    let (made, readings) = watched(&world, &RunRequest { resume: Some(begun.path.clone()), ..world.request() });
    assert_eq!(readings.names(), nothing, "while a run goes on");
    let run = made.run.unwrap();
    for form in [Form::Text, Form::Markdown, Form::Csv, Form::Json, Form::Html] {
        run.render(form, TextStyle::default()).unwrap();
    }
    assert_eq!(readings.names(), nothing, "while it is shown");
    // Had anything been read, it would have been seen.
    for name in ["samples.csv", "steps.csv", "summary.csv", "images.csv"] {
        fs::read(run.path.join(name)).unwrap();
        assert_eq!(readings.names(), [name.to_owned()].into());
    }
    Run::open(&run.path).unwrap();
    assert!(readings.names().contains("samples.csv"), "one that is opened is read");
}

/// What `report` gives for a run's folder: by the names that the run itself gave its reports.
fn reported(world: &FakeWorld, run: &Path) -> BTreeMap<String, Vec<u8>> {
    let pictures = world.at("pictures");
    let _ = fs::remove_dir_all(&pictures);
    let mut all = BTreeMap::new();
    for (name, form) in [("report.md", Form::Markdown), ("report.html", Form::Html), ("summary.csv", Form::Csv)] {
        let (run, style) = (run.to_owned(), TextStyle::default());
        let request = Request { run, form, style, charts: Some(pictures.clone()), png: false };
        all.insert(name.to_owned(), report::report(world.world(), &request).unwrap());
    }
    all.extend(files(&pictures));
    all
}

/// The files of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    });
    files.collect()
}

/// The reports that a run wrote into its folder.
fn written(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let reports = ["report.md", "report.html", "summary.csv"];
    let mut all: BTreeMap<String, Vec<u8>> =
        reports.iter().map(|name| ((*name).to_owned(), fs::read(run.join(name)).unwrap())).collect();
    all.extend(files(&run.join("charts")));
    all
}

#[test]
fn the_reports_of_a_run_are_those_that_its_files_give() {
    let world = FakeWorld::new();
    let check = |what: &str, request: &RunRequest| {
        let path = world.run(request).unwrap().run.unwrap().path;
        let (written, reported) = (written(&path), reported(&world, &path));
        assert!(written.len() > 5, "{:?}", written.keys());
        let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&written), names(&reported), "{what}");
        for (name, text) in &written {
            let (text, other) = (String::from_utf8_lossy(text), String::from_utf8_lossy(&reported[name]));
            assert!(text == other, "{what}: {name}\n--- written\n{text}\n--- reported\n{other}");
        }
        path
    };
    // The most builds of a cell of which all are at hand.
    check("many builds", &RunRequest { reps: 30, approaches: vec!["quick".to_owned()], ..world.request() });
    let mut several = RunRequest { reps: 4, ..world.request() };
    several.engines.engines = vec!["a=private".to_owned(), "b=host".to_owned()];
    check("several engines", &several);
    world.engines.play(|asked, dice| {
        let mut outcome = asked.built_in(asked.usual_seconds(dice));
        if dice % 4 == 3 {
            outcome.result = Err((Status::Failed, "no, \"not\" so\nlike, this".to_owned()));
        }
        outcome
    });
    check("failures", &RunRequest { reps: 5, ..world.request() });
    world.witness.stop_at_build(8);
    let cut = check("a run that was stopped", &RunRequest { reps: 4, ..world.request() });
    check("a run that went on", &RunRequest { resume: Some(cut), ..world.request() });
}

/// A keeper of a run like this one, which gets the events that it got: without those of its images.
fn kept_again<'w>(world: &'w FakeWorld, run: &Path) -> Keeper<'w> {
    let stored = RunFolder::open(run).unwrap();
    let folder = RunFolder::create(&world.at("again"), OffsetDateTime::now_utc(), "1", &stored.record).unwrap();
    let mut keeper = Keeper::new(folder, stored.record, &world.witness).unwrap();
    for (sample, _) in stored.samples {
        // As the runner tells it: without the waits, which are worked out.
        let cached = usize::try_from(sample.steps_cached).unwrap();
        let steps = outcome(sample.seconds.get(), 3, cached).steps;
        keeper.take(Event::BuildFinished { sample: Box::new(sample), steps }).unwrap();
    }
    keeper
}

fn inspected(run: &Path, approach: &str, check: Result<(), CheckError>) -> Event {
    let stored = RunFolder::open(run).unwrap();
    let mut keys = stored.samples.into_iter().map(|(sample, _)| sample.key);
    let (engine, bytes, layers) = (EngineId::only(), Bytes(5_000), vec![("RUN true".to_owned(), 5_000)]);
    let key = keys.find(|key| key.approach.as_str() == approach).unwrap();
    Event::ImageInspected { key, engine, bytes, layers, check: Some(check) }
}

#[test]
fn scorecards_are_kept_as_they_come_and_judged_by_the_builds_at_the_end() {
    let world = FakeWorld::new();
    let path = world.whole(&world.request()).path;
    let mut keeper = kept_again(&world, &path);
    let again = keeper.path().to_path_buf();
    for approach in ["slow", "quick"] {
        keeper.take(inspected(&path, approach, Ok(()))).unwrap();
        keeper.take(Event::ImageAudited { card: Box::new(scorecard(approach, 5_000)) }).unwrap();
    }
    let verdicts = || -> Vec<(Option<String>, CriterionVerdict)> {
        let cards = store::scorecards(&again).unwrap().unwrap();
        cards.into_iter().map(|card| (card.approach.clone(), card.criterion(6).unwrap().verdict)).collect()
    };
    let of = |name: &str, verdict| (Some(name.to_owned()), verdict);
    // A crash would lose none of them.
    assert_eq!(verdicts(), [of("slow", CriterionVerdict::Unknown), of("quick", CriterionVerdict::Unknown)]);
    let kept = keeper.finish(&Ok(End::Complete), Some("A note.".to_owned()));
    assert_eq!((kept.run.is_ok(), kept.failures), (true, Vec::new()));
    // With changed sources two of three steps are executed again.
    assert_eq!(verdicts(), [of("quick", CriterionVerdict::Fail), of("slow", CriterionVerdict::Fail)]);
    let images = store::images(&again).unwrap();
    assert_eq!(images.iter().map(|image| image.approach.as_str()).collect::<Vec<_>>(), ["quick", "slow"]);
    let columns: BTreeMap<String, String> = images[0].scorecard.iter().cloned().collect();
    let column = |name: &str| columns.get(name).map(String::as_str);
    assert_eq!((column("prints_as_expected"), column("cache_use")), (Some("yes"), Some("fail")));
    assert_eq!((column("lightweight"), column("file_bytes")), (Some("unknown"), Some("5000")));
    assert_eq!(RunFolder::open(&again).unwrap().record.notes.last().map(String::as_str), Some("A note."));
    assert_eq!(written(&again), reported(&world, &again));
}

#[test]
fn an_image_that_does_not_do_what_it_should_is_a_failure_of_the_run_also_when_it_goes_on() {
    let world = FakeWorld::new();
    let path = world.whole(&world.request()).path;
    let mut keeper = kept_again(&world, &path);
    let again = keeper.path().to_path_buf();
    keeper.take(inspected(&path, "slow", Err(CheckError("it printed nothing".to_owned())))).unwrap();
    // The first image of an approach stands for it.
    keeper.take(inspected(&path, "slow", Ok(()))).unwrap();
    keeper.take(Event::Warning { text: "the clock jumped".to_owned() }).unwrap();
    let kept = keeper.finish(&Ok(End::Interrupted), None);
    assert_eq!(kept.failures, ["block 1, image of slow: it printed nothing"]);
    let stored = RunFolder::open(&again).unwrap();
    assert_eq!(stored.record.status, RunStatus::Interrupted);
    assert_eq!(stored.record.notes.last().map(String::as_str), Some("the clock jumped"));
    let (folder, stored) = RunFolder::resume(&again).unwrap();
    let mut keeper = Keeper::new(folder, stored.record, &world.witness).unwrap();
    keeper.take_over(stored.samples, store::images(&again).unwrap(), Vec::new());
    let why = RunError::Stopped("the disk is full".to_owned());
    let kept = keeper.finish(&Err(why), None);
    assert_eq!(kept.failures, ["image of slow: it printed nothing"]);
    let notes = RunFolder::open(&again).unwrap().record.notes;
    assert_eq!(notes.last().map(String::as_str), Some("the run broke off: the disk is full"));
}
