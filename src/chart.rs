//! Tables to SVG or PNG, laid out with plotters' coordinates: samples, parts of builds, steps over time, layers, nights.
//!
//! Pure: figures in, a picture out, written to a given writer. Names are cut where they have no room (their whole text
//! is then a title), and every picture has a title and a description for those who do not see it.

mod axis;
mod frame;
mod ink;
mod nights;
mod picture;
#[cfg(feature = "png")]
mod png;
mod samples;
mod scene;
mod stacks;
mod steps;
mod svg;
#[cfg(test)]
mod tests;
mod width;

pub use nights::{Change, Line, nights};
pub use picture::{Chart, ChartError};
#[cfg(feature = "png")]
pub use png::{Fonts, PngError};
pub use samples::samples;
pub use stacks::{Column, layers, parts};
pub use steps::{Shown, steps};
pub use svg::{Dress, style};
