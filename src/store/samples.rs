//! `samples.csv`: one row per build.
//! The order of the columns is part of the schema. Of a run on several engines, the last one says on which.
//! Steps are stored elsewhere.

use super::error::StoreError;
use super::table::{self, Row, Table, key_cells, safe};
use crate::model::{EngineId, Sample, Status};
use std::collections::HashMap;
use std::path::Path;

const COLUMNS: &[&str] = &[
    "block",
    "position",
    "approach",
    "scenario",
    "status",
    "reason",
    "seconds",
    "engine_seconds",
    "pull_seconds",
    "context_bytes",
    "pulled_bytes",
    "steps",
    "steps_cached",
    "image_id",
    "image_bytes",
    "started_at",
    "engine",
];

/// The columns of a run with these names of engines; a single engine has no name.
pub(super) fn columns(engines: &[String]) -> &'static [&'static str] {
    if engines.is_empty() { &COLUMNS[..COLUMNS.len() - 1] } else { COLUMNS }
}

/// The cells of a sample.
pub(super) fn row(sample: &Sample, engines: &[String]) -> Result<Vec<String>, StoreError> {
    let mut cells = key_cells(&sample.key);
    cells.extend([
        sample.status.to_string(),
        safe(&sample.reason),
        table::seconds("the build", sample.seconds.get())?,
        table::seconds("the engine", sample.engine_seconds.get())?,
        table::seconds("pulling", sample.pull_seconds.get())?,
        sample.context_bytes.0.to_string(),
        sample.pulled_bytes.0.to_string(),
        sample.steps.to_string(),
        sample.steps_cached.to_string(),
        safe(&sample.image_id),
        sample.image_bytes.0.to_string(),
        safe(&sample.started_at),
    ]);
    match &sample.engine {
        None if engines.is_empty() => {}
        Some(name) if engines.iter().any(|known| known == name.as_str()) => cells.push(name.to_string()),
        other => {
            let found = other.as_ref().map_or("a sample of no engine".to_owned(), |name| format!("the engine {name}"));
            return Err(StoreError::Value { found, expected: "an engine of run.json" });
        }
    }
    Ok(cells)
}

fn sample(row: &Row<'_>, engines: &[String]) -> Result<Sample, StoreError> {
    let status = Status::parse(row.raw("status"))
        .ok_or_else(|| row.wrong("status", "ok, failed, invalid, timeout or interrupted"))?;
    let engine = match engines {
        [] => None,
        names if names.iter().any(|name| name == row.raw("engine")) => EngineId::new(row.raw("engine")).ok(),
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

/// All samples, in the order in which they were stored. A position has one sample, and so has an
/// approach in a scenario and a block, but for interrupted ones.
pub(super) fn read(file: &Path, table: &Table, engines: &[String]) -> Result<Vec<Sample>, StoreError> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut positions = HashMap::new();
    let mut cells = HashMap::new();
    for row in table.rows(file) {
        let sample = sample(&row, engines)?;
        let key = &sample.key;
        if let Some(line) = positions.insert(key.position, row.line) {
            let found = format!("position {} a second time, after line {line}", key.position);
            return Err(row.wrong_row(found, "each build once"));
        }
        if sample.status != Status::Interrupted {
            let cell = (key.block, key.approach.clone(), key.scenario.clone());
            if let Some(line) = cells.insert(cell, row.line) {
                let found = format!(
                    "{} in {} of block {} a second time, after line {line}",
                    key.approach, key.scenario, key.block
                );
                return Err(row.wrong_row(found, "each build once"));
            }
        }
        samples.push(sample);
    }
    Ok(samples)
}
