//! Every statistic against SciPy's figures, from the table that `tests/oracles/scipy-figures` writes.
//!
//! Ranks and U agree exactly, everything else to 1e-9.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use layerbench::stats;
use std::collections::{BTreeMap, HashMap};

struct Case {
    number: String,
    kind: String,
    x: Vec<f64>,
    y: Vec<f64>,
    figures: HashMap<String, String>,
}

impl Case {
    fn expect(&self, name: &str, ours: f64) {
        let Some(text) = self.figures.get(name) else {
            panic!("case {}: SciPy has no {name}, we say {ours}", self.number);
        };
        let theirs: f64 = text.parse().unwrap();
        assert!(
            (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0),
            "case {}: {name} is {theirs} by SciPy, {ours} by us",
            self.number
        );
        if (0.0..1e-6).contains(&theirs) && theirs > 1e-300 {
            assert!((ours / theirs - 1.0).abs() < 1e-6, "case {}: {name}: {ours} against {theirs}", self.number);
        }
    }

    fn exactly(&self, name: &str, ours: f64) {
        let theirs: f64 = self.figures[name].parse().unwrap();
        assert_eq!(ours, theirs, "case {}: {name}", self.number);
    }

    fn list(&self, name: &str) -> Vec<f64> {
        numbers(&self.figures[name], '/')
    }
}

fn numbers(text: &str, separator: char) -> Vec<f64> {
    let parts = text.split(separator).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().unwrap()).collect()
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/stats/scipy.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| Case {
        number: row[0].to_owned(),
        kind: row[1].to_owned(),
        x: numbers(&row[2], ' '),
        y: numbers(&row[3], ' '),
        figures: row[4]
            .split(' ')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    })
    .collect()
}

fn groups(case: &Case) {
    case.expect("median", stats::median(&case.x).unwrap());
    if let Some(interval) = stats::median_interval(&case.x, 0.95).unwrap() {
        case.exactly("low_rank", interval.low_rank as f64);
        case.exactly("high_rank", interval.high_rank as f64);
        case.expect("level", interval.level);
    } else {
        assert!(!case.figures.contains_key("low_rank"));
    }
    let test = stats::mann_whitney(&case.x, &case.y).unwrap();
    case.exactly("u", test.u);
    assert_eq!(case.figures["method"], test.method.as_str());
    case.expect("greater", test.greater);
    case.expect("less", test.less);
    let shift = stats::log_shift(&case.x, &case.y, 0.95).unwrap();
    case.expect("shift", shift.shift);
    case.expect("low", shift.low);
    case.expect("high", shift.high);
    case.expect("shift_level", shift.level);
    if case.figures.contains_key("t") {
        let logs = |values: &[f64]| values.iter().map(|v| v.ln()).collect::<Vec<_>>();
        let test = stats::pooled_t(&logs(&case.x), &logs(&case.y)).unwrap();
        case.expect("t", test.t);
        case.expect("t_p", test.p);
    }
}

fn pairs(case: &Case) {
    assert_eq!(stats::ranks(&case.x).unwrap(), case.list("ranks"));
    if case.figures.contains_key("spearman") {
        case.expect("spearman", stats::spearman(&case.x, &case.y).unwrap());
        case.expect("kendall", stats::kendall(&case.x, &case.y).unwrap());
    } else {
        assert!(stats::spearman(&case.x, &case.y).is_err());
    }
}

fn family(case: &Case) {
    let ours = stats::holm(&case.x).unwrap();
    let theirs = case.list("holm");
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert!((ours - theirs).abs() < 1e-12, "case {}", case.number);
    }
}

fn night(case: &Case) {
    let ours = stats::predict(&case.x, case.y[0], 0.95).unwrap();
    case.expect("p_greater", ours.greater);
    case.expect("p_less", ours.less);
    case.expect("low", ours.low);
    case.expect("high", ours.high);
}

#[test]
fn figures_agree_with_scipy() {
    let mut seen = BTreeMap::new();
    for case in cases() {
        match case.kind.as_str() {
            "groups" => groups(&case),
            "pairs" => pairs(&case),
            "family" => family(&case),
            "night" => night(&case),
            other => panic!("unknown kind {other:?}"),
        }
        *seen.entry(case.kind).or_insert(0) += 1;
    }
    assert!(seen["groups"] >= 200 && seen.values().sum::<i32>() >= 300, "{seen:?}");
    assert_eq!(seen.len(), 4, "{seen:?}");
}
