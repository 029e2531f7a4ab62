//! Why a figure cannot be computed, as values.
//!
//! One enum for all of `stats`, and the checks that return it. No formula in here.

use std::fmt;

/// Why a statistic has no value for these numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum StatsError {
    /// Fewer numbers than the statistic needs.
    TooFew {
        /// How many were given.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A number is NaN or infinite.
    NotFinite {
        /// Its place in the slice, from 0.
        index: usize,
    },
    /// A number is zero or negative where its logarithm is needed.
    NotPositive {
        /// Its place in the slice, from 0.
        index: usize,
        /// The number.
        value: f64,
    },
    /// A probability lies outside its range.
    NotAProbability {
        /// The number.
        value: f64,
    },
    /// Two slices that belong together in pairs differ in length.
    UnlikeLengths {
        /// Length of the first.
        first: usize,
        /// Length of the second.
        second: usize,
    },
    /// All numbers are equal, where the statistic needs a spread.
    NoSpread,
}

impl fmt::Display for StatsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { found, needed } => {
                write!(f, "{found} numbers given, at least {needed} needed")
            }
            Self::NotFinite { index } => write!(f, "number {index} is NaN or infinite"),
            Self::NotPositive { index, value } => {
                write!(f, "number {index} is {value}: expected more than 0")
            }
            Self::NotAProbability { value } => {
                write!(f, "{value} is not a probability between 0 and 1")
            }
            Self::UnlikeLengths { first, second } => {
                write!(f, "{first} numbers cannot be paired with {second}")
            }
            Self::NoSpread => write!(f, "all numbers are equal"),
        }
    }
}

impl std::error::Error for StatsError {}

/// At least `needed` numbers, all finite.
pub(super) fn check(values: &[f64], needed: usize) -> Result<(), StatsError> {
    if values.len() < needed {
        return Err(StatsError::TooFew { found: values.len(), needed });
    }
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(StatsError::NotFinite { index }),
        None => Ok(()),
    }
}

/// A level of confidence or of significance: more than 0 and less than 1.
pub(super) fn check_level(value: f64) -> Result<(), StatsError> {
    if value > 0.0 && value < 1.0 { Ok(()) } else { Err(StatsError::NotAProbability { value }) }
}

/// The natural logarithms of positive numbers.
pub(super) fn logarithms(values: &[f64]) -> Result<Vec<f64>, StatsError> {
    check(values, 1)?;
    let positive = |(index, &value): (usize, &f64)| {
        if value > 0.0 { Ok(value.ln()) } else { Err(StatsError::NotPositive { index, value }) }
    };
    values.iter().enumerate().map(positive).collect()
}

/// A count as a number. Exact up to 2^53.
#[allow(clippy::cast_precision_loss)] // counts of samples stay far below 2^53
pub(super) fn float(count: usize) -> f64 {
    count as f64
}
