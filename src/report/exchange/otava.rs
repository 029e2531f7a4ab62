//! CSV for Otava: a row for each run, a column for each cell (seconds) and each image (bytes).
//! What is not known is `nan`: Otava reads every value of a column as a number.

use super::exported::{Exported, name, prefix};
use crate::model::{ApproachId, EngineId, ScenarioId, Seconds};
use crate::text::sheet;
use std::io::{self, Write};

/// One row: a run of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct NightRow {
    /// UTC start, RFC 3339.
    pub started_at: String,
    /// Name of the run.
    pub run: String,
    /// Revision of the study's files.
    pub revision: Option<String>,
    /// Median of each cell in seconds, row by row, then the size of each approach's image in bytes.
    pub values: Vec<Option<f64>>,
}

/// Names of the values of a [`NightRow`]: its cells, then the images of its approaches, each with the
/// engine where there are several.
pub fn night_columns<'a>(
    cells: impl Iterator<Item = (&'a EngineId, &'a ApproachId, &'a ScenarioId)>,
    images: impl Iterator<Item = (&'a EngineId, &'a ApproachId)>,
) -> Vec<String> {
    let cells = cells.map(|(engine, approach, scenario)| name(engine, approach, scenario));
    // No id holds a space: this is no cell's name.
    let images = images.map(|(engine, approach)| format!("{}{approach} image bytes", prefix(engine)));
    cells.chain(images).collect()
}

/// Writes a run as the only night.
#[allow(clippy::cast_precision_loss)] // sizes stay below 2^53
pub(super) fn write(run: &Exported<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rows = || run.strata.iter().flat_map(|(engine, report)| report.table.rows.iter().map(move |row| (engine, row)));
    let cells = run.cells().map(|(place, _)| (place.engine, place.approach, place.scenario));
    let columns = night_columns(cells, rows().map(|(engine, row)| (engine, &row.approach)));
    let medians = run.cells().map(|(_, cell)| cell.median().map(Seconds::get));
    let images = rows().map(|(_, row)| row.image.map(|bytes| bytes.0 as f64));
    let night = NightRow {
        started_at: run.started_at.clone(),
        run: run.strata.first().map_or(String::new(), |(_, report)| report.head.run.clone()),
        revision: run.revision.clone(),
        values: medians.chain(images).collect(),
    };
    write_nights(&columns, &[night], out)
}

/// Writes nights, oldest first; `columns` names their values.
///
/// # Errors
/// When the writer fails.
pub fn write_nights(columns: &[String], nights: &[NightRow], out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let fixed = ["time", "run", "commit"].map(str::to_owned);
    csv.write_record(fixed.iter().chain(columns))?;
    for night in nights {
        let about =
            [&night.started_at, &night.run, night.revision.as_ref().unwrap_or(&String::new())].map(|t| sheet(t));
        let values = (0..columns.len()).map(|place| match night.values.get(place).copied().flatten() {
            Some(value) => value.to_string(),
            None => "nan".to_owned(),
        });
        csv.write_record(about.into_iter().chain(values))?;
    }
    csv.flush()
}
