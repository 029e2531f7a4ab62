//! Many runs at once, for a history: of each run its record and the durations of its valid builds.
//! Reads `run.json` and `samples.csv` only, on all processors; steps are left where they are.

use super::columns::{Field, Layout};
use super::csv_table;
use super::plain::plain;
use super::record::{self, RunRecord};
use super::samples::{self, engine_names};
use super::schema::{RECORD, SAMPLES};
use super::store_error::StoreError;
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
    plain(path)?;
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
    let unreadable = |error: csv::Error| csv_table::unreadable(file, &error);
    let names = engine_names(&night.record);
    let layout = Layout::of(file, reader.headers().map_err(unreadable)?, samples::columns(&names))?;
    let at = Columns::of(&layout, !names.is_empty());
    let columns = night.record.scenarios.len();
    let mut positions = HashSet::new();
    let mut builds = HashSet::new();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(unreadable)? {
        let line = row.position().map_or(0, csv::Position::line);
        let number = |name: &str, field: &Field, least: u64| {
            let number = field.of(&row).parse::<u64>().ok().filter(|number| *number >= least);
            number.ok_or_else(|| wrong(line, format!("{name} = {:?}", field.of(&row)), "a number"))
        };
        let (block, position) = (number("block", &at.block, 1)?, number("position", &at.position, 1)?);
        let names = (at.approach.of(&row), at.scenario.of(&row));
        let engine = at.engine.as_ref().map(|field| field.of(&row));
        let approach = night.row(engine, names.0);
        let scenario = night.record.scenarios.iter().position(|s| s.id == names.1);
        let Some((approach, scenario)) = approach.zip(scenario) else {
            let on = engine.map_or(String::new(), |engine| format!(" on {engine}"));
            let expected = "an approach and a scenario of run.json, and an engine where it names several";
            return Err(wrong(line, format!("{} in {}{on}", names.0, names.1), expected));
        };
        let status = Status::parse(at.status.of(&row));
        let status = status.ok_or_else(|| {
            wrong(line, format!("status = {:?}", at.status.of(&row)), "ok, failed, invalid, timeout or interrupted")
        })?;
        let seconds = at.seconds.of(&row).parse().ok().and_then(Seconds::new).ok_or_else(|| {
            wrong(line, format!("seconds = {:?}", at.seconds.of(&row)), "a number of seconds, zero or more")
        })?;
        let place = approach * columns + scenario;
        let again = !positions.insert(position) || (status != Status::Interrupted && !builds.insert((block, place)));
        if again {
            let found = format!("position {position}, {} in {} of block {block} a second time", names.0, names.1);
            return Err(wrong(line, found, "each build once"));
        }
        if status == Status::Ok {
            night.cells[place].push(seconds.get());
            let size = number("image_bytes", &at.image_bytes, 0)?;
            if size > 0 && night.images[approach].is_none() {
                night.images[approach] = Some(Bytes(size));
            }
        }
    }
    Ok(())
}

/// The columns that are read here.
struct Columns {
    block: Field,
    position: Field,
    approach: Field,
    scenario: Field,
    status: Field,
    seconds: Field,
    image_bytes: Field,
    /// Of a run on several engines.
    engine: Option<Field>,
}

impl Columns {
    fn of(layout: &Layout, several: bool) -> Self {
        Self {
            block: layout.field("block"),
            position: layout.field("position"),
            approach: layout.field("approach"),
            scenario: layout.field("scenario"),
            status: layout.field("status"),
            seconds: layout.field("seconds"),
            image_bytes: layout.field("image_bytes"),
            engine: several.then(|| layout.field("engine")),
        }
    }
}
