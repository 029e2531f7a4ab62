//! Ranks, and how well two orders agree.
//!
//! Ties get the mean of their ranks everywhere. No tests of significance in here.

use super::stats_error::{StatsError, check, float};

/// The rank of each number, from 1 for the smallest; ties share the mean of their ranks.
///
/// # Errors
/// When a number is NaN or infinite.
pub fn ranks(values: &[f64]) -> Result<Vec<f64>, StatsError> {
    check(values, 0)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let shared = (float(first + 1) + float(first + group.len())) / 2.0;
        for &index in group {
            ranks[index] = shared;
        }
        first += group.len();
    }
    Ok(ranks)
}

/// Spearman's rank correlation, −1 to 1: Pearson's correlation of the shared ranks
/// (M. Kendall and J. D. Gibbons, *Rank Correlation Methods*, 3.8).
///
/// # Errors
/// When the slices differ in length, hold fewer than two numbers or one that is NaN or infinite, or
/// all numbers of one are equal.
pub fn spearman(x: &[f64], y: &[f64]) -> Result<f64, StatsError> {
    check_pairs(x, y)?;
    let (x, y) = (ranks(x)?, ranks(y)?);
    let mean = (float(x.len()) + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum() };
    let spread = (product(&x, &x) * product(&y, &y)).sqrt();
    if spread == 0.0 {
        return Err(StatsError::NoSpread);
    }
    Ok((product(&x, &y) / spread).clamp(-1.0, 1.0))
}

/// Kendall's tau-b, −1 to 1: agreeing less disagreeing pairs, over the geometric mean of the pairs
/// that are not tied in each (M. Kendall and J. D. Gibbons, *Rank Correlation Methods*, 3.4). Takes
/// time with the square of the length.
///
/// # Errors
/// As [`spearman`].
pub fn kendall(x: &[f64], y: &[f64]) -> Result<f64, StatsError> {
    check_pairs(x, y)?;
    let sign = |a: f64, b: f64| i64::from(a > b) - i64::from(a < b);
    let (mut sum, mut untied_x, mut untied_y) = (0_i64, 0_usize, 0_usize);
    for i in 1..x.len() {
        for j in 0..i {
            let (dx, dy) = (sign(x[i], x[j]), sign(y[i], y[j]));
            sum += dx * dy;
            untied_x += usize::from(dx != 0);
            untied_y += usize::from(dy != 0);
        }
    }
    let spread = (float(untied_x) * float(untied_y)).sqrt();
    if spread == 0.0 {
        return Err(StatsError::NoSpread);
    }
    #[allow(clippy::cast_precision_loss)] // pairs stay far below 2^53
    let sum = sum as f64;
    Ok((sum / spread).clamp(-1.0, 1.0))
}

fn check_pairs(x: &[f64], y: &[f64]) -> Result<(), StatsError> {
    if x.len() != y.len() {
        return Err(StatsError::UnlikeLengths { first: x.len(), second: y.len() });
    }
    check(x, 2)?;
    check(y, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), Ok(vec![3.5, 1.0, 3.5, 2.0]));
        assert_eq!(ranks(&[0.0, -0.0]), Ok(vec![1.5, 1.5]));
        assert_eq!(ranks(&[]), Ok(vec![]));
    }

    #[test]
    fn equal_and_opposite_orders() {
        let up = [1.0, 2.0, 5.0, 9.0];
        let down = [4.0, 3.0, 2.0, 1.0];
        assert_eq!(spearman(&up, &up), Ok(1.0));
        assert_eq!(spearman(&up, &down), Ok(-1.0));
        assert_eq!(kendall(&up, &up), Ok(1.0));
        assert_eq!(kendall(&up, &down), Ok(-1.0));
    }

    #[test]
    fn what_has_no_order_is_an_error() {
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), Err(StatsError::NoSpread));
        assert_eq!(kendall(&[1.0, 2.0], &[5.0, 5.0]), Err(StatsError::NoSpread));
        assert!(spearman(&[1.0], &[1.0]).is_err());
        assert!(kendall(&[1.0, 2.0], &[1.0]).is_err());
        assert!(kendall(&[1.0, f64::INFINITY], &[1.0, 2.0]).is_err());
    }
}
