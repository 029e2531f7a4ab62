//! `summary.csv`.
//!
//! Numbers in full; text that a spreadsheet would take for a formula gets an apostrophe in front.

use crate::analysis::table::Table;
use crate::model::{EngineId, Seconds};
use crate::text::sheet;
use std::io::{self, Write};

/// Writes `summary.csv`: one row per cell. Figures that do not exist are empty.
///
/// # Errors
/// When the writer fails.
pub fn write_summary(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    write_summaries(&[(&EngineId::only(), table)], out)
}

/// Writes `summary.csv` of several engines: as [`write_summary`], with the engine in the first column.
///
/// # Errors
/// When the writer fails.
pub fn write_summaries(strata: &[(&EngineId, &Table)], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let names = strata.iter().any(|(engine, _)| engine.shown().is_some());
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
            engine.shown().map_or(String::new(), sheet),
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
