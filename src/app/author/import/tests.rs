//! Figures that were measured elsewhere, as runs.

use super::{Request, import};
use crate::app::fake_world::FakeWorld;
use crate::app::read::Run;
use crate::app::{Ending, Failure};
use crate::model::{Bytes, Isolation};
use crate::store::{RunFolder, RunStatus};
use std::fs;

const TABLE: &str = "scenario;cold;without-changes\nslow;20.5;2\nslow;21.5;\nquick;10;1\n";

fn request(world: &FakeWorld, table: &str) -> Request {
    world.write("raw.csv", table);
    Request {
        file: world.at("raw.csv"),
        study: Some(world.at("study")),
        name: None,
        renames: Vec::new(),
        sizes: None,
        out: world.at("results"),
    }
}

fn refused(world: &FakeWorld, request: &Request) -> Failure {
    let failure = import(world.world(), request).err().unwrap();
    assert!(!world.at("results").exists(), "{}", failure.text);
    failure
}

/// Approach, scenario, seconds and size of each sample.
fn rows(run: &Run) -> Vec<(String, String, f64, Bytes)> {
    let samples = RunFolder::open(&run.path).unwrap().samples.into_iter().map(|(sample, _)| sample);
    let row = |sample: crate::model::Sample| {
        let key = sample.key;
        (key.approach.to_string(), key.scenario.to_string(), sample.seconds.get(), sample.image_bytes)
    };
    samples.map(row).collect()
}

#[test]
fn a_table_becomes_a_run_under_the_names_of_a_study() {
    let world = FakeWorld::new();
    world.write("sizes.csv", "approach,size\nquick,161MB\n");
    let run = import(world.world(), &Request { sizes: Some(world.at("sizes.csv")), ..request(&world, TABLE) }).unwrap();
    let row = |a: &str, s: &str, seconds, bytes| (a.to_owned(), s.to_owned(), seconds, Bytes(bytes));
    let wanted = [
        row("slow", "cold", 20.5, 0),
        row("slow", "warm", 2.0, 0),
        row("slow", "cold", 21.5, 0),
        row("quick", "cold", 10.0, 161_000_000),
        row("quick", "warm", 1.0, 0),
    ];
    assert_eq!(rows(&run), wanted);
    assert!(world.witness.heard("layerbench: scenario without-changes is taken for warm"), "{}", world.witness.said());
    assert!(world.witness.heard(&format!("results: {}", run.path.display())));
    let record = RunFolder::open(&run.path).unwrap().record;
    assert_eq!(
        (record.study.as_str(), record.status, record.isolation),
        ("tiny", RunStatus::Finished, Isolation::Imported)
    );
    assert_eq!(record.options.call().unwrap().import, Some(world.at("raw.csv").display().to_string()));
    let written = fs::read(run.path.join("summary.csv")).unwrap();
    let opened = Run::open(&run.path).unwrap();
    assert_eq!(opened.render(crate::app::read::Form::Csv, Default::default()), Ok(written));
}

#[test]
fn names_are_the_studys_as_asked_or_as_they_are() {
    let world = FakeWorld::new();
    let other = TABLE.replace("slow", "old-one").replace("quick", "QUICK");
    let failure = refused(&world, &request(&world, &other));
    assert_eq!(failure.ending, Ending::Wrong);
    assert!(failure.text.starts_with("approach: found \"old-one\"; expected one of slow, quick; "), "{}", failure.text);
    let renames = vec!["old-one=slow".to_owned()];
    let run = import(world.world(), &Request { renames, ..request(&world, &other) }).unwrap();
    assert_eq!(run.record.approaches, ["slow", "quick"], "but for letters and dashes the same");
    let plain = Request { study: None, name: Some("mine".to_owned()), ..request(&world, &other) };
    let run = import(world.world(), &plain).unwrap();
    assert_eq!(
        (run.record.study.as_str(), &run.record.approaches[..]),
        ("mine", &["old-one", "QUICK"].map(str::to_owned)[..])
    );
    assert_eq!(run.record.scenarios[1].id, "without-changes");
}

#[test]
fn what_is_no_table_or_no_name_makes_no_run() {
    let world = FakeWorld::new();
    for (table, words) in [
        ("scenario;cold;warm\nslow;20.5\n", "line 2: found 2 cells; expected 3"),
        ("scenario;cold\nslow;much\n", "line 2: found \"much\""),
    ] {
        let failure = refused(&world, &request(&world, table));
        assert_eq!(failure.ending, Ending::Wrong);
        assert!(failure.text.contains(words), "{}", failure.text);
    }
    let twice = refused(&world, &request(&world, "scenario;warm;without-changes\nslow;1;1\n"));
    assert!(twice.text.contains("scenario: found two columns for warm; expected one"), "{}", twice.text);
    let renames = vec!["old".to_owned()];
    let failure = refused(&world, &Request { renames, ..request(&world, TABLE) });
    assert!(failure.text.starts_with("--rename \"old\": expected FROM=TO"), "{}", failure.text);
    let failure = refused(&world, &Request { name: Some("../up".to_owned()), ..request(&world, TABLE) });
    assert_eq!(failure.ending, Ending::Wrong);
    let failure = refused(&world, &Request { file: world.at("nothing"), ..request(&world, TABLE) });
    assert!(failure.text.contains("nothing"), "{}", failure.text);
}
