//! `steps.csv`: the steps of each sample, numbered from 1 in the column `step`. A step that was at
//! work several times has a row for each time, all with its number; inputs, bytes and error stand
//! in the first of them only, so that bytes can be added up. One that never started has one row with
//! empty times. `inputs` are numbers of steps, or digests of steps that are not in the table.

use super::columns::{Column, Layout, always};
use super::csv_table::{self, Row, key_cells, safe};
use super::store_error::{StoreError, StoreWarning};
use crate::model::{BuildKey, Interval, Step, StepKind};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// In the order in which they are written. One that is added gets what stands for it in the rows of older runs.
pub(super) const COLUMNS: &[Column] = &[
    always("block"),
    always("position"),
    always("approach"),
    always("scenario"),
    always("step"),
    always("kind"),
    always("name"),
    always("digest"),
    always("inputs"),
    always("start_s"),
    always("end_s"),
    always("cached"),
    always("bytes"),
    always("error"),
];

/// The cells of all steps of a build.
pub(super) fn rows(key: &BuildKey, steps: &[Step]) -> Result<Vec<Vec<String>>, StoreError> {
    let mut numbers = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        numbers.entry(step.digest.as_str()).or_insert(index + 1);
    }
    let mut rows = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let mut first = true;
        for times in times(step)? {
            let mut cells = key_cells(key);
            cells.extend([
                (index + 1).to_string(),
                step.kind.as_str().to_owned(),
                safe(&step.name),
                safe(&step.digest),
            ]);
            cells.push(if first { inputs(step, &numbers) } else { String::new() });
            cells.extend(times);
            cells.push(step.cached.to_string());
            cells.push(if first { step.bytes.0 } else { 0 }.to_string());
            let error = step.error.as_deref().filter(|_| first);
            // An error without a text is still an error.
            cells.push(error.map_or(String::new(), |e| safe(if e.is_empty() { "?" } else { e })));
            rows.push(cells);
            first = false;
        }
    }
    Ok(rows)
}

fn inputs(step: &Step, numbers: &HashMap<&str, usize>) -> String {
    let named = step.inputs.iter().filter(|digest| !digest.is_empty());
    let shown = named.filter_map(|digest| match numbers.get(digest.as_str()) {
        Some(number) => Some(number.to_string()),
        // What would be read as the number of a step is no digest of any engine.
        None => Some(safe(digest).replace(char::is_whitespace, "")).filter(|digest| digest.parse::<usize>().is_err()),
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn times(step: &Step) -> Result<Vec<[String; 2]>, StoreError> {
    if step.intervals.is_empty() {
        return Ok(vec![[String::new(), String::new()]]);
    }
    let mut times = Vec::new();
    for interval in &step.intervals {
        let what = format!("the step {:?}", step.name);
        times.push([csv_table::seconds(&what, interval.start)?, csv_table::seconds(&what, interval.end)?]);
        if interval.end < interval.start {
            return Err(StoreError::Value {
                found: format!("an end before the start in {what}"),
                expected: "times in order",
            });
        }
    }
    Ok(times)
}

/// The steps of each build.
pub(super) struct Stored {
    pub steps: HashMap<BuildKey, Vec<Step>>,
    pub warnings: Vec<StoreWarning>,
    /// Bytes of the file up to the first of the rows at its end that have no sample.
    pub whole: u64,
    /// Where the file has its columns.
    pub layout: Layout,
}

pub(super) fn read(file: &Path, sampled: &HashSet<&BuildKey>) -> Result<Stored, StoreError> {
    let mut steps: HashMap<BuildKey, Vec<Step>> = HashMap::new();
    let mut first_orphan = None;
    let mut orphans = 0;
    let found = csv_table::each(file, COLUMNS, |row| {
        let key = row.key()?;
        if sampled.contains(&key) {
            first_orphan = None;
            return add(row, steps.entry(key).or_default());
        }
        orphans += 1;
        first_orphan.get_or_insert(row.byte);
        Ok(())
    })?;
    for (key, steps) in &mut steps {
        name_inputs(file, key, steps)?;
    }
    let orphans = (orphans > 0).then(|| StoreWarning::StepsWithoutSample { file: file.to_owned(), rows: orphans });
    let warnings = found.torn.into_iter().chain(orphans).collect();
    Ok(Stored { steps, warnings, whole: first_orphan.unwrap_or(found.whole), layout: found.layout })
}

/// The steps of a build as they will be read from their rows.
pub(super) fn as_read(
    file: &Path,
    layout: &Layout,
    key: &BuildKey,
    rows: &[Vec<String>],
) -> Result<Vec<Step>, StoreError> {
    let mut steps = Vec::new();
    rows.iter().try_for_each(|row| csv_table::as_read(file, layout, row, |row| add(row, &mut steps)))?;
    name_inputs(file, key, &mut steps)?;
    Ok(steps)
}

/// Adds a row to the steps of its build: a new step, or another time of the last one.
fn add(row: &Row<'_>, steps: &mut Vec<Step>) -> Result<(), StoreError> {
    let number: usize = row.number("step")?;
    let interval = interval(row)?;
    if number == steps.len() + 1 {
        let kind = StepKind::parse(row.raw("kind"))
            .ok_or_else(|| row.wrong("kind", "work, base, internal, export, wait or other"))?;
        let cached = match row.raw("cached") {
            "true" => true,
            "false" => false,
            _ => return Err(row.wrong("cached", "true or false")),
        };
        let inputs = row.raw("inputs").split_whitespace();
        steps.push(Step {
            name: row.text("name"),
            digest: row.text("digest"),
            inputs: inputs.map(str::to_owned).collect(),
            kind,
            intervals: interval.into_iter().collect(),
            cached,
            bytes: row.bytes("bytes")?,
            error: Some(row.text("error")).filter(|error| !error.is_empty()),
        });
        return Ok(());
    }
    let expected = format!("{}, or the step before once more", steps.len() + 1);
    let count = steps.len();
    let Some(last) = steps.last_mut().filter(|_| number == count) else {
        return Err(row.wrong("step", expected));
    };
    let Some(interval) = interval else {
        return Err(row.wrong("start_s", "a time, since this step has several"));
    };
    if last.end().is_some_and(|end| interval.start < end) {
        return Err(row.wrong("start_s", "a time after the end in the row before"));
    }
    last.intervals.push(interval);
    Ok(())
}

fn interval(row: &Row<'_>) -> Result<Option<Interval>, StoreError> {
    if row.raw("start_s").is_empty() && row.raw("end_s").is_empty() {
        return Ok(None);
    }
    let interval = Interval { start: row.seconds("start_s")?.get(), end: row.seconds("end_s")?.get() };
    if interval.end < interval.start {
        return Err(row.wrong("end_s", "a time not before start_s"));
    }
    Ok(Some(interval))
}

/// Turns numbers of steps back into their digests.
fn name_inputs(file: &Path, key: &BuildKey, steps: &mut [Step]) -> Result<(), StoreError> {
    let digests: Vec<String> = steps.iter().map(|step| step.digest.clone()).collect();
    for step in steps {
        for input in &mut step.inputs {
            let Ok(number) = input.parse::<usize>() else {
                // As `safe` wrote it.
                if let Some(digest) = input.strip_prefix('\'') {
                    *input = digest.to_owned();
                }
                continue;
            };
            let digest = number.checked_sub(1).and_then(|at| digests.get(at));
            let Some(digest) = digest else {
                return Err(StoreError::Record {
                    file: file.to_owned(),
                    found: format!(
                        "the step {number} as an input at position {}, which has {} steps",
                        key.position,
                        digests.len()
                    ),
                });
            };
            input.clone_from(digest);
        }
    }
    Ok(())
}
