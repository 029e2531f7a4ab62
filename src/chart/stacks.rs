//! Bars made of parts: where the seconds of builds go, and the layers of images.
//!
//! Parts follow each other as they happened or lie on each other; each has its name as a title, and in itself where
//! there is room.

use super::axis::{Tick, linear_ticks, plain, round_up, with_unit};
use super::frame::{Frame, NAMES, Paint, SIZE};
use super::ink::Ink;
use super::picture::{Chart, ChartError};
use super::scene::{Anchor, Label, Scene};
use super::width::{fit, width};
use crate::analysis::parts::Part;
use crate::model::{Bytes, StepKind};
use plotters::coord::types::RangedCoordf64;
use plotters::element::Rectangle;
use plotters::style::Color;

/// Height of a row.
const ROW: f64 = 27.0;
/// A part narrower than this has its name as a title only, in pixels.
const NAMED: f64 = 30.0;
/// The beginning of a name says something if it has more characters than this.
const TELLING: usize = 8;

/// A column of the table: its title, and the parts of each approach in it.
pub type Column = (String, Vec<(String, Vec<Part>)>);

/// A part of a bar.
struct Segment {
    value: f64,
    ink: Ink,
    /// What stands in it.
    label: String,
    /// What is said when it is pointed at.
    title: String,
}

struct Bar {
    name: String,
    segments: Vec<Segment>,
    total: String,
}

/// What paints a kind of step.
pub(super) fn ink(kind: StepKind) -> Ink {
    match kind {
        StepKind::Work => Ink::Work,
        StepKind::Base => Ink::Base,
        StepKind::Internal => Ink::Context,
        StepKind::Export => Ink::Export,
        StepKind::Wait => Ink::Wait,
        StepKind::Other => Ink::Other,
    }
}

/// Explains the kinds of steps that occur.
pub(super) fn kinds(frame: &mut Frame, seen: impl Fn(StepKind) -> bool, more: &[(&str, Paint<'_>)]) {
    let names = [
        (StepKind::Internal, "context, Dockerfile, metadata"),
        (StepKind::Base, "base image: pull, unpack"),
        (StepKind::Work, "steps of the Dockerfile"),
        (StepKind::Export, "export"),
        (StepKind::Wait, "no step ran"),
        (StepKind::Other, "other"),
    ];
    let paint = |kind: StepKind| move |scene: &mut Scene, at: (f64, f64)| scene.rect(at, (16.0, 12.0), ink(kind));
    let paints: Vec<_> = names.iter().filter(|(kind, _)| seen(*kind)).map(|(k, name)| (*name, paint(*k))).collect();
    let items = paints.iter().map(|(name, paint)| (*name, paint as Paint<'_>));
    frame.legend(&items.chain(more.iter().copied()).collect::<Vec<_>>());
}

/// Draws where the seconds of each approach go, in a panel for each scenario with a scale of its own. `of` says which
/// builds the figures are of.
///
/// # Errors
/// When plotters finds no way.
pub fn parts(columns: &[Column], of: &str) -> Result<Chart, ChartError> {
    let names = columns.iter().flat_map(|(_, rows)| rows.iter().map(|(name, _)| name.as_str()));
    let bars =
        |rows: &[(String, Vec<Part>)]| -> Vec<Bar> { rows.iter().map(|(name, parts)| bar(name, parts)).collect() };
    let totals = columns.iter().flat_map(|(_, rows)| bars(rows)).map(|bar| width(&bar.total, SIZE));
    let mut frame = Frame::new(names, NAMES, totals.fold(0.0, f64::max));
    let seen = |kind| {
        let mut parts = columns.iter().flat_map(|(_, rows)| rows.iter().flat_map(|(_, parts)| parts));
        parts.any(|part| part.kind == kind)
    };
    kinds(&mut frame, seen, &[]);
    let mut unit = format!("seconds{of}");
    for (title, rows) in columns {
        panel(&mut frame, title, &unit, &bars(rows), plain)?;
        "seconds".clone_into(&mut unit);
    }
    let largest = columns.iter().flat_map(|(title, rows)| {
        rows.iter().filter_map(move |(name, parts)| {
            let part = parts.iter().max_by(|a, b| a.seconds.total_cmp(&b.seconds))?;
            Some(format!("{title}, {name}: longest is {} with {}.", part.name, with_unit(part.seconds)))
        })
    });
    let text = largest.collect::<Vec<_>>().join(" ");
    frame.finish(
        "parts",
        "Where the seconds go".to_owned(),
        format!(
            "A bar for each approach, made of the parts of its builds that others wait for, in their order{of}. {text}"
        ),
    )
}

fn bar(name: &str, parts: &[Part]) -> Bar {
    let total: f64 = parts.iter().map(|part| part.seconds).sum();
    let segment = |part: &Part| Segment {
        value: part.seconds,
        ink: ink(part.kind),
        label: short(&part.name),
        title: format!("{}: {}", part.name, with_unit(part.seconds)),
    };
    Bar {
        name: name.to_owned(),
        segments: parts.iter().map(segment).collect(),
        total: if parts.is_empty() { String::new() } else { with_unit(total) },
    }
}

/// The name of a step without what is mounted into it: the command says more.
fn short(name: &str) -> String {
    match name.split_once(' ') {
        Some(("RUN", rest)) => {
            let words = rest.split(' ').skip_while(|word| word.starts_with("--mount="));
            format!("RUN {}", words.collect::<Vec<_>>().join(" "))
        }
        _ => name.to_owned(),
    }
}

/// Draws the layers of each approach's image, base first. `of` says which image that is, where it might be another one
/// than the reader thinks.
///
/// # Errors
/// When plotters finds no way.
pub fn layers(images: &[(String, Vec<Bytes>)], of: &str) -> Result<Chart, ChartError> {
    let inks = [Ink::Base, Ink::Work, Ink::Context, Ink::Export, Ink::Wait, Ink::Other];
    let bars = images.iter().map(|(name, layers)| {
        let total = Bytes(layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.0)));
        // Layers that hold only settings have no bytes and no width.
        let full = layers.iter().enumerate().filter(|(_, layer)| layer.0 > 0);
        #[allow(clippy::cast_precision_loss)] // pixels
        let segments = full.enumerate().map(|(place, (number, layer))| Segment {
            value: layer.0 as f64,
            ink: inks[place % inks.len()],
            label: layer.to_string(),
            title: format!("{name}, layer {} of {}: {layer}", number + 1, layers.len()),
        });
        Bar { name: name.clone(), segments: segments.collect(), total: total.to_string() }
    });
    let bars: Vec<Bar> = bars.collect();
    let totals = bars.iter().map(|bar| width(&bar.total, SIZE)).fold(0.0, f64::max);
    let mut frame = Frame::new(bars.iter().map(|bar| bar.name.as_str()), NAMES, totals);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bytes from 0 up
    panel(&mut frame, &format!("Layers, base first{of}"), "bytes", &bars, |bytes| Bytes(bytes as u64).to_string())?;
    let text = images.iter().zip(&bars).map(|((name, layers), bar)| {
        let full = layers.iter().filter(|layer| layer.0 > 0).count();
        format!("{name}: {} in {full} layers.", bar.total)
    });
    let text = text.collect::<Vec<_>>().join(" ");
    frame.finish(
        "layers",
        "Image size by layer".to_owned(),
        format!("A bar for each image, from its base up{of}. {text}"),
    )
}

fn panel(frame: &mut Frame, title: &str, unit: &str, bars: &[Bar], label: fn(f64) -> String) -> Result<(), ChartError> {
    frame.heading(title, unit);
    let length = |bar: &Bar| bar.segments.iter().map(|segment| segment.value).sum::<f64>();
    let longest = bars.iter().map(length).fold(0.0, f64::max);
    let high = if longest > 0.0 { round_up(longest) } else { 1.0 };
    #[allow(clippy::cast_precision_loss)] // a number of rows
    let (top, rows) = (frame.y, bars.len() as f64);
    let bottom = top + rows * ROW;
    let (start, pixels) = (frame.plot.start, frame.plot_width());
    let place = |value: f64| start + value / high * pixels;
    let ticks: Vec<Tick> = linear_ticks(high, pixels, SIZE, label);
    frame.scale(&ticks, place, top, bottom);
    let area = frame.area::<RangedCoordf64>(0.0..high, 0.0..rows.max(1.0), top, bottom);
    let mut row = 0.0;
    for bar in bars {
        let middle = top + (row + 0.5) * ROW;
        frame.name(&bar.name, middle);
        let mut from = 0.0;
        for segment in &bar.segments {
            let to = from + segment.value;
            frame.scene.borrow_mut().entitle(&segment.title);
            area.draw(&Rectangle::new([(from, row + 0.14), (to, row + 0.86)], segment.ink.filled()))?;
            inside(frame, segment, (place(from), place(to)), middle);
            from = to;
        }
        let (text, ink) = if bar.segments.is_empty() { ("–", Ink::Muted) } else { (bar.total.as_str(), Ink::Text) };
        frame.label(Label {
            text,
            at: (frame.right(), middle + SIZE * 0.36),
            room: 200.0,
            size: SIZE,
            anchor: Anchor::End,
            ink,
            bold: false,
        });
        row += 1.0;
    }
    Ok(())
}

/// The name of a part in itself, and a gap to the next one.
fn inside(frame: &Frame, segment: &Segment, (from, to): (f64, f64), middle: f64) {
    let mut scene = frame.scene.borrow_mut();
    if to - from > 3.0 {
        scene.line((to, middle - ROW * 0.36), (to, middle + ROW * 0.36), 1.5, Ink::Paper);
    }
    let (label, cut) = fit(&segment.label, 11.0, to - from - 9.0);
    if to - from >= NAMED && (!cut || label.chars().count() > TELLING) {
        // Letters are hard to read on a pattern: plain ground below them.
        let taken = width(&label, 11.0);
        let (left, right) = (from + 3.0, (from + 7.0 + taken).min(to - 1.0));
        let (above, below) = (middle - 7.0, middle + 7.0);
        scene.area(vec![(left, above), (right, above), (right, below), (left, below)], segment.ink);
        scene.label(Label {
            text: &segment.label,
            at: (from + 5.0, middle + 4.0),
            room: to - from - 9.0,
            size: 11.0,
            anchor: Anchor::Start,
            ink: Ink::OnFill,
            bold: false,
        });
    }
}
