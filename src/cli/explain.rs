//! `layerbench explain`: which steps make the difference between two cells.

use super::args::{ExplainArgs, ShortForm};
use super::load::Loaded;
use super::style::{answer, style_for, unmade};
use super::{End, Stop};
use crate::analysis::explain::{Build, explain as explain_cells};
use crate::analysis::nights::CellName;
use crate::report::{write_explained_json, write_explained_text};

/// Carries out the command.
pub fn explain(args: &ExplainArgs) -> Result<End, Stop> {
    let new_run = Loaded::open(&args.run)?;
    let base_run = match &args.against {
        Some(folder) => Loaded::open(folder)?,
        None => Loaded::open(&args.run)?,
    };
    for warning in new_run.run.warnings.iter().chain(base_run.run.warnings.iter().filter(|_| args.against.is_some())) {
        say!("layerbench: {warning}");
    }
    // A is the base; with one cell and a second run, that run's cell is.
    let (base, new) = match (&args.second, &args.against) {
        (Some(second), _) => (&args.first, second),
        (None, Some(_)) => (&args.first, &args.first),
        (None, None) => {
            return Err(Stop::wrong(
                "found one cell of one run; expected two: name a second one, or a second run with --against",
            ));
        }
    };
    let (left, right) = (builds(&base_run, base)?, builds(&new_run, new)?);
    let names = match &args.against {
        Some(_) => (format!("{base} of {}", base_run.name()), format!("{new} of {}", new_run.name())),
        None => (base.clone(), new.clone()),
    };
    let explained = explain_cells(&left, &right).ok_or_else(|| {
        let valid = left.iter().any(|(sample, _)| sample.status == crate::model::Status::Ok);
        let (cell, run) = if valid { (new, &new_run) } else { (base, &base_run) };
        let run = run.place();
        Stop::cannot_tell(format!("{cell} of the run {run}: found no valid build; expected at least one; run it again"))
    })?;
    if left.iter().chain(&right).all(|(_, steps)| steps.is_empty()) {
        return Err(Stop::cannot_tell(format!(
            "{base} of the run {} and {new} of the run {}: found builds without steps, as an import has them; expected runs made by Layerbench; run the study",
            base_run.place(),
            new_run.place()
        )));
    }
    let (names, mut text) = ((names.0.as_str(), names.1.as_str()), Vec::new());
    let written = match args.format {
        ShortForm::Text => write_explained_text(names, &explained, style_for(args.out.as_deref()), &mut text),
        ShortForm::Json => write_explained_json(names, &explained, &mut text),
    };
    written.map_err(unmade)?;
    answer(args.out.as_deref(), &text)?;
    Ok(End::Fine)
}

/// The builds of a cell, given as APPROACH/SCENARIO, or ENGINE/APPROACH/SCENARIO where the run has several engines.
fn builds<'a>(run: &'a Loaded, cell: &str) -> Result<Vec<Build<'a>>, Stop> {
    let names = run.strata.iter().flat_map(|stratum| {
        stratum.table.cells().map(|(row, scenario, _)| CellName {
            engine: stratum.engine.clone(),
            approach: row.approach.clone(),
            scenario: scenario.id.clone(),
        })
    });
    let names: Vec<CellName> = names.collect();
    let Some(name) = names.iter().find(|name| name.path() == cell) else {
        let more = names.len().saturating_sub(12);
        let shown: Vec<String> = names.iter().take(12).map(CellName::path).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return Err(Stop::wrong(format!(
            "cell: found {cell:?}, which the run {} does not have; expected one of {}{more}; correct the name",
            run.place(),
            shown.join(", ")
        )));
    };
    let mine = run.run.samples.iter().filter(|(sample, _)| {
        (&sample.engine, &sample.key.approach, &sample.key.scenario) == (&name.engine, &name.approach, &name.scenario)
    });
    Ok(mine.map(|(sample, steps)| (sample, &steps[..])).collect())
}
