//! `customSmallerIsBetter` of github-action-benchmark: a list of names with a value each.
//! `range` and `extra` are text, shown beside the value.

use super::exported::{Exported, json, others, prefix};
use crate::analysis::table::TableCell;
use crate::report::words;
use serde::Serialize;
use serde_json::Number;
use std::io::{self, Write};

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    extra: String,
}

pub(super) fn write(run: &Exported<'_>, out: &mut dyn Write) -> io::Result<()> {
    let times = run.cells().filter_map(|(place, cell)| {
        let figures = cell.figures?;
        let range = figures.interval.map(|i| {
            let (low, high) = (words::seconds(i.low.get()), words::seconds(i.high.get()));
            format!("{low} … {high}, {:.1} % interval of the median", i.level * 100.0)
        });
        let value = Number::from_f64(figures.median.get())?;
        Some(Entry { name: place.name(), unit: "s", value, range, extra: extra(cell) })
    });
    let plain = |name: String, unit, value| Entry { name, unit, value, range: None, extra: String::new() };
    // No id holds a space: these are no other entries' names.
    let images = run.images().map(|(engine, approach, bytes)| {
        plain(format!("{}{approach} image", prefix(engine)), "bytes", Number::from(bytes.0))
    });
    let others = run.strata.iter().map(|(engine, report)| Entry {
        extra: words::problem_counts(report),
        ..plain(format!("{}builds in no figure", prefix(engine)), "builds", report.problems.len().into())
    });
    json(&times.chain(images).chain(others).collect::<Vec<_>>(), out)
}

/// `median (fastest – slowest): 20.61 (19.47 – 22.49) s\nn = 8`.
fn extra(cell: &TableCell) -> String {
    let mut text = format!("median (fastest – slowest): {} s\nn = {}", words::figures(cell), cell.n());
    let others = others(cell);
    if !others.is_empty() {
        text.push_str(&format!("; in no figure: {others}"));
    }
    text
}
