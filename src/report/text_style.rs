//! What a text for people is fitted to. Nothing is asked of a terminal in here.

/// What the terminal is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextStyle {
    /// Columns that lines should fit into.
    pub width: usize,
    /// Whether to colour with ANSI sequences; signs say the same without.
    pub color: bool,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self { width: 80, color: false }
    }
}
