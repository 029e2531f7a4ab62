//! A picture as PNG: its SVG, painted by resvg with a font of this machine.
//!
//! Fonts are the only thing that is taken from outside, and before anything is drawn.

use super::picture::Chart;
use super::svg::Dress;
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use std::fmt;
use std::sync::Arc;

/// Pixels of a PNG for each of the SVG, across and down: sharp on today's screens and on paper.
pub(super) const SCALE: f32 = 2.0;
/// Most pixels of a PNG; four bytes each are needed to paint it.
const MOST: f32 = 100_000_000.0;
/// Fonts whose letters are no wider than the pictures allow for, the best first.
const FAMILIES: [&str; 12] = [
    "DejaVu Sans",
    "Noto Sans",
    "Roboto",
    "Segoe UI",
    "Open Sans",
    "Liberation Sans",
    "Arial",
    "Helvetica Neue",
    "Helvetica",
    "Cantarell",
    "Ubuntu",
    "FreeSans",
];

/// Why there is no PNG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PngError {
    /// This machine has no font.
    NoFont,
    /// The named picture has more pixels than a PNG should: across and down.
    TooLarge(String, u64, u64),
    /// The painter refused the named picture, for this reason.
    Broken(String, String),
}

impl fmt::Display for PngError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFont => f.write_str(
                "no font was found on this machine, and a PNG needs one: install one, such as the package \
                 fonts-dejavu-core, or take the SVG files",
            ),
            Self::TooLarge(name, across, down) => {
                write!(f, "{name}: {across} × {down} pixels are too many for a PNG: take its SVG file")
            }
            Self::Broken(name, why) => write!(f, "{name} could not be painted: {why}"),
        }
    }
}

impl std::error::Error for PngError {}

/// Fonts of a machine, of which one is the usual one; the others stand in where it lacks a letter.
pub struct Fonts {
    options: Options<'static>,
}

impl Fonts {
    /// Those that are installed here.
    ///
    /// # Errors
    /// When there are none.
    pub fn installed() -> Result<Self, PngError> {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        Self::of(fonts)
    }

    fn of(mut fonts: Database) -> Result<Self, PngError> {
        let has = |family: &str| fonts.faces().any(|face| face.families.iter().any(|(name, _)| name == family));
        let usual = FAMILIES.into_iter().find(|family| has(family)).map(str::to_owned);
        let any = || {
            let upright = fonts.faces().filter(|face| !face.monospaced).chain(fonts.faces());
            upright.flat_map(|face| &face.families).map(|(name, _)| name.clone()).next()
        };
        let family = usual.or_else(any).ok_or(PngError::NoFont)?;
        fonts.set_sans_serif_family(family.clone());
        fonts.set_serif_family(family.clone());
        Ok(Self { options: Options { font_family: family, fontdb: Arc::new(fonts), ..Options::default() } })
    }
}

impl Chart {
    /// The picture as PNG in the light theme, twice as many pixels across and down as the SVG says.
    ///
    /// # Errors
    /// When it is too large for that, or cannot be painted.
    pub fn png(&self, fonts: &Fonts) -> Result<Vec<u8>, PngError> {
        png(self, fonts)
    }
}

/// Paints a picture.
fn png(chart: &Chart, fonts: &Fonts) -> Result<Vec<u8>, PngError> {
    let broken = |why: String| PngError::Broken(chart.name.clone(), why);
    let tree = tree(chart, fonts)?;
    let (across, down) = ((tree.size().width() * SCALE).ceil(), (tree.size().height() * SCALE).ceil());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 1 up, and checked before it is cut off
    let too_large = || PngError::TooLarge(chart.name.clone(), across as u64, down as u64);
    if across * down > MOST {
        return Err(too_large());
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 1 up to MOST
    let mut paper = Pixmap::new(across as u32, down as u32).ok_or_else(too_large)?;
    paper.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut paper.as_mut());
    paper.encode_png().map_err(|e| broken(e.to_string()))
}

/// The picture with its letters set.
fn tree(chart: &Chart, fonts: &Fonts) -> Result<Tree, PngError> {
    let broken = |why: String| PngError::Broken(chart.name.clone(), why);
    let mut svg = Vec::new();
    chart.write_svg(Dress::Light, &mut svg).map_err(|e| broken(e.to_string()))?;
    Tree::from_data(&svg, &fonts.options).map_err(|e| broken(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{drawn, shapes};
    use super::*;
    use crate::chart::samples;
    use resvg::tiny_skia::PremultipliedColorU8;
    use resvg::usvg::{Group, Node};

    fn at(paper: &Pixmap, x: u32, y: u32) -> (u8, u8, u8) {
        let pixel: PremultipliedColorU8 = paper.pixel(x, y).unwrap();
        (pixel.red(), pixel.green(), pixel.blue())
    }

    const PAPER: (u8, u8, u8) = (255, 255, 255);

    /// Boxes of all texts, as the font really sets them.
    fn texts(group: &Group, found: &mut Vec<(String, [f32; 4])>) {
        for node in group.children() {
            match node {
                Node::Group(group) => texts(group, found),
                Node::Text(text) => {
                    let said: String = text.chunks().iter().map(|chunk| chunk.text().to_owned()).collect();
                    let box_ = text.abs_bounding_box();
                    found.push((said, [box_.left(), box_.top(), box_.right(), box_.bottom()]));
                }
                _ => {}
            }
        }
    }

    /// Proves that every text is inside, as the font sets it.
    fn inside(chart: &Chart, fonts: &Fonts) {
        let tree = tree(chart, fonts).unwrap();
        let mut found = Vec::new();
        texts(tree.root(), &mut found);
        assert!(found.len() > 3, "{}: {found:?}", chart.name);
        for (said, [left, top, right, bottom]) in found {
            let inside = left >= 0.0 && top >= 0.0 && right <= tree.size().width() && bottom <= tree.size().height();
            assert!(inside, "{said:?} runs out of {}: {left} {top} {right} {bottom}", chart.name);
        }
    }

    /// Paints a picture, and proves what must hold for any.
    fn sound(chart: &Chart, fonts: &Fonts) -> Pixmap {
        inside(chart, fonts);
        let paper = Pixmap::decode_png(&chart.png(fonts).unwrap()).unwrap();
        let svg = crate::chart::tests::svg(chart, Dress::Alone);
        let said = roxmltree::Document::parse(&svg).unwrap();
        let said = |name: &str| said.root_element().attribute(name).unwrap().parse::<u32>().unwrap() * 2;
        assert_eq!((paper.width(), paper.height()), (said("width"), said("height")));
        // Nothing is cut off: along the edges is paper.
        for x in 0..paper.width() {
            assert_eq!((at(&paper, x, 0), at(&paper, x, paper.height() - 1)), (PAPER, PAPER), "{}", chart.name);
        }
        for y in 0..paper.height() {
            assert_eq!((at(&paper, 0, y), at(&paper, paper.width() - 1, y)), (PAPER, PAPER), "{}", chart.name);
        }
        paper
    }

    #[test]
    fn pictures_of_any_kind_are_painted_in_the_light_theme() {
        let fonts = Fonts::installed().unwrap();
        let painted = drawn();
        let count = |paper: &Pixmap, wanted: &str| {
            let part = |at: usize| u8::from_str_radix(&wanted[at..at + 2], 16).unwrap();
            let wanted = (part(1), part(3), part(5));
            paper.pixels().iter().filter(|p| (p.red(), p.green(), p.blue()) == wanted).count()
        };
        for (chart, inks) in &painted {
            let paper = sound(chart, &fonts);
            for ink in inks {
                // Lines of a scale, dots, bars and letters all have whole pixels of their colour.
                assert!(count(&paper, ink.colors().1) > 20, "{}: {ink:?}", chart.name);
            }
            let title = (0..70).flat_map(|y| (0..paper.width()).map(move |x| (x, y)));
            let dark = title.filter(|(x, y)| at(&paper, *x, *y).0 < 100).count();
            assert!(dark > 200, "{}: its title has {dark} dark pixels", chart.name);
        }
    }

    #[test]
    fn names_of_any_kind_stay_inside() {
        let fonts = Fonts::installed().unwrap();
        for (table, _) in shapes() {
            inside(&samples(&table, None).unwrap(), &fonts);
        }
    }

    #[test]
    fn what_cannot_be_painted_is_said() {
        let why = Fonts::of(Database::new()).err().unwrap();
        assert!(
            why.to_string().contains("no font was found") && why.to_string().contains("fonts-dejavu-core"),
            "{why}"
        );
        let (mut chart, _) = drawn().remove(0);
        chart.scene.height = 1e6;
        let why = chart.png(&Fonts::installed().unwrap()).unwrap_err();
        assert_eq!(why.to_string(), "samples: 1640 × 2000080 pixels are too many for a PNG: take its SVG file");
    }
}
