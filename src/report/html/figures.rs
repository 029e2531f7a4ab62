//! The pictures of a page.

/// A picture of a report, as SVG that stands inside a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// Its heading.
    pub title: String,
    /// The SVG element, with its own title and description.
    pub svg: String,
}

/// The pictures of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The style sheet that all of them need.
    pub style: String,
    /// Those that are shown at once.
    pub shown: Vec<Figure>,
    /// Those that open when asked for.
    pub more: Vec<Figure>,
}
