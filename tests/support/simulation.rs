//! Simulated nights with known truth, to see how often the rules are right. Every figure comes from a
//! seed.
//!
//! Shared by `tests/simulation.rs` (small) and `examples/statistics.rs` (whole). No rule is
//! implemented in here.

use layerbench::analysis::change::{CommonMode, Verdict, judge};
use layerbench::analysis::gate::{self, CONFIRM, Precision};
use layerbench::stats;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Cells of a night.
pub const CELLS: usize = 30;
/// Samples of a cell.
pub const SAMPLES: usize = 10;
/// Nights of history before tonight.
pub const NIGHTS: usize = 14;
/// Coefficient of variation of the repetitions of one night.
const NOISE: f64 = 0.03;

/// Log-normal noise, and one sample in twenty 50 % slower.
pub struct Noise(ChaCha8Rng);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Box and Muller's normal deviate.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Samples around `level` (a logarithm).
    pub fn group(&mut self, n: usize, level: f64) -> Vec<f64> {
        (0..n)
            .map(|_| {
                let outlier = if self.uniform() < 0.05 { 1.5 } else { 1.0 };
                (level + NOISE * self.normal()).exp() * outlier
            })
            .collect()
    }

    /// The median of one cell of one night: `sigma` is the shift from night to night.
    fn median(&mut self, sigma: f64, level: f64) -> f64 {
        let night = level + sigma * self.normal();
        stats::median(&self.group(SAMPLES, night)).unwrap_or(f64::NAN)
    }
}

/// Whether a night fired, with one cell slowed by `effect` (1.0 for none): on any cell, and on that
/// one.
#[derive(Clone, Copy, Default)]
pub struct Fired {
    pub any: bool,
    pub slowed: bool,
}

impl Fired {
    fn of(verdicts: impl Iterator<Item = (usize, Verdict)>) -> Self {
        let mut fired = Self::default();
        for (cell, _) in verdicts.filter(|(_, v)| *v == Verdict::Regression) {
            fired.any = true;
            fired.slowed |= cell == 0;
        }
        fired
    }
}

/// A rule, tried on one night.
pub type Rule = fn(&mut Noise, f64, f64) -> Fired;

fn level(cell: usize, effect: f64) -> f64 {
    if cell == 0 { effect.ln() } else { 0.0 }
}

/// The history rule.
pub fn history(noise: &mut Noise, sigma: f64, effect: f64) -> Fired {
    let mut night = |effect: f64| -> Vec<Option<f64>> {
        let cells = 0..CELLS;
        cells.map(|c| Some(noise.median(sigma, level(c, effect)))).collect()
    };
    let nights: Vec<_> = (0..NIGHTS).map(|_| night(1.0)).collect();
    let (cells, _) = gate::history(&nights, &night(effect));
    Fired::of(cells.iter().map(|c| c.verdict).enumerate())
}

/// Last night's groups, and tonight's.
fn two_nights(noise: &mut Noise, sigma: f64, effect: f64) -> Vec<(Vec<f64>, Vec<f64>)> {
    let mut group = |level: f64| {
        let night = level + sigma * noise.normal();
        noise.group(SAMPLES, night)
    };
    (0..CELLS).map(|c| (group(0.0), group(level(c, effect)))).collect()
}

fn slices(groups: &[(Vec<f64>, Vec<f64>)]) -> Vec<(&[f64], &[f64])> {
    groups.iter().map(|(a, b)| (&a[..], &b[..])).collect()
}

fn common(groups: &[(Vec<f64>, Vec<f64>)]) -> CommonMode {
    let median = |values: &[f64]| stats::median(values).map_or(0.0, f64::ln);
    let logs: Vec<f64> = groups.iter().map(|(a, b)| median(b) - median(a)).collect();
    CommonMode::of(&logs)
}

/// Two runs compared, nothing else: what a plain comparison of nights would do.
pub fn plain(noise: &mut Noise, sigma: f64, effect: f64) -> Fired {
    let groups = two_nights(noise, sigma, effect);
    let changes = judge(&slices(&groups), common(&groups));
    Fired::of(changes.iter().map(|c| c.verdict).enumerate())
}

/// The confirm rule: suspects are measured afresh, both sides in the same night.
pub fn confirm(noise: &mut Noise, sigma: f64, effect: f64) -> Fired {
    let groups = two_nights(noise, sigma, effect);
    let suspects = gate::suspects(&slices(&groups), common(&groups));
    let mut afresh = |cell: usize| {
        let night = sigma * noise.normal();
        let base = noise.group(CONFIRM, night);
        (base, noise.group(CONFIRM, night + level(cell, effect)))
    };
    let fresh: Vec<_> = suspects.iter().map(|&cell| afresh(cell)).collect();
    let changes = gate::confirm(&slices(&fresh));
    Fired::of(suspects.into_iter().zip(changes.iter().map(|c| c.verdict)))
}

/// The part of `trials` nights in which a rule fired: on any cell if nothing is slowed, else on the
/// slowed one.
pub fn rate(rule: Rule, trials: u32, sigma: f64, effect: f64, seed: u64) -> f64 {
    let mut noise = Noise::new(seed);
    let fired = (0..trials).filter(|_| {
        let fired = rule(&mut noise, sigma, effect);
        if effect == 1.0 { fired.any } else { fired.slowed }
    });
    fired.count() as f64 / f64::from(trials)
}

/// False change points per cell in 60 nights: seen from the last night, and counting every one that
/// was reported on any night on the way.
pub fn false_changes(cells: u32, sigma: f64, seed: u64) -> (f64, f64) {
    let mut noise = Noise::new(seed);
    let (mut at_end, mut on_the_way) = (0, 0);
    for _ in 0..cells {
        let medians: Vec<f64> = (0..60).map(|_| noise.median(sigma, 0.0)).collect();
        let mut seen: Vec<usize> = Vec::new();
        for nights in 6..=60 {
            let found = gate::changes(&medians[..nights]).unwrap_or_default();
            for point in &found {
                if seen.iter().all(|s| s.abs_diff(point.index) > 3) {
                    seen.push(point.index);
                }
            }
            if nights == 60 {
                at_end += found.len();
            }
        }
        on_the_way += seen.len();
    }
    let per_cell = |count: usize| count as f64 / f64::from(cells);
    (per_cell(at_end), per_cell(on_the_way))
}

/// After how many nights a step of +10 % is first found (at its place, give or take two nights), for
/// each of `trials` cells with 30 nights before; `None` if not within 15.
pub fn nights_to_find(trials: u32, sigma: f64, seed: u64) -> Vec<Option<usize>> {
    let mut noise = Noise::new(seed);
    let trial = |_| {
        let mut medians: Vec<f64> = (0..30).map(|_| noise.median(sigma, 0.0)).collect();
        medians.extend((0..15).map(|_| noise.median(sigma, 1.1_f64.ln())));
        (1..=15).find(|after| {
            let found = gate::changes(&medians[..30 + after]).unwrap_or_default();
            let step = |p: &stats::ChangePoint| p.index.abs_diff(30) <= 2 && p.after > p.before;
            found.iter().any(step)
        })
    };
    (0..trials).map(trial).collect()
}

/// Samples that precision stopping takes on average for 3 %, and how often the interval then holds
/// the true median.
pub fn precision(trials: u32, seed: u64) -> (f64, f64) {
    let mut noise = Noise::new(seed);
    // The median of the mixture, from many samples of it.
    let truth = stats::median(&noise.group(400_000, 0.0)).unwrap_or(1.0);
    let rule = Precision { target: 0.03 };
    let (mut samples, mut held) = (0, 0);
    for _ in 0..trials {
        let mut group = Vec::new();
        loop {
            match rule.more(&group) {
                0 => break,
                more => group.extend(noise.group(more, 0.0)),
            }
        }
        samples += group.len();
        let interval = stats::median_interval(&group, 0.95).ok().flatten();
        held += u32::from(interval.is_some_and(|i| i.low <= truth && truth <= i.high));
    }
    let mean = samples as f64 / f64::from(trials);
    (mean, f64::from(held) / f64::from(trials))
}
