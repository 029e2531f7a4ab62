//! A history: medians over nights and where they changed, for a terminal and for other programs.

use super::strata::on_engine;
use super::text_style::TextStyle;
use super::words::{self, ratio_percent};
use crate::analysis::nights::Series;
use crate::text::{pad, visible, width, wrap};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Name and version of the JSON's shape.
const SCHEMA: &str = "layerbench.history/1";

/// A run of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NightName {
    /// Name of its folder.
    pub run: String,
    /// UTC start, RFC 3339.
    pub started_at: String,
    /// Revision of the study's files.
    pub revision: Option<String>,
}

/// A change of level.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeLine {
    /// Place of the cell in [`History::series`].
    pub cell: usize,
    /// Place of its first night in [`History::nights`].
    pub night: usize,
    /// Level before, in seconds: the geometric mean of the medians.
    pub before: f64,
    /// Level after, in seconds.
    pub after: f64,
    /// Two-sided p-value of the difference.
    pub p: f64,
    /// The reason for which it was accepted.
    pub accepted: Option<String>,
}

/// A history.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// Title of the study.
    pub title: String,
    /// The nights, oldest first.
    pub nights: Vec<NightName>,
    /// The cells.
    pub series: Vec<Series>,
    /// Their changes, oldest first.
    pub changes: Vec<ChangeLine>,
    /// What must be known, one sentence each.
    pub notes: Vec<String>,
}

fn range(series: &Series) -> Option<[f64; 3]> {
    let values = || series.medians.iter().map(|(_, value)| *value);
    let last = values().next_back()?;
    Some([last, values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max)])
}

/// Writes a history for a terminal.
///
/// # Errors
/// When the writer fails.
pub fn write_history_text(history: &History, style: TextStyle, out: &mut dyn Write) -> io::Result<()> {
    let line = |text: &str, out: &mut dyn Write| -> io::Result<()> {
        wrap(&visible(text), style.width, 2).iter().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
    };
    let span = match (history.nights.first(), history.nights.last()) {
        (Some(first), Some(last)) => format!("{} to {}", first.run, last.run),
        _ => "none".to_owned(),
    };
    line(&format!("{}: {} nights, {span}", history.title, history.nights.len()), out)?;
    for note in &history.notes {
        line(note, out)?;
    }
    let wide = history.series.iter().map(|s| width(&s.cell.to_string())).max().unwrap_or(0);
    writeln!(out, "\n{}  nights  last median (fastest – slowest night), seconds", pad("cell", wide))?;
    for series in &history.series {
        let figures = range(series).map_or("–".to_owned(), |[last, low, high]| {
            format!("{} ({} – {})", words::seconds(last), words::seconds(low), words::seconds(high))
        });
        let changes = match series.changes.len() {
            0 => String::new(),
            1 => ", 1 change".to_owned(),
            n => format!(", {n} changes"),
        };
        writeln!(out, "{}  {:6}  {figures}{changes}", pad(&series.cell.to_string(), wide), series.medians.len())?;
    }
    writeln!(out)?;
    if history.changes.is_empty() {
        return line("No change of level.", out);
    }
    line("Changes of level, with the first night after each:", out)?;
    for change in &history.changes {
        let text = format!(
            "{}  {}",
            history.nights.get(change.night).map_or("", |n| n.run.as_str()),
            describe(history, change)
        );
        line(&text, out)?;
    }
    Ok(())
}

fn describe(history: &History, change: &ChangeLine) -> String {
    let revision = history.nights.get(change.night).and_then(|night| night.revision.as_deref());
    let revision = revision.map_or(String::new(), |revision| format!(", revision {revision}"));
    let accepted = match &change.accepted {
        Some(reason) => format!("accepted: {reason}"),
        None => "not accepted".to_owned(),
    };
    format!(
        "{}: {} → {} s, {} ({}){revision}; {accepted}",
        history.series.get(change.cell).map(|s| s.cell.to_string()).unwrap_or_default(),
        words::seconds(change.before),
        words::seconds(change.after),
        ratio_percent(change.after / change.before),
        words::probability(change.p)
    )
}

/// Writes a history as one JSON object.
///
/// # Errors
/// When the writer fails.
pub fn write_history_json(history: &History, out: &mut dyn Write) -> io::Result<()> {
    let nights = history.nights.iter();
    let nights: Vec<Value> =
        nights.map(|n| json!({"run": n.run, "started_at": n.started_at, "revision": n.revision})).collect();
    let cells = history.series.iter().enumerate().map(|(place, series)| {
        let mut medians = vec![Value::Null; history.nights.len()];
        for (night, value) in &series.medians {
            if let Some(slot) = medians.get_mut(*night) {
                *slot = json!(value);
            }
        }
        let changes = history.changes.iter().filter(|change| change.cell == place).map(|change| {
            json!({"night": change.night, "run": history.nights.get(change.night).map(|n| &n.run),
                   "before_s": change.before, "after_s": change.after, "p": change.p, "accepted": change.accepted})
        });
        let value = json!({
            "approach": series.cell.approach.as_str(),
            "scenario": series.cell.scenario.as_str(),
            "median_s": medians,
            "changes": changes.collect::<Vec<_>>(),
        });
        on_engine(value, &series.cell.engine)
    });
    let value = json!({
        "schema": SCHEMA,
        "title": history.title,
        "nights": nights,
        "cells": cells.collect::<Vec<_>>(),
        "notes": history.notes,
    });
    serde_json::to_writer(&mut *out, &value)?;
    writeln!(out)
}
