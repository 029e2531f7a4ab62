//! Two runs or approaches, compared: for a terminal, a pull request, and other programs.
//!
//! Nothing is judged in here: verdicts come with the figures.

use super::text_style::TextStyle;
use super::words::{self, ratio_percent};
use crate::analysis::change::Verdict;
use crate::analysis::compare::{CellChange, Compared, ImageChange};
use crate::model::Seconds;
use crate::text::{counted, markdown, pad, visible, width, wrap};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Name and version of the JSON's shape.
const SCHEMA: &str = "layerbench.compare/1";

/// What is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparing {
    /// Title of the study.
    pub title: String,
    /// The base, in words.
    pub base: String,
    /// What is judged, in words.
    pub new: String,
    /// What must be known of the two, one sentence each.
    pub notes: Vec<String>,
    /// A command that shows more.
    pub more: Option<String>,
}

/// `+5.9 %`, or a dash.
fn change(cell: &CellChange) -> String {
    cell.change.shift.map_or("–".to_owned(), |shift| ratio_percent(shift.ratio()))
}

fn interval(cell: &CellChange) -> String {
    let shift = cell.change.shift.filter(|shift| shift.reached);
    shift.map_or(String::new(), |shift| {
        let (low, high) = shift.ratio_interval();
        format!("({} … {})", ratio_percent(low), ratio_percent(high))
    })
}

fn probability(cell: &CellChange) -> String {
    match cell.change.shift {
        Some(_) => words::probability(cell.change.slower.min(cell.change.faster)),
        None => String::new(),
    }
}

fn median(value: Option<Seconds>, n: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{} s (n = {n})", words::seconds(value.get())))
}

fn verdict(cell: &CellChange) -> &'static str {
    match cell.change.verdict {
        Verdict::NotEnoughData if cell.change.could_fire => "not enough data (too much noise)",
        Verdict::NotEnoughData => "not enough data (too few samples)",
        verdict => verdict.as_str(),
    }
}

fn image(image: &ImageChange) -> String {
    let word = if image.new > image.base { "larger" } else { "smaller" };
    let by = image.new.0.abs_diff(image.base.0);
    format!("{}: {} → {}, {} {word}", image.approach, image.base, image.new, words::bytes(by))
}

/// `1 regression, 2 improvements, 3 without change, 4 without enough data`.
fn summary(compared: &Compared) -> String {
    let (worse, better) = (compared.count(Verdict::Regression), compared.count(Verdict::Improvement));
    let larger = compared.images.iter().filter(|image| image.new > image.base).count();
    format!(
        "{}, {}, {} without change, {} without enough data; {}, {} smaller",
        counted(worse, "regression", "regressions"),
        counted(better, "improvement", "improvements"),
        compared.count(Verdict::NoChange),
        compared.count(Verdict::NotEnoughData),
        counted(larger, "larger image", "larger images"),
        compared.images.len() - larger
    )
}

fn shift(compared: &Compared) -> Option<String> {
    compared.common.is_shift().then(|| {
        format!(
            "Global shift: all cells together {:+.1} % (median over {} cells): the machine changed, or everything did. It is taken out of each cell's figure.",
            compared.common.percent(),
            compared.common.cells
        )
    })
}

fn unmatched(compared: &Compared) -> Option<String> {
    let names: Vec<String> = compared.unmatched.iter().map(|(a, s)| format!("{a} / {s}")).collect();
    (!names.is_empty()).then(|| format!("Only in one of the two: {}.", names.join(", ")))
}

/// Writes a comparison for a terminal.
///
/// # Errors
/// When the writer fails.
pub fn write_compared_text(
    head: &Comparing,
    compared: &Compared,
    style: TextStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let line = |text: &str, out: &mut dyn Write| -> io::Result<()> {
        wrap(&visible(text), style.width, 2).iter().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
    };
    line(&format!("{}: {} → {}", head.title, head.base, head.new), out)?;
    for note in &head.notes {
        line(note, out)?;
    }
    writeln!(out)?;
    rows(compared, style, out)?;
    writeln!(out)?;
    if let Some(text) = shift(compared) {
        line(&text, out)?;
    }
    for changed in &compared.images {
        line(&format!("Image of {}.", image(changed)), out)?;
    }
    if let Some(text) = unmatched(compared) {
        line(&text, out)?;
    }
    line(&format!("{}.", summary(compared)), out)?;
    for doubt in compared.doubts() {
        line(&format!("Cannot tell: {doubt}."), out)?;
    }
    match &head.more {
        Some(more) => writeln!(out, "More: {}", visible(more)),
        None => Ok(()),
    }
}

/// One block of lines per approach; columns as wide as their widest cell.
fn rows(compared: &Compared, style: TextStyle, out: &mut dyn Write) -> io::Result<()> {
    let cells = |cell: &CellChange| {
        [
            cell.scenario.to_string(),
            median(cell.base, cell.n.0),
            median(cell.new, cell.n.1),
            change(cell),
            interval(cell),
            probability(cell),
            verdict(cell).to_owned(),
        ]
    };
    let all: Vec<[String; 7]> = compared.cells.iter().map(cells).collect();
    let widths: Vec<usize> = (0..7).map(|i| all.iter().map(|row| width(&row[i])).max().unwrap_or(0)).collect();
    let mut approach = None;
    for (cell, row) in compared.cells.iter().zip(&all) {
        if approach != Some(&cell.approach) {
            writeln!(out, "{}", cell.approach)?;
            approach = Some(&cell.approach);
        }
        let parts: Vec<String> = row.iter().zip(&widths).map(|(text, columns)| pad(text, *columns)).collect();
        let whole = format!("  {}", parts.join("  "));
        if width(whole.trim_end()) <= style.width {
            writeln!(out, "{}", whole.trim_end())?;
        } else {
            writeln!(out, "  {}", parts[..4].join("  ").trim_end())?;
            let rest = row[4..].iter().filter(|text| !text.is_empty()).cloned();
            writeln!(out, "    {}", rest.collect::<Vec<_>>().join("  "))?;
        }
    }
    Ok(())
}

/// Writes a comparison as Markdown.
///
/// # Errors
/// When the writer fails.
pub fn write_compared_markdown(head: &Comparing, compared: &Compared, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}: {} → {}\n", markdown(&head.title), markdown(&head.base), markdown(&head.new))?;
    for note in &head.notes {
        writeln!(out, "- {}", markdown(note))?;
    }
    if let Some(text) = shift(compared) {
        writeln!(out, "- **{}**", markdown(&text))?;
    }
    for doubt in compared.doubts() {
        writeln!(out, "- **Cannot tell:** {}.", markdown(&doubt))?;
    }
    writeln!(out, "\n{}.\n", markdown(&summary(compared)))?;
    writeln!(out, "| Approach | Scenario | Base | New | Change | 95 % interval | p | Verdict |")?;
    writeln!(out, "|{}", " --- |".repeat(8))?;
    for cell in &compared.cells {
        let word = verdict(cell);
        let word = if cell.change.verdict == Verdict::Regression { format!("**{word}**") } else { word.to_owned() };
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {word} |",
            markdown(cell.approach.as_str()),
            markdown(cell.scenario.as_str()),
            median(cell.base, cell.n.0),
            median(cell.new, cell.n.1),
            change(cell),
            interval(cell),
            markdown(&probability(cell)),
        )?;
    }
    if !compared.images.is_empty() {
        writeln!(out, "\n## Images\n")?;
    }
    for changed in &compared.images {
        writeln!(out, "- {}", markdown(&image(changed)))?;
    }
    if let Some(text) = unmatched(compared) {
        writeln!(out, "\n{}", markdown(&text))?;
    }
    match &head.more {
        Some(more) => writeln!(out, "\nMore: `{}`", visible(more).replace('`', "'")),
        None => Ok(()),
    }
}

/// A comparison as one JSON object.
#[must_use]
pub fn compared_json(head: &Comparing, compared: &Compared) -> Value {
    let images = compared.images.iter().map(|image| {
        json!({"approach": image.approach.as_str(), "base_bytes": image.base.0, "new_bytes": image.new.0,
               "verdict": if image.new > image.base { "larger" } else { "smaller" }})
    });
    let unmatched = compared.unmatched.iter().map(|(a, s)| json!({"approach": a.as_str(), "scenario": s.as_str()}));
    json!({
        "schema": SCHEMA,
        "title": head.title,
        "base": head.base,
        "new": head.new,
        "notes": head.notes,
        "more": head.more,
        "worse": compared.is_worse(),
        "doubts": compared.doubts(),
        "global_shift": {
            "is_shift": compared.common.is_shift(),
            "ratio": compared.common.ratio(),
            "cells": compared.common.cells,
        },
        "cells": compared.cells.iter().map(cell_json).collect::<Vec<_>>(),
        "images": images.collect::<Vec<_>>(),
        "unmatched": unmatched.collect::<Vec<_>>(),
    })
}

fn cell_json(cell: &CellChange) -> Value {
    let shift = cell.change.shift;
    let interval = shift.map(|shift| {
        let (low, high) = shift.ratio_interval();
        json!({"low_ratio": low, "high_ratio": high, "level_reached": shift.reached})
    });
    json!({
        "approach": cell.approach.as_str(),
        "scenario": cell.scenario.as_str(),
        "base_n": cell.n.0,
        "new_n": cell.n.1,
        "base_median_s": cell.base.map(Seconds::get),
        "new_median_s": cell.new.map(Seconds::get),
        "ratio": shift.map(|shift| shift.ratio()),
        "interval": interval,
        "p_slower": cell.change.slower,
        "p_faster": cell.change.faster,
        "could_fire": cell.change.could_fire,
        "verdict": cell.change.verdict.as_str(),
    })
}
