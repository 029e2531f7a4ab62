//! Tables to SVG or PNG, laid out with plotters' coordinates: samples, parts of builds, steps over time, layers, nights.
//!
//! Pure: figures in, a picture out, written to a given writer. Names are cut where they have no room (their whole text
//! is then a title), and every picture has a title and a description for those who do not see it.

mod axis;
mod frame;
mod ink;
mod nights;
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
#[cfg(feature = "png")]
pub use png::{Fonts, PngError};
pub use samples::samples;
pub use stacks::{Column, layers, parts};
pub use steps::{Shown, steps};
pub use svg::{Dress, style};

use plotters::drawing::DrawingAreaErrorKind;
use scene::Scene;
use std::convert::Infallible;
use std::io::{self, Write};

/// Why a picture could not be laid out: plotters found no way.
pub type ChartError = DrawingAreaErrorKind<Infallible>;

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Its name, for files and for ids inside a page: small letters, digits and dashes.
    pub name: String,
    /// What it shows, in one line.
    pub title: String,
    /// What is to be seen, for those who do not see it.
    pub description: String,
    scene: Scene,
}

impl Chart {
    /// Writes it as SVG.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write_svg(&self, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
        svg::write(self, dress, out)
    }

    /// The picture as PNG in the light theme, twice as many pixels across and down as the SVG says.
    ///
    /// # Errors
    /// When it is too large for that, or cannot be painted.
    #[cfg(feature = "png")]
    pub fn png(&self, fonts: &Fonts) -> Result<Vec<u8>, PngError> {
        png::png(self, fonts)
    }
}
