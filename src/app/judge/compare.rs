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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fake_world::FakeWorld;
    use crate::app::measure::run_request::RunRequest;
    use crate::model::ChainKind;

    /// A run of six blocks in which one cell takes so many times as long as it usually does.
    fn run(world: &FakeWorld, times: f64) -> PathBuf {
        world.engines.play(move |asked, dice| {
            let is_changed = asked.approach == "slow" && asked.number > 0 && asked.state == "base";
            asked.built_in(asked.usual_seconds(dice) * if is_changed { times } else { 1.0 })
        });
        world.whole(&RunRequest { reps: 6, ..world.request() }).path
    }

    fn two(base: &Path, new: &Path) -> Request {
        Request { base: base.to_owned(), new: Some(new.to_owned()), approaches: Vec::new(), force: false }
    }

    fn refused(world: &FakeWorld, request: &Request) -> Failure {
        compare(world.world(), request).err().unwrap()
    }

    #[test]
    fn a_run_is_held_against_another_one_cell_by_cell() {
        let world = FakeWorld::new();
        let (before, after) = (run(&world, 1.0), run(&world, 1.25));
        let answer = compare(world.world(), &two(&before, &after)).unwrap();
        assert_eq!(answer.ending(), Ending::Regression);
        let [Stratum { head, compared, .. }] = &answer.strata[..] else { panic!("one engine") };
        let worse: Vec<_> = compared.cells.iter().filter(|cell| cell.change.verdict == Verdict::Regression).collect();
        let [cell] = worse[..] else { panic!("{worse:#?}") };
        assert_eq!((cell.approach.as_str(), cell.scenario.as_str(), cell.n), ("slow", "warm", (6, 6)));
        let more = format!("layerbench explain {} slow/warm --against {}", after.display(), before.display());
        assert_eq!(head.more, Some(more));
        assert_eq!(head.notes, ["The files of the study are the same in both runs."]);
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!((&head.base, &head.new), (&name(&before), &name(&after)));
        // The other way around it got better, and the same is the same.
        assert_eq!(compare(world.world(), &two(&after, &before)).unwrap().ending(), Ending::Fine);
        assert_eq!(compare(world.world(), &two(&before, &before)).unwrap().ending(), Ending::Fine);
    }

    #[test]
    fn an_approach_is_held_against_another_one_however_they_are_named() {
        let world = FakeWorld::new();
        let run = run(&world, 1.0);
        let with = |approach: &str| PathBuf::from(format!("{}:{approach}", run.display()));
        let of = |base: PathBuf, new: Option<PathBuf>, approaches: &[&str]| {
            let approaches = approaches.iter().map(|name| (*name).to_owned()).collect();
            compare(world.world(), &Request { base, new, approaches, force: false })
        };
        for answer in [of(with("quick"), Some(with("slow")), &[]), of(run.clone(), None, &["quick", "slow"])] {
            let answer = answer.unwrap();
            assert_eq!(
                (answer.ending(), answer.strata[0].compared.count(Verdict::Regression)),
                (Ending::Regression, 3)
            );
            let more = answer.strata[0].head.more.clone().unwrap();
            assert!(more.starts_with(&format!("layerbench explain {} quick/", run.display())), "{more}");
        }
        assert_eq!(of(run.clone(), None, &["slow", "quick"]).unwrap().ending(), Ending::Fine);
        for (base, new, approaches, words) in [
            (run.clone(), None, &[][..], "found one run; expected two runs"),
            (run.clone(), None, &["slow"], "found one run; expected two runs"),
            (run.clone(), None, &["a", "b", "c"], "found 3 --approach; expected two"),
            (with("slow"), Some(run.clone()), &[], "found an approach on one side only"),
            (with("slow"), Some(with("quick")), &["slow"], "found the approach slow and --approach slow"),
            (with("fast"), Some(with("quick")), &[], "approach: found \"fast\", which the run "),
        ] {
            let failure = of(base, new, approaches).err().unwrap();
            assert_eq!(failure.ending, Ending::Wrong);
            assert!(failure.text.starts_with(words), "{}", failure.text);
        }
    }

    #[test]
    fn unlike_runs_are_compared_only_if_that_is_wanted_and_few_builds_prove_nothing() {
        let world = FakeWorld::new();
        let before = run(&world, 1.0);
        let other = world.whole(&RunRequest { reps: 6, chain: ChainKind::Checkpoint, ..world.request() }).path;
        let failure = refused(&world, &two(&before, &other));
        assert_eq!(failure.ending, Ending::CannotTell);
        assert!(
            failure.text.contains("\n  kind of chain: article in the base, checkpoint in the new run\n"),
            "{}",
            failure.text
        );
        let answer = compare(world.world(), &Request { force: true, ..two(&before, &other) }).unwrap();
        let note = "Unlike runs: kind of chain: article in the base, checkpoint in the new run.";
        assert_eq!(answer.strata[0].head.notes.last().unwrap(), note);
        // One cold build of each approach is too few for a verdict.
        assert_eq!(answer.ending(), Ending::CannotTell);
        assert_eq!(refused(&world, &two(&before, &world.at("nothing"))).ending, Ending::Wrong);
    }
}
