//! The runs of a history that may be held against each other, in the order of time, and what was left out and why.

use super::comparable;
use super::run::engines;
use crate::analysis::nights::Medians;
use crate::app::Failure;
use crate::model::{ApproachId, Cell, ScenarioId};
use crate::stats;
use crate::store::{Accepted, RunRecord, RunStatus, StoredNight, StoredNights};
use crate::text::short;
use crate::text::time::parse_rfc3339;
use std::collections::BTreeMap;
use std::path::Path;

/// A time without runs this many times longer than usual is a gap.
const GAP: f64 = 2.5;
/// Gaps and runs of one kind that are named; the others are counted.
const NAMED: usize = 5;

/// Nights that may be compared.
pub struct Chosen<'a> {
    /// Oldest first.
    pub nights: Vec<&'a StoredNight>,
    /// What was left out and why, and where nights are missing; one sentence each.
    pub notes: Vec<String>,
}

/// The newest run of a folder that came to its end.
pub fn newest<'a>(all: &'a StoredNights, folder: &Path) -> Result<&'a StoredNight, Failure> {
    let finished = all.nights.iter().filter(|night| night.record.status == RunStatus::Finished && !night.torn);
    let newest = finished.max_by(|a, b| (&a.record.started_at, &a.name).cmp(&(&b.record.started_at, &b.name)));
    newest.ok_or_else(|| {
        let broken = all.broken.iter().map(|(name, error)| format!("\n  {name}: {error}")).collect::<String>();
        Failure::wrong(format!(
            "{}: found no run that came to its end; expected a folder of runs, such as results/article; correct the path{broken}",
            folder.display()
        ))
    })
}

/// Picks the runs of a history that are like `reference`. With `tonight` (the name of its folder), only those before it.
pub fn choose<'a>(all: &'a StoredNights, reference: &RunRecord, tonight: Option<&str>, force: bool) -> Chosen<'a> {
    let mut left_out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut leave = |why: String, name: &str| left_out.entry(why).or_default().push(name.to_owned());
    for (name, error) in &all.broken {
        leave(error.to_string(), name);
    }
    let mut sorted: Vec<&StoredNight> = all.nights.iter().filter(|night| tonight != Some(&night.name)).collect();
    sorted.sort_by(|a, b| (&a.record.started_at, &a.name).cmp(&(&b.record.started_at, &b.name)));
    let mut nights: Vec<&StoredNight> = Vec::new();
    for night in sorted {
        match reason(night, nights.last().copied(), (reference, tonight), force) {
            Some(why) => leave(why, &night.name),
            None => nights.push(night),
        }
    }
    let mut notes: Vec<String> = left_out.into_iter().map(|(why, names)| left(&why, &names)).collect();
    let last = tonight.and_then(|name| Some((start(reference)?, name)));
    notes.extend(gaps(&nights, last));
    Chosen { nights, notes }
}

fn left(why: &str, names: &[String]) -> String {
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let runs = if names.len() == 1 { "run" } else { "runs" };
    format!("Left out {} {runs}: {shown}{more}: {why}.", names.len())
}

/// Why a night cannot be used.
fn reason(
    night: &StoredNight,
    last: Option<&StoredNight>,
    (reference, tonight): (&RunRecord, Option<&str>),
    force: bool,
) -> Option<String> {
    let record = &night.record;
    if night.torn {
        return Some("the last line of samples.csv is cut off".to_owned());
    }
    if record.status != RunStatus::Finished {
        return Some("it did not come to its end".to_owned());
    }
    if start(record).is_none() {
        return Some(format!("its start {:?} is no time", record.started_at));
    }
    let unlike = comparable::unlike(record, reference);
    if !force && !unlike.is_empty() {
        let names: Vec<&str> = unlike.iter().map(|difference| difference.name.as_str()).collect();
        return Some(format!("not the same {}", names.join(", ")));
    }
    if tonight.is_some() && record.started_at > reference.started_at {
        return Some("it is newer than the run that is judged".to_owned());
    }
    if tonight.is_some() && record.started_at == reference.started_at {
        return Some("it began at the same time as the run that is judged: the same night twice".to_owned());
    }
    let last = last?;
    if last.record.started_at == record.started_at {
        return Some(format!("it began at the same time as {}: the same night twice", last.name));
    }
    comparable::contradiction(&last.record, record)
}

/// When a run began, in seconds since 1970.
pub fn start(record: &RunRecord) -> Option<f64> {
    let time = parse_rfc3339(&record.started_at)?;
    #[allow(clippy::cast_precision_loss)] // seconds since 1970
    Some(time.unix_timestamp() as f64)
}

/// Times without runs that are much longer than usual, up to tonight.
fn gaps(nights: &[&StoredNight], tonight: Option<(f64, &str)>) -> Vec<String> {
    let known = nights.iter().filter_map(|night| Some((start(&night.record)?, night.name.as_str())));
    let times: Vec<(f64, &str)> = known.chain(tonight).collect();
    let steps: Vec<(f64, &str, &str)> =
        times.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[0].1, pair[1].1)).collect();
    let Ok(usual) = stats::median(&steps.iter().map(|(step, ..)| *step).collect::<Vec<_>>()) else {
        return Vec::new();
    };
    let found: Vec<_> = steps.iter().filter(|(step, ..)| nights.len() > 3 && *step > GAP * usual).collect();
    let mut lines: Vec<String> = found
        .iter()
        .take(NAMED)
        .map(|(step, before, after)| {
            format!("No run between {before} and {after}: {:.1} times the usual distance.", step / usual)
        })
        .collect();
    if found.len() > NAMED {
        lines.push(format!("And {} more such gaps.", found.len() - NAMED));
    }
    lines
}

/// The cells of a record, engine by engine, row by row.
pub fn cells(record: &RunRecord) -> Result<Vec<Cell>, Failure> {
    let mut cells = Vec::new();
    for engine in engines(record) {
        for approach in &record.approaches {
            let approach = ApproachId::new(approach).map_err(Failure::wrong)?;
            for scenario in &record.scenarios {
                let scenario = ScenarioId::new(&scenario.id).map_err(Failure::wrong)?;
                cells.push(Cell { engine: engine.clone(), approach: approach.clone(), scenario });
            }
        }
    }
    Ok(cells)
}

/// The medians of a night in the order of the cells.
pub fn medians(night: &StoredNight, cells: &[Cell]) -> Medians {
    let median = |cell: &Cell| {
        let engine = cell.engine.shown();
        stats::median(night.cell(engine, cell.approach.as_str(), cell.scenario.as_str())).ok()
    };
    cells.iter().map(median).collect()
}

/// The place of each cell's first night after its last accepted change.
pub fn starts(cells: &[Cell], nights: &[&StoredNight], accepted: &[Accepted]) -> Vec<usize> {
    let place = |run: &str| {
        let named = nights.iter().position(|night| night.name == run);
        // Names of folders begin with their time.
        named.unwrap_or_else(|| nights.iter().position(|night| night.name.as_str() >= run).unwrap_or(nights.len()))
    };
    let one = |cell: &Cell| {
        let mine = accepted.iter().filter(|a| a.covers(cell.approach.as_str(), cell.scenario.as_str()));
        mine.map(|a| place(&a.run)).max().unwrap_or(0)
    };
    cells.iter().map(one).collect()
}

/// The revision of a night, shortened; with a star where there were uncommitted changes.
pub fn revision(record: &RunRecord) -> Option<String> {
    let git = record.git.as_ref()?;
    Some(format!("{}{}", short(&git.revision), if git.dirty { "*" } else { "" }))
}
