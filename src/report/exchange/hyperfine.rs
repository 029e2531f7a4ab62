//! The JSON of hyperfine 1.x: `{"results": [{"command", "mean", …, "times", "exit_codes"}]}`.
//! Only builds that are in a figure are in `times`; a cell without one is left out, since hyperfine
//! has no result without times. `user` and `system` are not known and 0: the work is the engine's.

use super::exported::{Exported, Place, json};
use crate::analysis::table::Counts;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

#[derive(Serialize)]
struct Summary<'a> {
    results: Vec<Benchmark<'a>>,
}

/// Keys in the order in which hyperfine writes them.
#[derive(Serialize)]
struct Benchmark<'a> {
    command: String,
    mean: f64,
    stddev: Option<f64>,
    median: f64,
    user: f64,
    system: f64,
    min: f64,
    max: f64,
    times: &'a [f64],
    exit_codes: Vec<i32>,
    /// hyperfine's parameters are texts.
    parameters: BTreeMap<&'static str, String>,
}

#[allow(clippy::cast_precision_loss)] // counts of builds
pub(super) fn write(run: &Exported<'_>, out: &mut dyn Write) -> io::Result<()> {
    let results = run.cells().filter_map(|(place, cell)| {
        let figures = cell.figures?;
        let n = cell.n() as f64;
        let mean = cell.seconds.iter().sum::<f64>() / n;
        let squares = cell.seconds.iter().map(|s| (s - mean).powi(2)).sum::<f64>();
        Some(Benchmark {
            command: place.name(),
            mean,
            stddev: (cell.n() > 1).then(|| (squares / (n - 1.0)).sqrt()),
            median: figures.median.get(),
            user: 0.0,
            system: 0.0,
            min: figures.min.get(),
            max: figures.max.get(),
            times: &cell.seconds,
            exit_codes: vec![0; cell.n()],
            parameters: parameters(place, &cell.others),
        })
    });
    json(&Summary { results: results.collect() }, out)
}

fn parameters(place: Place<'_>, others: &Counts) -> BTreeMap<&'static str, String> {
    let engine = place.engine.shown().map(|engine| ("engine", engine.to_owned()));
    let names = [("approach", place.approach.to_string()), ("scenario", place.scenario.to_string())];
    let counts = [
        ("failed", others.failed),
        ("invalid", others.invalid),
        ("timeout", others.timeout),
        ("interrupted", others.interrupted),
    ];
    names.into_iter().chain(engine).chain(counts.map(|(status, count)| (status, count.to_string()))).collect()
}
