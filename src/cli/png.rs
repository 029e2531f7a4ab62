//! `--png`: what paints pictures, in a program that was built with the feature `png`; the reason in any other.

use super::Stop;
use crate::chart::Chart;

/// Paints pictures with the fonts of this machine.
#[cfg(feature = "png")]
pub struct Painter(crate::chart::Fonts);

#[cfg(feature = "png")]
impl Painter {
    pub fn new() -> Result<Self, Stop> {
        crate::chart::Fonts::installed().map(Self).map_err(|e| Stop::wrong(format!("--png: {e}")))
    }

    pub fn paint(&self, chart: &Chart) -> Result<Vec<u8>, Stop> {
        chart.png(&self.0).map_err(|e| Stop::failed(format!("--png: {e}")))
    }
}

/// There is none.
#[cfg(not(feature = "png"))]
pub enum Painter {}

#[cfg(not(feature = "png"))]
impl Painter {
    pub fn new() -> Result<Self, Stop> {
        Err(Stop::wrong(
            "--png: this program was built without it; build it with `cargo build --release --features png`, or take \
             the SVG files that --charts writes",
        ))
    }

    pub fn paint(&self, _: &Chart) -> Result<Vec<u8>, Stop> {
        match *self {}
    }
}
