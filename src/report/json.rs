//! The report for programs.
//!
//! Names of keys are a promise: a change of one changes [`SCHEMA`].

use super::content::{Beside, Report};
use super::strata::write_value;
use crate::analysis::findings::{Evidence, Figure, Judged};
use crate::analysis::marks::Mark;
use crate::analysis::table::{Row, TableCell};
use crate::model::{Sample, Seconds};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Name and version of the JSON's shape.
pub const SCHEMA: &str = "layerbench.report/1";

/// Writes the report as one JSON object, indented, with a newline at its end. Seconds end in `_s`,
/// sizes in `_bytes`; what does not exist is `null`.
///
/// # Errors
/// When the writer fails.
pub fn write_json(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_value(&report_json(report)?, out)
}

/// The report as a value.
///
/// # Errors
/// When a scorecard holds what JSON has no form for; none that an audit makes does.
pub fn report_json(report: &Report<'_>) -> io::Result<Value> {
    let head = &report.head;
    let scenarios = report.table.scenarios.iter();
    let scenarios: Vec<Value> =
        scenarios.map(|s| json!({"id": s.id.as_str(), "title": s.title, "cache": s.cache.as_str()})).collect();
    let mut value = json!({
        "schema": SCHEMA,
        "head": {
            "title": head.title,
            "run": head.run,
            "bases": head.bases,
            "unfinished": Some(&head.unfinished).filter(|text| !text.is_empty()),
            "engine": head.engine,
            "cold": head.cold,
            "image_size": head.image_size,
            "notes": head.notes,
        },
        "scenarios": scenarios,
        "approaches": report.table.rows.iter().map(|r| row(report, r)).collect::<Vec<_>>(),
        "strangers": report.table.strangers,
        "published": report.beside.as_ref().map(beside),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "not_in_figures": report.problems.iter().map(|s| problem(s)).collect::<Vec<_>>(),
    });
    if !report.scorecards.is_empty() {
        value["scorecards"] = serde_json::to_value(&report.scorecards)?;
    }
    Ok(value)
}

fn mark(mark: Option<Mark>) -> Option<&'static str> {
    mark.map(|mark| match mark {
        Mark::Best => "best",
        Mark::Worst => "worst",
    })
}

fn row(report: &Report<'_>, row: &Row) -> Value {
    let cells = report.table.scenarios.iter().zip(&row.cells);
    let cells = cells.map(|(scenario, c)| cell(scenario.id.as_str(), c));
    json!({
        "id": row.approach.as_str(),
        "image_bytes": row.image.map(|bytes| bytes.0),
        "image_mark": mark(row.image_mark),
        "cells": cells.collect::<Vec<_>>(),
    })
}

fn cell(scenario: &str, cell: &TableCell) -> Value {
    let figures = cell.figures.as_ref();
    let interval = figures.and_then(|f| f.interval);
    let interval = interval.map(|i| {
        json!({
            "low_s": i.low.get(),
            "high_s": i.high.get(),
            "level": i.level,
            "level_reached": i.reached,
        })
    });
    json!({
        "scenario": scenario,
        "n": cell.n(),
        "median_s": figures.map(|f| f.median.get()),
        "min_s": figures.map(|f| f.min.get()),
        "max_s": figures.map(|f| f.max.get()),
        "interval": interval,
        "failed": cell.others.failed,
        "invalid": cell.others.invalid,
        "timeout": cell.others.timeout,
        "interrupted": cell.others.interrupted,
        "mark": mark(cell.mark),
    })
}

fn beside(beside: &Beside<'_>) -> Value {
    let seconds = |s: Seconds| s.get();
    let cells = beside.comparison.cells.iter().map(|cell| {
        json!({
            "approach": cell.published.approach.as_str(),
            "scenario": cell.published.scenario.as_str(),
            "median_s": seconds(cell.published.median),
            "min_s": seconds(cell.published.min),
            "max_s": seconds(cell.published.max),
            "ours_median_s": seconds(cell.ours),
            "ratio": cell.ratio,
            "in_range": cell.in_range,
        })
    });
    let images = beside.comparison.images.iter().map(|image| {
        json!({
            "approach": image.published.approach.as_str(),
            "image_bytes": image.published.bytes.0,
            "ours_image_bytes": image.ours.0,
            "ratio": image.ratio,
        })
    });
    let orders = beside.comparison.orders.iter().map(|order| {
        let names = |ids: &[crate::model::ApproachId]| {
            let names = ids.iter().map(|id| id.as_str().to_owned());
            names.collect::<Vec<_>>()
        };
        json!({
            "scenario": order.scenario.as_str(),
            "published": names(&order.theirs),
            "ours": names(&order.ours),
            "spearman": order.spearman,
            "kendall": order.kendall,
        })
    });
    json!({
        "name": beside.name,
        "cells": cells.collect::<Vec<_>>(),
        "images": images.collect::<Vec<_>>(),
        "orders": orders.collect::<Vec<_>>(),
    })
}

fn finding(judged: &Judged) -> Value {
    json!({
        "id": judged.finding.id,
        "text": judged.finding.text,
        "verdict": judged.verdict.as_str(),
        "why": judged.why,
        "figures_agree": judged.agrees,
        "evidence": judged.evidence.iter().map(evidence).collect::<Vec<_>>(),
    })
}

fn evidence(e: &Evidence) -> Value {
    let side = |(name, figure): &(String, Figure)| match figure {
        Figure::Seconds(median, n) => json!({"name": name, "median_s": median, "n": n}),
        Figure::Image(bytes) => json!({"name": name, "image_bytes": bytes.0}),
        Figure::Missing => json!({"name": name}),
    };
    json!({
        "left": side(&e.left),
        "right": side(&e.right),
        "ratio": e.ratio,
        "figures_agree": e.agrees,
        "p_for": e.p_for,
        "p_against": e.p_against,
        "too_few": e.too_few,
    })
}

fn problem(sample: &Sample) -> Value {
    json!({
        "block": sample.key.block,
        "position": sample.key.position,
        "approach": sample.key.approach.as_str(),
        "scenario": sample.key.scenario.as_str(),
        "status": sample.status.as_str(),
        "reason": sample.reason,
    })
}
