//! `--png`: what paints pictures, in a program that was built with the feature `png`; the reason in any other.

use crate::app::Failure;
use crate::chart::Chart;

/// Paints pictures with the fonts of this machine.
#[cfg(feature = "png")]
pub struct Painter(crate::chart::Fonts);

#[cfg(feature = "png")]
impl Painter {
    /// Takes the fonts that are installed.
    ///
    /// # Errors
    /// When there is none.
    pub fn new() -> Result<Self, Failure> {
        crate::chart::Fonts::installed().map(Self).map_err(|e| Failure::wrong(format!("--png: {e}")))
    }

    /// Paints a picture.
    ///
    /// # Errors
    /// When it cannot be painted.
    pub fn paint(&self, chart: &Chart) -> Result<Vec<u8>, Failure> {
        chart.png(&self.0).map_err(|e| Failure::failed(format!("--png: {e}")))
    }
}

/// There is none.
#[cfg(not(feature = "png"))]
pub enum Painter {}

#[cfg(not(feature = "png"))]
impl Painter {
    /// Says how to get one.
    ///
    /// # Errors
    /// Always.
    pub fn new() -> Result<Self, Failure> {
        Err(Failure::wrong(
            "--png: this program was built without it; build it with `cargo build --release --features png`, or take \
             the SVG files that --charts writes",
        ))
    }

    /// There is nothing that could paint.
    ///
    /// # Errors
    /// Never: there is no painter.
    pub fn paint(&self, _: &Chart) -> Result<Vec<u8>, Failure> {
        match *self {}
    }
}
