//! Where a series changes its level: E-divisive, with a pooled t test for each point.
//!
//! Numbers come as logarithms when ratios are meant. What a change is worth is decided by the caller's
//! rule.

use super::stats_error::{StatsError, check, float};
use super::student::pooled_t;

/// When a place counts as a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangeRule {
    /// Fewest numbers between two changes, and before the first and after the last.
    pub shortest: usize,
    /// Largest two-sided p-value of the pooled t test between the two neighbouring segments.
    pub p: f64,
    /// Smallest difference of their means, in the unit of the series.
    pub least: f64,
}

/// A change of level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// Place of the first number at the new level, from 0.
    pub index: usize,
    /// Mean from the change before (or the start) to here.
    pub before: f64,
    /// Mean from here to the next change (or the end).
    pub after: f64,
    /// Two-sided p-value of the pooled t test between the two.
    pub p: f64,
}

/// The changes of a series, in order. Segments are divided where the energy distance of the two parts
/// is largest (D. S. Matteson and N. A. James, *A nonparametric approach for multiple change point
/// analysis of multivariate data*, 2014), as long as a pooled t test tells the parts apart; then the
/// weakest point is taken out until all satisfy the rule beside their final neighbours. Time grows
/// with n log n for each division.
///
/// # Errors
/// When a number is NaN or infinite.
pub fn change_points(series: &[f64], rule: &ChangeRule) -> Result<Vec<ChangePoint>, StatsError> {
    check(series, 0)?;
    let mut bounds = vec![0, series.len()];
    let mut open = vec![(0, series.len())];
    while let Some((start, end)) = open.pop() {
        if let Some(middle) = divide(&series[start..end], rule) {
            let middle = start + middle;
            bounds.push(middle);
            open.extend([(start, middle), (middle, end)]);
        }
    }
    bounds.sort_unstable();
    Ok(settle(series, bounds, rule))
}

/// The best place to divide a segment, if a t test finds its parts different.
fn divide(segment: &[f64], rule: &ChangeRule) -> Option<usize> {
    let shortest = rule.shortest.max(2);
    if segment.len() < 2 * shortest {
        return None;
    }
    let last = segment.len() - shortest;
    let energies = energies(segment);
    let best = (shortest..=last).max_by(|&a, &b| energies[a].total_cmp(&energies[b]))?;
    let (before, after) = segment.split_at(best);
    (p_value(before, after) <= rule.p).then_some(best)
}

/// Takes out the weakest point until every one satisfies the rule.
fn settle(series: &[f64], mut bounds: Vec<usize>, rule: &ChangeRule) -> Vec<ChangePoint> {
    loop {
        let points: Vec<ChangePoint> =
            bounds.windows(3).map(|b| point(&series[b[0]..b[1]], &series[b[1]..b[2]], b[1])).collect();
        let size = |point: &ChangePoint| (point.after - point.before).abs();
        let fails = |point: &ChangePoint| point.p > rule.p || size(point) < rule.least;
        let weakest = (0..points.len()).filter(|&i| fails(&points[i])).max_by(|&a, &b| {
            let smaller = size(&points[b]).total_cmp(&size(&points[a]));
            points[a].p.total_cmp(&points[b].p).then(smaller)
        });
        match weakest {
            Some(place) => bounds.remove(place + 1),
            None => return points,
        };
    }
}

fn point(before: &[f64], after: &[f64], index: usize) -> ChangePoint {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / float(values.len().max(1));
    ChangePoint { index, before: mean(before), after: mean(after), p: p_value(before, after) }
}

/// Without any spread a difference is certain, and equality too.
fn p_value(before: &[f64], after: &[f64]) -> f64 {
    match pooled_t(before, after) {
        Ok(test) => test.p,
        Err(StatsError::NoSpread) if before.first() != after.first() => 0.0,
        Err(_) => 1.0,
    }
}

/// For each place, the energy distance between what lies before and after it, weighted by their
/// lengths; 0 where a part has fewer than two numbers.
fn energies(segment: &[f64]) -> Vec<f64> {
    let n = segment.len();
    let before = distances(segment.iter().copied(), segment);
    let mut after = distances(segment.iter().rev().copied(), segment);
    after.reverse();
    let total = before[n];
    let energy = |place: usize| {
        let (l, r) = (float(place), float(n - place));
        if l < 2.0 || r < 2.0 {
            return 0.0;
        }
        let (left, right) = (before[place], after[place]);
        let between = 2.0 * (total - left - right) / (l * r);
        let within = left / (l * (l - 1.0) / 2.0) + right / (r * (r - 1.0) / 2.0);
        (between - within) * l * r / (l + r)
    };
    (0..=n).map(energy).collect()
}

/// For each k, the sum of the distances between all pairs of the first k numbers. Counts and sums of
/// smaller numbers are kept in binary indexed trees over the ranks.
fn distances(numbers: impl Iterator<Item = f64>, all: &[f64]) -> Vec<f64> {
    let mut sorted = all.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut counts = vec![0.0; all.len() + 1];
    let mut sums = vec![0.0; all.len() + 1];
    let (mut count, mut sum, mut total) = (0.0, 0.0, 0.0);
    let mut running = vec![0.0];
    for x in numbers {
        let rank = sorted.partition_point(|s| s.total_cmp(&x).is_lt()) + 1;
        let (below, sum_below) = (prefix(&counts, rank), prefix(&sums, rank));
        total += x * below - sum_below + (sum - sum_below) - x * (count - below);
        add(&mut counts, rank, 1.0);
        add(&mut sums, rank, x);
        count += 1.0;
        sum += x;
        running.push(total);
    }
    running
}

fn prefix(tree: &[f64], mut place: usize) -> f64 {
    let mut sum = 0.0;
    while place > 0 {
        sum += tree[place];
        place &= place - 1;
    }
    sum
}

fn add(tree: &mut [f64], mut place: usize, value: f64) {
    while let Some(cell) = tree.get_mut(place) {
        *cell += value;
        place += place & place.wrapping_neg();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: ChangeRule = ChangeRule { shortest: 3, p: 0.001, least: 0.03 };

    fn series(levels: &[(f64, usize)]) -> Vec<f64> {
        let mut place = 0;
        let mut all = Vec::new();
        for &(level, length) in levels {
            for _ in 0..length {
                // A fixed pattern with the look of noise.
                all.push(level + 0.01 * f64::from((place * 7919 % 11) - 5) / 5.0);
                place += 1;
            }
        }
        all
    }

    #[test]
    fn distances_are_those_of_all_pairs() {
        let numbers = [3.0, 1.0, 2.0, 2.0, -4.0];
        let got = distances(numbers.iter().copied(), &numbers);
        for (k, sum) in got.iter().enumerate() {
            let pairs = (0..k).flat_map(|i| (0..i).map(move |j| (i, j)));
            let naive: f64 = pairs.map(|(i, j)| f64::abs(numbers[i] - numbers[j])).sum();
            assert!((sum - naive).abs() < 1e-12, "{k}: {sum} {naive}");
        }
    }

    #[test]
    fn steps_are_found_where_they_are() {
        let up_down = series(&[(2.0, 20), (2.1, 15), (2.0, 20)]);
        let found = change_points(&up_down, &RULE).unwrap();
        assert_eq!(found.iter().map(|p| p.index).collect::<Vec<_>>(), [20, 35]);
        assert!((found[0].after - found[0].before - 0.1).abs() < 0.01);
        let flat = [vec![1.0; 5], vec![2.0; 5]].concat();
        let certain = change_points(&flat, &RULE).unwrap();
        assert_eq!((certain.len(), certain[0].index, certain[0].p), (1, 5, 0.0));
    }

    #[test]
    fn quiet_series_have_no_change() {
        for quiet in [series(&[(2.0, 60)]), series(&[(2.0, 30), (2.02, 30)]), vec![1.0; 40], vec![1.0, 2.0], vec![]] {
            assert_eq!(change_points(&quiet, &RULE), Ok(vec![]));
        }
        assert!(change_points(&[1.0, f64::NAN], &RULE).is_err());
    }

    #[test]
    fn ten_thousand_nights_are_no_burden() {
        let long = series(&[(2.0, 5_000), (2.2, 5_000)]);
        let found = change_points(&long, &RULE).unwrap();
        assert_eq!(found.iter().map(|p| p.index).collect::<Vec<_>>(), [5_000]);
    }
}
