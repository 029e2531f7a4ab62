//! Every sample as a point, by scenario and approach, with median and interval, on a scale that grows by factors.
//!
//! The scale is one for all scenarios: a build of 0.2 s and one of 40 s are in the same picture.

use super::axis::{log_range, log_ticks, positive, with_unit};
use super::frame::{Area, Frame, NAMES, Paint, SIZE, fine};
use super::ink::Ink;
use super::picture::{Chart, ChartError};
use super::scene::{Anchor, Label, Scene};
use super::width::width;
use crate::analysis::marks::Mark;
use crate::analysis::published::Published;
use crate::analysis::table::{ColumnHead, Table, TableCell};
use plotters::coord::combinators::{IntoLogRange, LogCoord};
use plotters::element::{Circle, PathElement};
use plotters::style::Color;

/// Height of a row.
const ROW: f64 = 25.0;
/// Most points of a cell that are painted; more would lie on each other.
const MOST: usize = 200;

/// Draws every sample of a table. `beside` names published figures and holds them.
///
/// # Errors
/// When plotters finds no way.
pub fn samples(table: &Table, beside: Option<(&str, &Published)>) -> Result<Chart, ChartError> {
    let problems = table.cells().any(|(_, _, cell)| cell.others.total() > 0);
    // Marked figures are bold, and bold letters are wider.
    let figures = table.cells().filter_map(|(_, _, cell)| Some(width(&median(cell)?, SIZE) * 1.1)).fold(10.0, f64::max);
    let mut frame = Frame::new(
        table.rows.iter().map(|row| row.approach.as_str()),
        NAMES,
        figures + if problems { 62.0 } else { 0.0 },
    );
    let theirs = beside.iter().flat_map(|(_, published)| &published.cells).filter(|cell| {
        // A figure of a cell that is not in the table must not stretch the scale.
        table.cell(&cell.approach, &cell.scenario).is_some()
    });
    let theirs = theirs.map(|cell| cell.median.get());
    let range = log_range(table.cells().flat_map(|(_, _, cell)| cell.seconds.iter().copied()).chain(theirs));
    let interval = table.cells().any(|(_, _, cell)| cell.figures.as_ref().is_some_and(|f| f.interval.is_some()));
    legend(&mut frame, beside.map(|(name, _)| name), problems, table.even_n() == Some(1), interval);
    for (column, scenario) in table.scenarios.iter().enumerate() {
        panel(&mut frame, table, column, scenario, range, beside)?;
    }
    frame.finish("samples", "Every build, in seconds".to_owned(), describe(table))
}

fn legend(frame: &mut Frame, published: Option<&str>, problems: bool, single: bool, spread: bool) {
    let sample = |scene: &mut Scene, (x, y): (f64, f64)| scene.dot((x + 8.0, y + 6.0), 3.0, Ink::Sample);
    let middle = |scene: &mut Scene, (x, y): (f64, f64)| {
        scene.line((x + 8.0, y), (x + 8.0, y + 12.0), 3.0, Ink::Text);
    };
    let interval = |scene: &mut Scene, (x, y): (f64, f64)| {
        for (a, b) in [((0.0, 6.0), (16.0, 6.0)), ((0.0, 2.0), (0.0, 10.0)), ((16.0, 2.0), (16.0, 10.0))] {
            scene.line((x + a.0, y + a.1), (x + b.0, y + b.1), 1.5, Ink::Text);
        }
    };
    let other = |scene: &mut Scene, (x, y): (f64, f64)| pointer(scene, (x + 8.0, y + 3.0));
    let bad = |scene: &mut Scene, (x, y): (f64, f64)| cross(scene, (x + 8.0, y + 6.0));
    let published = published.map(|name| format!("published median: {name}"));
    let mut items: Vec<(&str, Paint<'_>)> = vec![("one build", &sample)];
    if !single {
        items.push(("median", &middle));
    }
    if spread {
        items.push(("interval of the median (dashed: below 95 %)", &interval));
    }
    items.extend(published.as_deref().map(|text| (text, &other as Paint<'_>)));
    if problems {
        items.push(("builds in no figure", &bad));
    }
    frame.legend(&items);
}

fn panel(
    frame: &mut Frame,
    table: &Table,
    column: usize,
    scenario: &ColumnHead,
    range: (f64, f64),
    beside: Option<(&str, &Published)>,
) -> Result<(), ChartError> {
    frame.heading(&scenario.whole_title(), if column == 0 { "seconds" } else { "" });
    let (top, rows) = (frame.y, table.rows.len());
    #[allow(clippy::cast_precision_loss)] // a number of rows
    let bottom = top + rows as f64 * ROW;
    let (start, pixels) = (frame.plot.start, frame.plot_width());
    let place = |value: f64| start + (value / range.0).ln() / (range.1 / range.0).ln() * pixels;
    frame.scale(&log_ticks(range, pixels, SIZE), place, top, bottom);
    #[allow(clippy::cast_precision_loss)] // a number of rows
    let area = frame.area::<LogCoord<f64>>((range.0..range.1).log_scale(), 0.0..rows as f64, top, bottom);
    let mut y = top + ROW / 2.0;
    let mut middle = 0.5;
    for row in &table.rows {
        let cell = &row.cells[column];
        frame.name(row.approach.as_str(), y);
        points(frame, &area, row.approach.as_str(), cell, middle)?;
        figures(frame, cell, y);
        let theirs = beside.and_then(|(_, published)| published.cell(&row.approach, &scenario.id));
        if let Some(theirs) = theirs {
            let x = place(positive(theirs.median.get()));
            let mut scene = frame.scene.borrow_mut();
            scene.entitle(&format!("{}: published {} s", row.approach, theirs.median.get()));
            pointer(&mut scene, (x, y + 5.5));
        }
        y += ROW;
        middle += 1.0;
    }
    Ok(())
}

/// The samples of a cell, their median and its interval, around `middle` in rows.
fn points(
    frame: &Frame,
    area: &Area<'_, LogCoord<f64>>,
    name: &str,
    cell: &TableCell,
    middle: f64,
) -> Result<(), ChartError> {
    let radius = fine(2.6);
    for (place, seconds) in chosen(&cell.seconds).into_iter().enumerate() {
        // Spread over the row by the golden ratio: neighbours come to lie apart.
        #[allow(clippy::cast_precision_loss)] // a few hundred at most
        let spread = if cell.n() == 1 { 0.0 } else { (place as f64 * 0.618_034).fract() - 0.5 };
        let at = (positive(seconds), middle + spread * 0.4);
        frame.scene.borrow_mut().entitle(&format!("{name}: {}", with_unit(seconds)));
        area.draw(&Circle::new(at, radius, Ink::Sample.filled()))?;
    }
    let Some(figures) = &cell.figures else {
        return Ok(());
    };
    let line = |from: (f64, f64), to: (f64, f64), width: f64| {
        let style = Ink::Text.stroke_width(fine(width).unsigned_abs());
        let path = vec![(positive(from.0), middle + from.1), (positive(to.0), middle + to.1)];
        area.draw(&PathElement::new(path, style))
    };
    if let Some(interval) = figures.interval {
        let (low, high) = (interval.low.get(), interval.high.get());
        if !interval.reached {
            frame.scene.borrow_mut().dash();
        }
        line((low, 0.0), (high, 0.0), 1.5)?;
        line((low, -0.2), (low, 0.2), 1.5)?;
        line((high, -0.2), (high, 0.2), 1.5)?;
    }
    let median = figures.median.get();
    if cell.n() == 1 {
        return Ok(());
    }
    frame.scene.borrow_mut().entitle(&format!("{name}: median {}, n = {}", with_unit(median), cell.n()));
    line((median, -0.28), (median, 0.28), 3.0)
}

/// At most [`MOST`] of the samples, in their order: all, or those at even ranks with both extremes.
fn chosen(seconds: &[f64]) -> Vec<f64> {
    if seconds.len() <= MOST {
        return seconds.to_vec();
    }
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len() - 1;
    (0..MOST).map(|place| sorted[place * last / (MOST - 1)]).collect()
}

fn median(cell: &TableCell) -> Option<String> {
    let median = with_unit(cell.median()?.get());
    Some(match cell.mark {
        Some(Mark::Best) => format!("▲ {median}"),
        Some(Mark::Worst) => format!("▼ {median}"),
        None => median,
    })
}

/// Median and builds in no figure, at the right of a row.
fn figures(frame: &Frame, cell: &TableCell, y: f64) {
    let problems = cell.others.total();
    let label = Label {
        text: "",
        at: (frame.plot.end + 10.0, y + SIZE * 0.36),
        room: 200.0,
        size: SIZE,
        anchor: Anchor::Start,
        ink: Ink::Text,
        bold: false,
    };
    if let Some(text) = median(cell) {
        let ink = match cell.mark {
            Some(Mark::Best) => Ink::Best,
            Some(Mark::Worst) => Ink::Worst,
            None => Ink::Text,
        };
        frame.label(Label { text: &text, ink, bold: cell.mark.is_some(), ..label });
    } else if problems == 0 {
        frame.label(Label { text: "–", ink: Ink::Muted, ..label });
    }
    if problems > 0 {
        let count = problems.to_string();
        let x = frame.right() - width(&count, SIZE) - 14.0;
        let kinds = cell.others.kinds().map(|(status, count)| format!("{count} {status}"));
        let mut scene = frame.scene.borrow_mut();
        scene.entitle(&kinds.collect::<Vec<_>>().join(", "));
        cross(&mut scene, (x + 4.0, y));
        scene.label(Label { text: &count, at: (x + 12.0, y + SIZE * 0.36), ink: Ink::Worst, ..label });
    }
}

/// Points up at a place from below, where it hides no sample.
fn pointer(scene: &mut Scene, (x, y): (f64, f64)) {
    scene.area(vec![(x, y), (x + 4.0, y + 6.0), (x - 4.0, y + 6.0)], Ink::Published);
}

fn cross(scene: &mut Scene, (x, y): (f64, f64)) {
    scene.line((x - 3.5, y - 3.5), (x + 3.5, y + 3.5), 2.0, Ink::Worst);
    scene.line((x - 3.5, y + 3.5), (x + 3.5, y - 3.5), 2.0, Ink::Worst);
}

/// The fastest and slowest of each scenario in words; every figure is in the table of the report.
fn describe(table: &Table) -> String {
    let columns = table.scenarios.iter().enumerate().map(|(column, scenario)| {
        let medians = table.rows.iter().filter_map(|row| Some((row.cells[column].median()?.get(), &row.approach)));
        let mut medians: Vec<_> = medians.collect();
        medians.sort_by(|a, b| a.0.total_cmp(&b.0));
        match (medians.first(), medians.last()) {
            (Some(first), Some(last)) if medians.len() > 1 => format!(
                "{}: medians from {} ({}) to {} ({}).",
                scenario.title,
                with_unit(first.0),
                first.1,
                with_unit(last.0),
                last.1
            ),
            (Some(only), _) => format!("{}: median {} ({}).", scenario.title, with_unit(only.0), only.1),
            _ => format!("{}: no valid build.", scenario.title),
        }
    });
    let text = columns.collect::<Vec<_>>().join(" ");
    format!(
        "A row for each approach in each scenario, a point for each build, on a scale that grows by factors. {text}"
    )
}
