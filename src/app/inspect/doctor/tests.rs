//! What is said of engines that play a script and of a study, before a run.

use super::{Answer, Level, Request, Topic, doctor};
use crate::app::fake_world::{FakeWorld, STUDY};
use crate::app::prepare::request::EngineChoice;
use crate::app::{Ending, MachineLock};
use crate::files::Lock;
use crate::model::{Fingerprint, Property, Status};

fn request(world: &FakeWorld, only: &[Topic]) -> Request {
    Request {
        study: Some(world.at("study")),
        only: only.to_vec(),
        engines: EngineChoice { engines: vec!["private".to_owned()], ..EngineChoice::default() },
        allow_outside: false,
        bases: Vec::new(),
    }
}

fn examined(world: &FakeWorld, only: &[Topic]) -> Answer {
    doctor(world.world(), &request(world, only)).unwrap()
}

/// The lines as topic, level and text; with the remedy where there is one.
fn lines(answer: &Answer) -> Vec<String> {
    let line = |line: &super::Line| {
        let remedy = if line.remedy.is_empty() { String::new() } else { format!(" | {}", line.remedy) };
        format!("{} {}: {}{remedy}", line.level.word(), line.topic, line.text)
    };
    answer.lines.iter().map(line).collect()
}

#[test]
fn base_images_that_cannot_be_had_stop_a_run_unless_the_study_may_do_without() {
    let world = FakeWorld::new();
    let answer = examined(&world, &[Topic::Bases]);
    assert_eq!(lines(&answer), ["ok base image: busybox:1: sha256:00"]);
    world.engines.prepare(|_, engine| engine.lacks = ["busybox:1".to_owned(), "special:1".to_owned()].into());
    world.write("study/quick.Dockerfile", "FROM special:1\nRUN true\n");
    let with = |text: &str| {
        let named = "id = \"quick\"\n";
        world.write("study/study.toml", &STUDY.replace(named, &format!("{named}{text}")));
        let answer = examined(&world, &[Topic::Bases]);
        (answer.ending(), lines(&answer))
    };
    let other = "make stand-ins with scripts/stand-ins";
    let busybox = format!(
        "stop base image: busybox:1: there is no such image | replace it with --base busybox:1=OTHER, or {other}"
    );
    let special = |level: &str, before: &str| {
        format!(
            "{level} base image: special:1: there is no such image | {before}replace it with --base special:1=OTHER, or {other}"
        )
    };
    assert_eq!(with(""), (Ending::Failed, vec![busybox.clone(), special("stop", "")]));
    let without = "it is for quick, which will be left out; or ";
    assert_eq!(with("needs = \"a licence\"\n"), (Ending::Failed, vec![busybox, special("warn", without)]));
    // Others are looked for where the call says so.
    let mut request = request(&world, &[Topic::Bases]);
    request.bases = vec!["busybox:1=mirror/busybox:1".to_owned()];
    let answer = doctor(world.world(), &request).unwrap();
    assert_eq!(lines(&answer)[0], "ok base image: mirror/busybox:1: sha256:00");
    assert_eq!(answer.ending(), Ending::Fine);
}

#[test]
fn how_much_cached_builds_differ_is_what_nothing_smaller_will_show_beside() {
    let world = FakeWorld::new();
    // A first build that is not counted, then 20 whose middle half lies between 1.00 and 1.10 s, about.
    let play = |spread: f64| {
        world.engines.play(move |asked, dice| {
            let part = f64::from(u32::try_from(dice % 20).unwrap()) / 20.0;
            asked.built_in(if asked.number == 0 { 99.0 } else { 1.0 + spread * part })
        });
        let answer = examined(&world, &[Topic::Noise]);
        assert_eq!(world.engines.asked().len(), 21);
        (answer.ending(), lines(&answer).concat())
    };
    let found = "noise: 20 cached builds of a tiny image: median";
    let (ending, line) = play(0.2);
    assert_eq!((ending, line), (Ending::Fine, format!("ok {found} 1095 ms, interquartile range 100 ms (9 %)")));
    let (ending, line) = play(1.0);
    let remedy = "something else is busy on this machine: differences of less will not show";
    assert_eq!(
        (ending, line),
        (Ending::Fine, format!("warn {found} 1475 ms, interquartile range 500 ms (34 %) | {remedy}"))
    );
    world.engines.play(|asked, _| {
        let mut outcome = asked.built_in(1.0);
        outcome.result = Err((Status::Failed, "no space".to_owned()));
        outcome
    });
    let answer = examined(&world, &[Topic::Noise]);
    assert_eq!(lines(&answer), ["stop noise: no space | the engine cannot build: its message says why"]);
    assert!(!world.at("home").exists());
}

#[test]
fn nothing_is_measured_beside_a_run() {
    let mut world = FakeWorld::new();
    let other = Lock::on_file(&world.at("lock"), 0o600).unwrap();
    assert!(other.take().unwrap());
    other.sign("the run ", "the run 1 of another");
    world.lock = MachineLock::File(world.at("lock"));
    let answer = examined(&world, &[Topic::Noise]);
    let line = "warn noise: not measured beside the run 1 of another | run doctor again when it has ended";
    assert_eq!((lines(&answer), answer.ending()), (vec![line.to_owned()], Ending::Fine));
    assert_eq!(world.engines.asked().len(), 0);
}

#[test]
fn the_engine_is_named_with_what_it_is_and_one_that_is_not_there_stops_a_run() {
    let world = FakeWorld::new();
    let known = [(Property::EngineVersion, "28.5"), (Property::StorageDriver, "overlay2"), (Property::Kernel, "6.1")];
    world.engines.prepare(move |_, engine| engine.fingerprint = Fingerprint::from_iter(known));
    let engine = "ok engine: a fake engine (nothing is built) — asked for";
    let facts = "ok fingerprint: Docker Engine 28.5, containerd unknown, runc unknown, overlay2 storage, unknown file system, unknown image store, Linux 6.1, unknown";
    assert_eq!(lines(&examined(&world, &[Topic::Engine])), [engine, facts]);
    world.engines.break_down("private");
    let answer = examined(&world, &[Topic::Engine]);
    assert_eq!(
        (lines(&answer), answer.ending()),
        (vec!["stop engine: private does not answer".to_owned()], Ending::Failed)
    );
    let mut wrong = request(&world, &[Topic::Engine]);
    wrong.engines.engines = vec!["other".to_owned()];
    assert_eq!(doctor(world.world(), &wrong).err().unwrap().ending, Ending::Wrong);
}

#[test]
fn manifests_are_counted_against_the_limit_without_an_engine() {
    let world = FakeWorld::new();
    let line = "ok pulls: 2 manifests a block from Docker Hub, 20 for 10 blocks; its limit is 100 in six hours without a login";
    assert_eq!(lines(&examined(&world, &[Topic::Pulls])), [line]);
    let many: String = (0..9).map(|number| format!("FROM busybox:{number}\n")).collect();
    world.write("study/slow.Dockerfile", &many);
    world.write("study/quick.Dockerfile", &format!("{many}RUN --mount=from=busybox:9 true\n"));
    let answer = examined(&world, &[Topic::Pulls]);
    let line = lines(&answer).concat();
    assert!(line.starts_with("warn pulls: 19 manifests a block from Docker Hub, 190 for 10 blocks; "), "{line}");
    assert!(line.contains(" | log in with `docker login`"), "{line}");
    assert_eq!((answer.ending(), world.engines.opened()), (Ending::Fine, Vec::new()));
}

#[test]
fn everything_is_looked_at_if_nothing_is_named_and_a_study_that_is_wrong_is_refused() {
    let world = FakeWorld::new();
    let answer = examined(&world, &[]);
    let topics: Vec<&str> = answer.lines.iter().map(|line| line.topic).collect();
    assert_eq!(topics, ["disk", "frequency", "load", "engine", "fingerprint", "base image", "noise", "pulls"]);
    let disk = &answer.lines[0];
    let under = format!(" free under {}", world.at("home").parent().unwrap().display());
    assert!(disk.text.ends_with(&under), "the disk that the home will be on: {}", disk.text);
    assert!(answer.lines[3..].iter().all(|line| line.level == Level::Ok));
    let nothing = Request { study: Some(world.at("nothing")), ..request(&world, &[]) };
    assert_eq!(doctor(world.world(), &nothing).err().unwrap().ending, Ending::Wrong);
}
