//! The rules of the gate on simulated nights, with seeds: small versions of the table in
//! `results/bench/statistics.md`, which `scripts/bench --statistics` makes in full.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/simulation.rs"]
mod simulation;

use simulation::{confirm, false_changes, history, nights_to_find, plain, precision, rate};

#[test]
fn history_is_quiet_and_sees_ten_percent() {
    for (sigma, seed) in [(0.0, 1), (0.01, 2), (0.02, 3)] {
        let alarms = rate(history, 400, sigma, 1.0, seed);
        assert!(alarms <= 0.08, "sigma {sigma}: {alarms}");
    }
    let power = rate(history, 200, 0.01, 1.1, 4);
    assert!(power >= 0.95, "{power}");
}

#[test]
fn confirmation_is_quiet_and_sees_ten_percent() {
    for (sigma, seed) in [(0.0, 5), (0.01, 6)] {
        let alarms = rate(confirm, 150, sigma, 1.0, seed);
        assert!(alarms <= 0.03, "sigma {sigma}: {alarms}");
    }
    let power = rate(confirm, 100, 0.01, 1.1, 7);
    assert!(power >= 0.95, "{power}");
}

#[test]
fn a_plain_comparison_of_nights_is_not_enough() {
    // Why the two rules above exist: night effects alone fire it.
    assert!(rate(plain, 40, 0.02, 1.0, 8) > 0.3);
}

#[test]
fn changes_of_level_are_found_and_not_invented() {
    for (sigma, seed) in [(0.0, 9), (0.01, 10)] {
        let (at_end, _) = false_changes(150, sigma, seed);
        assert!(at_end <= 0.05, "sigma {sigma}: {at_end}");
    }
    let found = nights_to_find(150, 0.01, 11);
    let soon = found.iter().flatten().filter(|nights| **nights <= 5);
    assert!(soon.count() * 100 >= found.len() * 99, "{found:?}");
}

#[test]
fn precision_stopping_keeps_its_level() {
    let (samples, held) = precision(1_500, 12);
    assert!((11.0..16.0).contains(&samples), "{samples}");
    assert!(held >= 0.95, "{held}");
}
