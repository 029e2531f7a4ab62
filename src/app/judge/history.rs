//! Medians over nights, where they changed, and which changes are wanted.

use crate::analysis::nights::{Medians, Series, series};
use crate::app::Failure;
use crate::app::read::past::{Chosen, cells, choose, medians, newest, revision};
use crate::app::read::{drawings, painter::Painter, unreadable};
use crate::chart::{self, Chart, ChartError};
use crate::model::Cell;
use crate::report::{ChangeLine, History, NightName};
use crate::store::{Accepted, StoredNight, StoredNights, accept as keep, accepted, nights};
use crate::text::time::rfc3339;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// An accepted change covers a change of level that was found this many nights from it.
const NEAR: usize = 3;

/// What is asked for.
pub struct Request {
    /// Folder of the runs.
    pub dir: PathBuf,
    /// Only runs from this date or run on.
    pub since: Option<String>,
    /// Whether runs are used even if they were made in unlike ways.
    pub force: bool,
    /// A folder that gets a picture of all nights.
    pub charts: Option<PathBuf>,
    /// Whether the picture is painted as well.
    pub png: bool,
}

/// A change that is to be marked as wanted.
pub struct Acceptance {
    /// Folder of the runs.
    pub dir: PathBuf,
    /// The first run after the change.
    pub run: String,
    /// What changed, each `APPROACH` or `APPROACH/SCENARIO`; everything if empty.
    pub cells: Vec<String>,
    /// Why it is wanted.
    pub reason: String,
}

/// Shows a folder of runs over time. A picture is written, the history is the answer.
///
/// # Errors
/// When the runs cannot be read.
pub fn history(request: &Request) -> Result<History, Failure> {
    let all = nights(&request.dir).map_err(unreadable)?;
    let newest = newest(&all, &request.dir)?;
    let Chosen { mut nights, notes } = choose(&all, &newest.record, None, request.force);
    if let Some(since) = &request.since {
        // The name of a run, or a date: names begin with a time without dashes.
        let name = since.replace(['-', ':'], "");
        let wanted = if all.nights.iter().any(|night| night.name == *since) { since.clone() } else { name };
        nights.retain(|night| night.name >= wanted);
    }
    let found = gather(&request.dir, newest, &nights, notes)?;
    if let Some(folder) = &request.charts {
        let chart = draw(&found).map_err(Failure::unmade)?;
        let painter = request.png.then(Painter::new).transpose()?;
        drawings::write([&chart].into_iter(), folder, painter.as_ref())?;
    }
    Ok(found)
}

fn gather(
    dir: &Path,
    newest: &StoredNight,
    nights: &[&StoredNight],
    mut notes: Vec<String>,
) -> Result<History, Failure> {
    let names = cells(&newest.record)?;
    let rows: Vec<Medians> = nights.iter().map(|night| medians(night, &names)).collect();
    let changes = accepted(dir).map_err(unreadable)?;
    for change in &changes {
        if !nights.iter().any(|night| night.name == change.run) {
            notes.push(format!("accepted.toml names the run {}, which is not among these nights.", change.run));
        }
    }
    let series = in_parallel(&names, &rows)?;
    Ok(History {
        title: newest.record.title.clone(),
        changes: lines(&series, nights, &changes),
        nights: nights
            .iter()
            .map(|night| NightName {
                run: night.name.clone(),
                started_at: night.record.started_at.clone(),
                revision: revision(&night.record),
            })
            .collect(),
        series,
        notes,
    })
}

fn draw(history: &History) -> Result<Chart, ChartError> {
    // The day says enough; a night without a time has its folder's name.
    let nights = history.nights.iter().map(|night| night.started_at.get(..10).unwrap_or(&night.run).to_owned());
    let lines = history.series.iter().enumerate().map(|(place, series)| {
        let changes = history.changes.iter().filter(|change| change.cell == place).map(|change| chart::ChangeMark {
            night: change.night,
            before: change.before,
            after: change.after,
            accepted: change.accepted.clone(),
        });
        chart::Trend { cell: series.cell.to_string(), medians: series.medians.clone(), changes: changes.collect() }
    });
    chart::nights(&nights.collect::<Vec<_>>(), &lines.collect::<Vec<_>>())
}

/// The series of all cells, shared out among the processors.
fn in_parallel(names: &[Cell], rows: &[Medians]) -> Result<Vec<Series>, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = names.len().div_ceil(threads).max(1);
    let parts: Vec<Result<Vec<Series>, Failure>> = std::thread::scope(|scope| {
        let workers: Vec<_> = names
            .chunks(share)
            .enumerate()
            .map(|(part, names)| {
                scope.spawn(move || {
                    let first = part * share;
                    let mine: Vec<Medians> = rows.iter().map(|row| row[first..first + names.len()].to_vec()).collect();
                    series(names, &mine).map_err(Failure::wrong)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|broken| resume_unwind(broken))).collect()
    });
    let mut all = Vec::new();
    for part in parts {
        all.extend(part?);
    }
    Ok(all)
}

fn lines(series: &[Series], nights: &[&StoredNight], accepted: &[Accepted]) -> Vec<ChangeLine> {
    let mut lines = Vec::new();
    for (cell, one) in series.iter().enumerate() {
        for change in &one.changes {
            let night = one.medians.get(change.index).map_or(0, |(night, _)| *night);
            let near = |change: &&Accepted| {
                let place = nights.iter().position(|night| night.name == change.run);
                change.covers(one.cell.approach.as_str(), one.cell.scenario.as_str())
                    && place.is_some_and(|place| place.abs_diff(night) <= NEAR)
            };
            lines.push(ChangeLine {
                cell,
                night,
                before: change.before.exp(),
                after: change.after.exp(),
                p: change.p,
                accepted: accepted.iter().find(near).map(|change| change.reason.clone()),
            });
        }
    }
    lines.sort_by_key(|line| (line.night, line.cell));
    lines
}

/// Marks a change as wanted. The answer is the file that keeps it.
///
/// # Errors
/// When no reason is given, the runs do not have what changed, or it cannot be kept.
pub fn accept(call: &Acceptance) -> Result<PathBuf, Failure> {
    let dir = &call.dir;
    let all: StoredNights = nights(dir).map_err(unreadable)?;
    let reason = call.reason.trim();
    if reason.is_empty() {
        return Err(Failure::wrong("--reason: found nothing; expected why the change is wanted"));
    }
    let Some(night) = all.nights.iter().find(|night| night.name == call.run) else {
        let last = all.nights.iter().rev().take(5).map(|night| night.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Failure::wrong(format!(
            "run: found {:?}, which {} does not hold; expected the first run after the change, such as {last}",
            call.run,
            dir.display()
        )));
    };
    let mut places: Vec<(Option<String>, Option<String>)> = Vec::new();
    for cell in &call.cells {
        let (approach, scenario) = match cell.split_once('/') {
            Some((approach, scenario)) => (approach, Some(scenario)),
            None => (cell.as_str(), None),
        };
        let known = night.record.approaches.iter().any(|name| name == approach)
            && scenario.is_none_or(|scenario| night.record.scenarios.iter().any(|s| s.id == scenario));
        if !known {
            return Err(Failure::wrong(format!(
                "--cell {cell:?}: not in {}; expected APPROACH or APPROACH/SCENARIO of it: {}",
                night.name,
                night.record.approaches.join(", ")
            )));
        }
        places.push((Some(approach.to_owned()), scenario.map(str::to_owned)));
    }
    if places.is_empty() {
        places.push((None, None));
    }
    for (approach, scenario) in places {
        let change = Accepted {
            run: night.name.clone(),
            approach,
            scenario,
            reason: reason.to_owned(),
            at: rfc3339(SystemTime::now()),
        };
        keep(dir, &change).map_err(unreadable)?;
    }
    Ok(dir.join("accepted.toml"))
}
