//! The Mann-Whitney test, one-sided per direction, with its exact distribution.
//!
//! statrs 0.19 has this test, but its exact p-value is wrong for groups where the first is not the
//! larger one; so the distribution is counted here, and compared with SciPy's figures in a test.

use super::rank::ranks;
use super::stats_error::{StatsError, check, float};
use statrs::distribution::{ContinuousCDF, Normal};

/// The largest group for which the distribution is counted when no two samples are equal.
const EXACT_UNTIED: usize = 50;
/// The largest group for which the distribution is counted when samples are equal.
const EXACT_TIED: usize = 20;

/// How the p-values were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Counted over all ways to divide the samples; with ties, given those ties.
    Exact,
    /// Normal approximation with tie and continuity correction.
    Normal,
}

impl Method {
    /// One word for records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Normal => "normal",
        }
    }
}

/// The outcome of a Mann-Whitney test of `new` against `base`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which `new` is larger than `base`; pairs of equals count one half.
    pub u: f64,
    /// One-sided p-value of "`new` tends to be larger".
    pub greater: f64,
    /// One-sided p-value of "`new` tends to be smaller".
    pub less: f64,
    /// How the p-values were found.
    pub method: Method,
}

impl MannWhitney {
    /// The two-sided p-value: twice the smaller one-sided one, at most 1.
    #[must_use]
    pub fn two_sided(&self) -> f64 {
        (2.0 * self.greater.min(self.less)).min(1.0)
    }
}

/// Tests whether `new` tends to be larger or smaller than `base` (H. B. Mann and D. R. Whitney, *On
/// a test of whether one of two random variables is stochastically larger than the other*, 1947).
///
/// Without ties the distribution is exact for groups of up to 50, with ties (conditional on them)
/// for groups of up to 20; above, the normal approximation is used, corrected for ties and
/// continuity (M. Hollander and D. A. Wolfe, *Nonparametric Statistical Methods*, 4.1).
///
/// # Errors
/// When a group is empty, or a number is NaN or infinite.
pub fn mann_whitney(base: &[f64], new: &[f64]) -> Result<MannWhitney, StatsError> {
    check(base, 1)?;
    check(new, 1)?;
    let all: Vec<f64> = base.iter().chain(new).copied().collect();
    let ranks = ranks(&all)?;
    let n = float(new.len());
    let u = ranks[base.len()..].iter().sum::<f64>() - n * (n + 1.0) / 2.0;
    let tied = has_ties(&ranks);
    let larger = base.len().max(new.len());
    if larger <= if tied { EXACT_TIED } else { EXACT_UNTIED } {
        let sums =
            if tied { RankSums::tied(&ranks, base.len(), new.len()) } else { RankSums::untied(base.len(), new.len()) };
        Ok(MannWhitney { u, greater: sums.at_least(u), less: sums.at_most(u), method: Method::Exact })
    } else {
        Ok(normal(u, &ranks, base.len(), new.len()))
    }
}

fn has_ties(ranks: &[f64]) -> bool {
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}

fn normal(u: f64, ranks: &[f64], base: usize, new: usize) -> MannWhitney {
    let (n1, n2) = (float(base), float(new));
    let n = n1 + n2;
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|group| float(group.len()).powi(3) - float(group.len())).sum();
    let variance = n1 * n2 / 12.0 * ((n + 1.0) - ties / (n * (n - 1.0)));
    let deviation = variance.max(0.0).sqrt();
    let tail = |above: f64| match deviation > 0.0 {
        true => Normal::standard().sf((above - 0.5) / deviation),
        false => 1.0, // all samples are equal
    };
    MannWhitney {
        u,
        greater: tail(u - n1 * n2 / 2.0).min(1.0),
        less: tail(n1 * n2 / 2.0 - u).min(1.0),
        method: Method::Normal,
    }
}

/// The exact distribution of U under the assumption that both groups are alike.
#[derive(Clone, Debug)]
pub struct RankSums {
    /// P(U ≤ place / scale).
    lower: Vec<f64>,
    /// P(U ≥ place / scale).
    upper: Vec<f64>,
    /// Places for one unit of U: 1, or 2 where halves occur.
    scale: f64,
}

impl RankSums {
    /// The distribution for groups of these sizes without ties.
    #[must_use]
    pub fn untied(base: usize, new: usize) -> Self {
        let ranks: Vec<usize> = (1..=base + new).collect();
        // Symmetric, so the smaller group may stand for either.
        Self::count(&ranks, base.min(new), base * new, 1)
    }

    /// The distribution given these shared ranks.
    fn tied(ranks: &[f64], base: usize, new: usize) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // shared ranks are halves
        let doubled: Vec<usize> = ranks.iter().map(|r| (r * 2.0).round() as usize).collect();
        let mut sums = Self::count(&doubled, base.min(new), base * new * 2, 2);
        if base < new {
            // Counted for `base`; U of `new` is what remains.
            std::mem::swap(&mut sums.lower, &mut sums.upper);
            sums.lower.reverse();
            sums.upper.reverse();
        }
        sums
    }

    /// Counts, for each sum, the ways to choose `size` of the ranks that add up to it: every rank in
    /// turn is left out or put in. Ranks come multiplied by `scale`; `largest` is the largest U, so
    /// multiplied.
    fn count(ranks: &[usize], size: usize, largest: usize, scale: usize) -> Self {
        let lowest = scale * size * (size + 1) / 2;
        let width = lowest + largest + 1;
        let mut ways = vec![vec![0.0_f64; width]; size + 1];
        ways[0][0] = 1.0;
        for (done, &rank) in ranks.iter().enumerate() {
            for chosen in (1..=size.min(done + 1)).rev() {
                let (fewer, more) = ways.split_at_mut(chosen);
                if let Some(from) = fewer.last()
                    && rank < width
                {
                    for (target, source) in more[0][rank..].iter_mut().zip(from) {
                        *target += source;
                    }
                }
            }
        }
        let counts = &ways[size][lowest..];
        let total: f64 = counts.iter().sum();
        let running = |sum: &mut f64, count: &f64| {
            *sum += count;
            Some(*sum / total)
        };
        let lower = counts.iter().scan(0.0, running).collect();
        let mut upper: Vec<f64> = counts.iter().rev().scan(0.0, running).collect();
        upper.reverse();
        Self { lower, upper, scale: float(scale) }
    }

    /// P(U ≤ `u`).
    #[must_use]
    pub fn at_most(&self, u: f64) -> f64 {
        let place = (u * self.scale + 1e-6).floor();
        if place < 0.0 {
            return 0.0;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative
        self.lower.get(place as usize).map_or(1.0, |p| p.min(1.0))
    }

    /// P(U ≥ `u`).
    #[must_use]
    pub fn at_least(&self, u: f64) -> f64 {
        let place = (u * self.scale - 1e-6).ceil().max(0.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative
        self.upper.get(place as usize).map_or(0.0, |p| p.min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(from: u32, to: u32) -> Vec<f64> {
        (from..=to).map(f64::from).collect()
    }

    #[test]
    fn separated_groups_have_the_smallest_p() {
        // The case that statrs gets wrong: SciPy's exact two-sided figure is 2 / C(16, 8).
        let got = mann_whitney(&run(1, 8), &run(9, 16)).unwrap();
        assert_eq!((got.u, got.method), (64.0, Method::Exact));
        assert!((got.greater - 1.0 / 12870.0).abs() < 1e-15);
        assert!((got.two_sided() - 2.0 / 12870.0).abs() < 1e-15);
        assert_eq!(got.less, 1.0);
    }

    #[test]
    fn directions_mirror_each_other() {
        let (a, b) = ([1.0, 4.0, 4.0, 6.0, 9.0], [4.0, 5.0, 5.0, 9.0, 9.0, 10.0, 12.0]);
        let there = mann_whitney(&a, &b).unwrap();
        let back = mann_whitney(&b, &a).unwrap();
        assert!((there.greater - back.less).abs() < 1e-15);
        assert!((there.less - back.greater).abs() < 1e-15);
        assert_eq!(there.u + back.u, 35.0);
    }

    #[test]
    fn equal_groups_say_nothing() {
        let got = mann_whitney(&[2.0; 6], &[2.0; 6]).unwrap();
        assert_eq!((got.greater, got.less, got.two_sided()), (1.0, 1.0, 1.0));
        let many = mann_whitney(&[2.0; 60], &[2.0; 60]).unwrap();
        assert_eq!((many.greater, many.method), (1.0, Method::Normal));
        let one = mann_whitney(&[1.0], &[2.0]).unwrap();
        assert_eq!((one.greater, one.less), (0.5, 1.0));
    }

    #[test]
    fn bad_numbers_are_errors() {
        assert!(mann_whitney(&[], &[1.0]).is_err());
        assert!(mann_whitney(&[1.0], &[f64::NAN]).is_err());
    }
}
