//! Student's t, for change points and for one night against its history.
//!
//! Numbers come as they are to be compared: whoever compares ratios takes logarithms first.

use super::stats_error::{StatsError, check, check_level, float};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The outcome of a two-sample t test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TTest {
    /// The difference of the means over its standard error; more than 0 when the second is larger.
    pub t: f64,
    /// Two-sided p-value.
    pub p: f64,
}

/// Student's test with a pooled variance (ddof 1) of `second` against `first`; two-sided (Student,
/// *The probable error of a mean*, 1908).
///
/// # Errors
/// When there are fewer than two numbers in a group, one is NaN or infinite, or there is no spread
/// within the groups.
pub fn pooled_t(first: &[f64], second: &[f64]) -> Result<TTest, StatsError> {
    check(first, 2)?;
    check(second, 2)?;
    let (n1, n2) = (float(first.len()), float(second.len()));
    let ((mean1, squares1), (mean2, squares2)) = (spread(first), spread(second));
    let freedom = n1 + n2 - 2.0;
    let error = ((squares1 + squares2) / freedom * (1.0 / n1 + 1.0 / n2)).sqrt();
    if error <= 0.0 {
        return Err(StatsError::NoSpread);
    }
    let t = (mean2 - mean1) / error;
    let p = (2.0 * student(freedom)?.sf(t.abs())).min(1.0);
    Ok(TTest { t, p })
}

/// One more number judged by those before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// One-sided p-value of a number this large or larger.
    pub greater: f64,
    /// One-sided p-value of a number this small or smaller.
    pub less: f64,
    /// Mean of the history, in its unit.
    pub mean: f64,
    /// Lower end of the prediction interval, in the unit of the history.
    pub low: f64,
    /// Upper end of the prediction interval, in the unit of the history.
    pub high: f64,
}

/// Judges `value` by the prediction interval of one more observation of a normal distribution: mean
/// ± t(K − 1) · s · √(1 + 1/K) (G. J. Hahn and W. Q. Meeker, *Statistical Intervals*, 4.7).
///
/// # Errors
/// When the history has fewer than two numbers or no spread, a number is NaN or infinite, or `level`
/// is not between 0 and 1.
pub fn predict(history: &[f64], value: f64, level: f64) -> Result<Prediction, StatsError> {
    check(history, 2)?;
    check(&[value], 1)?;
    check_level(level)?;
    let k = float(history.len());
    let (mean, squares) = spread(history);
    let width = (squares / (k - 1.0) * (1.0 + 1.0 / k)).sqrt();
    if width <= 0.0 {
        return Err(StatsError::NoSpread);
    }
    let student = student(k - 1.0)?;
    let t = (value - mean) / width;
    let reach = student.inverse_cdf(0.5 + level / 2.0) * width;
    Ok(Prediction { greater: student.sf(t), less: student.cdf(t), mean, low: mean - reach, high: mean + reach })
}

/// Mean, and the sum of squared deviations from it: exactly 0 for equal numbers, whose mean need not
/// be exact.
fn spread(values: &[f64]) -> (f64, f64) {
    if let [first, rest @ ..] = values
        && rest.iter().all(|v| v == first)
    {
        return (*first, 0.0);
    }
    let mean = values.iter().sum::<f64>() / float(values.len());
    (mean, values.iter().map(|v| (v - mean).powi(2)).sum())
}

fn student(freedom: f64) -> Result<StudentsT, StatsError> {
    StudentsT::new(0.0, 1.0, freedom).map_err(|_| StatsError::NotAProbability { value: freedom })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spread_is_an_error_and_not_a_certainty() {
        assert_eq!(pooled_t(&[1.0, 1.0], &[2.0, 2.0]), Err(StatsError::NoSpread));
        assert_eq!(predict(&[0.1; 3], 2.0, 0.95), Err(StatsError::NoSpread));
        assert!(predict(&[1.0], 2.0, 0.95).is_err());
        assert!(predict(&[1.0, 2.0], f64::NAN, 0.95).is_err());
        assert!(pooled_t(&[1.0], &[1.0, 2.0]).is_err());
    }

    #[test]
    fn directions_are_told_apart() {
        let up = pooled_t(&[1.0, 2.0], &[3.0, 5.0]).unwrap();
        let down = pooled_t(&[3.0, 5.0], &[1.0, 2.0]).unwrap();
        assert!(up.t > 0.0 && down.t < 0.0);
        assert_eq!(up.p, down.p);
        let high = predict(&[1.0, 2.0, 3.0], 9.0, 0.95).unwrap();
        assert!(high.greater < 0.05 && high.less > 0.95 && high.high < 9.0);
    }
}
