//! Which steps make the difference between two cells.

use crate::analysis::explain::{Build, Explained, explain as explain_cells};
use crate::app::read::{past, unreadable};
use crate::app::{Failure, World};
use crate::model::{Cell, Status};
use crate::store::{RunFolder, StoredRun};
use std::path::PathBuf;

/// What is asked for.
pub struct Request {
    /// Folder of a run.
    pub run: PathBuf,
    /// The base cell, as `APPROACH/SCENARIO` or `ENGINE/APPROACH/SCENARIO`.
    pub first: String,
    /// The new cell; the same one if a second run is given.
    pub second: Option<String>,
    /// A second run, from which the base cell is taken.
    pub against: Option<PathBuf>,
}

/// What was found.
pub struct Answer {
    /// Names of the base and of the new cell.
    pub names: (String, String),
    /// The steps that make the difference.
    pub explained: Explained,
}

/// Explains the difference between two cells.
///
/// # Errors
/// When a run cannot be read, does not have a cell, or has nothing that could explain it.
pub fn explain(world: World<'_>, request: &Request) -> Result<Answer, Failure> {
    let open = |folder: &PathBuf| RunFolder::open(folder).map_err(unreadable);
    let new_run = open(&request.run)?;
    let other = request.against.as_ref().map(open).transpose()?;
    let base_run = other.as_ref().unwrap_or(&new_run);
    for warning in new_run.warnings.iter().chain(other.iter().flat_map(|run| &run.warnings)) {
        world.say(format!("layerbench: {warning}"));
    }
    // A is the base; with one cell and a second run, that run's cell is.
    let (base, new) = match (&request.second, &request.against) {
        (Some(second), _) => (&request.first, second),
        (None, Some(_)) => (&request.first, &request.first),
        (None, None) => {
            return Err(Failure::wrong(
                "found one cell of one run; expected two: name a second one, or a second run with --against",
            ));
        }
    };
    let (left, right) = (builds(base_run, base)?, builds(&new_run, new)?);
    let explained = explain_cells(&left, &right).ok_or_else(|| {
        let valid = left.iter().any(|(sample, _)| sample.status == Status::Ok);
        let (cell, run) = if valid { (new, &new_run) } else { (base, base_run) };
        let run = run.path.display();
        Failure::cannot_tell(format!(
            "{cell} of the run {run}: found no valid build; expected at least one; run it again"
        ))
    })?;
    if left.iter().chain(&right).all(|(_, steps)| steps.is_empty()) {
        return Err(Failure::cannot_tell(format!(
            "{base} of the run {} and {new} of the run {}: found builds without steps, as an import has them; expected runs made by Layerbench; run the study",
            base_run.path.display(),
            new_run.path.display()
        )));
    }
    let name = |run: &StoredRun| run.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names = match &other {
        Some(other) => (format!("{base} of {}", name(other)), format!("{new} of {}", name(&new_run))),
        None => (base.clone(), new.clone()),
    };
    Ok(Answer { names, explained })
}

/// The builds of a cell, given as APPROACH/SCENARIO, or ENGINE/APPROACH/SCENARIO where the run has several engines.
fn builds<'a>(run: &'a StoredRun, cell: &str) -> Result<Vec<Build<'a>>, Failure> {
    let names: Vec<Cell> = past::cells(&run.record)?;
    let Some(name) = names.iter().find(|name| name.path() == cell) else {
        let more = names.len().saturating_sub(12);
        let shown: Vec<String> = names.iter().take(12).map(Cell::path).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return Err(Failure::wrong(format!(
            "cell: found {cell:?}, which the run {} does not have; expected one of {}{more}; correct the name",
            run.path.display(),
            shown.join(", ")
        )));
    };
    let mine = run.samples.iter().filter(|(sample, _)| {
        (&sample.engine, &sample.key.approach, &sample.key.scenario) == (&name.engine, &name.approach, &name.scenario)
    });
    Ok(mine.map(|(sample, steps)| (sample, &steps[..])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Ending;
    use crate::app::fake_world::FakeWorld;
    use std::path::Path;

    fn request(run: &Path, first: &str, second: Option<&str>) -> Request {
        Request { run: run.to_owned(), first: first.to_owned(), second: second.map(str::to_owned), against: None }
    }

    #[test]
    fn two_cells_of_a_run_are_told_apart_by_their_steps() {
        let world = FakeWorld::new();
        world.engines.play(|asked, _| asked.built_in(asked.usual_seconds(0)));
        let run = world.whole(&world.request()).path;
        let answer = explain(world.world(), &request(&run, "quick/cold", Some("slow/cold"))).unwrap();
        assert_eq!(answer.names, ("quick/cold".to_owned(), "slow/cold".to_owned()));
        let explained = answer.explained;
        assert_eq!((explained.medians.base, explained.medians.new), (10.0, 20.0));
        // Three steps of the same name and length: each adds a third.
        let added: f64 = explained.shares.iter().map(|share| share.difference()).sum();
        assert!((added + explained.small.1 - 10.0).abs() < 1e-6, "{explained:?}");
        assert_eq!((explained.executed.base, explained.executed.new), (3.0, 3.0));
    }

    #[test]
    fn a_cell_is_told_apart_from_itself_in_another_run_which_is_the_base() {
        let world = FakeWorld::new();
        let run = world.whole(&world.request()).path;
        let night = world.nights(&run, 1, |_, sample| sample.seconds.get() / 2.0).remove(0);
        let asked = Request { against: Some(night.clone()), ..request(&run, "slow/warm", None) };
        let answer = explain(world.world(), &asked).unwrap();
        let name = |path: &Path| format!("slow/warm of {}", path.file_name().unwrap().to_string_lossy());
        assert_eq!(answer.names, (name(&night), name(&run)));
        let medians = answer.explained.medians;
        assert!((medians.new / medians.base - 2.0).abs() < 1e-3, "{medians:?}");
    }

    #[test]
    fn what_cannot_be_explained_is_said_to_be_wrong_or_open() {
        let world = FakeWorld::new();
        world.engines.play(|asked, dice| {
            let mut outcome = asked.built_in(asked.usual_seconds(dice));
            if asked.approach == "slow" {
                outcome.result = Err((Status::Failed, "no".to_owned()));
            }
            outcome
        });
        let run = world.run(&world.request()).unwrap().run.unwrap().path;
        let refused = |request: &Request| explain(world.world(), request).err().unwrap();
        let failure = refused(&request(&run, "quick/cold", None));
        assert_eq!(failure.ending, Ending::Wrong);
        assert!(failure.text.starts_with("found one cell of one run; expected two"), "{}", failure.text);
        let failure = refused(&request(&run, "quick/hot", Some("quick/cold")));
        assert_eq!(failure.ending, Ending::Wrong);
        assert!(
            failure.text.contains("expected one of slow/cold, slow/warm, slow/sources, quick/cold"),
            "{}",
            failure.text
        );
        let failure = refused(&request(&run, "quick/cold", Some("slow/cold")));
        assert_eq!(failure.ending, Ending::CannotTell);
        assert!(
            failure.text.starts_with("slow/cold of the run ") && failure.text.contains("no valid build"),
            "{}",
            failure.text
        );
        assert_eq!(refused(&request(&world.at("nothing"), "a/b", Some("c/d"))).ending, Ending::Wrong);
        // Of an import, nobody knows the steps.
        let steps = std::fs::read_to_string(run.join("steps.csv")).unwrap();
        std::fs::write(run.join("steps.csv"), format!("{}\n", steps.lines().next().unwrap())).unwrap();
        let failure = refused(&request(&run, "quick/cold", Some("quick/warm")));
        assert_eq!(failure.ending, Ending::CannotTell);
        assert!(failure.text.contains("found builds without steps, as an import has them"), "{}", failure.text);
    }
}
