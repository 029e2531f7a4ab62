//! How much larger one group is than another, as a ratio: the Hodges-Lehmann shift of logarithms.
//!
//! Its interval is the one that belongs to the Mann-Whitney test of the same samples.

use super::mann_whitney::RankSums;
use super::stats_error::{StatsError, check_level, float, logarithms};
use statrs::distribution::{ContinuousCDF, Normal};

/// The largest group for which the interval comes from the counted distribution.
const EXACT: usize = 50;

/// A shift of `new` against `base` on the logarithmic scale, with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogShift {
    /// Natural logarithm of the typical ratio new / base.
    pub shift: f64,
    /// Lower end of the interval, natural logarithm.
    pub low: f64,
    /// Upper end of the interval, natural logarithm.
    pub high: f64,
    /// Probability that such an interval holds the shift.
    pub level: f64,
    /// Whether `level` is at least the level that was asked for.
    pub reached: bool,
}

impl LogShift {
    /// The typical ratio new / base: 1.05 for 5 % more.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.shift.exp()
    }

    /// The interval of that ratio.
    #[must_use]
    pub fn ratio_interval(&self) -> (f64, f64) {
        (self.low.exp(), self.high.exp())
    }
}

/// The median of all differences ln(new) − ln(base), and the interval between the k-th smallest and
/// the k-th largest of them, k being the largest with 2 P(U ≤ k − 1) ≤ 1 − `level` (J. L. Hodges and
/// E. L. Lehmann, *Estimates of location based on rank tests*, 1963; M. Hollander and D. A. Wolfe,
/// *Nonparametric Statistical Methods*, 4.2 and 4.3). Where even k = 1 does not reach the level, the
/// widest interval with its level. The distribution of U is counted for groups of up to 50 and taken
/// as normal above; ties are not corrected for, which makes the interval rather too wide.
///
/// # Errors
/// When a group is empty, a number is not positive and finite, or `level` is not between 0 and 1.
pub fn log_shift(base: &[f64], new: &[f64], level: f64) -> Result<LogShift, StatsError> {
    check_level(level)?;
    let pairs = Pairs { base: sorted(logarithms(base)?), new: sorted(logarithms(new)?) };
    let count = base.len() * new.len();
    let (k, achieved) = depth(base.len(), new.len(), level);
    let (lower, upper) = (pairs.kth(count.div_ceil(2)), pairs.kth(count / 2 + 1));
    Ok(LogShift {
        shift: lower + (upper - lower) / 2.0,
        low: pairs.kth(k),
        high: pairs.kth(count + 1 - k),
        level: achieved,
        reached: achieved >= level,
    })
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// All differences new − base of two ascending groups, without making them: memory grows with the
/// sizes of the groups and not with their product.
struct Pairs {
    base: Vec<f64>,
    new: Vec<f64>,
}

impl Pairs {
    /// The `k`-th smallest difference, from 1: the smallest number that as many differences do not
    /// exceed, by bisection over all numbers there are.
    fn kth(&self, k: usize) -> f64 {
        let ends = (self.new.first(), self.base.last());
        let (Some(least), Some(most)) = ends else {
            return 0.0; // callers exclude empty groups
        };
        let lowest = least - most;
        let highest = self.new.last().unwrap_or(least) - self.base.first().unwrap_or(most);
        let (mut low, mut high) = (place(lowest), place(highest));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.not_above(number(middle)) >= k {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        number(low)
    }

    /// How many differences are at most `bound`. As `new` ascends, ever fewer of `base` are small
    /// enough to be left out.
    fn not_above(&self, bound: f64) -> usize {
        let mut skipped = 0;
        let mut count = 0;
        for new in &self.new {
            while self.base.get(skipped).is_some_and(|base| new - base > bound) {
                skipped += 1;
            }
            count += self.base.len() - skipped;
        }
        count
    }
}

/// The place of a finite number among all numbers in ascending order; 0 for 0.
fn place(value: f64) -> i128 {
    let bits = i128::from(value.abs().to_bits());
    if value < 0.0 { -bits } else { bits }
}

/// The number at a place.
fn number(place: i128) -> f64 {
    let size = f64::from_bits(u64::try_from(place.unsigned_abs()).unwrap_or(u64::MAX));
    if place < 0 { -size } else { size }
}

/// How many differences to go in from each end, and the level that this gives.
fn depth(base: usize, new: usize, level: f64) -> (usize, f64) {
    let half = (1.0 - level) / 2.0;
    let pairs = base * new;
    if base.max(new) > EXACT {
        return normal_depth(base, new, half);
    }
    let sums = RankSums::untied(base, new);
    let mut k = 1;
    while k < pairs.div_ceil(2) && sums.at_most(float(k)) <= half {
        k += 1;
    }
    (k, 1.0 - 2.0 * sums.at_most(float(k - 1)))
}

/// As [`depth`], with U taken as normal and corrected for continuity.
fn normal_depth(base: usize, new: usize, half: f64) -> (usize, f64) {
    let (n1, n2) = (float(base), float(new));
    let mean = n1 * n2 / 2.0;
    let deviation = (n1 * n2 * (n1 + n2 + 1.0) / 12.0).sqrt();
    let normal = Normal::standard();
    let k = (mean + normal.inverse_cdf(half) * deviation + 0.5).floor();
    let k = k.clamp(1.0, (mean + 0.5).floor().max(1.0));
    let level = 1.0 - 2.0 * normal.cdf((k - 0.5 - mean) / deviation);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at least 1
    (k as usize, level.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_factor_is_found() {
        let base = [10.0, 11.0, 9.0, 10.5, 9.5, 10.2, 9.9, 10.1, 10.7, 9.4];
        let new: Vec<f64> = base.iter().map(|b| b * 1.2).collect();
        let got = log_shift(&base, &new, 0.95).unwrap();
        assert!((got.ratio() - 1.2).abs() < 1e-12);
        assert!(got.reached && got.level < 0.97);
        let (low, high) = got.ratio_interval();
        assert!(low > 1.1 && low < 1.2 && high > 1.2 && high < 1.3);
    }

    #[test]
    fn too_few_samples_do_not_reach_the_level() {
        let one = log_shift(&[2.0], &[4.0], 0.95).unwrap();
        assert_eq!((one.low, one.high), (one.shift, one.shift));
        assert!(!one.reached && one.level.abs() < 1e-12);
        let three = log_shift(&[1.0, 2.0, 3.0], &[1.5, 2.5, 3.5], 0.95).unwrap();
        assert!(!three.reached && (three.level - 0.9).abs() < 1e-12);
    }

    #[test]
    fn differences_are_selected_without_making_them() {
        let base = vec![-1.5, 0.0, 0.25, 0.25, 7.0];
        let new = vec![-2.0, 0.0, 0.1, 3.0];
        let all = new.iter().flat_map(|n| base.iter().map(move |b| n - b));
        let all = sorted(all.collect());
        let pairs = Pairs { base, new };
        for (index, difference) in all.iter().enumerate() {
            assert_eq!(pairs.kth(index + 1), *difference);
        }
        let many: Vec<f64> = (1..=40_000).map(|i| 10.0 + f64::from(i % 977)).collect();
        let got = log_shift(&many, &many, 0.95).unwrap();
        assert!(got.shift.abs() < 1e-9 && got.low < 0.0 && got.high > 0.0);
    }

    #[test]
    fn logarithms_need_positive_numbers() {
        for bad in [0.0, -1.0] {
            assert_eq!(log_shift(&[1.0, bad], &[1.0], 0.95), Err(StatsError::NotPositive { index: 1, value: bad }));
        }
        assert!(log_shift(&[f64::NAN], &[1.0], 0.95).is_err());
        assert!(log_shift(&[], &[1.0], 0.95).is_err());
    }

    #[test]
    fn large_groups_use_the_normal_distribution() {
        let base: Vec<f64> = (1..=80).map(|i| 10.0 + f64::from(i) / 100.0).collect();
        let new: Vec<f64> = base.iter().map(|b| b * 0.9).collect();
        let got = log_shift(&base, &new, 0.95).unwrap();
        assert!((got.ratio() - 0.9).abs() < 1e-9);
        assert!(got.reached && got.level < 0.952, "{got:?}");
    }
}
