//! Tonight's run against the runs before it. Decides, has suspects measured afresh if asked, and says which cell, by how
//! much, since when, and how to see more.

use crate::analysis::change::{self, CommonMode, Verdict};
use crate::analysis::compare::{CellChange, Shared, compare_strata};
use crate::analysis::gate::{self as rules, NIGHTS, NightVerdict};
use crate::analysis::nights::{GatedCell, Medians, NewSize, by_history};
use crate::analysis::table::Table;
use crate::app::measure::confirm;
use crate::app::read::past::{Chosen, cells, choose, medians, revision, starts};
use crate::app::read::{Run, Stratum, comparable, sizes, unreadable};
use crate::app::{Ending, Failure, World};
use crate::model::{Cell, EngineId};
use crate::report::{Confirmed, Gated, GatedLine};
use crate::store::{RunStatus, StoredNight, accepted, nights};
use std::path::{Path, PathBuf};

/// How the gate judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// By history if there is one, else by one night.
    Auto,
    /// By what the nights before let expect.
    History,
    /// By one night: shows suspects, which only fresh builds decide.
    Baseline,
}

/// What is asked for.
pub struct Request {
    /// Folder of the run that is judged.
    pub run: PathBuf,
    /// Folder of the runs before it; that of the run if not given.
    pub history: Option<PathBuf>,
    /// By which rule.
    pub rule: Rule,
    /// A run to hold tonight against, instead of the last one.
    pub baseline: Option<PathBuf>,
    /// Whether nights are used even if they were made in unlike ways.
    pub force: bool,
    /// How what is slower is measured afresh, if it is.
    pub confirm: Option<confirm::ConfirmRequest>,
}

/// The verdict on a night.
pub struct Answer {
    /// What was found.
    pub gated: Gated,
    /// What it amounts to.
    pub ending: Ending,
}

/// Judges a night.
///
/// # Errors
/// When the runs cannot be read or compared, or suspects cannot be built.
pub fn gate(world: World<'_>, request: &Request) -> Result<Answer, Failure> {
    let tonight = Run::open_to_judge(&request.run)?;
    if tonight.record.status != RunStatus::Finished {
        return Err(Failure::cannot_tell(format!(
            "{}: found a run that did not come to its end; expected one that did; go on with it (layerbench run --resume {0}), or run it again",
            tonight.place()
        )));
    }
    let folder = match &request.history {
        Some(folder) => folder.clone(),
        None => tonight.path.parent().unwrap_or(Path::new(".")).to_owned(),
    };
    let all = nights(&folder).map_err(unreadable)?;
    let Chosen { nights: before, mut notes } = choose(&all, &tonight.record, Some(&tonight.name()), request.force);
    notes.extend(tonight.warnings.iter().map(|warning| format!("{warning}.")));
    let names = cells(&tonight.record)?;
    let changes = accepted(&folder).map_err(unreadable)?;
    let starts = starts(&names, &before, &changes);
    let by_history = match request.rule {
        Rule::Auto => before.len() >= NIGHTS && request.baseline.is_none(),
        Rule::History => true,
        Rule::Baseline => false,
    };
    let night = Night { request, tonight, folder, names, before, starts };
    let mut found = if by_history { night.history() } else { night.baseline()? };
    found.notes.splice(0..0, notes);
    if let Some(asked) = request.confirm.as_ref().filter(|_| !found.suspects.is_empty()) {
        match night.confirm(world, asked, &mut found) {
            // The rule's own verdict still stands.
            Err(failure) if failure.ending == Ending::CannotTell => {
                found.notes.push(format!("Not confirmed: {}.", failure.text));
            }
            confirmed => confirmed?,
        }
    }
    let gated = night.judge(found);
    let ending = match gated.verdict {
        NightVerdict::Regression(_) => Ending::Regression,
        NightVerdict::CannotTell => Ending::CannotTell,
        NightVerdict::NoRegression => Ending::Fine,
    };
    Ok(Answer { gated, ending })
}

/// Tonight and what it is held against.
struct Night<'a> {
    request: &'a Request,
    tonight: Run,
    folder: PathBuf,
    names: Vec<Cell>,
    before: Vec<&'a StoredNight>,
    starts: Vec<usize>,
}

/// What is found on the way to a verdict. The fields of the same names in [`Gated`] say what they are.
struct Found {
    rule: String,
    lines: Vec<GatedLine>,
    common: Vec<(EngineId, CommonMode)>,
    doubts: Vec<String>,
    notes: Vec<String>,
    confirmed: Option<Vec<Confirmed>>,
    /// Cells to be measured afresh, as places in `lines`.
    suspects: Vec<usize>,
    /// The run that suspects are held against.
    baseline: Option<PathBuf>,
    by_history: bool,
}

impl Night<'_> {
    fn history(&self) -> Found {
        let rows: Vec<Medians> = self.before.iter().map(|night| medians(night, &self.names)).collect();
        let fresh: Vec<Vec<f64>> = self.names.iter().map(|name| seconds(&self.tonight, name)).collect();
        let (judged, common) = by_history(&self.names, &rows, &self.starts, &fresh);
        let few = judged.iter().filter(|cell| cell.too_few).count();
        let engines = self.tonight.strata.iter().map(|stratum| stratum.id.clone());
        let common: Vec<(EngineId, CommonMode)> = engines.zip(common).collect();
        let mut doubts = doubts(&common);
        if few > 0 {
            doubts.push(format!(
                "{few} of {} cells have too few builds tonight, or fewer than {NIGHTS} comparable nights since the last accepted change",
                judged.len()
            ));
        }
        let suspects: Vec<usize> =
            (0..judged.len()).filter(|place| judged[*place].tonight.verdict == Verdict::Regression).collect();
        let began = suspects.iter().filter_map(|place| judged[*place].since).min().unwrap_or(self.before.len());
        let baseline = began.checked_sub(1).map(|place| self.folder.join(&self.before[place].name));
        let lines = judged.iter().map(|cell| self.line(cell, &common, baseline.as_deref()));
        Found {
            rule: self.rule(),
            lines: lines.collect(),
            common,
            doubts,
            notes: Vec::new(),
            confirmed: None,
            suspects,
            baseline,
            by_history: true,
        }
    }

    fn rule(&self) -> String {
        match (self.before.first(), self.before.last()) {
            (Some(first), Some(last)) => {
                format!("By {} comparable nights, {} to {}", self.before.len(), first.name, last.name)
            }
            _ => "By no comparable night".to_owned(),
        }
    }

    /// The verdict, from everything that was found.
    fn judge(&self, mut found: Found) -> Gated {
        let slower = match &found.confirmed {
            Some(fresh) => fresh.iter().any(|one| one.verdict == Verdict::Regression),
            None if found.by_history => !found.suspects.is_empty(),
            None if found.suspects.is_empty() => false,
            None => {
                found.doubts.push(format!(
                    "{} suspects after one night; have them measured afresh with --confirm",
                    found.suspects.len()
                ));
                false
            }
        };
        let sizes = self.sizes();
        let larger = sizes.iter().any(|size| size.tonight > size.before);
        Gated {
            title: self.tonight.record.title.clone(),
            run: self.tonight.name(),
            verdict: NightVerdict::of(slower, larger, !found.doubts.is_empty()),
            rule: found.rule,
            lines: found.lines,
            common: found.common,
            sizes,
            confirmed: found.confirmed,
            notes: found.notes,
            doubts: found.doubts,
        }
    }

    fn line(&self, cell: &GatedCell, common: &[(EngineId, CommonMode)], baseline: Option<&Path>) -> GatedLine {
        let tonight = cell.tonight;
        let mine = common.iter().find(|(engine, _)| *engine == cell.cell.engine);
        let common = mine.map_or(CommonMode::default(), |(_, common)| *common);
        // The rule's ratios are about the mean of the nights; seconds are what people know.
        let mean = cell.median.zip(tonight.ratio).map(|(median, ratio)| median / ratio / common.ratio());
        let slow = tonight.verdict == Verdict::Regression;
        GatedLine {
            cell: cell.cell.clone(),
            verdict: tonight.verdict,
            n: cell.n,
            median: cell.median,
            ratio: tonight.ratio,
            expected: tonight.expected.zip(mean).map(|((low, high), mean)| (low * mean, high * mean)),
            p: if tonight.verdict == Verdict::Improvement { tonight.faster } else { tonight.slower },
            nights: tonight.nights,
            since: slow.then(|| self.since(cell.since)),
            more: baseline.filter(|_| slow).map(|baseline| self.more(&cell.cell, baseline)),
        }
    }

    fn since(&self, since: Option<usize>) -> String {
        let record = since.map_or(&self.tonight.record, |place| &self.before[place].record);
        let revision = revision(record).map_or(String::new(), |revision| format!(", revision {revision}"));
        match since {
            None => format!("since tonight{revision}"),
            Some(place) => {
                let nights = self.before.len() - place + 1;
                format!("since {}, {nights} nights in a row{revision}", self.before[place].name)
            }
        }
    }

    fn more(&self, cell: &Cell, baseline: &Path) -> String {
        let run = self.tonight.path.display();
        format!("layerbench explain {run} {} --against {}", cell.path(), baseline.display())
    }

    /// Images whose size is not that of the last night.
    fn sizes(&self) -> Vec<NewSize> {
        let Some(last) = self.before.last() else { return Vec::new() };
        let mut found = Vec::new();
        for Stratum { id: engine, table, .. } in &self.tonight.strata {
            let rows = table.rows.iter().filter_map(|row| {
                let before = last.image(engine.shown(), row.approach.as_str())?;
                Some(NewSize { engine: engine.clone(), approach: row.approach.clone(), before, tonight: row.image? })
            });
            let record = &self.tonight.record;
            found.extend(rows.filter(|size| !sizes::alike(record, engine, size.before, size.tonight)));
        }
        found
    }

    /// Without a history there are only suspects: differences between two nights prove nothing.
    fn baseline(&self) -> Result<Found, Failure> {
        let path = match (&self.request.baseline, self.before.last()) {
            (Some(path), _) => path.clone(),
            (None, Some(last)) => self.folder.join(&last.name),
            (None, None) => {
                return Err(Failure::cannot_tell(format!(
                    "{}: found no comparable run before the run {}; expected at least one, and {NIGHTS} for a verdict by history; run the study again on later nights",
                    self.folder.display(),
                    self.tonight.place()
                )));
            }
        };
        let baseline = Run::open_to_judge(&path)?;
        let mut notes = comparable::alike(&baseline.record, &self.tonight.record, self.request.force)?;
        let pairs = baseline.pairs(&self.tonight);
        let strata: Vec<(&Table, &Table)> = pairs.iter().map(|(_, before, after)| (*before, *after)).collect();
        let (mut lines, mut suspects, mut common, mut doubts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((engine, ..), compared) in pairs.iter().zip(compare_strata(&strata, Shared::TakeOut)) {
            let names = compared.cells.iter().map(|cell| Cell {
                engine: (*engine).clone(),
                approach: cell.approach.clone(),
                scenario: cell.scenario.clone(),
            });
            let names: Vec<Cell> = names.collect();
            let groups: Vec<(Vec<f64>, Vec<f64>)> =
                names.iter().map(|name| (seconds(&baseline, name), seconds(&self.tonight, name))).collect();
            let groups: Vec<(&[f64], &[f64])> = groups.iter().map(|(a, b)| (&a[..], &b[..])).collect();
            let mine = rules::suspects(&groups, compared.common);
            suspects.extend(mine.iter().map(|place| lines.len() + place));
            for (place, (cell, name)) in compared.cells.iter().zip(names).enumerate() {
                let more = mine.contains(&place).then(|| self.more(&name, &path));
                lines.push(undecided(cell, name, more));
            }
            let on = engine.before(": ");
            doubts.extend(compared.doubts().into_iter().map(|doubt| format!("{on}{doubt}")));
            common.push(((*engine).clone(), compared.common));
        }
        let rule = format!("By one night, {}", baseline.name());
        for place in &suspects {
            let line = &lines[*place];
            let percent = line.ratio.map_or(0.0, |ratio| (ratio - 1.0) * 100.0);
            notes.push(format!("Suspect: {}, {percent:+.1} %.", line.cell));
        }
        Ok(Found {
            rule,
            lines,
            common,
            doubts,
            notes,
            confirmed: None,
            suspects,
            baseline: Some(path),
            by_history: false,
        })
    }

    /// Has the suspects measured afresh: only these samples decide.
    fn confirm(&self, world: World<'_>, asked: &confirm::ConfirmRequest, found: &mut Found) -> Result<(), Failure> {
        let Some(path) = &found.baseline else { return Ok(()) };
        let baseline = Run::open_to_judge(path)?;
        let suspects: Vec<Cell> = found.suspects.iter().map(|place| found.lines[*place].cell.clone()).collect();
        let fresh = confirm::rebuild(world, asked, &baseline.record, &self.tonight.record, &suspects)?;
        let pairs: Vec<(&[f64], &[f64])> =
            fresh.samples.iter().map(|one| (&one.baseline[..], &one.current[..])).collect();
        let judged = rules::confirm(&pairs);
        let all = suspects.iter().zip(&pairs).zip(judged);
        found.confirmed = Some(
            all.map(|((cell, pair), change)| Confirmed {
                cell: cell.clone(),
                verdict: change.verdict,
                ratio: change.shift.map(|shift| shift.ratio()),
                p: change.slower,
                n: (pair.0.len(), pair.1.len()),
            })
            .collect(),
        );
        if pairs.iter().any(|(a, b)| !change::could_fire(a.len(), b.len(), pairs.len())) {
            found.doubts.push("too few of the fresh builds are valid".to_owned());
        }
        found.notes.extend(fresh.notes);
        Ok(())
    }
}

/// Seconds of a cell's valid builds.
fn seconds(run: &Run, name: &Cell) -> Vec<f64> {
    let cell = run.table(&name.engine).and_then(|table| table.cell(&name.approach, &name.scenario));
    cell.map(|cell| cell.seconds.clone()).unwrap_or_default()
}

/// A cell that two nights cannot decide: a suspect, or nothing to say.
fn undecided(cell: &CellChange, name: Cell, more: Option<String>) -> GatedLine {
    GatedLine {
        cell: name,
        verdict: match cell.change.verdict {
            Verdict::Regression => Verdict::NotEnoughData,
            verdict => verdict,
        },
        n: cell.n.1,
        median: cell.new.map(crate::model::Seconds::get),
        ratio: cell.change.shift.map(|shift| shift.ratio()),
        expected: None,
        p: if cell.change.verdict == Verdict::Improvement { cell.change.faster } else { cell.change.slower },
        nights: 1,
        since: None,
        more,
    }
}

fn doubts(common: &[(EngineId, CommonMode)]) -> Vec<String> {
    let shifts = common.iter().filter(|(_, common)| common.is_shift()).map(|(engine, common)| {
        let on = engine.on();
        format!("a global shift of {:+.1} % over {} cells{on}", common.percent(), common.cells)
    });
    shifts.collect()
}

#[cfg(test)]
mod tests;
