//! Nights against those before them, and suspects built afresh, on engines that play a script.

use super::{Answer, Request, Rule, gate};
use crate::analysis::change::Verdict;
use crate::analysis::gate::{NightVerdict, Worse};
use crate::app::fake_world::{Asked, DOCKERFILE, FakeWorld};
use crate::app::measure::confirm::ConfirmRequest;
use crate::app::measure::run_request::RunRequest;
use crate::app::prepare::request::{EngineChoice, Origin};
use crate::app::{Ending, EngineKind, Failure};
use crate::model::{Bytes, ChainKind, ClientKind, Sample};
use crate::store::RunFolder;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The cell that is slower tonight than it was.
fn is_slower(sample: &Sample) -> bool {
    (sample.key.approach.as_str(), sample.key.scenario.as_str()) == ("slow", "warm")
}

/// Seconds of a sample in another night: a little other ones, and in this cell a fifth less.
fn earlier(night: usize, sample: &Sample) -> f64 {
    let place = usize::try_from(sample.key.position).unwrap();
    let dice = f64::from(u32::try_from((night * 37 + place * 13) % 101).unwrap()) / 5_000.0 - 0.01;
    sample.seconds.get() * (1.0 + dice) * if is_slower(sample) { 0.8 } else { 1.0 }
}

/// Builds as long as usual, but for the one that is slower when its files are those of tonight.
fn slower(world: &FakeWorld) {
    world.engines.play(|asked, dice| {
        let warm = asked.number > 0 && asked.state == "base";
        let times = if asked.approach == "baseline.slow" && warm { 0.8 } else { 1.0 };
        asked.built_in(asked.usual_seconds(dice) * times)
    });
}

fn request(run: &Path) -> Request {
    Request { run: run.to_owned(), history: None, rule: Rule::Auto, baseline: None, force: false, confirm: None }
}

fn confirmed(world: &FakeWorld, run: &Path) -> Request {
    let confirm = ConfirmRequest {
        reps: 6,
        study: None,
        baseline_study: None,
        origin: Origin::default(),
        engines: EngineChoice { engines: vec!["private".to_owned()], ..EngineChoice::default() },
        no_wait: true,
        out: world.at("confirm"),
    };
    Request { confirm: Some(confirm), ..request(run) }
}

fn judge(world: &FakeWorld, request: &Request) -> Answer {
    world.engines.asked();
    world.engines.opened();
    gate(world.world(), request).unwrap()
}

fn refused(world: &FakeWorld, request: &Request) -> Failure {
    gate(world.world(), request).err().unwrap()
}

/// A night of five blocks, and twelve nights before it.
fn nights(world: &FakeWorld, request: &RunRequest) -> PathBuf {
    let run = world.whole(&RunRequest { reps: 5, ..request.clone() });
    world.nights(&run.path, 12, earlier);
    run.path
}

/// The only run of suspects.
fn fresh(world: &FakeWorld) -> PathBuf {
    fs::read_link(world.at("confirm/latest")).map(|name| world.at("confirm").join(name)).unwrap()
}

fn kinds(asked: &[Asked], of: fn(&Asked) -> String) -> BTreeSet<String> {
    asked.iter().map(of).collect()
}

#[test]
fn suspects_are_built_afresh_in_the_way_of_the_run_and_decide() {
    let world = FakeWorld::new();
    slower(&world);
    let way = RunRequest {
        chain: ChainKind::Checkpoint,
        client: ClientKind::Docker,
        registry_cache: Some("https://registry.example".to_owned()),
        bases: vec!["busybox:1=mirror/busybox:1".to_owned()],
        timeout: 77,
        ..world.request()
    };
    let run = nights(&world, &way);
    let Answer { gated, ending } = judge(&world, &confirmed(&world, &run));
    assert_eq!((ending, gated.verdict), (Ending::Regression, NightVerdict::Regression(Worse::Slower)));
    let [one] = gated.confirmed.as_deref().unwrap() else { panic!("{:?}", gated.confirmed) };
    assert_eq!((one.cell.path().as_str(), one.verdict, one.n), ("slow/warm", Verdict::Regression, (6, 6)));
    assert!((one.ratio.unwrap() - 1.25).abs() < 0.02, "{one:?}");
    // What the engines saw.
    let [opened] = &world.engines.opened()[..] else { panic!("one engine") };
    assert_eq!((&opened.kind, opened.chain), (&EngineKind::Private, ChainKind::Checkpoint));
    assert_eq!(opened.cache.as_deref(), Some("https://registry.example"));
    let asked = world.engines.asked();
    assert_eq!(kinds(&asked, |one| one.client.describe()), ["docker 0.0.0".to_owned()].into());
    assert_eq!(kinds(&asked, |one| one.approach.clone()), ["baseline.slow", "current.slow"].map(str::to_owned).into());
    assert!(asked.iter().all(|one| one.timeout == 77 && one.dockerfile.starts_with("FROM mirror/busybox:1\n")));
    assert_eq!(
        asked.iter().filter(|one| one.number == 0).count(),
        2,
        "the others start from the cache that these left"
    );
    // What is recorded of them.
    let stored = RunFolder::open(&fresh(&world)).unwrap();
    let (options, own) = (stored.record.options.call().unwrap(), way.options());
    assert_eq!((stored.record.study.as_str(), options.reps), ("tiny.confirm", 6));
    assert_eq!((options.chain, options.client, &options.base), (own.chain, own.client, &own.base));
    assert_eq!((&options.registry_cache, options.timeout), (&own.registry_cache, own.timeout));
    assert_eq!((&options.approach[..], &options.scenario[..]), (&["slow".to_owned()][..], &["warm".to_owned()][..]));
    let note = format!("The fresh samples are in {}.", stored.path.display());
    assert!(gated.notes.contains(&note), "{:?}", gated.notes);
    assert!(!world.at("home").exists());
}

#[test]
fn what_fresh_builds_do_not_show_was_no_regression() {
    let world = FakeWorld::new();
    let run = nights(&world, &world.request());
    let alone = judge(&world, &request(&run));
    assert_eq!((alone.ending, alone.gated.confirmed), (Ending::Regression, None));
    let slow: Vec<_> = alone.gated.lines.iter().filter(|line| line.verdict == Verdict::Regression).collect();
    let [line] = slow[..] else { panic!("{slow:#?}") };
    assert_eq!(
        (line.cell.path().as_str(), line.since.as_deref(), line.nights),
        ("slow/warm", Some("since tonight"), 12)
    );
    let more = line.more.clone().unwrap();
    assert!(more.starts_with(&format!("layerbench explain {} slow/warm --against ", run.display())), "{more}");
    let Answer { gated, ending } = judge(&world, &confirmed(&world, &run));
    assert_eq!((ending, gated.verdict), (Ending::Fine, NightVerdict::NoRegression));
    assert_ne!(gated.confirmed.unwrap()[0].verdict, Verdict::Regression);
    assert!(world.engines.asked().iter().all(|one| one.client.describe() == "layerbench"));
}

#[test]
fn suspects_are_built_from_the_files_of_their_own_nights() {
    let world = FakeWorld::new();
    slower(&world);
    let repository = git2::Repository::init(world.at("study")).unwrap();
    commit(&repository);
    let first = world.whole(&RunRequest { reps: 5, ..world.request() });
    world.nights(&first.path, 12, earlier);
    fs::remove_dir_all(&first.path).unwrap();
    let old = DOCKERFILE.replace("RUN true", "RUN true # old");
    copy_study(&world, "old");
    world.write("study/slow.Dockerfile", &old.replace("old", "new"));
    commit(&repository);
    let run = world.whole(&RunRequest { reps: 5, ..world.request() }).path;
    let sides = |request: &Request| {
        let answer = judge(&world, request);
        assert_eq!(answer.ending, Ending::Regression, "{:?}", answer.gated.notes);
        assert!(answer.gated.confirmed.is_some(), "{:?}", answer.gated.notes);
        kinds(&world.engines.asked(), |one| format!("{}: {}", one.approach, one.dockerfile))
    };
    let wanted = [format!("baseline.slow: {DOCKERFILE}"), format!("current.slow: {}", old.replace("old", "new"))];
    assert_eq!(sides(&confirmed(&world, &run)), wanted.clone().into(), "from the revision of the night");
    let mut by_name = confirmed(&world, &run);
    by_name.confirm.as_mut().unwrap().baseline_study = Some(world.at("old"));
    assert_eq!(sides(&by_name), wanted.into(), "from a folder that proves to be what it was");
    // One that does not is no baseline: the rule's own verdict stands.
    world.write("old/slow.Dockerfile", &old);
    let answer = judge(&world, &by_name);
    assert_eq!((answer.ending, answer.gated.confirmed), (Ending::Regression, None));
    let why = answer.gated.notes.last().unwrap();
    assert!(
        why.starts_with("Not confirmed: ") && why.contains("name the files that the baseline was made of"),
        "{why}"
    );
    assert_eq!(world.engines.opened(), []);
}

/// Puts everything in a repository's folder into a commit.
fn commit(repository: &git2::Repository) {
    let who = git2::Signature::now("a", "a@example.org").unwrap();
    let mut index = repository.index().unwrap();
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let parent = repository.head().ok().map(|head| head.peel_to_commit().unwrap());
    repository.commit(Some("HEAD"), &who, &who, "x", &tree, &parent.iter().collect::<Vec<_>>()).unwrap();
}

/// A copy of the study without its repository.
fn copy_study(world: &FakeWorld, to: &str) {
    for name in ["study.toml", "slow.Dockerfile", "quick.Dockerfile", "project/app.txt", "changed/app.txt"] {
        world.write(&format!("{to}/{name}"), &fs::read_to_string(world.at("study").join(name)).unwrap());
    }
}

#[test]
fn suspects_that_cannot_be_built_leave_the_verdict_to_the_rule() {
    let world = FakeWorld::new();
    let run = nights(&world, &world.request());
    world.witness.stop_at_build(2);
    let answer = judge(&world, &confirmed(&world, &run));
    assert_eq!((answer.ending, answer.gated.confirmed), (Ending::Regression, None));
    let why = "Not confirmed: stopped before the suspects were measured afresh.";
    assert_eq!(answer.gated.notes.last().unwrap(), why);
    // Tonight's files are not what they were.
    world.write("study/project/app.txt", "another\n");
    let answer = judge(&world, &confirmed(&world, &run));
    let why = answer.gated.notes.last().unwrap();
    assert!(
        why.starts_with("Not confirmed: ") && why.contains("name the files that tonight's run was made of"),
        "{why}"
    );
    assert_eq!(world.engines.asked().len(), 0);
    world.write("study/project/app.txt", "one\n");
    // An engine that does not answer is no reason to believe the rule.
    world.engines.break_down("private");
    assert_eq!(refused(&world, &confirmed(&world, &run)).text, "private does not answer");
}

#[test]
fn suspects_are_built_on_the_engines_that_they_were_measured_on() {
    let world = FakeWorld::new();
    slower(&world);
    let mut way = RunRequest { reps: 6, ..world.request() };
    way.engines.engines = vec!["a=private".to_owned(), "b=host".to_owned()];
    let run = world.whole(&way).path;
    let on_b = |sample: &Sample| sample.engine.shown() == Some("b");
    world.nights(&run, 12, |night, sample| {
        let slower = if is_slower(sample) && !on_b(sample) { 1.25 } else { 1.0 };
        earlier(night, sample) * slower
    });
    let mut request = confirmed(&world, &run);
    let answer = judge(&world, &request);
    let why = answer.gated.notes.last().unwrap();
    assert!(why.contains("found no engine b, on which suspects were measured; add --engine b=ENGINE"), "{why}");
    request.confirm.as_mut().unwrap().engines.engines = way.engines.engines.clone();
    let answer = judge(&world, &request);
    assert_eq!(answer.ending, Ending::Regression, "{:?}", answer.gated.notes);
    let cells: Vec<String> = answer
        .gated
        .confirmed
        .unwrap_or_else(|| panic!("{:?}", answer.gated.notes))
        .iter()
        .map(|one| one.cell.path())
        .collect();
    assert_eq!(cells, ["b/slow/warm"]);
    assert_eq!(kinds(&world.engines.asked(), |one| one.engine.clone()), ["host".to_owned()].into());
}

#[test]
fn one_night_shows_suspects_and_proves_nothing() {
    let world = FakeWorld::new();
    slower(&world);
    let run = world.whole(&RunRequest { reps: 5, ..world.request() }).path;
    let failure = refused(&world, &request(&run));
    assert_eq!(failure.ending, Ending::CannotTell);
    assert!(failure.text.contains("found no comparable run before the run "), "{}", failure.text);
    world.nights(&run, 1, earlier);
    let Answer { gated, ending } = judge(&world, &request(&run));
    assert_eq!((ending, gated.verdict), (Ending::CannotTell, NightVerdict::CannotTell));
    assert_eq!(gated.doubts, ["1 suspects after one night; have them measured afresh with --confirm"]);
    let Answer { gated, ending } = judge(&world, &confirmed(&world, &run));
    assert_eq!((ending, gated.confirmed.unwrap().len()), (Ending::Regression, 1));
}

#[test]
fn larger_images_are_a_regression_and_a_run_without_its_end_is_no_night() {
    let world = FakeWorld::new();
    let first = world.whole(&RunRequest { reps: 5, ..world.request() }).path;
    world.nights(&first, 12, |night, sample| earlier(night, sample) * if is_slower(sample) { 1.25 } else { 1.0 });
    let answer = judge(&world, &request(&first));
    assert_eq!((answer.ending, answer.gated.sizes), (Ending::Fine, Vec::new()));
    fs::remove_dir_all(&first).unwrap();
    world.engines.prepare(|_, engine| engine.image.bytes = Bytes(2_000));
    let run = world.whole(&RunRequest { reps: 5, ..world.request() }).path;
    let answer = judge(&world, &request(&run));
    assert_eq!(answer.gated.verdict, NightVerdict::Regression(Worse::Larger));
    let sizes: Vec<_> =
        answer.gated.sizes.iter().map(|size| (size.approach.as_str(), size.before, size.tonight)).collect();
    assert_eq!(sizes, ["slow", "quick"].map(|name| (name, Bytes(1_000), Bytes(2_000))));
    world.witness.stop_at_build(3);
    let cut = world.run(&world.request()).unwrap().run.unwrap().path;
    let failure = refused(&world, &request(&cut));
    assert_eq!(failure.ending, Ending::CannotTell);
    assert!(failure.text.contains("found a run that did not come to its end"), "{}", failure.text);
}
