//! What the gate says of a night: for a terminal or a log, a job summary, and other programs.
//!
//! Nothing is judged in here.

use super::strata::{on_engine, write_value};
use super::text_style::TextStyle;
use super::words::{self, ratio_percent};
use crate::analysis::change::{CommonMode, Verdict};
use crate::analysis::gate::NightVerdict;
use crate::analysis::nights::NewSize;
use crate::model::{Cell, EngineId};
use crate::text::{counted, markdown, visible, wrap};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Name and version of the JSON's shape.
const SCHEMA: &str = "layerbench.gate/1";

/// One cell of tonight.
#[derive(Clone, Debug, PartialEq)]
pub struct GatedLine {
    /// Which cell.
    pub cell: Cell,
    /// The verdict of the rule.
    pub verdict: Verdict,
    /// Tonight's valid builds.
    pub n: usize,
    /// Tonight's median in seconds.
    pub median: Option<f64>,
    /// Tonight over what was before, without what all cells have in common.
    pub ratio: Option<f64>,
    /// Seconds between which tonight was to be expected.
    pub expected: Option<(f64, f64)>,
    /// p-value of "slower", or of "faster" for an improvement, adjusted for the family.
    pub p: f64,
    /// Comparable nights.
    pub nights: usize,
    /// Since when it is slower, in words.
    pub since: Option<String>,
    /// A command that shows more.
    pub more: Option<String>,
}

/// A suspect, measured afresh.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed {
    /// Which cell.
    pub cell: Cell,
    /// The verdict of the fresh samples.
    pub verdict: Verdict,
    /// Current over baseline.
    pub ratio: Option<f64>,
    /// p-value of "slower", adjusted for the family.
    pub p: f64,
    /// Fresh samples of the baseline and of the current files.
    pub n: (usize, usize),
}

/// What the gate found.
#[derive(Clone, Debug, PartialEq)]
pub struct Gated {
    /// Title of the study.
    pub title: String,
    /// The run that is judged.
    pub run: String,
    /// By which rule, in words.
    pub rule: String,
    /// All cells.
    pub lines: Vec<GatedLine>,
    /// What all cells of each engine have in common.
    pub common: Vec<(EngineId, CommonMode)>,
    /// Images whose size changed.
    pub sizes: Vec<NewSize>,
    /// The suspects, measured afresh; `None` when that was not asked for or not needed.
    pub confirmed: Option<Vec<Confirmed>>,
    /// What must be known, one sentence each.
    pub notes: Vec<String>,
    /// Why "nothing got worse" cannot be said.
    pub doubts: Vec<String>,
    /// The verdict on the night.
    pub verdict: NightVerdict,
}

fn line(line: &GatedLine) -> String {
    let mut text = format!("{}: {}", line.cell, line.verdict.as_str());
    if let Some(median) = line.median {
        text.push_str(&format!(", {} s", words::seconds(median)));
    }
    if let Some(ratio) = line.ratio {
        text.push_str(&format!(", {} ", ratio_percent(ratio)));
        let nights = counted(line.nights, "night", "nights");
        text.push_str(&format!("({}, n = {}, {})", words::probability(line.p), line.n, nights));
    }
    if let Some((low, high)) = line.expected {
        text.push_str(&format!(", expected {} … {} s", words::seconds(low), words::seconds(high)));
    }
    if let Some(since) = &line.since {
        text.push_str(&format!(", {since}"));
    }
    text
}

fn confirmed(one: &Confirmed) -> String {
    let ratio = one.ratio.map_or("no figure".to_owned(), ratio_percent);
    let word = match one.verdict {
        Verdict::Regression => "confirmed",
        _ => "not confirmed",
    };
    format!("{}: {word}: {ratio} ({}, n = {} and {})", one.cell, words::probability(one.p), one.n.0, one.n.1)
}

fn size(size: &NewSize) -> String {
    let word = if size.tonight > size.before { "larger" } else { "smaller" };
    let by = size.tonight.0.abs_diff(size.before.0);
    let on = size.engine.on();
    format!("image of {}{on}: {} {word}: {} → {}", size.approach, words::bytes(by), size.before, size.tonight)
}

/// Those that deserve a line of their own.
fn news(gated: &Gated) -> impl Iterator<Item = &GatedLine> {
    gated.lines.iter().filter(|line| matches!(line.verdict, Verdict::Regression | Verdict::Improvement))
}

fn counts(gated: &Gated) -> String {
    let count = |verdict| gated.lines.iter().filter(|line| line.verdict == verdict).count();
    format!(
        "{} cells: {} slower, {} faster, {} as before, {} without enough data",
        gated.lines.len(),
        count(Verdict::Regression),
        count(Verdict::Improvement),
        count(Verdict::NoChange),
        count(Verdict::NotEnoughData)
    )
}

fn shift(gated: &Gated) -> Vec<String> {
    let shifts = gated.common.iter().filter(|(_, common)| common.is_shift()).map(|(engine, common)| {
        let on = engine.on();
        format!(
            "global shift: all cells together{on} {:+.1} % (median over {} cells); taken out of each cell's figure",
            common.percent(),
            common.cells
        )
    });
    shifts.collect()
}

/// What stands below the headline.
enum Said<'g> {
    /// A sentence.
    Line(String),
    /// A command that shows more of what stands before it.
    Command(&'g str),
}

/// Everything below the headline, a line each.
fn body(gated: &Gated) -> Vec<Said<'_>> {
    let mut lines = Vec::new();
    for cell in news(gated) {
        lines.push(Said::Line(line(cell)));
        lines.extend(cell.more.as_deref().map(Said::Command));
    }
    lines.extend(shift(gated).into_iter().map(Said::Line));
    lines.extend(gated.sizes.iter().map(size).map(Said::Line));
    for one in gated.confirmed.iter().flatten() {
        lines.push(Said::Line(format!("measured afresh: {}", confirmed(one))));
    }
    lines.extend(gated.doubts.iter().map(|doubt| Said::Line(format!("cannot tell: {doubt}"))));
    lines
}

/// Writes the gate's answer for a terminal or a log.
///
/// # Errors
/// When the writer fails.
pub fn write_gated_text(gated: &Gated, style: TextStyle, out: &mut dyn Write) -> io::Result<()> {
    let put = |text: &str, out: &mut dyn Write| -> io::Result<()> {
        wrap(&visible(text), style.width, 2).iter().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
    };
    put(&format!("{}: {}: {}", gated.title, gated.run, gated.verdict.as_str()), out)?;
    put(&format!("{}; {}.", gated.rule, counts(gated)), out)?;
    for said in body(gated) {
        match said {
            Said::Line(text) => put(&text, out)?,
            // On one line, so that it can be copied.
            Said::Command(command) => writeln!(out, "  more: {}", visible(command))?,
        }
    }
    gated.notes.iter().try_for_each(|note| put(note, out))
}

/// Writes the gate's answer as Markdown.
///
/// # Errors
/// When the writer fails.
pub fn write_gated_markdown(gated: &Gated, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}: {}\n", markdown(&gated.title), gated.verdict.as_str())?;
    writeln!(out, "{}: {}; {}.\n", markdown(&gated.run), markdown(&gated.rule), counts(gated))?;
    for said in body(gated) {
        match said {
            Said::Line(text) => writeln!(out, "- {}", markdown(&text))?,
            Said::Command(command) => writeln!(out, "  `{}`", visible(command).replace('`', "'"))?,
        }
    }
    gated.notes.iter().try_for_each(|note| writeln!(out, "- {}", markdown(note)))
}

/// An object for a single engine, a list of such with names for several.
fn global_shift(gated: &Gated) -> Value {
    let one = |(engine, common): &(EngineId, CommonMode)| {
        let value = json!({"is_shift": common.is_shift(), "ratio": common.ratio(), "cells": common.cells});
        on_engine(value, engine)
    };
    match gated.common.as_slice() {
        [only] if only.0.shown().is_none() => one(only),
        several => several.iter().map(one).collect(),
    }
}

/// Writes the gate's answer as one JSON object.
///
/// # Errors
/// When the writer fails.
pub fn write_gated_json(gated: &Gated, out: &mut dyn Write) -> io::Result<()> {
    let cell = |name: &Cell| (name.approach.to_string(), name.scenario.to_string());
    let lines = gated.lines.iter().map(|line| {
        let (approach, scenario) = cell(&line.cell);
        let value = json!({
            "approach": approach, "scenario": scenario, "verdict": line.verdict.as_str(), "n": line.n,
            "median_s": line.median, "ratio": line.ratio, "nights": line.nights, "p": line.p,
            "expected_low_s": line.expected.map(|e| e.0), "expected_high_s": line.expected.map(|e| e.1),
            "since": line.since, "more": line.more,
        });
        on_engine(value, &line.cell.engine)
    });
    let fresh = |one: &Confirmed| {
        let (approach, scenario) = cell(&one.cell);
        let value = json!({
            "approach": approach, "scenario": scenario, "verdict": one.verdict.as_str(), "ratio": one.ratio,
            "p_slower": one.p, "baseline_n": one.n.0, "current_n": one.n.1,
        });
        on_engine(value, &one.cell.engine)
    };
    let sizes = gated.sizes.iter().map(|size| {
        let value =
            json!({"approach": size.approach.as_str(), "before_bytes": size.before.0, "tonight_bytes": size.tonight.0});
        on_engine(value, &size.engine)
    });
    let value: Value = json!({
        "schema": SCHEMA,
        "title": gated.title,
        "run": gated.run,
        "verdict": gated.verdict.as_str(),
        "rule": gated.rule,
        "cells": lines.collect::<Vec<_>>(),
        "global_shift": global_shift(gated),
        "sizes": sizes.collect::<Vec<_>>(),
        "confirmed": gated.confirmed.as_ref().map(|all| all.iter().map(fresh).collect::<Vec<_>>()),
        "doubts": gated.doubts,
        "notes": gated.notes,
    });
    write_value(&value, out)
}
