//! What a chart is made of once it is laid out: shapes with an ink and, where something is hidden, a title.
//!
//! Plotters draws onto it through [`Brush`]; its own SVG backend knows neither themes nor titles.

use super::ink::{Ink, ink};
use super::width::{fit, width};
use crate::text::visible;
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use std::cell::RefCell;
use std::convert::Infallible;

/// Plotters knows whole numbers only: it draws in tenths of a pixel.
pub(super) const FINE: f64 = 10.0;

/// Where a text begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A shape; lengths in pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Rect { x: f64, y: f64, width: f64, height: f64, filled: bool },
    Line { points: Vec<(f64, f64)>, width: f64, dashed: bool },
    Area { points: Vec<(f64, f64)> },
    Circle { x: f64, y: f64, radius: f64, filled: bool },
    Text { x: f64, y: f64, size: f64, anchor: Anchor, bold: bool, text: String },
}

/// A form in its ink, and what is said when it is pointed at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) form: Form,
    pub(super) ink: Ink,
    pub(super) title: Option<String>,
}

/// All shapes of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) shapes: Vec<Shape>,
    /// Title of the next shape that plotters draws.
    next_title: Option<String>,
    /// Whether the next line that plotters draws is dashed.
    next_dashed: bool,
}

/// A text and how it stands.
#[derive(Clone, Copy)]
pub(super) struct Label<'a> {
    pub(super) text: &'a str,
    pub(super) at: (f64, f64),
    /// Most pixels that it may take.
    pub(super) room: f64,
    pub(super) size: f64,
    pub(super) anchor: Anchor,
    pub(super) ink: Ink,
    pub(super) bold: bool,
}

impl Scene {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, ..Self::default() }
    }

    /// Says what the next shape is.
    pub(super) fn entitle(&mut self, title: &str) {
        self.next_title = Some(visible(title));
    }

    /// Dashes the next line.
    pub(super) fn dash(&mut self) {
        self.next_dashed = true;
    }

    fn push(&mut self, form: Form, ink: Ink) {
        let title = self.next_title.take();
        self.shapes.push(Shape { form, ink, title });
    }

    /// Writes a text, cut to its room; what is cut has its whole text as a title. Returns the pixels that it takes.
    pub(super) fn label(&mut self, label: Label<'_>) -> f64 {
        let (text, cut) = fit(label.text, label.size, label.room);
        if text.is_empty() {
            return 0.0;
        }
        let taken = width(&text, label.size);
        let title = cut.then(|| visible(label.text));
        let form =
            Form::Text { x: label.at.0, y: label.at.1, size: label.size, anchor: label.anchor, bold: label.bold, text };
        self.shapes.push(Shape { form, ink: label.ink, title });
        taken
    }

    /// A straight line.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64, ink: Ink) {
        let dashed = std::mem::take(&mut self.next_dashed);
        self.push(Form::Line { points: vec![from, to], width, dashed }, ink);
    }

    /// A filled polygon.
    pub(super) fn area(&mut self, points: Vec<(f64, f64)>, ink: Ink) {
        self.push(Form::Area { points }, ink);
    }

    /// A filled box.
    pub(super) fn rect(&mut self, at: (f64, f64), size: (f64, f64), ink: Ink) {
        self.push(Form::Rect { x: at.0, y: at.1, width: size.0, height: size.1, filled: true }, ink);
    }

    /// A circle that is not filled.
    pub(super) fn ring(&mut self, at: (f64, f64), radius: f64, ink: Ink) {
        self.push(Form::Circle { x: at.0, y: at.1, radius, filled: false }, ink);
    }

    /// A dot.
    pub(super) fn dot(&mut self, at: (f64, f64), radius: f64, ink: Ink) {
        self.push(Form::Circle { x: at.0, y: at.1, radius, filled: true }, ink);
    }
}

/// Plotters' way onto a scene.
pub(super) struct Brush<'a>(pub(super) &'a RefCell<Scene>);

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

fn fine(at: BackendCoord) -> (f64, f64) {
    (f64::from(at.0) / FINE, f64::from(at.1) / FINE)
}

impl DrawingBackend for Brush<'_> {
    type ErrorType = Infallible;

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // sizes of pictures
    fn get_size(&self) -> (u32, u32) {
        let scene = self.0.borrow();
        ((scene.width * FINE) as u32, (scene.height * FINE) as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.0.borrow_mut().rect(fine(point), (1.0 / FINE, 1.0 / FINE), ink(color));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, a: BackendCoord, b: BackendCoord, style: &S, fill: bool) -> Drawn {
        let ((x, y), (right, bottom)) = (fine(a), fine(b));
        let form = Form::Rect { x, y, width: right - x, height: bottom - y, filled: fill };
        self.0.borrow_mut().push(form, ink(style.color()));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        let mut scene = self.0.borrow_mut();
        let dashed = std::mem::take(&mut scene.next_dashed);
        let points = path.into_iter().map(fine).collect();
        let width = f64::from(style.stroke_width()) / FINE;
        scene.push(Form::Line { points, width, dashed }, ink(style.color()));
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, at: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        let (x, y) = fine(at);
        let form = Form::Circle { x, y, radius: f64::from(radius) / FINE, filled: fill };
        self.0.borrow_mut().push(form, ink(style.color()));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.0.borrow_mut().area(path.into_iter().map(fine).collect(), ink(style.color()));
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let (at, size) = (fine(at), style.size() / FINE);
        let ink = ink(style.color());
        let label = Label { text, at, room: f64::INFINITY, size, anchor: Anchor::Start, ink, bold: false };
        self.0.borrow_mut().label(label);
        Ok(())
    }
}
