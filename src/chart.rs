//! Tables to SVG or PNG, laid out with plotters' coordinates: samples, parts of builds, steps over time, layers, nights.
//!
//! Pure: figures in, a picture out, written to a given writer. Names are cut where they have no room (their whole text
//! is then a title), and every picture has a title and a description for those who do not see it.

mod axis;
mod dots;
mod frame;
mod ink;
mod picture;
#[cfg(feature = "png")]
mod png;
mod scene;
mod stacks;
mod svg;
#[cfg(test)]
mod tests;
mod timeline;
mod trend;
mod width;

pub use dots::samples;
pub use picture::{Chart, ChartError};
#[cfg(feature = "png")]
pub use png::{Fonts, PngError};
pub use stacks::{Column, layers, parts};
pub use svg::{Dress, style};
pub use timeline::{Shown, steps};
pub use trend::{ChangeMark, Trend, nights};
