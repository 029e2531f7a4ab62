//! `layerbench compare`: two runs, or two approaches, cell by cell.

use super::args::{CompareArgs, Form};
use super::load::{Loaded, pairs};
use super::style::{answer, style_for, unmade};
use super::{End, Stop, facts, sizes};
use crate::analysis::change::Verdict;
use crate::analysis::compare::{Compared, Shared, compare_strata};
use crate::analysis::nights::CellName;
use crate::analysis::table::Table;
use crate::model::{ApproachId, EngineId};
use crate::report::{
    Comparing, each_engine, write_compared_json, write_compared_markdown, write_compared_text, write_faster,
};
use crate::store::RunRecord;
use std::path::{Path, PathBuf};

/// Carries out the command.
pub fn compare(args: &CompareArgs) -> Result<End, Stop> {
    let (base, new) = operands(args)?;
    let (left, right) = (base.open()?, new.open()?);
    for warning in left.run.warnings.iter().chain(&right.run.warnings) {
        say!("layerbench: {warning}");
    }
    let mut notes = Vec::new();
    if left.run.path != right.run.path {
        notes = alike(left.record(), right.record(), args.force)?;
    }
    let mut tables = Vec::new();
    for (engine, before, after) in pairs(&left, &right) {
        tables.push(match (&base.approach, &new.approach) {
            (Some(a), Some(b)) => (engine, row(before, &left.place(), a, b)?, row(after, &right.place(), b, b)?),
            _ => (engine, before.clone(), after.clone()),
        });
    }
    let shared = if base.approach.is_some() { Shared::Keep } else { Shared::TakeOut };
    let strata: Vec<(&Table, &Table)> = tables.iter().map(|(_, before, after)| (before, after)).collect();
    // Runs without an engine in common have no cell in common.
    let mut compared = if strata.is_empty() { vec![Compared::default()] } else { compare_strata(&strata, shared) };
    for (stratum, (engine, ..)) in compared.iter_mut().zip(&tables) {
        stratum.images.retain(|image| !sizes::alike(right.record(), *engine, image.base, image.new));
    }
    let engines: Vec<Option<&EngineId>> = compared.iter().enumerate().map(|(i, _)| tables.get(i)?.0).collect();
    let name = |run: &Loaded, operand: &Operand| match &operand.approach {
        Some(approach) => format!("{} of {}", approach, run.name()),
        None => run.name(),
    };
    let head = |place: usize| Comparing {
        title: match engines[place] {
            Some(engine) => format!("{} on {engine}", right.record().title),
            None => right.record().title.clone(),
        },
        base: name(&left, &base),
        new: name(&right, &new),
        notes: notes.clone(),
        more: more(args, engines[place], &compared[place]),
    };
    let written = each_engine(&engines, args.format == Form::Json, |place, out| match args.format {
        Form::Text => write_compared_text(&head(place), &compared[place], style_for(args.out.as_deref()), out),
        Form::Markdown => write_compared_markdown(&head(place), &compared[place], out),
        Form::Json => write_compared_json(&head(place), &compared[place], out),
    });
    let text = written.map_err(unmade)?;
    answer(args.out.as_deref(), &text)?;
    Ok(end(&compared))
}

/// Prints which of a run's approaches is faster in which scenario: each held against the first. For a run without a
/// study file always, for one with a study when it has two approaches.
pub fn faster(run: &Path, always: bool) -> Result<(), Stop> {
    let loaded = Loaded::open(run)?;
    let Some(table) = loaded.strata.first().map(|stratum| &stratum.table) else { return Ok(()) };
    let rows: Vec<ApproachId> = table.rows.iter().map(|row| row.approach.clone()).collect();
    let Some((first, others)) = rows.split_first().filter(|_| rows.len() == 2 || always) else { return Ok(()) };
    let mut tables = Vec::new();
    for stratum in &loaded.strata {
        for other in others {
            let before = row(&stratum.table, &loaded.place(), first, other)?;
            let after = row(&stratum.table, &loaded.place(), other, other)?;
            tables.push((stratum.engine.as_ref(), other, before, after));
        }
    }
    // One family: the more is asked, the more it takes to call one of the answers sure.
    let strata: Vec<(&Table, &Table)> = tables.iter().map(|(_, _, before, after)| (before, after)).collect();
    let mut text = Vec::new();
    for (compared, (engine, other, ..)) in compare_strata(&strata, Shared::Keep).iter().zip(&tables) {
        write_faster((first, other), *engine, compared, super::style::style(), &mut text).map_err(unmade)?;
    }
    super::style::write_out(&text)
}

/// The exit code of a comparison.
fn end(compared: &[Compared]) -> End {
    if compared.iter().any(Compared::is_worse) {
        End::Regression
    } else if compared.iter().all(|stratum| stratum.doubts().is_empty()) {
        End::Fine
    } else {
        End::CannotTell
    }
}

/// One side: a run, or one row of it.
struct Operand {
    run: PathBuf,
    approach: Option<ApproachId>,
}

impl Operand {
    fn read(text: &Path) -> Result<Self, Stop> {
        if text.exists() {
            return Ok(Self { run: text.to_owned(), approach: None });
        }
        let shown = text.to_string_lossy();
        match shown.rsplit_once(':') {
            Some((run, approach)) if Path::new(run).exists() => {
                Ok(Self { run: PathBuf::from(run), approach: Some(id(approach)?) })
            }
            _ => Ok(Self { run: text.to_owned(), approach: None }), // opening it says what is wrong
        }
    }

    fn open(&self) -> Result<Loaded, Stop> {
        Loaded::open(&self.run)
    }
}

fn id(text: &str) -> Result<ApproachId, Stop> {
    ApproachId::new(text).map_err(Stop::wrong)
}

fn operands(args: &CompareArgs) -> Result<(Operand, Operand), Stop> {
    let base = Operand::read(&args.base)?;
    let new = match &args.new {
        Some(new) => Operand::read(new)?,
        None => Operand { run: base.run.clone(), approach: None },
    };
    let (base, new) = match &args.approach[..] {
        [] => (base, new),
        [one] => (with(base, one)?, with(new, one)?),
        [first, second] => (with(base, first)?, with(new, second)?),
        more => {
            return Err(Stop::wrong(format!(
                "found {} --approach; expected two: the base and the new one",
                more.len()
            )));
        }
    };
    match (&args.new, &base.approach, &new.approach) {
        (None, a, b) if a.is_none() || a == b => Err(Stop::wrong(
            "found one run; expected two runs, or two approaches of it: add the folder of a second run, or --approach A --approach B",
        )),
        (_, Some(_), None) | (_, None, Some(_)) => Err(Stop::wrong(
            "found an approach on one side only; expected two runs, or two approaches such as RUN:A RUN:B",
        )),
        _ => Ok((base, new)),
    }
}

fn with(operand: Operand, approach: &str) -> Result<Operand, Stop> {
    match operand.approach {
        None => Ok(Operand { approach: Some(id(approach)?), ..operand }),
        Some(given) => {
            Err(Stop::wrong(format!("found the approach {given} and --approach {approach}; expected one of them")))
        }
    }
}

/// A table of one row, under another name.
fn row(table: &Table, run: &str, approach: &ApproachId, name: &ApproachId) -> Result<Table, Stop> {
    let Some(row) = table.row(approach) else {
        let known: Vec<&str> = table.rows.iter().map(|row| row.approach.as_str()).collect();
        return Err(Stop::wrong(format!(
            "approach: found {:?}, which the run {run} does not have; expected one of {}; correct the name",
            approach.as_str(),
            known.join(", ")
        )));
    };
    let mut row = row.clone();
    row.approach = name.clone();
    Ok(Table { rows: vec![row], ..table.clone() })
}

/// Refuses runs that were made in unlike ways, and says what should be known of those that were not.
pub fn alike(base: &RunRecord, new: &RunRecord, force: bool) -> Result<Vec<String>, Stop> {
    let mut unlike: Vec<String> = facts::unlike(base, new).iter().map(ToString::to_string).collect();
    unlike.extend(facts::contradiction(base, new));
    let mut notes = facts::remarks(base, new);
    if unlike.is_empty() {
        return Ok(notes);
    }
    if !force {
        return Err(Stop::cannot_tell(format!(
            "the runs differ in more than what they built, so their times say nothing of it:\n  {}\nrun both in the same way, or compare them nonetheless with --force",
            unlike.join("\n  ")
        )));
    }
    notes.extend(unlike.into_iter().map(|line| format!("Unlike runs: {line}.")));
    Ok(notes)
}

/// The command that shows more of the worst cell.
fn more(args: &CompareArgs, engine: Option<&EngineId>, compared: &Compared) -> Option<String> {
    let worst = compared.cells.iter().filter(|cell| cell.change.verdict == Verdict::Regression);
    let size = |cell: &&crate::analysis::compare::CellChange| cell.change.shift.map_or(0.0, |shift| shift.shift);
    let worst = worst.max_by(|a, b| size(a).total_cmp(&size(b)))?;
    let (base, new) = operands(args).ok()?;
    let side = |operand: &Operand| {
        let approach = operand.approach.as_ref().unwrap_or(&worst.approach).clone();
        CellName { engine: engine.cloned(), approach, scenario: worst.scenario.clone() }.path()
    };
    let call = if base.run == new.run {
        format!("layerbench explain {} {} {}", base.run.display(), side(&base), side(&new))
    } else {
        format!("layerbench explain {} {} --against {}", new.run.display(), side(&new), base.run.display())
    };
    Some(call)
}
