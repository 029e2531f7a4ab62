//! `summary.csv` and `images.csv`.
//!
//! Numbers in full; text that a spreadsheet would take for a formula gets an apostrophe in front.

use super::clean::sheet;
use crate::analysis::table::Table;
use crate::model::{ApproachId, Bytes, EngineId, Seconds};
use std::io::{self, Write};

/// Writes `summary.csv`: one row per cell. Figures that do not exist are empty.
///
/// # Errors
/// When the writer fails.
pub fn write_summary(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    write_summaries(&[(None, table)], out)
}

/// Writes `summary.csv` of several engines: as [`write_summary`], with the engine in the first column.
///
/// # Errors
/// When the writer fails.
pub fn write_summaries(strata: &[(Option<&EngineId>, &Table)], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let names = strata.iter().any(|(engine, _)| engine.is_some());
    let columns = [
        "engine",
        "approach",
        "scenario",
        "n",
        "median_s",
        "min_s",
        "max_s",
        "ci_low_s",
        "ci_high_s",
        "ci_level",
        "failed",
        "invalid",
        "timeout",
        "interrupted",
    ];
    csv.write_record(&columns[usize::from(!names)..])?;
    let number = |value: Option<Seconds>| value.map_or(String::new(), |s| s.get().to_string());
    let cells = strata.iter().flat_map(|(engine, table)| table.cells().map(move |cell| (engine, cell)));
    for (engine, (row, scenario, cell)) in cells {
        let figures = cell.figures;
        let interval = figures.and_then(|f| f.interval);
        let row = [
            engine.map_or(String::new(), |engine| sheet(engine.as_str())),
            sheet(row.approach.as_str()),
            sheet(scenario.id.as_str()),
            cell.n().to_string(),
            number(figures.map(|f| f.median)),
            number(figures.map(|f| f.min)),
            number(figures.map(|f| f.max)),
            number(interval.map(|i| i.low)),
            number(interval.map(|i| i.high)),
            interval.map_or(String::new(), |i| format!("{:.4}", i.level)),
            cell.others.failed.to_string(),
            cell.others.invalid.to_string(),
            cell.others.timeout.to_string(),
            cell.others.interrupted.to_string(),
        ];
        csv.write_record(&row[usize::from(!names)..])?;
    }
    csv.flush()
}

/// A row of `images.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageRow {
    /// The engine, where the run has several.
    pub engine: Option<EngineId>,
    /// The row of the table.
    pub approach: ApproachId,
    /// Size of the image; `None` where no image came out.
    pub bytes: Option<Bytes>,
    /// Which size that is.
    pub definition: String,
    /// Size of each layer, base first.
    pub layers: Vec<Bytes>,
    /// Which sizes those are.
    pub layers_definition: String,
    /// Results of the scorecard by criterion; the criteria of all rows become columns.
    pub scorecard: Vec<(String, String)>,
}

/// Writes `images.csv`: one row per approach (and engine, where there are several), `layer_bytes` separated by spaces,
/// base first.
///
/// # Errors
/// When the writer fails.
pub fn write_images(rows: &[ImageRow], out: &mut dyn Write) -> io::Result<()> {
    let mut criteria: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flat_map(|row| &row.scorecard) {
        if !criteria.contains(&name.as_str()) {
            criteria.push(name);
        }
    }
    let mut csv = csv::Writer::from_writer(out);
    let first = usize::from(rows.iter().all(|row| row.engine.is_none()));
    let fixed = ["engine", "approach", "image_bytes", "image_bytes_is", "layers", "layer_bytes", "layer_bytes_is"];
    let header = fixed.iter().skip(first).map(|name| (*name).to_owned());
    csv.write_record(header.chain(criteria.iter().map(|name| sheet(name))))?;
    for row in rows {
        let layers: Vec<String> = row.layers.iter().map(|l| l.0.to_string()).collect();
        let result = |name: &&str| {
            let found = row.scorecard.iter().find(|(criterion, _)| criterion == name);
            found.map_or(String::new(), |(_, value)| sheet(value))
        };
        let fixed = [
            row.engine.as_ref().map_or(String::new(), |engine| sheet(engine.as_str())),
            sheet(row.approach.as_str()),
            row.bytes.map_or(String::new(), |b| b.0.to_string()),
            sheet(&row.definition),
            layers.len().to_string(),
            layers.join(" "),
            sheet(&row.layers_definition),
        ];
        csv.write_record(fixed.into_iter().skip(first).chain(criteria.iter().map(result)))?;
    }
    csv.flush()
}
