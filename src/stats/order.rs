//! The median and its interval from order statistics.
//!
//! Distribution-free: nothing is assumed of the noise but that samples are independent. No bootstrap.

use super::stats_error::{StatsError, check, check_level, float};
use statrs::distribution::{Binomial, DiscreteCDF};

/// An interval of the median between two order statistics, with the level that it really has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianInterval {
    /// Lower end, in the unit of the samples.
    pub low: f64,
    /// Upper end, in the unit of the samples.
    pub high: f64,
    /// Which sample the lower end is, counted from 1 in ascending order.
    pub low_rank: usize,
    /// Which sample the upper end is, counted from 1 in ascending order.
    pub high_rank: usize,
    /// Probability that such an interval holds the median.
    pub level: f64,
    /// Whether `level` is at least the level that was asked for.
    pub reached: bool,
}

/// The median: the middle number, or the mean of the two middle ones; in the unit of `values`.
///
/// # Errors
/// When there is no number, or one is NaN or infinite.
pub fn median(values: &[f64]) -> Result<f64, StatsError> {
    check(values, 1)?;
    let mut sorted = values.to_vec();
    Ok(middle(&mut sorted))
}

/// The median of finite numbers; reorders them. 0 for an empty slice, which callers exclude.
fn middle(values: &mut [f64]) -> f64 {
    let n = values.len();
    if n == 0 {
        return 0.0;
    }
    let (below, &mut upper, _) = values.select_nth_unstable_by(n / 2, f64::total_cmp);
    if n % 2 == 1 {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lower + (upper - lower) / 2.0
}

/// The narrowest symmetric pair of order statistics that holds the median with at least `level`
/// (0.95 for 95 %); where even the outermost pair does not reach it, that pair with its level. `None`
/// for a single number.
///
/// The number of samples below the median is binomial with one half, so the pair of ranks
/// (r, n + 1 − r) holds it with probability 1 − 2 P(B ≤ r − 1) (W. J. Conover, *Practical
/// Nonparametric Statistics*, 3.2; H. A. David and H. N. Nagaraja, *Order Statistics*, 7.1).
///
/// # Errors
/// When there is no number, one is NaN or infinite, or `level` is not between 0 and 1.
pub fn median_interval(values: &[f64], level: f64) -> Result<Option<MedianInterval>, StatsError> {
    check(values, 1)?;
    check_level(level)?;
    let n = values.len();
    let Some((low_rank, achieved)) = outer_rank(n, level) else {
        return Ok(None);
    };
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let high_rank = n + 1 - low_rank;
    Ok(Some(MedianInterval {
        low: sorted[low_rank - 1],
        high: sorted[high_rank - 1],
        low_rank,
        high_rank,
        level: achieved,
        reached: achieved >= level,
    }))
}

/// How well the median is known: half the length of its interval as a part of it (0.03 for 3 %). `None`
/// while the interval does not reach `level`.
///
/// # Errors
/// When there is no number, one is NaN or infinite, the median is not positive, or `level` is not
/// between 0 and 1.
pub fn half_width(values: &[f64], level: f64) -> Result<Option<f64>, StatsError> {
    let middle = median(values)?;
    if middle <= 0.0 {
        return Err(StatsError::NotPositive { index: 0, value: middle });
    }
    let interval = median_interval(values, level)?.filter(|i| i.reached);
    Ok(interval.map(|i| (i.high - i.low) / 2.0 / middle))
}

/// The largest lower rank whose symmetric pair reaches `level`, and the level of that pair; rank 1
/// when none does. `None` for fewer than two samples.
fn outer_rank(n: usize, level: f64) -> Option<(usize, f64)> {
    if n < 2 {
        return None;
    }
    let binomial = Binomial::new(0.5, n as u64).ok()?;
    let achieved = |rank: usize| 1.0 - 2.0 * binomial.cdf(rank as u64 - 1);
    // The normal approximation lands within a few ranks; walk from just outside it.
    let guess = (float(n) / 2.0 - 3.0 * float(n).sqrt()).max(1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at least 1, at most n / 2
    let mut rank = guess as usize;
    if achieved(rank) < level {
        rank = 1;
    }
    while rank < n / 2 && achieved(rank + 1) >= level {
        rank += 1;
    }
    Some((rank, achieved(rank)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up_to(n: u32) -> Vec<f64> {
        (1..=n).map(f64::from).collect()
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Ok(2.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Ok(2.5));
        assert_eq!(median(&[7.0]), Ok(7.0));
        assert_eq!(median(&[]), Err(StatsError::TooFew { found: 0, needed: 1 }));
        assert_eq!(median(&[1.0, f64::NAN]), Err(StatsError::NotFinite { index: 1 }));
    }

    #[test]
    fn intervals_say_the_level_that_they_have() {
        // Ranks and levels as in statistics.md.
        for (n, ranks, percent, reached) in
            [(5, (1, 5), 93.75, false), (8, (1, 8), 99.2, true), (10, (2, 9), 97.9, true), (20, (6, 15), 95.9, true)]
        {
            let got = median_interval(&up_to(n), 0.95).unwrap().unwrap();
            assert_eq!((got.low_rank, got.high_rank), ranks, "n = {n}");
            assert!((got.level * 100.0 - percent).abs() < 0.06, "n = {n}: {got:?}");
            assert_eq!(got.reached, reached);
            assert_eq!((got.low, got.high), (ranks.0 as f64, ranks.1 as f64));
        }
        assert_eq!(median_interval(&[1.0], 0.95), Ok(None));
        let two = median_interval(&[2.0, 1.0], 0.95).unwrap().unwrap();
        assert_eq!((two.low, two.high), (1.0, 2.0));
        assert!((two.level - 0.5).abs() < 1e-12 && !two.reached);
    }

    #[test]
    fn precision_is_known_once_the_level_is_reached() {
        assert_eq!(half_width(&up_to(5), 0.95), Ok(None));
        let eight = half_width(&up_to(8), 0.95).unwrap().unwrap();
        assert!((eight - 3.5 / 4.5).abs() < 1e-12);
        assert!(half_width(&[0.0, 0.0], 0.95).is_err());
    }

    #[test]
    fn large_groups_are_no_burden() {
        let got = median_interval(&up_to(1_000_000), 0.95).unwrap().unwrap();
        assert!(got.level >= 0.95 && got.level < 0.951, "{got:?}");
        assert!((499_000..500_000).contains(&got.low_rank));
    }

    #[test]
    fn a_level_is_a_probability() {
        for bad in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(median_interval(&[1.0, 2.0], bad).is_err());
        }
    }
}
