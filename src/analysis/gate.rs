//! The rules of the nightly gate, on plain numbers: history, suspects, confirmation, changes of level,
//! precision.
//!
//! Cells are places in slices here; the caller knows their names, and which nights are comparable.

use super::change::{Change, CommonMode, LEAST, Verdict, judge};
use crate::stats::{self, ChangePoint, ChangeRule, StatsError};

/// Fewest comparable nights for the history rule.
pub const NIGHTS: usize = 10;
/// Level of each family of the history rule.
pub const ALPHA: f64 = 0.05;
/// Level at which a cell becomes a suspect.
pub const SUSPECT: f64 = 0.05;
/// Samples of each side that a confirmation takes.
pub const CONFIRM: usize = 15;

/// The rule for changes of level over nights: 3 nights a segment, p .001, 3 %.
#[must_use]
pub fn change_rule() -> ChangeRule {
    ChangeRule { shortest: 3, p: 0.001, least: LEAST.ln() }
}

/// What a night amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NightVerdict {
    /// Something got worse.
    Regression(Worse),
    /// Nothing is proven worse, and there are doubts that nothing is.
    CannotTell,
    /// Nothing got worse.
    NoRegression,
}

/// What got worse in a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worse {
    /// Builds take longer.
    Slower,
    /// Images have more bytes.
    Larger,
    /// Both.
    SlowerAndLarger,
}

impl NightVerdict {
    /// From what is proven, and whether there are doubts about the rest.
    #[must_use]
    pub fn of(slower: bool, larger: bool, doubts: bool) -> Self {
        match (slower, larger) {
            (true, true) => Self::Regression(Worse::SlowerAndLarger),
            (true, false) => Self::Regression(Worse::Slower),
            (false, true) => Self::Regression(Worse::Larger),
            (false, false) if doubts => Self::CannotTell,
            (false, false) => Self::NoRegression,
        }
    }

    /// In words, for people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regression(Worse::Slower) => "regression",
            Self::Regression(Worse::Larger) => "regression: larger images",
            Self::Regression(Worse::SlowerAndLarger) => "regression: slower, and larger images",
            Self::CannotTell => "cannot tell",
            Self::NoRegression => "no regression",
        }
    }
}

/// One cell of tonight, judged by its history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tonight {
    /// The verdict. "No change" is said where tonight lies inside the prediction interval.
    pub verdict: Verdict,
    /// Tonight over the mean of the history (of logarithms), after the common mode was taken out.
    pub ratio: Option<f64>,
    /// Ratios between which one more night was to be expected with 95 %.
    pub expected: Option<(f64, f64)>,
    /// p-value of "slower", adjusted for the family.
    pub slower: f64,
    /// p-value of "faster", adjusted for the family.
    pub faster: f64,
    /// Comparable nights with a figure.
    pub nights: usize,
}

/// Judges tonight's medians by those of earlier nights: prediction interval of one more logarithm of
/// a median, Holm's adjustment for each direction, and at least 3 %. What all cells of a night have
/// in common is taken out of every night first, and returned for tonight.
///
/// `nights` holds one row per night, oldest first, with the median of each cell in seconds; rows may
/// be shorter than `tonight`. Cells with fewer than [`NIGHTS`] figures, or without spread, are "not
/// enough data".
#[must_use]
pub fn history(nights: &[Vec<Option<f64>>], tonight: &[Option<f64>]) -> (Vec<Tonight>, CommonMode) {
    let (judged, common) = history_of_strata(nights, tonight, &[tonight.len()]);
    (judged, common.first().copied().unwrap_or_default())
}

/// As [`history`], for cells of several engines: the first `strata[0]` cells are those of the first one, and so on.
/// Each engine has a common mode of its own; all cells together are one family (why: [`super::compare`]).
#[must_use]
pub fn history_of_strata(
    nights: &[Vec<Option<f64>>],
    tonight: &[Option<f64>],
    strata: &[usize],
) -> (Vec<Tonight>, Vec<CommonMode>) {
    let (mut predicted, mut commons, mut first) = (Vec::new(), Vec::new(), 0);
    for cells in strata {
        let range = first..(first + cells).min(tonight.len());
        let nights: Vec<&[Option<f64>]> =
            nights.iter().map(|night| &night[range.start.min(night.len())..range.end.min(night.len())]).collect();
        let (mine, common) = predict_all(&nights, &tonight[range.clone()]);
        predicted.extend(mine);
        commons.push(common);
        first = range.end;
    }
    (call(&predicted), commons)
}

/// Nights with a figure of a cell, and tonight's logarithm with what was to be expected.
type Predicted = (usize, Option<(f64, stats::Prediction)>);

/// The cells of one engine against its nights.
fn predict_all(nights: &[&[Option<f64>]], tonight: &[Option<f64>]) -> (Vec<Predicted>, CommonMode) {
    let log = |value: Option<f64>| value.filter(|v| *v > 0.0 && v.is_finite()).map(f64::ln);
    let cells = 0..tonight.len();
    let levels: Vec<Option<f64>> = cells
        .map(|cell| {
            let logs = nights.iter().filter_map(|night| log(*night.get(cell)?));
            let logs: Vec<f64> = logs.collect();
            stats::median(&logs).ok()
        })
        .collect();
    let common = |night: &[Option<f64>]| {
        let both = night.iter().zip(&levels);
        let logs = both.filter_map(|(value, level)| Some(log(*value)? - (*level)?));
        CommonMode::of(&logs.collect::<Vec<_>>())
    };
    let past: Vec<f64> = nights.iter().map(|night| common(night).log).collect();
    let shared = common(tonight);
    let predicted = tonight
        .iter()
        .enumerate()
        .map(|(cell, value)| {
            let rows = nights.iter().zip(&past);
            let logs = rows.filter_map(|(night, c)| Some(log(*night.get(cell)?)? - c));
            let logs: Vec<f64> = logs.collect();
            (logs.len(), predict(&logs, log(*value), shared.log))
        })
        .collect();
    (predicted, shared)
}

fn predict(logs: &[f64], tonight: Option<f64>, common: f64) -> Option<(f64, stats::Prediction)> {
    let value = tonight? - common;
    if logs.len() < NIGHTS {
        return None;
    }
    Some((value, stats::predict(logs, value, 0.95).ok()?))
}

fn call(predicted: &[Predicted]) -> Vec<Tonight> {
    let known = || predicted.iter().filter_map(|(_, p)| p.as_ref());
    let holm = |p: Vec<f64>| stats::holm(&p).unwrap_or_default();
    let slower = holm(known().map(|(_, p)| p.greater).collect());
    let faster = holm(known().map(|(_, p)| p.less).collect());
    let mut adjusted = slower.into_iter().zip(faster);
    let cells = predicted.iter().map(|(nights, prediction)| {
        let mut tonight = Tonight {
            verdict: Verdict::NotEnoughData,
            ratio: None,
            expected: None,
            slower: 1.0,
            faster: 1.0,
            nights: *nights,
        };
        let Some((value, p)) = prediction else {
            return tonight;
        };
        (tonight.slower, tonight.faster) = adjusted.next().unwrap_or((1.0, 1.0));
        let shift = value - p.mean;
        tonight.ratio = Some(shift.exp());
        tonight.expected = Some(((p.low - p.mean).exp(), (p.high - p.mean).exp()));
        tonight.verdict = if tonight.slower <= ALPHA && shift >= LEAST.ln() {
            Verdict::Regression
        } else if tonight.faster <= ALPHA && shift <= -LEAST.ln() {
            Verdict::Improvement
        } else if p.low <= *value && *value <= p.high {
            Verdict::NoChange
        } else {
            Verdict::NotEnoughData
        };
        tonight
    });
    cells.collect()
}

/// The cells that deserve a second look: slower with p ≤ .05 on their own, and by at least 3 %. Pairs
/// are (baseline, tonight) in seconds.
#[must_use]
pub fn suspects(pairs: &[(&[f64], &[f64])], common: CommonMode) -> Vec<usize> {
    let suspect = |pair: &(&[f64], &[f64])| {
        let change = judge(std::slice::from_ref(pair), common)[0];
        let shift = change.shift.map_or(0.0, |s| s.shift);
        change.slower <= SUSPECT && shift >= LEAST.ln()
    };
    (0..pairs.len()).filter(|&i| suspect(&pairs[i])).collect()
}

/// Judges the fresh samples of the suspects, (baseline, current) measured interleaved in one run:
/// only these decide, with Holm's adjustment over the suspects. There is no common mode to take out.
#[must_use]
pub fn confirm(fresh: &[(&[f64], &[f64])]) -> Vec<Change> {
    judge(fresh, CommonMode::default())
}

/// The changes of level of one cell over nights; medians in seconds, oldest first.
///
/// # Errors
/// When a median is not positive and finite.
pub fn changes(medians: &[f64]) -> Result<Vec<ChangePoint>, StatsError> {
    if let Some(index) = medians.iter().position(|m| !m.is_finite()) {
        return Err(StatsError::NotFinite { index });
    }
    if let Some(index) = medians.iter().position(|m| *m <= 0.0) {
        let value = medians[index];
        return Err(StatsError::NotPositive { index, value });
    }
    let logs: Vec<f64> = medians.iter().map(|m| m.ln()).collect();
    stats::change_points(&logs, &change_rule())
}

/// When enough samples are taken, if precision was asked for: starts at 10, adds 2, stops at 30.
/// Stops on the width of the interval, never on p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precision {
    /// Largest half-width of the interval of the median, as a part of it (0.03 for 3 %).
    pub target: f64,
}

impl Precision {
    /// Samples to begin with.
    pub const START: usize = 10;
    /// Samples to add at a time.
    pub const STEP: usize = 2;
    /// Samples at which to stop in any case.
    pub const CAP: usize = 30;

    /// How many more samples to take after these; 0 to stop.
    #[must_use]
    pub fn more(&self, seconds: &[f64]) -> usize {
        let n = seconds.len();
        if n < Self::START {
            return Self::START - n;
        }
        let width = stats::half_width(seconds, 0.95).ok().flatten();
        if n >= Self::CAP || width.is_some_and(|w| w <= self.target) {
            return 0;
        }
        Self::STEP.min(Self::CAP - n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nights of 6 cells whose medians vary by up to 1 %.
    fn nights(count: usize) -> Vec<Vec<Option<f64>>> {
        let value = |night: usize, cell: usize| {
            let noise = ((night * 31 + cell * 17) % 23) as f64 / 1_150.0 - 0.01;
            Some((cell + 1) as f64 * (1.0 + noise))
        };
        let night = |night| (0..6).map(|cell| value(night, cell)).collect();
        (0..count).map(night).collect()
    }

    fn verdicts(cells: &[Tonight]) -> Vec<Verdict> {
        cells.iter().map(|cell| cell.verdict).collect()
    }

    #[test]
    fn history_fires_on_a_slow_cell_only() {
        let mut all = nights(15);
        let mut tonight = all.pop().unwrap();
        let (quiet, common) = history(&all, &tonight);
        assert_eq!(verdicts(&quiet), [Verdict::NoChange; 6]);
        assert!(!common.is_shift());
        tonight[2] = tonight[2].map(|v| v * 1.15);
        let (slow, _) = history(&all, &tonight);
        assert_eq!(slow[2].verdict, Verdict::Regression);
        assert!((slow[2].ratio.unwrap() - 1.15).abs() < 0.02);
        tonight[2] = tonight[2].map(|v| v / 1.15 / 1.15);
        assert_eq!(history(&all, &tonight).0[2].verdict, Verdict::Improvement);
    }

    #[test]
    fn a_slower_machine_is_not_a_regression_of_every_cell() {
        let mut all = nights(15);
        let mut tonight = all.pop().unwrap();
        for value in tonight.iter_mut().flatten() {
            *value *= 1.2;
        }
        let (cells, common) = history(&all, &tonight);
        assert!(common.is_shift() && (common.ratio() - 1.2).abs() < 0.02);
        assert!(cells.iter().all(|c| c.verdict != Verdict::Regression));
    }

    #[test]
    fn short_or_broken_histories_are_not_enough_data() {
        let tonight = nights(1).remove(0);
        for all in [
            nights(9),
            vec![],
            vec![vec![None; 6]; 20],
            vec![vec![Some(f64::NAN); 6]; 20],
            vec![vec![Some(-1.0); 2]; 20],
            vec![vec![Some(1.0); 6]; 20],
        ] {
            let (cells, _) = history(&all, &tonight);
            assert_eq!(verdicts(&cells), [Verdict::NotEnoughData; 6], "{all:?}");
        }
        let (cells, _) = history(&nights(20), &[None; 6]);
        assert_eq!(verdicts(&cells), [Verdict::NotEnoughData; 6]);
    }

    #[test]
    fn what_is_proven_worse_outweighs_doubts() {
        for doubts in [false, true] {
            assert_eq!(NightVerdict::of(true, false, doubts).as_str(), "regression");
            assert_eq!(NightVerdict::of(false, true, doubts).as_str(), "regression: larger images");
            assert_eq!(NightVerdict::of(true, true, doubts).as_str(), "regression: slower, and larger images");
        }
        assert_eq!(NightVerdict::of(false, false, true).as_str(), "cannot tell");
        assert_eq!(NightVerdict::of(false, false, false).as_str(), "no regression");
    }

    #[test]
    fn medians_of_a_series_must_be_seconds() {
        assert!(changes(&[1.0, 0.0]).is_err());
        assert!(changes(&[1.0, f64::NAN]).is_err());
        assert_eq!(changes(&[]), Ok(vec![]));
    }

    #[test]
    fn precision_starts_at_ten_and_ends_at_thirty() {
        let rule = Precision { target: 0.03 };
        assert_eq!(rule.more(&[1.0; 4]), 6);
        assert_eq!(rule.more(&[1.0; 10]), 0);
        let wild: Vec<f64> = (1..=30).map(f64::from).collect();
        assert_eq!(rule.more(&wild[..10]), 2);
        assert_eq!(rule.more(&wild[..29]), 1);
        assert_eq!(rule.more(&wild), 0);
    }
}
