//! Many runs at once, for a history: of each run its record and the durations of its valid builds.
//! Reads `run.json` and `samples.csv` only, on all processors; steps are left where they are.

use super::error::StoreError;
use super::record::{self, RunRecord};
use super::{RECORD, SAMPLES, samples};
use crate::model::{Bytes, Seconds, Status};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A run of a history.
#[derive(Clone, Debug)]
pub struct StoredNight {
    /// Name of its folder.
    pub name: String,
    /// Its record, without plan, findings and notes.
    pub record: RunRecord,
    /// Seconds of the valid builds of each cell: engine by engine, row by row, as the record names engines,
    /// approaches and scenarios.
    pub cells: Vec<Vec<f64>>,
    /// Size of the first image of each approach on each engine.
    pub images: Vec<Option<Bytes>>,
    /// The last line of `samples.csv` was cut off.
    pub torn: bool,
}

impl StoredNight {
    /// Durations of a cell by name; nothing if the run does not have it. A single engine has no name.
    #[must_use]
    pub fn cell(&self, engine: Option<&str>, approach: &str, scenario: &str) -> &[f64] {
        let row = self.row(engine, approach);
        let column = self.record.scenarios.iter().position(|s| s.id == scenario);
        let place = row.zip(column).map(|(row, column)| row * self.record.scenarios.len() + column);
        place.and_then(|place| self.cells.get(place)).map_or(&[], Vec::as_slice)
    }

    /// Size of an approach's image on an engine.
    #[must_use]
    pub fn image(&self, engine: Option<&str>, approach: &str) -> Option<Bytes> {
        self.images.get(self.row(engine, approach)?).copied().flatten()
    }

    /// Place of an approach on an engine among all of them.
    fn row(&self, engine: Option<&str>, approach: &str) -> Option<usize> {
        let row = self.record.approaches.iter().position(|name| name == approach)?;
        let engine = match engine {
            None if self.record.strata.is_empty() => 0,
            None => return None,
            Some(name) => self.record.strata.iter().position(|known| known.name == name)?,
        };
        Some(engine * self.record.approaches.len() + row)
    }
}

/// All runs of a folder.
#[derive(Debug, Default)]
pub struct StoredNights {
    /// Those that can be read, in the order of their folders' names.
    pub nights: Vec<StoredNight>,
    /// Those that cannot: name of the folder, and why.
    pub broken: Vec<(String, StoreError)>,
}

/// Reads every run in a folder. Links and folders that never held a run are passed over.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn nights(folder: &Path) -> Result<StoredNights, StoreError> {
    let mut runs: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::io(folder, "read"))? {
        let entry = entry.map_err(StoreError::io(folder, "read"))?;
        let kind = entry.file_type().map_err(StoreError::io(folder, "read"))?;
        let path = entry.path();
        if kind.is_dir() && (path.join(RECORD).exists() || path.join(SAMPLES).exists()) {
            runs.push(path);
        }
    }
    runs.sort_unstable();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let share = runs.len().div_ceil(threads).max(1);
    let parts: Vec<Vec<(String, Result<StoredNight, StoreError>)>> = std::thread::scope(|scope| {
        let workers: Vec<_> = runs.chunks(share).map(|part| scope.spawn(|| read_part(part))).collect();
        // A worker that panicked has no result; none does.
        workers.into_iter().map(|worker| worker.join().unwrap_or_default()).collect()
    });
    let mut all = StoredNights::default();
    for (name, read) in parts.into_iter().flatten() {
        match read {
            Ok(night) => all.nights.push(night),
            Err(error) => all.broken.push((name, error)),
        }
    }
    Ok(all)
}

fn read_part(runs: &[PathBuf]) -> Vec<(String, Result<StoredNight, StoreError>)> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    runs.iter().map(|path| (name(path), night(path, &name(path)))).collect()
}

fn night(path: &Path, name: &str) -> Result<StoredNight, StoreError> {
    super::plain(path)?;
    let mut record = record::read_without_plan(&path.join(RECORD))?;
    record.findings = Vec::new();
    record.notes = Vec::new();
    let rows = record.approaches.len() * record.strata.len().max(1);
    let mut night = StoredNight {
        name: name.to_owned(),
        cells: vec![Vec::new(); rows * record.scenarios.len()],
        images: vec![None; rows],
        record,
        torn: false,
    };
    let file = path.join(SAMPLES);
    let bytes = fs::read(&file).map_err(StoreError::io(&file, "read"))?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    night.torn = whole < bytes.len();
    fill(&mut night, &file, &bytes[..whole])?;
    Ok(night)
}

/// Puts the rows of `samples.csv` into cells. Checks what it reads as the reader of single runs does.
fn fill(night: &mut StoredNight, file: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let wrong = |line: u64, found: String, expected: &str| StoreError::Row {
        file: file.to_owned(),
        line,
        found,
        expected: expected.to_owned(),
    };
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let unreadable = |error: csv::Error| super::table::unreadable(file, &error);
    let head = reader.headers().map_err(unreadable)?;
    let expected = samples::columns(&super::names(&night.record));
    if head != expected {
        return Err(StoreError::Columns {
            file: file.to_owned(),
            found: head.iter().collect::<Vec<_>>().join(","),
            expected: expected.join(","),
        });
    }
    let columns = night.record.scenarios.len();
    let mut positions = HashSet::new();
    let mut builds = HashSet::new();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(unreadable)? {
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |column: usize| row.get(column).unwrap_or_default();
        let number = |column: usize| {
            let number = cell(column).parse::<u64>().ok().filter(|n| *n > 0 || column == IMAGE_BYTES);
            number.ok_or_else(|| wrong(line, format!("{} = {:?}", expected[column], cell(column)), "a number"))
        };
        let (block, position) = (number(BLOCK)?, number(POSITION)?);
        let names = (cell(APPROACH), cell(SCENARIO));
        let approach = night.row(row.get(ENGINE), names.0);
        let scenario = night.record.scenarios.iter().position(|s| s.id == names.1);
        let Some((approach, scenario)) = approach.zip(scenario) else {
            let on = row.get(ENGINE).map_or(String::new(), |engine| format!(" on {engine}"));
            let expected = "an approach and a scenario of run.json, and an engine where it names several";
            return Err(wrong(line, format!("{} in {}{on}", names.0, names.1), expected));
        };
        let status = Status::parse(cell(STATUS));
        let status = status.ok_or_else(|| {
            wrong(line, format!("status = {:?}", cell(STATUS)), "ok, failed, invalid, timeout or interrupted")
        })?;
        let seconds = cell(SECONDS).parse().ok().and_then(Seconds::new).ok_or_else(|| {
            wrong(line, format!("seconds = {:?}", cell(SECONDS)), "a number of seconds, zero or more")
        })?;
        let place = approach * columns + scenario;
        let again = !positions.insert(position) || (status != Status::Interrupted && !builds.insert((block, place)));
        if again {
            let found = format!("position {position}, {} in {} of block {block} a second time", names.0, names.1);
            return Err(wrong(line, found, "each build once"));
        }
        if status == Status::Ok {
            night.cells[place].push(seconds.get());
            let size = number(IMAGE_BYTES)?;
            if size > 0 && night.images[approach].is_none() {
                night.images[approach] = Some(Bytes(size));
            }
        }
    }
    Ok(())
}

/// Places in [`samples::columns`].
const BLOCK: usize = 0;
const POSITION: usize = 1;
const APPROACH: usize = 2;
const SCENARIO: usize = 3;
const STATUS: usize = 4;
const SECONDS: usize = 6;
const IMAGE_BYTES: usize = 14;
const ENGINE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_those_of_the_columns() {
        let places = [BLOCK, POSITION, APPROACH, SCENARIO, STATUS, SECONDS, IMAGE_BYTES, ENGINE];
        let columns = samples::columns(&["one".to_owned(), "two".to_owned()]);
        let names = places.map(|place| columns[place]);
        assert_eq!(names, ["block", "position", "approach", "scenario", "status", "seconds", "image_bytes", "engine"]);
        assert_eq!(samples::columns(&[]), &columns[..ENGINE], "a run on one engine says nothing of it in its rows");
    }
}
