//! Statistics as pure functions on slices of numbers: order statistics, ranks, shifts, families of tests.
//!
//! No type of ours and no I/O in here; a bad number is an error value, never a panic. What a figure
//! means for a build is decided in `analysis`.

mod change_points;
mod family;
mod mann_whitney;
mod order;
mod rank;
mod shift;
mod stats_error;
mod student;

pub use change_points::{ChangePoint, ChangeRule, change_points};
pub use family::holm;
pub use mann_whitney::{MannWhitney, Method, RankSums, mann_whitney};
pub use order::{MedianInterval, half_width, median, median_interval};
pub use rank::{kendall, ranks, spearman};
pub use shift::{LogShift, log_shift};
pub use stats_error::StatsError;
pub use student::{Prediction, TTest, pooled_t, predict};
