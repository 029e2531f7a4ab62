use super::super::table::table;
use super::super::testing::{approach, approaches, raw_samples, raw_table, sample, scenario, scenarios};
use super::*;

fn cell(row: &str, column: &str) -> Cell {
    Cell { engine: EngineId::only(), approach: approach(row), scenario: scenario(column) }
}

fn faster(a: &str, b: &str, column: &str, at_most: f64) -> Claim {
    Claim::Faster { faster: cell(a, column), slower: cell(b, column), at_most }
}

fn one(table: &Table, claim: Claim) -> Judged {
    let finding = NamedClaim { id: "x".to_owned(), text: "claim".to_owned(), claim };
    judge(table, &[finding]).remove(0)
}

#[test]
fn the_articles_claims_hold_on_its_raw_figures() {
    let table = raw_table();
    let names = |names: &[&str]| names.iter().map(|n| approach(n)).collect::<Vec<_>>();
    let singles = names(&["01-simple", "02-simple-slim"]);
    let multi = names(&["03-multi-stage", "04-no-root", "05-final", "06-final-slim-build"]);
    for claim in [
        Claim::All(vec![
            faster("02-simple-slim", "01-simple", "cold", 1.0),
            faster("06-final-slim-build", "05-final", "cold", 1.0),
        ]),
        Claim::Smaller { smaller: multi, larger: singles },
        Claim::Fastest {
            scenario: scenario("sources-changed"),
            approaches: names(&["05-final", "06-final-slim-build"]),
        },
        Claim::Ratio { cell: cell("06-final-slim-build", "cold"), base: cell("05-final", "cold"), low: 0.4, high: 0.6 },
    ] {
        let got = one(&table, claim);
        assert_eq!((got.verdict, got.agrees), (FindingVerdict::Holds, Some(true)), "{got:?}");
    }
}

#[test]
fn the_opposite_is_contradicted_and_equals_are_left_open() {
    let table = raw_table();
    let wrong = one(&table, faster("01-simple", "02-simple-slim", "cold", 1.0));
    assert_eq!((wrong.verdict, wrong.agrees), (FindingVerdict::Contradicted, Some(false)));
    let tenth = Claim::Ratio {
        cell: cell("06-final-slim-build", "cold"),
        base: cell("05-final", "cold"),
        low: 0.05,
        high: 0.1,
    };
    assert_eq!(one(&table, tenth).verdict, FindingVerdict::Contradicted);
    let equals = one(&table, faster("05-final", "06-final-slim-build", "sources-changed", 1.0));
    assert_eq!(equals.verdict, FindingVerdict::CannotTell);
    assert!(equals.why.contains("do not settle"), "{}", equals.why);
    let mixed = Claim::All(vec![
        faster("02-simple-slim", "01-simple", "cold", 1.0),
        faster("01-simple", "02-simple-slim", "cold", 1.0),
    ]);
    assert_eq!(one(&table, mixed).verdict, FindingVerdict::Contradicted);
}

#[test]
fn one_sample_shows_its_figures_and_settles_nothing() {
    let samples = [sample("01-simple", "cold", 37.0), sample("02-simple-slim", "cold", 16.7)];
    let table = table(&samples, &approaches(), &scenarios());
    let got = one(&table, faster("02-simple-slim", "01-simple", "cold", 1.0));
    assert_eq!((got.verdict, got.agrees), (FindingVerdict::CannotTell, Some(true)));
    assert_eq!(got.why, "n = 1: too few samples for a test");
    assert!((got.evidence[0].ratio.unwrap() - 16.7 / 37.0).abs() < 1e-12);
    // Sizes do not vary: one is enough.
    let smaller = Claim::Smaller { smaller: vec![approach("02-simple-slim")], larger: vec![approach("01-simple")] };
    assert_eq!(one(&table, smaller).verdict, FindingVerdict::Holds);
}

#[test]
fn what_is_missing_is_named() {
    let table = raw_table();
    for claim in [faster("07-unknown", "01-simple", "cold", 1.0), faster("01-simple", "07-unknown", "cold", 1.0)] {
        let got = one(&table, claim);
        assert_eq!(got.verdict, FindingVerdict::CannotTell);
        assert_eq!(got.why, "no figure for 07-unknown / cold");
    }
    assert_eq!(one(&table, Claim::All(vec![])).verdict, FindingVerdict::CannotTell);
}

#[test]
fn image_sizes_of_two_scenarios_are_compared() {
    let mut samples = raw_samples();
    for sample in &mut samples {
        let grown =
            sample.key.scenario == scenario("dev-requirements-changed") && sample.key.approach == approach("01-simple");
        sample.image_bytes = Bytes(if grown { 1_100_000 } else { 1_000_000 });
    }
    let table = table(&samples, &approaches(), &scenarios());
    let same = |row: &str| Claim::SameSize {
        approach: approach(row),
        first: scenario("main-requirements-changed"),
        second: scenario("dev-requirements-changed"),
        within: 0.01,
    };
    assert_eq!(one(&table, same("03-multi-stage")).verdict, FindingVerdict::Holds);
    assert_eq!(one(&table, same("01-simple")).verdict, FindingVerdict::Contradicted);
}
