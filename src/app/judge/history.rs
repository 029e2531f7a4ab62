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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Ending;
    use crate::app::fake_world::FakeWorld;

    /// The first night of another level.
    const CHANGED: usize = 8;

    fn request(dir: &Path) -> Request {
        Request { dir: dir.to_owned(), since: None, force: false, charts: None, png: false }
    }

    fn name(path: &Path) -> String {
        path.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// Twelve nights and tonight; from one of them on a cell takes a quarter more.
    fn nights_with_a_change(world: &FakeWorld) -> (PathBuf, Vec<PathBuf>) {
        let path = world.whole(&world.request()).path;
        let nights = world.nights(&path, 12, |night, sample| {
            let part = f64::from(u32::try_from(night * 37 % 101).unwrap()) / 10_000.0;
            let cell = (sample.key.approach.as_str(), sample.key.scenario.as_str());
            let times = if cell == ("slow", "warm") && night < CHANGED { 0.8 } else { 1.0 };
            sample.seconds.get() * times * (1.0 + part)
        });
        (path.parent().unwrap().to_path_buf(), nights)
    }

    #[test]
    fn a_change_of_level_is_found_where_it_was_and_is_wanted_once_that_is_said() {
        let world = FakeWorld::new();
        let (dir, nights) = nights_with_a_change(&world);
        let found = history(&request(&dir)).unwrap();
        assert_eq!((found.nights.len(), found.series.len(), found.notes.len()), (13, 6, 0));
        let change = |found: &History| {
            let [change] = &found.changes[..] else { panic!("{:?}", found.changes) };
            assert!((change.after / change.before - 1.25).abs() < 0.02, "{change:?}");
            (found.series[change.cell].cell.path(), found.nights[change.night].run.clone(), change.accepted.clone())
        };
        assert_eq!(change(&found), ("slow/warm".to_owned(), name(&nights[CHANGED]), None));
        let wanted = Acceptance {
            dir: dir.clone(),
            run: name(&nights[CHANGED]),
            cells: vec!["slow/warm".to_owned()],
            reason: " a larger base \n".to_owned(),
        };
        assert_eq!(accept(&wanted), Ok(dir.join("accepted.toml")));
        let reason = change(&history(&request(&dir)).unwrap()).2;
        assert_eq!(reason.as_deref(), Some("a larger base"));
    }

    #[test]
    fn a_history_can_begin_later_and_be_drawn() {
        let world = FakeWorld::new();
        let (dir, nights) = nights_with_a_change(&world);
        let day = name(&nights[10]);
        let date = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..8]);
        for since in [day, date] {
            let charts = Some(world.at("charts"));
            let found = history(&Request { since: Some(since), charts, ..request(&dir) }).unwrap();
            assert_eq!((found.nights.len(), found.changes.len()), (3, 0));
            let picture = std::fs::read_to_string(world.at("charts/nights.svg")).unwrap();
            assert!(picture.contains("slow") && picture.contains(&found.nights[0].started_at[..10]), "{picture}");
            std::fs::remove_dir_all(world.at("charts")).unwrap();
        }
    }

    #[test]
    fn only_what_there_was_can_be_accepted_and_with_a_reason() {
        let world = FakeWorld::new();
        let (dir, nights) = nights_with_a_change(&world);
        let good =
            Acceptance { dir: dir.clone(), run: name(&nights[0]), cells: Vec::new(), reason: "because".to_owned() };
        let refused = |call: &Acceptance, words: &str| {
            let failure = accept(call).unwrap_err();
            assert_eq!(failure.ending, Ending::Wrong);
            assert!(failure.text.contains(words), "{}", failure.text);
        };
        refused(&Acceptance { reason: " \n".to_owned(), ..copy(&good) }, "--reason: ");
        refused(&Acceptance { run: "another".to_owned(), ..copy(&good) }, &name(nights.last().unwrap()));
        for cell in ["slow/hot", "fast", "fast/warm"] {
            refused(&Acceptance { cells: vec![cell.to_owned()], ..copy(&good) }, "of it: slow, quick");
        }
        refused(&Acceptance { dir: world.at("nothing"), ..copy(&good) }, "nothing");
        assert!(!dir.join("accepted.toml").exists());
        // Without a cell, everything that changed is wanted.
        accept(&Acceptance { run: name(&nights[CHANGED]), ..copy(&good) }).unwrap();
        assert_eq!(history(&request(&dir)).unwrap().changes[0].accepted.as_deref(), Some("because"));
        assert_eq!(history(&request(&world.at("study"))).err().unwrap().ending, Ending::Wrong);
    }

    fn copy(call: &Acceptance) -> Acceptance {
        let Acceptance { dir, run, cells, reason } = call;
        Acceptance { dir: dir.clone(), run: run.clone(), cells: cells.clone(), reason: reason.clone() }
    }
}
