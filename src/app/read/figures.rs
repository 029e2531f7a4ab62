//! Published figures: `published.csv` and `published-sizes.csv` in a folder of the results.

use crate::analysis::published::{Published, PublishedCell, PublishedImage};
use crate::app::Failure;
use crate::model::{ApproachId, Bytes, ScenarioId, Seconds};
use std::path::Path;

/// Reads the figures of a folder; `None` when it holds none.
pub fn read(folder: &Path) -> Result<Option<Published>, Failure> {
    let table = folder.join("published.csv");
    if !table.is_file() {
        return Ok(None);
    }
    let cells = rows(&table)?.iter().map(|(line, row)| cell(&table, *line, row)).collect::<Result<_, _>>()?;
    let file = folder.join("published-sizes.csv");
    let images = if file.is_file() { sizes(&file)? } else { Vec::new() };
    Ok(Some(Published { cells, images }))
}

/// Reads a table of image sizes.
pub fn sizes(file: &Path) -> Result<Vec<PublishedImage>, Failure> {
    rows(file)?.iter().map(|(line, row)| image(file, *line, row)).collect()
}

type Row = (u64, csv::StringRecord);

fn rows(path: &Path) -> Result<Vec<Row>, Failure> {
    let wrong = |e: csv::Error| Failure::wrong(format!("{}: {e}", path.display()));
    let mut reader = csv::Reader::from_path(path).map_err(wrong)?;
    let rows = reader.records().map(|row| row.map(|row| (row.position().map_or(0, csv::Position::line), row)));
    rows.collect::<Result<_, _>>().map_err(wrong)
}

fn wrong(path: &Path, line: u64, found: &str, expected: &str) -> Failure {
    Failure::wrong(format!("{}:{line}: found {found:?}; expected {expected}; correct the line", path.display()))
}

fn cell(path: &Path, line: u64, row: &csv::StringRecord) -> Result<PublishedCell, Failure> {
    let text = |column: usize| row.get(column).unwrap_or_default();
    let seconds = |column: usize| {
        let number = text(column).parse::<f64>().ok().and_then(Seconds::new);
        number.ok_or_else(|| wrong(path, line, text(column), "seconds"))
    };
    Ok(PublishedCell {
        approach: ApproachId::new(text(0)).map_err(|_| wrong(path, line, text(0), "the name of an approach"))?,
        scenario: ScenarioId::new(text(1)).map_err(|_| wrong(path, line, text(1), "the name of a scenario"))?,
        median: seconds(2)?,
        min: seconds(3)?,
        max: seconds(4)?,
    })
}

fn image(path: &Path, line: u64, row: &csv::StringRecord) -> Result<PublishedImage, Failure> {
    let text = |column: usize| row.get(column).unwrap_or_default();
    Ok(PublishedImage {
        approach: ApproachId::new(text(0)).map_err(|_| wrong(path, line, text(0), "the name of an approach"))?,
        bytes: Bytes::parse_shown(text(1)).ok_or_else(|| wrong(path, line, text(1), "a size such as 161MB"))?,
    })
}
