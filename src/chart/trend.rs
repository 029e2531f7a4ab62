//! Medians over nights, a panel for each cell with a scale of its own, with the levels and where they changed.
//!
//! Nothing is judged in here: changes come with their levels.

use super::axis::{between, with_unit};
use super::frame::{Area, Frame, NAMES, Paint, SIZE, fine};
use super::ink::Ink;
use super::picture::{Chart, ChartError};
use super::scene::{Anchor, Label, Scene};
use super::width::width;
use plotters::coord::types::RangedCoordf64;
use plotters::element::{Circle, PathElement};
use plotters::style::Color;
use std::ops::Range;

/// Height of a panel.
const PANEL: f64 = 96.0;

/// A change of level.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeMark {
    /// Place of its first night.
    pub night: usize,
    /// Level before, in seconds.
    pub before: f64,
    /// Level after, in seconds.
    pub after: f64,
    /// Why it is wanted, where it was accepted.
    pub accepted: Option<String>,
}

/// The nights of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// Name of the cell.
    pub cell: String,
    /// Place of each night with a figure, and its median in seconds.
    pub medians: Vec<(usize, f64)>,
    /// Its changes, oldest first.
    pub changes: Vec<ChangeMark>,
}

/// Draws medians over nights, which are named in their order.
///
/// # Errors
/// When plotters finds no way.
pub fn nights(nights: &[String], lines: &[Trend]) -> Result<Chart, ChartError> {
    let scales: Vec<(f64, f64)> = lines.iter().map(scale).collect();
    let labels = scales.iter().flat_map(|scale| between(*scale).into_iter().map(|(_, label)| label));
    let labels: Vec<String> = labels.collect();
    let mut frame = Frame::new(labels.iter().map(String::as_str), NAMES, 0.0);
    legend(&mut frame);
    for (line, scale) in lines.iter().zip(&scales) {
        panel(&mut frame, nights, line, *scale)?;
    }
    let count: usize = lines.iter().map(|line| line.changes.len()).sum();
    let said = lines.iter().flat_map(|line| {
        line.changes.iter().map(|change| {
            let night = nights.get(change.night).map_or("", String::as_str);
            format!("{}: {} on {night}.", line.cell, change.text())
        })
    });
    let said = said.collect::<Vec<_>>().join(" ");
    frame.finish(
        "nights",
        "Medians over nights, in seconds".to_owned(),
        format!("{} nights, {} cells, {count} changes of level. {said}", nights.len(), lines.len()),
    )
}

impl ChangeMark {
    /// `+5.9 %, 20.1 s to 21.3 s`
    fn text(&self) -> String {
        format!("{}, {} to {}", self.percent(), with_unit(self.before), with_unit(self.after))
    }

    fn percent(&self) -> String {
        if self.before > 0.0 { format!("{:+.1} %", (self.after / self.before - 1.0) * 100.0) } else { "?".to_owned() }
    }
}

fn legend(frame: &mut Frame) {
    let median = |scene: &mut Scene, (x, y): (f64, f64)| scene.dot((x + 8.0, y + 6.0), 2.6, Ink::Sample);
    let level = |scene: &mut Scene, (x, y): (f64, f64)| scene.line((x, y + 6.0), (x + 16.0, y + 6.0), 2.0, Ink::Text);
    let change = |scene: &mut Scene, (x, y): (f64, f64)| {
        scene.dash();
        scene.line((x + 8.0, y), (x + 8.0, y + 12.0), 1.5, Ink::Worst);
    };
    let items: [(&str, Paint<'_>); 3] =
        [("median of a night", &median), ("level", &level), ("change of level, where not accepted dashed", &change)];
    frame.legend(&items);
}

/// A range around all medians and levels of a cell.
fn scale(line: &Trend) -> (f64, f64) {
    let levels = line.changes.iter().flat_map(|change| [change.before, change.after]);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in line.medians.iter().map(|(_, value)| *value).chain(levels) {
        (low, high) = (low.min(value), high.max(value));
    }
    if low > high {
        return (0.0, 1.0);
    }
    // Room for the points, and never so little that noise looks like a mountain.
    let room = ((high - low) * 0.12).max(high * 0.02).max(1e-6);
    ((low - room).max(0.0), high + room)
}

fn panel(frame: &mut Frame, nights: &[String], line: &Trend, scale: (f64, f64)) -> Result<(), ChartError> {
    let last = line.medians.last().map_or("no figure".to_owned(), |(_, value)| format!("last {}", with_unit(*value)));
    frame.heading(&line.cell, &last);
    // Above the lines is room for what is said of changes.
    let top = frame.y + SIZE + 2.0;
    let bottom = top + PANEL;
    #[allow(clippy::cast_precision_loss)] // a number of nights
    let end = nights.len().max(1) as f64;
    let (start, pixels) = (frame.plot.start, frame.plot_width());
    #[allow(clippy::cast_precision_loss)] // a number of nights
    let place = |night: usize| start + (night as f64 + 0.5) / end * pixels;
    for (value, label) in between(scale) {
        let y = bottom - (value - scale.0) / (scale.1 - scale.0) * PANEL;
        frame.scene.borrow_mut().line((start, y), (frame.plot.end, y), 1.0, Ink::Grid);
        frame.name(&label, y);
    }
    dates(frame, nights, place, bottom);
    let area = frame.area::<RangedCoordf64>(0.0..end, scale.1..scale.0, top, bottom);
    medians(frame, &area, nights, line)?;
    changes(frame, line, place, top..bottom);
    frame.y = bottom + SIZE + 6.0;
    Ok(())
}

/// Names of nights below a panel, as many as have room.
fn dates(frame: &Frame, nights: &[String], place: impl Fn(usize) -> f64, bottom: f64) {
    let mut scene = frame.scene.borrow_mut();
    scene.line((frame.plot.start, bottom), (frame.plot.end, bottom), 1.0, Ink::Frame);
    let mut free = frame.plot.start - 10.0;
    for (night, name) in nights.iter().enumerate() {
        let half = width(name, SIZE).min(200.0) / 2.0;
        let x = place(night).clamp(frame.plot.start + half - 4.0, frame.right() - half);
        // Every label stands under its own night, or not at all.
        if x - half < free || (x - place(night)).abs() > half + 4.0 {
            continue;
        }
        scene.line((place(night), bottom), (place(night), bottom + 4.0), 1.0, Ink::Frame);
        scene.label(Label {
            text: name,
            at: (x, bottom + SIZE + 4.0),
            room: half * 2.0 + 1.0,
            size: SIZE,
            anchor: Anchor::Middle,
            ink: Ink::Muted,
            bold: false,
        });
        free = x + half + 24.0;
    }
}

/// The points of a cell, joined, and its levels.
fn medians(frame: &Frame, area: &Area<'_, RangedCoordf64>, nights: &[String], line: &Trend) -> Result<(), ChartError> {
    #[allow(clippy::cast_precision_loss)] // a number of nights
    let at = |night: usize, value: f64| (night as f64 + 0.5, value);
    let path: Vec<(f64, f64)> = line.medians.iter().map(|(night, value)| at(*night, *value)).collect();
    area.draw(&PathElement::new(path, Ink::Frame.stroke_width(fine(1.0).unsigned_abs())))?;
    for (night, value) in &line.medians {
        let name = nights.get(*night).map_or("", String::as_str);
        frame.scene.borrow_mut().entitle(&format!("{name}: {}", with_unit(*value)));
        area.draw(&Circle::new(at(*night, *value), fine(2.6), Ink::Sample.filled()))?;
    }
    let (Some(first), Some(last)) = (line.medians.first(), line.medians.last()) else {
        return Ok(());
    };
    let mut from = first.0;
    let levels = line.changes.iter().map(|change| (change.night.saturating_sub(1), change.before, change.night));
    let end = line.changes.last().map(|change| (last.0, change.after, 0));
    for (to, level, next) in levels.chain(end) {
        let ((left, _), (right, _)) = (at(from, level), at(to.max(from), level));
        let style = Ink::Text.stroke_width(fine(2.0).unsigned_abs());
        area.draw(&PathElement::new(vec![(left - 0.4, level), (right + 0.4, level)], style))?;
        from = next;
    }
    Ok(())
}

/// Lines where levels change, and by how much, where there is room.
fn changes(frame: &Frame, line: &Trend, place: impl Fn(usize) -> f64, height: Range<f64>) {
    let mut scene = frame.scene.borrow_mut();
    let mut free = f64::NEG_INFINITY;
    for change in &line.changes {
        let x = (place(change.night) + place(change.night.saturating_sub(1))) / 2.0;
        let accepted = change.accepted.as_ref().map_or(String::new(), |why| format!(", accepted: {why}"));
        let ink = if change.accepted.is_some() { Ink::Best } else { Ink::Worst };
        if change.accepted.is_none() {
            scene.dash();
        }
        scene.entitle(&format!("{}{accepted}", change.text()));
        scene.line((x, height.start - 2.0), (x, height.end), 1.5, ink);
        let percent = change.percent();
        let half = width(&percent, SIZE) / 2.0;
        let at = x.clamp(frame.plot.start + half, frame.right() - half);
        if at - half > free {
            scene.label(Label {
                text: &percent,
                at: (at, height.start - 5.0),
                room: half * 2.0 + 1.0,
                size: SIZE,
                anchor: Anchor::Middle,
                ink,
                bold: false,
            });
            free = at + half + 6.0;
        }
    }
}
