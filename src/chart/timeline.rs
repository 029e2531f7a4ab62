//! The steps of one build over time: a row for each, stages one after the other, so that what runs side by side is
//! seen above each other.
//!
//! Steps from the cache are hollow and say so.

use super::axis::{linear_ticks, plain, round_up, with_unit};
use super::frame::{Area, Frame, MARGIN, Paint, SIZE};
use super::ink::Ink;
use super::picture::{Chart, ChartError};
use super::scene::{Anchor, FINE, Label, Scene};
use super::stacks::{ink, kinds};
use super::width::width;
use crate::model::{Sample, Step, StepKind};
use crate::text::and_more;
use plotters::coord::types::RangedCoordf64;
use plotters::element::Rectangle;
use plotters::style::Color;

/// Most room for the names of steps: commands are long.
const NAMES: f64 = 310.0;
/// Height of a row.
const ROW: f64 = 22.0;
/// Most rows of a build.
const MOST: usize = 60;

/// A build that is shown: the title of its scenario, the build, its steps.
pub type Shown<'a> = (String, &'a Sample, &'a [Step]);

/// Draws builds of one approach, a panel for each with a scale of its own.
///
/// # Errors
/// When plotters finds no way.
pub fn steps(approach: &str, builds: &[Shown<'_>]) -> Result<Chart, ChartError> {
    let rows: Vec<(Vec<&Step>, usize)> = builds.iter().map(|(_, _, steps)| rows(steps)).collect();
    let all = || rows.iter().flat_map(|(steps, _)| steps.iter().copied());
    let mut frame = Frame::new(all().map(|step| step.name.as_str()), NAMES, 0.0);
    let cached = |scene: &mut Scene, (x, y): (f64, f64)| {
        scene.ring((x + 8.0, y + 6.0), 4.0, Ink::Frame);
    };
    let more: &[(&str, Paint<'_>)] = &[("from the cache", &cached)];
    let more = if all().any(|step| step.cached) { more } else { &[] };
    kinds(&mut frame, |kind| all().any(|step| step.kind == kind), more);
    for ((title, sample, _), (steps, left)) in builds.iter().zip(&rows) {
        let beside = format!("{} of block {}", with_unit(sample.seconds.get()), sample.key.block);
        frame.heading(title, &beside);
        panel(&mut frame, sample, steps)?;
        if let Some(more) = and_more(*left) {
            frame.y += SIZE + 2.0;
            frame.label(Label {
                text: &format!("{more} steps, in steps.csv"),
                at: (frame.plot.start, frame.y),
                room: frame.plot_width(),
                size: SIZE,
                anchor: Anchor::Start,
                ink: Ink::Muted,
                bold: false,
            });
        }
    }
    let text = builds.iter().zip(&rows).map(|((title, sample, _), (steps, _))| {
        let cached = steps.iter().filter(|step| step.cached).count();
        let longest = steps.iter().max_by(|a, b| busy(a).total_cmp(&busy(b)));
        let longest =
            longest.map_or(String::new(), |step| format!(", longest {} with {}", step.name, with_unit(busy(step))));
        format!(
            "{title}: {}, {} steps, {cached} from the cache{longest}.",
            with_unit(sample.seconds.get()),
            steps.len()
        )
    });
    let text = text.collect::<Vec<_>>().join(" ");
    frame.finish(
        &format!("steps-{approach}"),
        format!("The steps of {approach} over time"),
        format!("For each scenario the build whose time is nearest to the median, a row for each step. {text}"),
    )
}

/// Seconds in which a step was at work.
fn busy(step: &Step) -> f64 {
    step.intervals.iter().map(|interval| interval.length().get()).sum()
}

/// The steps in rows: what precedes the stages, each stage in the order of its first step, the export; and how many
/// more there are.
fn rows(steps: &[Step]) -> (Vec<&Step>, usize) {
    let mut rows: Vec<&Step> = steps.iter().filter(|step| step.kind != StepKind::Wait).collect();
    let start = |step: &Step| step.start().unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| start(a).total_cmp(&start(b)));
    let mut stages: Vec<&str> = Vec::new();
    for step in &rows {
        let stage = stage(step);
        if !stages.contains(&stage) {
            stages.push(stage);
        }
    }
    let place = |step: &Step| match step.kind {
        StepKind::Internal => 0,
        StepKind::Export => usize::MAX,
        _ => 1 + stages.iter().position(|stage| *stage == self::stage(step)).unwrap_or(0),
    };
    rows.sort_by_key(|step| place(step));
    let left = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    (rows, left)
}

/// `build` of `[build 2/5] RUN x`; nothing where there are no stages.
fn stage(step: &Step) -> &str {
    let place = step.name.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or("", |(place, _)| place);
    place.rsplit_once(' ').map_or("", |(stage, _)| stage)
}

fn panel(frame: &mut Frame, sample: &Sample, steps: &[&Step]) -> Result<(), ChartError> {
    let end = steps.iter().filter_map(|step| step.end()).fold(sample.seconds.get(), f64::max);
    let high = if end > 0.0 { round_up(end) } else { 1.0 };
    #[allow(clippy::cast_precision_loss)] // a number of rows
    let (top, count) = (frame.y, steps.len().max(1) as f64);
    let bottom = top + count * ROW;
    let (start, pixels) = (frame.plot.start, frame.plot_width());
    let place = |value: f64| start + value / high * pixels;
    frame.scale(&linear_ticks(high, pixels, SIZE, plain), place, top, bottom);
    let area = frame.area::<RangedCoordf64>(0.0..high, 0.0..count, top, bottom);
    let mut row = 0.0;
    let mut before: Option<&str> = None;
    for step in steps {
        let middle = top + (row + 0.5) * ROW;
        if before.is_some_and(|before| before != stage(step)) {
            let y = top + row * ROW;
            frame.scene.borrow_mut().line((MARGIN, y), (frame.right(), y), 1.0, Ink::Grid);
        }
        before = Some(stage(step));
        frame.name(&step.name, middle);
        bars(frame, &area, step, row)?;
        said(frame, step, middle, place);
        row += 1.0;
    }
    if steps.is_empty() {
        let label = Label {
            text: "no steps were recorded",
            at: (start + 6.0, top + ROW * 0.65),
            room: pixels,
            size: SIZE,
            anchor: Anchor::Start,
            ink: Ink::Muted,
            bold: false,
        };
        frame.label(label);
    }
    Ok(())
}

/// The times of a step.
fn bars(frame: &Frame, area: &Area<'_, RangedCoordf64>, step: &Step, row: f64) -> Result<(), ChartError> {
    for interval in &step.intervals {
        let title = format!(
            "{}: {} to {}{}",
            step.name,
            with_unit(interval.start),
            with_unit(interval.end),
            if step.cached { ", from the cache" } else { "" }
        );
        frame.scene.borrow_mut().entitle(&title);
        let (from, to) = (interval.start.max(0.0), interval.end.max(0.0));
        let at = |time: f64, y: f64| {
            let (x, y) = area.map_coordinate(&(time, y));
            (f64::from(x) / FINE, f64::from(y) / FINE)
        };
        if step.cached {
            frame.scene.borrow_mut().ring(at(from, row + 0.5), 4.0, Ink::Frame);
            continue;
        }
        area.draw(&Rectangle::new([(from, row + 0.16), (to, row + 0.84)], ink(step.kind).filled()))?;
        if at(to, row).0 - at(from, row).0 < 2.0 {
            // What is too short for a bar is still a line.
            frame.scene.borrow_mut().line(at(from, row + 0.16), at(from, row + 0.84), 1.5, Ink::Frame);
        }
    }
    Ok(())
}

/// What became of a step, beside its last bar.
fn said(frame: &Frame, step: &Step, middle: f64, place: impl Fn(f64) -> f64) {
    let (text, ink) = match (step.cached, step.error.is_some(), step.end()) {
        (_, true, _) => ("failed".to_owned(), Ink::Worst),
        (true, ..) => ("cached".to_owned(), Ink::Muted),
        (false, _, None) => ("did not run".to_owned(), Ink::Muted),
        (false, _, Some(_)) => (with_unit(busy(step)), Ink::Muted),
    };
    let end = place(step.end().unwrap_or(0.0).max(0.0)) + if step.cached { 9.0 } else { 6.0 };
    let wide = width(&text, 11.0);
    let label = Label {
        text: &text,
        at: (end, middle + 4.0),
        room: f64::INFINITY,
        size: 11.0,
        anchor: Anchor::Start,
        ink,
        bold: false,
    };
    if end + wide <= frame.right() {
        frame.label(label);
        return;
    }
    // No room at the right: before the first bar, or in the bar.
    let start = place(step.start().unwrap_or(0.0).max(0.0));
    if start - 6.0 - wide >= frame.plot.start {
        frame.label(Label { at: (start - 6.0, middle + 4.0), anchor: Anchor::End, ..label });
    } else {
        let ink = if step.cached { Ink::Muted } else { Ink::OnFill };
        frame.label(Label { at: (end - 12.0, middle + 4.0), anchor: Anchor::End, ink, ..label });
    }
}
