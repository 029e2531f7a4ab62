//! Prints how often the rules of the gate are right on simulated nights, as Markdown; called by
//! `scripts/bench --statistics`. Ends with 1 where a target is missed.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/support/simulation.rs"]
mod simulation;

use simulation::{Rule, confirm, false_changes, history, nights_to_find, plain, precision, rate};
use std::process::ExitCode;

const TRIALS: u32 = 4_000;
const SIGMAS: [f64; 3] = [0.0, 0.01, 0.02];
const EFFECTS: [f64; 3] = [1.05, 1.1, 1.2];

struct Targets(Vec<String>);

impl Targets {
    fn check(&mut self, what: &str, holds: bool) {
        let word = if holds { "met" } else { "MISSED" };
        self.0.push(format!("- {word}: {what}"));
    }
}

fn rule(name: &str, rule: Rule, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let alarms = SIGMAS.iter().zip(seed..);
    let alarms: Vec<f64> = alarms.map(|(s, seed)| rate(rule, TRIALS, *s, 1.0, seed)).collect();
    let power = EFFECTS.iter().zip(seed + 10..);
    let power: Vec<f64> = power.map(|(e, seed)| rate(rule, TRIALS, 0.01, *e, seed)).collect();
    let row = |values: &[f64]| {
        let texts = values.iter().map(|v| format!("{v:.3}"));
        texts.collect::<Vec<_>>().join(" / ")
    };
    println!("| {name} | {} | {} |", row(&alarms), row(&power));
    (alarms, power)
}

fn gate(targets: &mut Targets) {
    println!("| rule | false alarm a night, σ = 0 / 1 / 2 % | power +5 / +10 / +20 %, σ = 1 % |");
    println!("| --- | --- | --- |");
    rule("two nights compared (Mann-Whitney, Holm, 3 %)", plain, 100);
    let (alarms, power) = rule("history, 14 nights", history, 200);
    targets.check("history: at most 8 % false alarms", alarms.iter().all(|a| *a <= 0.08));
    targets.check("history: +10 % seen in at least 95 %", power[1] >= 0.95);
    let (alarms, power) = rule("confirm, n = 15", confirm, 300);
    targets.check("confirm: at most 3 % false alarms", alarms.iter().all(|a| *a <= 0.03));
    targets.check("confirm: +10 % seen in at least 95 %", power[1] >= 0.95);
}

fn changes(targets: &mut Targets) {
    println!(
        "\n| σ | false changes per cell in 60 nights, seen at the end | … or on any night on the way | +10 % found within 5 nights | median |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for (sigma, seed) in SIGMAS.into_iter().zip(400..) {
        let (at_end, on_the_way) = false_changes(TRIALS, sigma, seed);
        let mut found = nights_to_find(TRIALS, sigma, seed + 10);
        let soon = found.iter().flatten().filter(|n| **n <= 5).count() as f64 / found.len() as f64;
        found.sort_by_key(|n| n.unwrap_or(usize::MAX));
        let median = found[found.len() / 2].map_or("more than 15".to_owned(), |n| n.to_string());
        println!("| {:.0} % | {at_end:.3} | {on_the_way:.3} | {soon:.4} | {median} nights |", sigma * 100.0);
        if sigma <= 0.01 {
            let what = format!("changes, σ = {:.0} %", sigma * 100.0);
            targets.check(&format!("{what}: at most .05 false ones per cell"), at_end.max(on_the_way) <= 0.05);
            targets.check(&format!("{what}: +10 % found within 5 nights in 99 %"), soon >= 0.99);
        }
    }
}

fn main() -> ExitCode {
    let mut targets = Targets(Vec::new());
    println!("# How often the rules are right\n");
    println!(
        "Made by `scripts/bench --statistics` with fixed seeds; {TRIALS} simulated nights (cells, for \
         changes) a figure. Log-normal noise with CV 3 %, 5 % of samples 50 % slower, 30 cells, n = 10; \
         σ is an extra shift of each cell from night to night.\n"
    );
    gate(&mut targets);
    changes(&mut targets);
    let (samples, held) = precision(TRIALS, 500);
    println!(
        "\nPrecision 3 %: {samples:.1} samples on average; the interval holds the median in {:.1} %.\n",
        held * 100.0
    );
    targets.check("precision: the interval keeps its 95 %", held >= 0.95);
    println!("{}", targets.0.join("\n"));
    match targets.0.iter().any(|line| line.contains("MISSED")) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}
