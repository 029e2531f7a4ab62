//! A picture: what is on it, and what is said of it.
//! How it is written is not known in here.

use super::scene::Scene;
use plotters::drawing::DrawingAreaErrorKind;
use std::convert::Infallible;

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
    pub(super) scene: Scene,
}
