//! Runs from the call to the folder, on engines that play a script.

use super::{Answer, run};
use crate::app::fake_world::{DOCKERFILE, FakeWorld, STUDY};
use crate::app::prepare::request::{CallRequest, EngineChoice, Wish};
use crate::app::{Ending, EngineKind, InFlight, MachineLock};
use crate::engine::machine::look::{Look, Room};
use crate::files::Lock;
use crate::model::{Bytes, ChainKind, EngineId, Status};
use crate::store::{RunFolder, RunStatus};
use std::fs;

#[test]
fn a_run_is_in_its_folder_with_every_build_and_leaves_nothing_else() {
    let world = FakeWorld::new();
    let made = world.run(&world.request()).unwrap();
    assert_eq!((made.ended, made.failures), (Ok(Ending::Fine), Vec::new()));
    let run = made.run.unwrap();
    let stored = RunFolder::open(&run.path).unwrap();
    assert_eq!((stored.record.status, stored.record.seed), (RunStatus::Finished, 7));
    assert_eq!(*stored.record.options.call().unwrap(), world.request().options());
    let samples: Vec<_> = stored.samples.iter().map(|(sample, _)| sample.clone()).collect();
    assert!(samples.iter().all(|sample| sample.status == Status::Ok));
    let keys: Vec<_> = samples.iter().map(|sample| sample.key.clone()).collect();
    assert_eq!(keys, world.witness.expected(), "in the order that was announced");
    let shown: Vec<_> = world.witness.samples().into_iter().map(|sample| sample.key).collect();
    assert_eq!(shown, keys);
    let cells: Vec<_> = run.tables().flat_map(|(_, table)| table.cells().map(|(.., cell)| cell.n())).collect();
    assert_eq!(cells, [2; 6]);
    assert!(world.witness.heard(&format!("results: {}", run.path.display())), "{}", world.witness.said());
    for file in ["report.md", "report.html", "summary.csv", "images.csv", "charts/samples.svg"] {
        assert!(run.path.join(file).is_file(), "{file}");
    }
    // Of two approaches, which is faster is the question: the first one of the study is the base.
    let [faster] = made.faster.as_slice() else { panic!("{} answers", made.faster.len()) };
    assert_eq!((faster.base.as_str(), faster.new.as_str()), ("slow", "quick"));
    assert!(!world.at("home").exists(), "the workspace is gone");
    let opened = world.engines.opened();
    assert_eq!((opened.len(), &opened[0].kind, &opened[0].home), (1, &EngineKind::Private, &world.at("home")));
}

#[test]
fn a_dry_run_says_what_it_would_build_and_does_nothing() {
    let mut world = FakeWorld::new();
    // Nobody waits for a machine on which nothing is built.
    world.lock = MachineLock::File("/nowhere/at/all".into());
    let request = world.request();
    let Answer::Plan(plan) = run(world.world(), &super::RunRequest { dry_run: true, ..request }).unwrap() else {
        panic!("no plan")
    };
    assert_eq!(plan.builds().count(), 12);
    assert!(!world.at("results").exists() && !world.at("home").exists());
    assert_eq!((world.engines.opened(), world.witness.said()), (Vec::new(), String::new()));
}

#[test]
fn a_build_that_fails_is_kept_and_ends_the_run_as_failed() {
    let world = FakeWorld::new();
    world.engines.play(|asked, dice| {
        let mut outcome = asked.built_in(asked.usual_seconds(dice));
        if asked.approach == "slow" && asked.state == "sources" {
            outcome.result = Err((Status::Failed, "[2/2] RUN true: exit code: 1".to_owned()));
            outcome.log_tail = vec!["it hurts".to_owned()];
        }
        outcome
    });
    let made = world.run(&world.request()).unwrap();
    assert_eq!(made.ended, Ok(Ending::Failed));
    let lines = [
        "block 1, slow sources: failed: [2/2] RUN true: exit code: 1",
        "block 2, slow sources: failed: [2/2] RUN true: exit code: 1",
    ];
    assert_eq!(made.failures, lines);
    let run = made.run.unwrap();
    assert_eq!(run.strata[0].problems.len(), 2);
    let stored = RunFolder::open(&run.path).unwrap();
    assert_eq!(stored.samples.len(), 12);
    let failed = stored.samples.iter().find(|(sample, _)| sample.status == Status::Failed).unwrap();
    assert_eq!(failed.0.reason, "[2/2] RUN true: exit code: 1⏎it hurts");
    assert_eq!(stored.record.status, RunStatus::Finished);
}

#[test]
fn an_engine_that_dies_breaks_the_run_off_and_the_remedy_goes_on_with_it() {
    let world = FakeWorld::new();
    world.engines.prepare(|_, engine| engine.dies_after = Some(2));
    let made = world.run(&world.request()).unwrap();
    let path = made.run.unwrap().path;
    let failure = made.ended.unwrap_err();
    assert_eq!(failure.ending, Ending::Failed);
    let remedy = format!("\n  when that is mended: layerbench run --resume {}", path.display());
    assert!(failure.text.ends_with(&remedy), "{}", failure.text);
    let stored = RunFolder::open(&path).unwrap();
    assert_eq!((stored.record.status, stored.samples.len()), (RunStatus::Interrupted, 2));
    world.engines.prepare(|_, _| {});
    let again = world.whole(&super::RunRequest { resume: Some(path.clone()), ..world.request() });
    assert_eq!(again.path, path);
    assert!(again.tables().flat_map(|(_, table)| table.cells().map(|(.., cell)| cell.n())).all(|n| n == 2));
}

#[test]
fn a_disk_without_room_ends_the_run_before_its_first_build() {
    let room = Room { what: "everything".to_owned(), free: Bytes(5), least: Bytes(10) };
    let world = FakeWorld::on_a_machine([Look { rooms: vec![room], ..Look::default() }]);
    let made = world.run(&world.request()).unwrap();
    let failure = made.ended.unwrap_err();
    assert!(failure.text.contains("the disk of everything is about to fill: 5B free"), "{}", failure.text);
    assert_eq!(world.engines.asked().len(), 0);
}

#[test]
fn engines_share_a_run_each_under_its_name() {
    let world = FakeWorld::new();
    let engines = vec!["near=private".to_owned(), "far=tcp://127.0.0.1:1".to_owned()];
    let request = super::RunRequest { engines: EngineChoice { engines, ..EngineChoice::default() }, ..world.request() };
    let run = world.whole(&request);
    let names: Vec<EngineId> = run.strata.iter().map(|stratum| stratum.id.clone()).collect();
    assert_eq!(names, ["near", "far"].map(|name| EngineId::new(name).unwrap()));
    let asked = world.engines.asked();
    for engine in ["private", "tcp://127.0.0.1:1"] {
        assert_eq!(asked.iter().filter(|asked| asked.engine == engine).count(), 12, "{engine}");
    }
    assert_eq!(RunFolder::open(&run.path).unwrap().record.strata.len(), 2);
    // All that is wrong with them is said at once.
    world.engines.break_down("private");
    world.engines.break_down("tcp://127.0.0.1:1");
    let failure = world.run(&request).err().unwrap();
    assert_eq!(failure.text, "near: private does not answer\nfar: tcp://127.0.0.1:1 does not answer");
}

#[test]
fn a_call_without_a_study_is_built_and_each_approach_held_against_the_first() {
    let world = FakeWorld::new();
    for name in ["a", "b", "c"] {
        world.write(&format!("context/{name}.Dockerfile"), DOCKERFILE);
    }
    world.write("context/app.txt", "one\n");
    let call = CallRequest {
        context: world.at("context").display().to_string(),
        dockerfiles: ["a", "b", "c"].map(|name| format!("{name}.Dockerfile").into()).to_vec(),
        changes: vec![format!("sources=files:{}", world.at("study/changed").display())],
        ..CallRequest::default()
    };
    let made = world.run(&super::RunRequest { wish: Wish::Call(call), ..world.request() }).unwrap();
    assert_eq!(made.ended, Ok(Ending::Fine), "{:?}", made.failures);
    let pairs: Vec<_> = made.faster.iter().map(|one| (one.base.to_string(), one.new.to_string())).collect();
    assert_eq!(pairs, ["b", "c"].map(|other| ("a.Dockerfile".to_owned(), format!("{other}.Dockerfile"))));
    let states: Vec<_> = world.engines.asked().into_iter().map(|asked| (asked.approach, asked.state)).collect();
    assert!(states.contains(&("c.Dockerfile".to_owned(), "sources".to_owned())), "{states:?}");
    assert_eq!(fs::read_to_string(world.at("context/app.txt")).unwrap(), "one\n", "the user's files are only read");
}

#[test]
fn an_approach_that_needs_what_is_not_here_is_left_out_by_name() {
    let world = FakeWorld::new();
    world.write("study/quick.Dockerfile", "FROM special:1\nRUN true\n");
    let without = "id = \"quick\"\n";
    world.write("study/study.toml", &STUDY.replace(without, &format!("{without}needs = \"a licence\"\n")));
    world.engines.prepare(|_, engine| engine.lacks = ["special:1".to_owned()].into());
    let run = world.whole(&world.request());
    assert_eq!(run.record.approaches, ["slow"]);
    let why = "quick was not built, for special:1 is not to be had here: it needs a licence.";
    assert!(world.witness.heard(&format!("left out: {why}")), "{}", world.witness.said());
    assert_eq!(run.record.notes.first().map(String::as_str), Some(why));
    assert!(world.engines.asked().iter().all(|asked| asked.approach == "slow"));
    // One that the study does not say this of is no less wanted because it cannot be had.
    world.write("study/study.toml", STUDY);
    let failure = world.run(&world.request()).err().unwrap();
    assert!(failure.text.starts_with("base image special:1: "), "{}", failure.text);
}

#[test]
fn all_that_is_wrong_is_said_before_anything_is_made() {
    let world = FakeWorld::new();
    let request =
        super::RunRequest { approaches: vec!["fast".to_owned()], scenarios: vec!["hot".to_owned()], ..world.request() };
    let failure = world.run(&request).err().unwrap();
    assert_eq!(failure.ending, Ending::Wrong);
    assert!(failure.text.contains("\"fast\"") && failure.text.contains("\"hot\""), "{}", failure.text);
    assert!(!world.at("results").exists() && !world.at("home").exists());
    assert_eq!(world.engines.opened(), []);
}

#[test]
fn a_run_beside_another_one_is_refused_or_waits_until_it_is_stopped() {
    let mut world = FakeWorld::new();
    let file = world.at("lock");
    let other = Lock::on_file(&file, 0o600).unwrap();
    assert!(other.take().unwrap());
    other.sign("the run ", "the run 1 of another");
    world.lock = MachineLock::File(file);
    let failure = world.run(&world.request()).err().unwrap();
    assert!(failure.text.contains("found the run 1 of another on this machine"), "{}", failure.text);
    world.witness.stop_at_once();
    let request = super::RunRequest { no_wait: false, finish_build: true, ..world.request() };
    let failure = world.run(&request).err().unwrap();
    assert_eq!(failure.ending, Ending::Interrupted);
    assert_eq!(failure.text, "stopped while waiting for the run 1 of another");
    assert_eq!(world.witness.in_flight(), [InFlight::Cancelled, InFlight::Finished]);
    assert!(!world.at("results").exists() && !world.at("home").exists());
}

#[test]
fn builds_are_added_until_medians_are_as_precise_as_was_asked() {
    let world = FakeWorld::new();
    let request = super::RunRequest { precision: Some(0.01), reps: 4, chain: ChainKind::Article, ..world.request() };
    // Within a hundredth of each other: the least that an interval can be made of is enough.
    let run = world.whole(&request);
    let blocks = run.tables().flat_map(|(_, table)| table.cells().map(|(.., cell)| cell.n())).max().unwrap();
    assert!((6..12).contains(&blocks), "{blocks}");
    assert_eq!(run.record.plan.len(), 6 * blocks, "the record has the plan that it grew to");
    let note = format!("Precision: all medians are known to 1.0 % or better after {blocks} blocks.");
    assert_eq!(run.record.notes.last(), Some(&note));
}
