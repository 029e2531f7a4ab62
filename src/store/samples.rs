//! `samples.csv`: one row per build.
//! Of a run on several engines, the last one says on which.
//! Steps are stored elsewhere.

use super::columns::{Column, Layout, always};
use super::csv_table::{self, Found, Row, key_cells, safe};
use super::record::RunRecord;
use super::store_error::StoreError;
use crate::model::{BuildKey, EngineId, Sample, Status};
use std::collections::HashMap;
use std::path::Path;

/// In the order in which they are written. One that is added gets what stands for it in the rows of older runs.
const COLUMNS: &[Column] = &[
    always("block"),
    always("position"),
    always("approach"),
    always("scenario"),
    always("status"),
    always("reason"),
    always("seconds"),
    always("engine_seconds"),
    always("pull_seconds"),
    always("context_bytes"),
    always("pulled_bytes"),
    always("steps"),
    always("steps_cached"),
    always("image_id"),
    always("image_bytes"),
    always("started_at"),
    always("engine"),
];

/// Names of a run's engines, where there are several.
pub(super) fn engine_names(record: &RunRecord) -> Vec<String> {
    record.strata.iter().map(|engine| engine.name.clone()).collect()
}

/// The columns of a run with these names of engines; a single engine has no name.
pub(super) fn columns(engines: &[String]) -> &'static [Column] {
    if engines.is_empty() { &COLUMNS[..COLUMNS.len() - 1] } else { COLUMNS }
}

/// The cells of a sample.
pub(super) fn row(sample: &Sample, engines: &[String]) -> Result<Vec<String>, StoreError> {
    let mut cells = key_cells(&sample.key);
    cells.extend([
        sample.status.to_string(),
        safe(&sample.reason),
        csv_table::seconds("the build", sample.seconds.get())?,
        csv_table::seconds("the engine", sample.engine_seconds.get())?,
        csv_table::seconds("pulling", sample.pull_seconds.get())?,
        sample.context_bytes.0.to_string(),
        sample.pulled_bytes.0.to_string(),
        sample.steps.to_string(),
        sample.steps_cached.to_string(),
        safe(&sample.image_id),
        sample.image_bytes.0.to_string(),
        safe(&sample.started_at),
    ]);
    match sample.engine.shown() {
        None if engines.is_empty() => {}
        Some(name) if engines.iter().any(|known| known == name) => cells.push(name.to_owned()),
        other => {
            let found = other.map_or("a sample of no engine".to_owned(), |name| format!("the engine {name}"));
            return Err(StoreError::Value { found, expected: "an engine of run.json" });
        }
    }
    Ok(cells)
}

fn sample(row: &Row<'_>, engines: &[String]) -> Result<Sample, StoreError> {
    let status = Status::parse(row.raw("status"))
        .ok_or_else(|| row.wrong("status", "ok, failed, invalid, timeout or interrupted"))?;
    let engine = match engines {
        [] => EngineId::only(),
        names if names.iter().any(|name| name == row.raw("engine")) => {
            EngineId::new(row.raw("engine")).unwrap_or_default()
        }
        names => return Err(row.wrong("engine", format!("one of run.json's engines, {}", names.join(", ")))),
    };
    let sample = Sample {
        key: row.key()?,
        engine,
        status,
        reason: row.text("reason"),
        seconds: row.seconds("seconds")?,
        engine_seconds: row.seconds("engine_seconds")?,
        pull_seconds: row.seconds("pull_seconds")?,
        context_bytes: row.bytes("context_bytes")?,
        pulled_bytes: row.bytes("pulled_bytes")?,
        steps: row.number("steps")?,
        steps_cached: row.number("steps_cached")?,
        image_id: row.text("image_id"),
        image_bytes: row.bytes("image_bytes")?,
        started_at: row.text("started_at"),
    };
    if sample.steps_cached > sample.steps {
        let expected = format!("at most as many as steps, {}", sample.steps);
        return Err(row.wrong("steps_cached", expected));
    }
    Ok(sample)
}

/// A sample as it will be read from its row.
pub(super) fn as_read(file: &Path, layout: &Layout, engines: &[String], row: &[String]) -> Result<Sample, StoreError> {
    csv_table::as_read(file, layout, row, |row| sample(row, engines))
}

/// Hands out all samples, in the order in which they were stored. A position has one sample, and so
/// has an approach in a scenario and a block, but for interrupted ones; that is known at the end.
pub(super) fn each(file: &Path, engines: &[String], mut take: impl FnMut(Sample)) -> Result<Found, StoreError> {
    // Lists that are sorted at the end: with a million rows, half the time and memory of sets.
    let mut positions: Vec<(u32, u64)> = Vec::new();
    let mut builds: Vec<([u32; 3], u64)> = Vec::new();
    let mut names = Names::default();
    let found = csv_table::each(file, columns(engines), |row| {
        let sample = sample(row, engines)?;
        let key = &sample.key;
        positions.push((key.position, row.line));
        if sample.status != Status::Interrupted {
            let build = [key.block, names.number(key.approach.as_str()), names.number(key.scenario.as_str())];
            builds.push((build, row.line));
        }
        take(sample);
        Ok(())
    })?;
    let twice = |(line, first), what: String| {
        let found = format!("{what} a second time, after line {first}");
        Err(StoreError::Row { file: file.to_owned(), line, found, expected: "each build once".to_owned() })
    };
    if let Some((position, lines)) = repeated(&mut positions) {
        return twice(lines, format!("position {position}"));
    }
    if let Some(([block, approach, scenario], lines)) = repeated(&mut builds) {
        return twice(lines, format!("{} in {} of block {block}", names.name(approach), names.name(scenario)));
    }
    Ok(found)
}

/// What comes a second time, with its line and that of the first.
fn repeated<T: Ord + Copy>(rows: &mut [(T, u64)]) -> Option<(T, (u64, u64))> {
    rows.sort_unstable();
    let pair = rows.windows(2).find(|pair| pair[0].0 == pair[1].0)?;
    Some((pair[0].0, (pair[1].1, pair[0].1)))
}

/// The whole table, with these builds marked as interrupted.
pub(super) fn interrupted(
    file: &Path,
    engines: &[String],
    keys: &[BuildKey],
    reason: &str,
) -> Result<Vec<u8>, StoreError> {
    let mut rows = Vec::new();
    let found = csv_table::each(file, columns(engines), |row| {
        let marked = [("status", Status::Interrupted.to_string()), ("reason", safe(reason))];
        rows.push(row.with(if keys.contains(&row.key()?) { &marked } else { &[] }));
        Ok(())
    })?;
    let mut content = csv_table::head(&found.layout)?;
    content.extend(csv_table::lines(&rows)?);
    Ok(content)
}

/// All samples, in the order in which they were stored.
pub(super) fn read(file: &Path, engines: &[String]) -> Result<(Vec<Sample>, Found), StoreError> {
    let mut samples = Vec::new();
    let found = each(file, engines, |sample| samples.push(sample))?;
    Ok((samples, found))
}

/// Numbers for names: a million builds have few of them.
#[derive(Default)]
struct Names(HashMap<String, u32>);

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(name.to_owned(), number);
        number
    }

    fn name(&self, number: u32) -> &str {
        self.0.iter().find(|(_, known)| **known == number).map_or("", |(name, _)| name)
    }
}
