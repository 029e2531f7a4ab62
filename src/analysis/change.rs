//! Two groups of samples of one cell: slower, faster, alike, or not enough data.
//!
//! The rule for a family of cells. Which groups are compared, and why, is decided by the callers.

use crate::stats::{self, LogShift};

/// A change smaller than this is never called one: 3 %.
pub const LEAST: f64 = 1.03;
/// The interval of the shift must lie inside (1 / `ALIKE`, `ALIKE`) for "no change": 5 %.
pub const ALIKE: f64 = 1.05;
/// Level of each of the two families, slower and faster: together 5 %.
pub const ALPHA: f64 = 0.025;
/// Level of the interval of a shift.
pub const LEVEL: f64 = 0.95;
/// With fewer cells than this there is no common mode: it could not be told from a change.
pub const COMMON_CELLS: usize = 5;

/// What two groups of samples say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The new one is slower, by at least 3 %.
    Regression,
    /// The new one is faster, by at least 3 %.
    Improvement,
    /// Any change is smaller than 5 %.
    NoChange,
    /// Too few samples, or too much noise, for any of the others.
    NotEnoughData,
}

impl Verdict {
    /// The words used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Improvement => "improvement",
            Self::NoChange => "no change",
            Self::NotEnoughData => "not enough data",
        }
    }
}

/// Two groups, judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The verdict.
    pub verdict: Verdict,
    /// The shift, after the common mode was taken out; `None` where a group is empty or has a sample
    /// of 0 s.
    pub shift: Option<LogShift>,
    /// p-value of "slower", adjusted for the family.
    pub slower: f64,
    /// p-value of "faster", adjusted for the family.
    pub faster: f64,
    /// Whether any outcome with so many samples could have been called a change in this family.
    pub could_fire: bool,
}

/// What all cells have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CommonMode {
    /// Natural logarithm of the ratio new / base that all cells share; 0 with too few cells.
    pub log: f64,
    /// Over how many cells.
    pub cells: usize,
}

impl CommonMode {
    /// The median of the cells' logarithms of ratios; nothing with fewer than [`COMMON_CELLS`].
    #[must_use]
    pub fn of(logs: &[f64]) -> Self {
        let cells = logs.len();
        let log = match stats::median(logs) {
            Ok(log) if cells >= COMMON_CELLS => log,
            _ => 0.0,
        };
        Self { log, cells }
    }

    /// The ratio new / base that all cells share.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.log.exp()
    }

    /// In percent, with a sign.
    #[must_use]
    pub fn percent(&self) -> f64 {
        (self.ratio() - 1.0) * 100.0
    }

    /// Whether it is large enough to be a verdict of its own: the machine changed, or everything did.
    #[must_use]
    pub fn is_shift(&self) -> bool {
        self.log.abs() >= LEAST.ln()
    }
}

/// Judges pairs of (base, new) groups, in seconds, as one family: one-sided Mann-Whitney tests, with
/// Holm's adjustment over the cells for each direction, the Hodges-Lehmann shift of at least
/// [`LEAST`], and its interval inside [`ALIKE`] for "no change". The common mode is taken out of the
/// new groups first.
#[must_use]
pub fn judge(pairs: &[(&[f64], &[f64])], common: CommonMode) -> Vec<Change> {
    let all: Vec<Pair<'_>> = pairs.iter().map(|(base, new)| (*base, *new, common)).collect();
    judge_each(&all)
}

/// A (base, new) pair, and what its new group shares with others.
pub(super) type Pair<'a> = (&'a [f64], &'a [f64], CommonMode);

/// As [`judge`], with a common mode for each pair.
pub(super) fn judge_each(pairs: &[Pair<'_>]) -> Vec<Change> {
    let tested: Vec<Option<(stats::MannWhitney, LogShift)>> =
        pairs.iter().map(|(base, new, common)| test(base, new, common.log)).collect();
    let family = tested.iter().flatten().count();
    let adjust = |p: fn(&stats::MannWhitney) -> f64| {
        let known: Vec<f64> = tested.iter().flatten().map(|(test, _)| p(test)).collect();
        stats::holm(&known).unwrap_or_else(|_| vec![1.0; family])
    };
    let slower = adjust(|test| test.greater);
    let faster = adjust(|test| test.less);
    let mut adjusted = slower.into_iter().zip(faster);
    let changes = pairs.iter().zip(&tested).map(|((base, new, _), tested)| {
        let Some((_, shift)) = tested else {
            return NOTHING;
        };
        let (slower, faster) = adjusted.next().unwrap_or((1.0, 1.0));
        let could_fire = could_fire(base.len(), new.len(), family);
        Change { verdict: verdict(shift, slower, faster), shift: Some(*shift), slower, faster, could_fire }
    });
    changes.collect()
}

const NOTHING: Change =
    Change { verdict: Verdict::NotEnoughData, shift: None, slower: 1.0, faster: 1.0, could_fire: false };

fn test(base: &[f64], new: &[f64], common: f64) -> Option<(stats::MannWhitney, LogShift)> {
    let factor = (-common).exp();
    let new: Vec<f64> = new.iter().map(|s| s * factor).collect();
    let shift = stats::log_shift(base, &new, LEVEL).ok()?;
    Some((stats::mann_whitney(base, &new).ok()?, shift))
}

fn verdict(shift: &LogShift, slower: f64, faster: f64) -> Verdict {
    let (least, alike) = (LEAST.ln(), ALIKE.ln());
    if slower <= ALPHA && shift.shift >= least {
        Verdict::Regression
    } else if faster <= ALPHA && shift.shift <= -least {
        Verdict::Improvement
    } else if shift.reached && shift.low > -alike && shift.high < alike {
        Verdict::NoChange
    } else {
        Verdict::NotEnoughData
    }
}

/// Whether any outcome of groups of these sizes could be called a change in a family of so many cells.
#[must_use]
pub fn could_fire(base: usize, new: usize, family: usize) -> bool {
    base > 0 && new > 0 && smallest_p(base, new) * count(family.max(1)) <= ALPHA
}

/// The smallest one-sided p-value that groups of these sizes can give: one over the ways to divide
/// them.
pub(super) fn smallest_p(n: usize, m: usize) -> f64 {
    (1..=n).map(|i| count(i) / count(m + i)).product()
}

#[allow(clippy::cast_precision_loss)] // counts of samples and cells
fn count(value: usize) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(n: u32, factor: f64) -> Vec<f64> {
        // Within 2 % of each other, and no two alike.
        let noise = |i: u32| f64::from(i * 37 % 101) / 5_000.0;
        (1..=n).map(|i| 10.0 * factor * (1.0 + noise(i))).collect()
    }

    fn one(n: u32, factor: f64) -> Change {
        let (base, new) = (group(n, 1.0), group(n, factor));
        judge(&[(&base, &new)], CommonMode::default())[0]
    }

    #[test]
    fn three_verdicts_and_not_enough_data() {
        assert_eq!(one(10, 1.1).verdict, Verdict::Regression);
        assert_eq!(one(10, 0.9).verdict, Verdict::Improvement);
        assert_eq!(one(10, 1.0).verdict, Verdict::NoChange);
        assert_eq!(one(3, 1.2).verdict, Verdict::NotEnoughData);
        // Certain, but too small to be called.
        let small = one(20, 1.025);
        assert!(small.slower < 0.001);
        assert_eq!(small.verdict, Verdict::NoChange);
    }

    #[test]
    fn thirty_cells_need_seven_samples() {
        for (n, fires) in [(6, false), (7, true)] {
            let groups: Vec<_> = (0..30).map(|_| (group(n, 1.0), group(n, 2.0))).collect();
            let pairs: Vec<_> = groups.iter().map(|(a, b)| (&a[..], &b[..])).collect();
            let got = judge(&pairs, CommonMode::default());
            assert!(got.iter().all(|c| c.could_fire == fires), "{n}");
            let wanted = match fires {
                true => Verdict::Regression,
                false => Verdict::NotEnoughData,
            };
            assert!(got.iter().all(|c| c.verdict == wanted), "{n}: {:?}", got[0]);
        }
    }

    #[test]
    fn the_common_mode_is_taken_out() {
        let common = CommonMode::of(&[0.1, 0.1, 0.1, 0.1, 0.3]);
        assert!(common.is_shift() && (common.log - 0.1).abs() < 1e-12);
        let (base, new) = (group(10, 1.0), group(10, 0.1_f64.exp()));
        assert_eq!(judge(&[(&base, &new)], common)[0].verdict, Verdict::NoChange);
        assert!(!CommonMode::of(&[0.1; 4]).is_shift());
        assert!(!CommonMode::of(&[]).is_shift());
    }

    #[test]
    fn what_cannot_be_compared_is_not_enough_data() {
        let some = group(10, 1.0);
        let zeros = vec![0.0; 10];
        let got = judge(&[(&some, &[]), (&[], &some), (&zeros, &some), (&some, &some)], CommonMode::default());
        let verdicts: Vec<_> = got.iter().map(|c| c.verdict).collect();
        assert_eq!(verdicts[..3], [Verdict::NotEnoughData; 3]);
        assert_eq!(verdicts[3], Verdict::NoChange);
    }
}
