//! Many tests at once: p-values adjusted so that the family as a whole keeps its level.
//!
//! Which tests form a family is decided by the caller.

use super::stats_error::{StatsError, check, float};

/// Holm's adjusted p-values, in the order given: the k-th smallest of m times (m − k + 1), never
/// less than one before it, at most 1 (S. Holm, *A simple sequentially rejective multiple test
/// procedure*, 1979). An empty family gives an empty answer.
///
/// # Errors
/// When a value is NaN or lies outside 0 to 1.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, StatsError> {
    check(p_values, 0)?;
    if let Some(&value) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(StatsError::NotAProbability { value });
    }
    let m = p_values.len();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; m];
    let mut largest = 0.0_f64;
    for (place, &index) in order.iter().enumerate() {
        largest = largest.max(p_values[index] * float(m - place)).min(1.0);
        adjusted[index] = largest;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_ones_are_multiplied_more() {
        assert_eq!(holm(&[0.25, 0.125, 0.5]), Ok(vec![0.5, 0.375, 0.5]));
        assert_eq!(holm(&[0.9, 0.8]), Ok(vec![1.0, 1.0]));
        assert_eq!(holm(&[]), Ok(vec![]));
        assert!(holm(&[1.1]).is_err());
        assert!(holm(&[f64::NAN]).is_err());
    }
}
