//! What the charts with a row for each approach share: columns, headings, scales below a panel, legends.
//!
//! Everything is laid out from the top down; the picture is as high as what was put into it.

use super::axis::Tick;
use super::ink::Ink;
use super::picture::{Chart, ChartError};
use super::scene::{Anchor, Brush, FINE, Label, Scene};
use super::width::width;
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use std::cell::RefCell;
use std::ops::Range;

/// Space at the sides of a picture.
pub(super) const MARGIN: f64 = 12.0;
/// Width of all pictures.
const WIDTH: f64 = 820.0;
/// Size of names and figures.
pub(super) const SIZE: f64 = 12.0;
/// Most room for the names of approaches.
pub(super) const NAMES: f64 = 210.0;

/// A picture in the making.
pub(super) struct Frame {
    pub(super) scene: RefCell<Scene>,
    /// From where to where the scale goes, in pixels.
    pub(super) plot: Range<f64>,
    /// Where the next thing is put, in pixels from the top.
    pub(super) y: f64,
}

/// Paints a mark into a box of 16 × 12 whose corner is given.
pub(super) type Paint<'a> = &'a dyn Fn(&mut Scene, (f64, f64));

/// The area that plotters draws on.
pub(super) type Area<'a, X> = DrawingArea<Brush<'a>, Cartesian2d<X, RangedCoordf64>>;

impl Frame {
    /// A picture whose rows have these names, with at most that room for them, and a column of that width for figures at
    /// the right.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>, most: f64, right: f64) -> Self {
        let widest = names.map(|name| width(&crate::text::visible(name), SIZE)).fold(40.0, f64::max);
        let left = MARGIN + widest.min(most) + 10.0;
        let right = if right > 0.0 { right + 10.0 } else { 0.0 };
        // The height is known when everything is in; until then there is room for anything.
        let scene = Scene::new(WIDTH, 1_000_000.0);
        Self { scene: RefCell::new(scene), plot: left..WIDTH - MARGIN - right, y: 4.0 }
    }

    /// Right end of everything.
    pub(super) fn right(&self) -> f64 {
        WIDTH - MARGIN
    }

    pub(super) fn plot_width(&self) -> f64 {
        self.plot.end - self.plot.start
    }

    pub(super) fn label(&self, label: Label<'_>) -> f64 {
        self.scene.borrow_mut().label(label)
    }

    /// The name of a row whose middle is at `y`.
    pub(super) fn name(&self, text: &str, y: f64) {
        self.label(Label {
            text,
            at: (self.plot.start - 10.0, y + SIZE * 0.36),
            room: self.plot.start - 10.0 - MARGIN,
            size: SIZE,
            anchor: Anchor::End,
            ink: Ink::Text,
            bold: false,
        });
    }

    /// A heading over a panel.
    pub(super) fn heading(&mut self, text: &str, beside: &str) {
        self.y += 22.0;
        let said = width(beside, SIZE);
        let mut label = Label {
            text,
            at: (MARGIN, self.y),
            room: self.right() - MARGIN - if said > 0.0 { said + 16.0 } else { 0.0 },
            size: 14.0,
            anchor: Anchor::Start,
            ink: Ink::Text,
            bold: true,
        };
        self.label(label);
        label = Label { text: beside, at: (self.right(), self.y), room: said + 1.0, size: SIZE, ..label };
        self.label(Label { anchor: Anchor::End, ink: Ink::Muted, bold: false, ..label });
        self.y += 8.0;
    }

    /// Lines of the scale through a panel that ends at `bottom`, with their labels below.
    pub(super) fn scale(&mut self, ticks: &[Tick], place: impl Fn(f64) -> f64, top: f64, bottom: f64) {
        let mut scene = self.scene.borrow_mut();
        for (value, label) in ticks {
            let x = place(*value);
            scene.line((x, top), (x, bottom), 1.0, Ink::Grid);
            // The first and the last label stay inside.
            let half = width(label, SIZE) / 2.0;
            scene.label(Label {
                text: label,
                at: (x.min(WIDTH - MARGIN - half).max(MARGIN + half), bottom + SIZE + 3.0),
                room: f64::INFINITY,
                size: SIZE,
                anchor: Anchor::Middle,
                ink: Ink::Muted,
                bold: false,
            });
        }
        scene.line((self.plot.start, bottom), (self.plot.end, bottom), 1.0, Ink::Frame);
        drop(scene);
        self.y = bottom + SIZE + 6.0;
    }

    /// An area of plotters over the scale's width; `y` goes from `top` down to `bottom`.
    pub(super) fn area<X: Ranged>(&self, x: impl Into<X>, y: Range<f64>, top: f64, bottom: f64) -> Area<'_, X> {
        let whole: DrawingArea<Brush<'_>, Shift> = Brush(&self.scene).into_drawing_area();
        let pixels = (fine(self.plot.start)..fine(self.plot.end), fine(top)..fine(bottom));
        whole.apply_coord_spec(Cartesian2d::new(x, y, pixels))
    }

    /// Explains marks.
    pub(super) fn legend(&mut self, items: &[(&str, Paint<'_>)]) {
        let mut x = MARGIN;
        self.y += 14.0;
        for (text, paint) in items {
            let needs = 23.0 + width(text, SIZE) + 14.0;
            if x > MARGIN && x + needs > self.right() {
                x = MARGIN;
                self.y += 19.0;
            }
            let mut scene = self.scene.borrow_mut();
            paint(&mut scene, (x, self.y - 10.0));
            scene.label(Label {
                text,
                at: (x + 23.0, self.y),
                room: self.plot.end.max(WIDTH - MARGIN) - x - 23.0,
                size: SIZE,
                anchor: Anchor::Start,
                ink: Ink::Muted,
                bold: false,
            });
            x += needs;
        }
        self.y += 8.0;
    }

    /// The finished picture.
    pub(super) fn finish(self, name: &str, title: String, description: String) -> Result<Chart, ChartError> {
        let mut scene = self.scene.into_inner();
        scene.height = (self.y + MARGIN).ceil();
        Ok(Chart { name: name.to_owned(), title, description, scene })
    }
}

/// Pixels in plotters' unit.
#[allow(clippy::cast_possible_truncation)] // far below two thousand million
pub(super) fn fine(pixels: f64) -> i32 {
    (pixels * FINE).round() as i32
}
