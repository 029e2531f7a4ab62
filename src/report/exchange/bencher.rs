//! Bencher Metric Format: `{benchmark: {measure: {value, lower_value, upper_value}}}`.
//! `build-time` is in seconds, as Bencher's measure of this name; `image-size` in bytes.

use super::exported::{Exported, json, prefix};
use crate::model::Seconds;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

#[derive(Serialize)]
struct Metric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

impl Metric {
    fn of(value: f64) -> Self {
        Self { value, lower_value: None, upper_value: None }
    }
}

#[allow(clippy::cast_precision_loss)] // Bencher's values are floats; counts and sizes stay below 2^53
pub(super) fn write(run: &Exported<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut benchmarks: BTreeMap<String, BTreeMap<&str, Metric>> = BTreeMap::new();
    for (place, cell) in run.cells() {
        let measures = benchmarks.entry(place.name()).or_default();
        if let Some(figures) = &cell.figures {
            // The form has no place for the level: an interval that does not reach it is left out.
            let interval = figures.interval.filter(|interval| interval.reached);
            let metric = Metric {
                value: figures.median.get(),
                lower_value: interval.map(|i| Seconds::get(i.low)),
                upper_value: interval.map(|i| Seconds::get(i.high)),
            };
            measures.insert("build-time", metric);
        }
        measures.insert("builds", Metric::of(cell.n() as f64));
        measures.insert("builds-in-no-figure", Metric::of(f64::from(cell.others.total())));
    }
    for (engine, approach, bytes) in run.images() {
        let measures = benchmarks.entry(format!("{}{approach}", prefix(engine))).or_default();
        measures.insert("image-size", Metric::of(bytes.0 as f64));
    }
    json(&benchmarks, out)
}
