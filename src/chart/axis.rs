//! Scales and their round ticks.
//!
//! Ticks are chosen by the room that their labels need, so that no two labels touch.

use super::width::width;
use crate::text::shown_seconds;

/// The shortest time on a scale that grows by factors, in seconds: zero has no place there.
const SHORTEST: f64 = 0.001;

/// A tick: its value and its label.
pub(super) type Tick = (f64, String);

/// A time that has a place on a scale that grows by factors.
pub(super) fn positive(seconds: f64) -> f64 {
    seconds.max(SHORTEST)
}

/// The range of a scale that grows by factors: round values around all of `values`.
pub(super) fn log_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for value in values.map(positive) {
        low = low.min(value);
        high = high.max(value);
    }
    if low > high {
        return (0.1, 100.0);
    }
    let (mut below, mut above) = (SHORTEST / 10.0, f64::INFINITY);
    for tick in one_two_five(SHORTEST / 10.0, high * 10.0) {
        if tick < low * 0.97 {
            below = below.max(tick);
        }
        if tick > high * 1.03 {
            above = above.min(tick);
        }
    }
    (below, if above.is_finite() { above } else { high * 2.0 })
}

/// 1, 2 and 5 times the powers of ten from `low` to `high`.
fn one_two_five(low: f64, high: f64) -> Vec<f64> {
    steps(low, high, &[1.0, 2.0, 5.0])
}

fn steps(low: f64, high: f64, factors: &[f64]) -> Vec<f64> {
    let mut ticks = Vec::new();
    let mut power = low.log10().floor();
    while 10_f64.powf(power) <= high {
        ticks.extend(factors.iter().map(|factor| factor * 10_f64.powf(power)));
        power += 1.0;
    }
    ticks.retain(|tick| *tick >= low * 0.999_999 && *tick <= high * 1.000_001);
    ticks
}

/// The ticks of a scale that grows by factors, as many as have room on `pixels`.
pub(super) fn log_ticks((low, high): (f64, f64), pixels: f64, size: f64) -> Vec<Tick> {
    let label = |tick: f64| (tick, plain(tick));
    let place = |tick: f64| (tick / low).ln() / (high / low).ln() * pixels;
    let mut last = Vec::new();
    for factors in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
        last = steps(low, high, factors).into_iter().map(label).collect();
        if apart(&last, place, size) {
            return last;
        }
    }
    thin(last, place, size)
}

/// The ticks of an even scale from 0, as many as have room.
pub(super) fn linear_ticks(high: f64, pixels: f64, size: f64, label: fn(f64) -> String) -> Vec<Tick> {
    let place = |tick: f64| tick / high * pixels;
    for step in one_two_five(high / 20.0, high) {
        let mut ticks: Vec<Tick> = Vec::new();
        let mut count = 0.0;
        while count * step <= high * 1.000_001 {
            ticks.push((count * step, label(count * step)));
            count += 1.0;
        }
        if ticks.len() <= 9 && apart(&ticks, place, size) {
            return ticks;
        }
    }
    vec![(0.0, label(0.0))]
}

/// Up to five round values on a scale from `low` to `high`.
pub(super) fn between((low, high): (f64, f64)) -> Vec<Tick> {
    let all = |step: f64| {
        let mut ticks: Vec<Tick> = Vec::new();
        let mut count = (low / step).ceil();
        while count * step <= high && ticks.len() <= 5 {
            ticks.push((count * step, plain(count * step)));
            count += 1.0;
        }
        ticks
    };
    let steps = one_two_five((high - low) / 20.0, high * 2.0);
    steps.into_iter().map(all).find(|ticks| ticks.len() <= 5).unwrap_or_default()
}

/// The first round value that is not below `value`.
pub(super) fn round_up(value: f64) -> f64 {
    let parts = steps(value / 10.0, value * 10.0, &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0]);
    parts.into_iter().find(|round| *round >= value).unwrap_or(value)
}

/// Whether no two labels come near each other.
fn apart(ticks: &[Tick], place: impl Fn(f64) -> f64, size: f64) -> bool {
    ticks.windows(2).all(|pair| {
        let half = |tick: &Tick| width(&tick.1, size) / 2.0;
        place(pair[1].0) - place(pair[0].0) >= half(&pair[0]) + half(&pair[1]) + size * 0.6
    })
}

/// Every other tick, until the labels have room.
fn thin(mut ticks: Vec<Tick>, place: impl Fn(f64) -> f64 + Copy, size: f64) -> Vec<Tick> {
    while ticks.len() > 2 && !apart(&ticks, place, size) {
        let mut keep = false;
        ticks.retain(|_| {
            keep = !keep;
            keep
        });
    }
    ticks
}

/// A round number without the zeros that say nothing.
pub(super) fn plain(value: f64) -> String {
    let digits = if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.4}") };
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => digits,
    }
}

/// Seconds with their unit.
pub(super) fn with_unit(value: f64) -> String {
    format!("{} s", shown_seconds(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_figures() {
        assert_eq!(log_range([0.42, 22.7].into_iter()), (0.2, 50.0));
        assert_eq!(log_range(std::iter::empty()), (0.1, 100.0));
        let labels = |ticks: Vec<Tick>| ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(log_ticks((0.2, 50.0), 400.0, 12.0)), ["0.2", "0.5", "1", "2", "5", "10", "20", "50"]);
        assert_eq!(labels(log_ticks((0.001, 100_000.0), 300.0, 12.0)).first().map(String::as_str), Some("0.001"));
        assert_eq!(labels(linear_ticks(24.0, 400.0, 12.0, plain)), ["0", "5", "10", "15", "20"]);
        assert_eq!(labels(between((19.2, 22.9))), ["20", "21", "22"]);
        assert_eq!(labels(between((0.431, 0.472))), ["0.44", "0.45", "0.46", "0.47"]);
        assert_eq!(round_up(20.96), 25.0);
        assert_eq!(round_up(0.0021), 0.0025);
    }

    #[test]
    fn odd_figures_have_scales_too() {
        let (low, high) = log_range([0.0, 0.0].into_iter());
        assert!(low > 0.0 && low < SHORTEST && high > SHORTEST);
        for values in [[1e-9, 1e12], [5.0, 5.0], [0.001, 86_400.0]] {
            let range = log_range(values.into_iter());
            for pixels in [40.0, 200.0, 1000.0] {
                let ticks = log_ticks(range, pixels, 12.0);
                assert!(!ticks.is_empty(), "{range:?}");
            }
        }
        assert_eq!(linear_ticks(0.0001, 5.0, 12.0, plain).len(), 1);
    }
}
