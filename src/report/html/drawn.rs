//! The pictures of a page.

/// A picture of a report, as SVG that stands inside a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Its heading.
    pub title: String,
    /// The SVG element, with its own title and description.
    pub svg: String,
}

/// The pictures of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// The style sheet that all of them need.
    pub style: String,
    /// Those that are shown at once.
    pub shown: Vec<Picture>,
    /// Those that open when asked for.
    pub more: Vec<Picture>,
}
