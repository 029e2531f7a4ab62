//! The colours of charts in the light and the dark theme, by what they stand for.
//!
//! Fills come from the palette of Okabe and Ito, lightened so that dark text stands on them, and each has a pattern of
//! its own: nothing is told by colour alone.

use plotters::style::Color;
use plotters_backend::BackendColor;

/// What a mark is painted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// The paper.
    Paper,
    /// Names, figures, medians.
    Text,
    /// What is said beside.
    Muted,
    /// Lines of the scale.
    Grid,
    /// Axes and brackets.
    Frame,
    /// One build.
    Sample,
    /// A published figure.
    Published,
    /// The best of a column.
    Best,
    /// The worst of a column; what failed; a change of level.
    Worst,
    /// Text on a fill.
    OnFill,
    /// Base images.
    Base,
    /// What is sent and read.
    Context,
    /// Steps of the Dockerfile.
    Work,
    /// Writing the image.
    Export,
    /// Nothing ran.
    Wait,
    /// Anything else.
    Other,
}

impl Ink {
    pub(super) const ALL: [Self; 16] = [
        Self::Paper,
        Self::Text,
        Self::Muted,
        Self::Grid,
        Self::Frame,
        Self::Sample,
        Self::Published,
        Self::Best,
        Self::Worst,
        Self::OnFill,
        Self::Base,
        Self::Context,
        Self::Work,
        Self::Export,
        Self::Wait,
        Self::Other,
    ];

    /// Its name in style sheets, and its colour in the light and in the dark theme.
    pub(super) fn colors(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Paper => ("paper", "#ffffff", "#14171c"),
            Self::Text => ("text", "#1b1f24", "#e8ebef"),
            Self::Muted => ("muted", "#57606a", "#9aa4b0"),
            Self::Grid => ("grid", "#dfe3e8", "#2c323b"),
            Self::Frame => ("frame", "#77818c", "#77818c"),
            Self::Sample => ("sample", "#0072b2", "#56b4e9"),
            Self::Published => ("published", "#a34700", "#f0a04b"),
            Self::Best => ("best", "#00684a", "#4fd1a1"),
            Self::Worst => ("worst", "#a8330b", "#ff9a70"),
            Self::OnFill => ("onfill", "#14171c", "#14171c"),
            Self::Base => ("base", "#8cc4ec", "#8cc4ec"),
            Self::Context => ("context", "#f3d06b", "#f3d06b"),
            Self::Work => ("work", "#86d4b8", "#86d4b8"),
            Self::Export => ("export", "#e4b4cf", "#e4b4cf"),
            Self::Wait => ("wait", "#d3d8de", "#aab2bc"),
            Self::Other => ("other", "#d8c3a1", "#d8c3a1"),
        }
    }

    /// The lines of its pattern in a tile of 8 × 8, as an SVG path; empty for a plain fill.
    pub(super) fn pattern(self) -> &'static str {
        match self {
            Self::Base => "M-2 2L2 -2M0 8L8 0M6 10L10 6",
            Self::Context => "M-2 6L2 10M0 0L8 8M6 -2L10 2",
            Self::Export => "M2 0V8",
            Self::Wait => "M0 4H1.5M4 0H5.5",
            Self::Other => "M0 2H8",
            _ => "",
        }
    }
}

/// Plotters carries colours as numbers: an ink travels as its place.
impl Color for Ink {
    fn to_backend_color(&self) -> BackendColor {
        let place = Self::ALL.iter().position(|ink| ink == self).and_then(|place| u8::try_from(place).ok());
        BackendColor { alpha: 1.0, rgb: (place.unwrap_or(0), 0, 0) }
    }
}

/// The ink that a colour stands for.
pub(super) fn ink(color: BackendColor) -> Ink {
    Ink::ALL.get(usize::from(color.rgb.0)).copied().unwrap_or(Ink::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as WCAG 2.1 defines them.
    fn luminance(hex: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        let paper = Ink::Paper.colors();
        for ink in [Ink::Text, Ink::Muted, Ink::Published, Ink::Best, Ink::Worst] {
            let (name, light, dark) = ink.colors();
            assert!(contrast(light, paper.1) >= 4.5, "{name}");
            assert!(contrast(dark, paper.2) >= 4.5, "{name}");
        }
        for fill in [Ink::Base, Ink::Context, Ink::Work, Ink::Export, Ink::Wait, Ink::Other] {
            let ((name, light, dark), on) = (fill.colors(), Ink::OnFill.colors());
            assert!(contrast(light, on.1) >= 4.5 && contrast(dark, on.2) >= 4.5, "{name}");
        }
        // Marks need 3 (WCAG 2.1, 1.4.11).
        for ink in [Ink::Sample, Ink::Frame] {
            let (name, light, dark) = ink.colors();
            assert!(contrast(light, paper.1) >= 3.0 && contrast(dark, paper.2) >= 3.0, "{name}");
        }
    }

    #[test]
    fn an_ink_comes_back_from_plotters() {
        for one in Ink::ALL {
            assert_eq!(ink(one.to_backend_color()), one);
        }
    }
}
