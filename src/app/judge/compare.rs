//! Two runs, or two approaches, cell by cell.

use crate::analysis::change::Verdict;
use crate::analysis::compare::{CellChange, Compared, Shared, compare_strata};
use crate::analysis::table::Table;
use crate::app::read::rows::row;
use crate::app::read::{Run, comparable, sizes};
use crate::app::{Ending, Failure, World};
use crate::model::{ApproachId, Cell, EngineId};
use crate::report::Comparing;
use std::path::{Path, PathBuf};

/// What is asked for.
pub struct Request {
    /// Folder of the run to compare with, or `RUN:APPROACH`.
    pub base: PathBuf,
    /// Folder of the run that is judged, or `RUN:APPROACH`; may be left out with two approaches.
    pub new: Option<PathBuf>,
    /// Two approaches, the first being the base.
    pub approaches: Vec<String>,
    /// Whether even runs that were made in unlike ways are compared.
    pub force: bool,
}

/// What was found on one engine.
pub struct Stratum {
    /// The engine.
    pub engine: EngineId,
    /// What was compared with what.
    pub head: Comparing,
    /// The changes.
    pub compared: Compared,
}

/// What was found: engine by engine, at least one.
pub struct Answer {
    /// What was found on each engine.
    pub strata: Vec<Stratum>,
}

impl Answer {
    /// What it amounts to.
    #[must_use]
    pub fn ending(&self) -> Ending {
        let mut compared = self.strata.iter().map(|stratum| &stratum.compared);
        if compared.clone().any(Compared::is_worse) {
            Ending::Regression
        } else if compared.all(|stratum| stratum.doubts().is_empty()) {
            Ending::Fine
        } else {
            Ending::CannotTell
        }
    }
}

/// Compares two runs, or two approaches.
///
/// # Errors
/// When they cannot be read, or are too unlike.
pub fn compare(world: World<'_>, request: &Request) -> Result<Answer, Failure> {
    let (base, new) = operands(request)?;
    let (left, right) = (Run::open_to_judge(&base.run)?, Run::open_to_judge(&new.run)?);
    for warning in left.warnings.iter().chain(&right.warnings) {
        world.say(format!("layerbench: {warning}"));
    }
    let mut notes = Vec::new();
    if left.path != right.path {
        notes = comparable::alike(&left.record, &right.record, request.force)?;
    }
    let mut tables = Vec::new();
    for (engine, before, after) in left.pairs(&right) {
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
        stratum.images.retain(|image| !sizes::alike(&right.record, engine, image.base, image.new));
    }
    let name = |run: &Run, operand: &Operand| match &operand.approach {
        Some(approach) => format!("{} of {}", approach, run.name()),
        None => run.name(),
    };
    let strata = compared.into_iter().enumerate().map(|(place, compared)| {
        let engine = tables.get(place).map_or_else(EngineId::only, |(engine, ..)| (*engine).clone());
        let head = Comparing {
            title: format!("{}{}", right.record.title, engine.on()),
            base: name(&left, &base),
            new: name(&right, &new),
            notes: notes.clone(),
            more: more((&base, &new), &engine, &compared),
        };
        Stratum { engine, head, compared }
    });
    Ok(Answer { strata: strata.collect() })
}

/// One side: a run, or one row of it.
struct Operand {
    run: PathBuf,
    approach: Option<ApproachId>,
}

impl Operand {
    fn read(text: &Path) -> Result<Self, Failure> {
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
}

fn id(text: &str) -> Result<ApproachId, Failure> {
    ApproachId::new(text).map_err(Failure::wrong)
}

fn operands(request: &Request) -> Result<(Operand, Operand), Failure> {
    let base = Operand::read(&request.base)?;
    let new = match &request.new {
        Some(new) => Operand::read(new)?,
        None => Operand { run: base.run.clone(), approach: None },
    };
    let (base, new) = match &request.approaches[..] {
        [] => (base, new),
        [one] => (with(base, one)?, with(new, one)?),
        [first, second] => (with(base, first)?, with(new, second)?),
        more => {
            return Err(Failure::wrong(format!(
                "found {} --approach; expected two: the base and the new one",
                more.len()
            )));
        }
    };
    match (&request.new, &base.approach, &new.approach) {
        (None, a, b) if a.is_none() || a == b => Err(Failure::wrong(
            "found one run; expected two runs, or two approaches of it: add the folder of a second run, or --approach A --approach B",
        )),
        (_, Some(_), None) | (_, None, Some(_)) => Err(Failure::wrong(
            "found an approach on one side only; expected two runs, or two approaches such as RUN:A RUN:B",
        )),
        _ => Ok((base, new)),
    }
}

fn with(operand: Operand, approach: &str) -> Result<Operand, Failure> {
    match operand.approach {
        None => Ok(Operand { approach: Some(id(approach)?), ..operand }),
        Some(given) => {
            Err(Failure::wrong(format!("found the approach {given} and --approach {approach}; expected one of them")))
        }
    }
}

/// The command that shows more of the worst cell.
fn more((base, new): (&Operand, &Operand), engine: &EngineId, compared: &Compared) -> Option<String> {
    let worst = compared.cells.iter().filter(|cell| cell.change.verdict == Verdict::Regression);
    let size = |cell: &&CellChange| cell.change.shift.map_or(0.0, |shift| shift.shift);
    let worst = worst.max_by(|a, b| size(a).total_cmp(&size(b)))?;
    let side = |operand: &Operand| {
        let approach = operand.approach.as_ref().unwrap_or(&worst.approach).clone();
        Cell { engine: engine.clone(), approach, scenario: worst.scenario.clone() }.path()
    };
    let call = if base.run == new.run {
        format!("layerbench explain {} {} {}", base.run.display(), side(base), side(new))
    } else {
        format!("layerbench explain {} {} --against {}", new.run.display(), side(new), base.run.display())
    };
    Some(call)
}
