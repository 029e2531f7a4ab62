//! Runs that were broken off and go on, on engines that play a script.

use crate::app::fake_world::{DOCKERFILE, FakeWorld, STUDY};
use crate::app::measure::run::{Answer, run};
use crate::app::measure::run_request::RunRequest;
use crate::app::prepare::request::{CallRequest, EngineChoice, Wish};
use crate::app::{Ending, EngineKind, Failure, InFlight};
use crate::model::{ChainKind, ClientKind, Fingerprint, Property};
use crate::store::{RunFolder, RunOptions, RunStatus};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that the options of a run decide, as far as engines and readers see it.
#[derive(Debug, PartialEq)]
struct Seen {
    builds: BTreeSet<Vec<String>>,
    engines: Vec<(EngineKind, ChainKind, Option<String>)>,
    plan: Vec<(u32, String, String)>,
    counts: Vec<usize>,
    seed: u64,
    options: RunOptions,
}

/// What was seen of a run since this was asked last.
fn seen(world: &FakeWorld, path: &Path) -> Seen {
    let builds = world.engines.asked().into_iter().map(|asked| {
        let (timeout, client) = (asked.timeout.to_string(), asked.client.describe());
        vec![asked.engine, asked.approach, asked.state, asked.dockerfile, timeout, client]
    });
    let stored = RunFolder::open(path).unwrap();
    let run = crate::app::read::Run::open(path).unwrap();
    let mut options = stored.record.options.call().unwrap().clone();
    options.study = None; // each world has a folder of its own
    Seen {
        builds: builds.collect(),
        engines: world.engines.opened().into_iter().map(|one| (one.kind, one.chain, one.cache)).collect(),
        plan: stored.record.plan,
        counts: run.tables().flat_map(|(_, table)| table.cells().map(|(.., cell)| cell.n())).collect(),
        seed: stored.record.seed,
        options,
    }
}

/// A world in which builds of a cell always take equally long.
fn steady() -> FakeWorld {
    let world = FakeWorld::new();
    world.engines.play(|asked, _| asked.built_in(asked.usual_seconds(0)));
    world
}

/// A run that was stopped at a build, and its folder.
fn stopped(world: &FakeWorld, request: &RunRequest, build: usize) -> PathBuf {
    world.witness.stop_at_build(build);
    let made = world.run(request).unwrap();
    assert_eq!(made.ended, Ok(Ending::Interrupted));
    made.run.unwrap().path
}

/// A call that goes on with a run. What it says besides is all different, and not looked at.
fn resume(world: &FakeWorld, path: &Path) -> RunRequest {
    RunRequest {
        resume: Some(path.to_owned()),
        wish: Wish::Study("/nowhere".into()),
        reps: 9,
        seed: Some(99),
        timeout: 1,
        engines: EngineChoice { engines: vec!["host".to_owned()], ..EngineChoice::default() },
        approaches: vec!["slow".to_owned()],
        out: world.at("elsewhere"),
        ..world.request()
    }
}

#[test]
fn a_run_goes_on_as_it_was_begun_whatever_the_call_says_besides() {
    type Change = fn(&mut RunRequest);
    let options: [(&str, usize, Change); 11] = [
        ("chain", 2, |r| r.chain = ChainKind::Checkpoint),
        ("client", 4, |r| r.client = ClientKind::Docker),
        ("registry cache", 4, |r| r.registry_cache = Some("https://registry.example".to_owned())),
        ("base", 4, |r| r.bases = vec!["busybox:1=mirror/busybox:1".to_owned()]),
        ("seed", 4, |r| r.seed = Some(2)),
        ("precision", 26, |r| (r.precision, r.reps) = (Some(0.01), 4)),
        ("timeout", 4, |r| r.timeout = 77),
        ("repetitions", 4, |r| r.reps = 3),
        ("approaches", 4, |r| r.approaches = vec!["quick".to_owned()]),
        ("scenarios", 3, |r| r.scenarios = vec!["warm".to_owned()]),
        ("engines", 9, |r| r.engines.engines = vec!["a=private".to_owned(), "b=host".to_owned()]),
    ];
    let usual = steady();
    let path = usual.whole(&usual.request()).path;
    let usual = seen(&usual, &path);
    for (option, build, change) in options {
        let (unbroken, broken) = (steady(), steady());
        let ask = |world: &FakeWorld| {
            let mut request = world.request();
            change(&mut request);
            request
        };
        let path = unbroken.whole(&ask(&unbroken)).path;
        let wanted = seen(&unbroken, &path);
        assert_ne!(wanted, usual, "{option}: it cannot be seen whether it is kept");
        let path = stopped(&broken, &ask(&broken), build);
        let before = seen(&broken, &path);
        assert_ne!(before.counts, wanted.counts, "{option}: nothing was left to do");
        let again = broken.whole(&resume(&broken, &path));
        assert_eq!(again.path, path.canonicalize().unwrap(), "{option}");
        let after = seen(&broken, &path);
        // Half of it may have been made before.
        assert!(!after.builds.is_empty() && after.builds.is_subset(&wanted.builds), "{option}: {after:#?}");
        let builds = wanted.builds.clone();
        assert_eq!(Seen { builds, ..after }, wanted, "{option}");
    }
}

#[test]
fn what_was_kept_stays_and_a_chain_that_was_cut_is_made_again() {
    let world = steady();
    let path = stopped(&world, &world.request(), 5);
    let cut = RunFolder::open(&path).unwrap();
    assert_eq!((cut.record.status, cut.samples.len()), (RunStatus::Interrupted, 5));
    // What another run left behind is in the way of this one.
    fs::create_dir_all(world.at("home/engines/old")).unwrap();
    let run = world.whole(&RunRequest { finish_build: true, ..resume(&world, &path) });
    assert!(world.witness.heard("removed what old left behind") && !world.at("home").exists());
    assert_eq!(world.witness.in_flight(), [InFlight::Cancelled, InFlight::Finished]);
    let stored = RunFolder::open(&path).unwrap();
    assert_eq!((stored.record.status, stored.samples.len()), (RunStatus::Finished, 5 + 9));
    let kept = |place: usize| &stored.samples[place].0;
    assert!((0..3).all(|place| kept(place) == &cut.samples[place].0), "the chain that was whole");
    let why = "its chain was cut and was made again when the run went on";
    assert!((3..5).all(|place| kept(place).reason == why));
    assert!(stored.record.notes.iter().any(|note| note.ends_with("with 3 builds kept and 2 made again.")));
    assert_eq!(run.strata[0].problems.len(), 2, "shown and counted, and in no figure");
    // Nothing is left to do the second time.
    let again = run_again(&world, &resume(&world, &path)).unwrap();
    assert!(matches!(again, Answer::NothingLeft));
}

fn run_again(world: &FakeWorld, request: &RunRequest) -> Result<Answer, Failure> {
    run(world.world(), request)
}

/// What a call to go on is answered, which must not touch the run.
fn refused(world: &FakeWorld, request: &RunRequest) -> String {
    let path = request.resume.clone().unwrap();
    let files = || ["run.json", "samples.csv", "steps.csv"].map(|name| fs::read(path.join(name)).unwrap());
    let before = files();
    world.engines.asked();
    let failure = run_again(world, request).err().unwrap();
    assert_eq!(failure.ending, Ending::Wrong, "{}", failure.text);
    assert_eq!((files(), world.engines.asked().len()), (before, 0), "{}", failure.text);
    failure.text
}

#[test]
fn a_run_does_not_go_on_with_other_files_another_engine_or_another_plan() {
    let world = steady();
    let path = stopped(&world, &world.request(), 4);
    let request = resume(&world, &path);
    world.write("study/project/app.txt", "another\n");
    let said = refused(&world, &request);
    assert!(said.starts_with("the run cannot go on, since not everything is as it was"), "{said}");
    assert!(said.contains("\n  the study's files\n"), "{said}");
    world.write("study/project/app.txt", "one\n");
    world.engines.prepare(|_, engine| {
        engine.fingerprint = Fingerprint::from_iter([(Property::EngineVersion, "younger")]);
    });
    let said = refused(&world, &request);
    assert!(said.contains("\n  engine version: fake then, younger now\n"), "{said}");
    world.engines.prepare(|_, _| {});
    world.write("study/study.toml", &STUDY.replace("id = \"warm\"", "id = \"again\""));
    let said = refused(&world, &request);
    assert!(said.starts_with("the study gives another plan than when the run was begun"), "{said}");
    world.write("study/study.toml", STUDY);
    world.whole(&request);
}

#[test]
fn what_lets_a_run_do_harm_has_to_be_said_again() {
    let world = steady();
    let address = "tcp://127.0.0.1:1".to_owned();
    let mut request = world.request();
    request.engines.engines = vec![address.clone()];
    request.engines.may_empty = vec![address.clone()];
    let path = stopped(&world, &request, 4);
    let mut again = resume(&world, &path);
    let said = refused(&world, &again);
    assert!(said.ends_with("if it still may, say so again: --may-empty tcp://127.0.0.1:1"), "{said}");
    world.engines.opened();
    again.engines.may_empty = vec![address.clone()];
    world.whole(&again);
    assert_eq!(world.engines.opened()[0].kind, EngineKind::Emptied(address.clone()));
    // And what it was not given, it does not get later.
    let path = stopped(&world, &world.request(), 4);
    let mut more = resume(&world, &path);
    more.engines.may_empty = vec![address];
    assert_eq!(refused(&world, &more), "found --may-empty; expected none, as when the run was begun");
}

#[test]
fn values_of_build_arguments_are_not_kept_and_have_to_be_said_again() {
    let world = steady();
    world.write("context/Dockerfile", &DOCKERFILE.replace("RUN", "ARG KEY\nRUN"));
    world.write("context/app.txt", "one\n");
    let call = CallRequest {
        context: world.at("context").display().to_string(),
        build_args: vec!["KEY=hunter2".to_owned()],
        ..CallRequest::default()
    };
    let request = RunRequest { wish: Wish::Call(call.clone()), ..world.request() };
    let path = stopped(&world, &request, 1);
    assert!(!fs::read_to_string(path.join("run.json")).unwrap().contains("hunter2"));
    let said = refused(&world, &resume(&world, &path));
    assert!(said.ends_with("expected --build-arg for KEY, as when the run was begun"), "{said}");
    world.whole(&RunRequest {
        wish: Wish::Call(CallRequest { context: String::new(), ..call }),
        ..resume(&world, &path)
    });
}

#[test]
fn what_is_no_run_or_of_another_version_or_held_by_another_program_is_refused() {
    let world = steady();
    let failure = run_again(&world, &resume(&world, &world.at("nothing"))).err().unwrap();
    assert_eq!(failure.ending, Ending::Wrong, "{}", failure.text);
    let path = stopped(&world, &world.request(), 4);
    let held = RunFolder::resume(&path).unwrap();
    let failure = run_again(&world, &resume(&world, &path)).err().unwrap();
    assert_eq!(failure.ending, Ending::Wrong, "{}", failure.text);
    drop(held);
    let record = fs::read_to_string(path.join("run.json")).unwrap();
    fs::write(path.join("run.json"), record.replace("\"version\": 2", "\"version\": 3")).unwrap();
    let said = refused(&world, &resume(&world, &path));
    assert!(said.ends_with("its options are not those of a call of this version; start again"), "{said}");
}
