//! A run, or for Otava a folder of runs, in the forms that other programs read.

use super::past::{Chosen, cells, choose, medians, newest, revision};
use super::run::{Run, unreadable};
use crate::app::{Failure, World};
use crate::model::{ApproachId, EngineId};
use crate::report::{Exchange, Exported, NightRow, Report, night_columns, write_nights};
use crate::store::{StoredNight, nights};
use std::path::{Path, PathBuf};

/// What is asked for.
pub struct Request {
    /// Folder of a run; for Otava also a folder of runs.
    pub run: PathBuf,
    /// The form.
    pub form: Exchange,
    /// Whether runs are used even if they were made in unlike ways.
    pub force: bool,
}

/// Puts a run into another program's form.
///
/// # Errors
/// When a run cannot be read.
pub fn export(world: World<'_>, request: &Request) -> Result<Vec<u8>, Failure> {
    match request.form {
        Exchange::Otava if !request.run.join("run.json").exists() => history(world, &request.run, request.force),
        form => one(world, &request.run, form),
    }
}

fn one(world: World<'_>, folder: &Path, form: Exchange) -> Result<Vec<u8>, Failure> {
    let run = Run::open(folder)?;
    for warning in &run.warnings {
        world.say(format!("layerbench: {warning}"));
    }
    let strata = run.reports();
    let empty =
        |(_, report): &(_, Report<'_>)| report.table.cells().filter(|(.., cell)| cell.figures.is_none()).count();
    let without: usize = strata.iter().map(empty).sum();
    if form == Exchange::Hyperfine && without > 0 {
        world.say(format!(
            "layerbench: cells without a valid build, for which hyperfine has no form, are left out: {without}"
        ));
    }
    let record = &run.record;
    let exported = Exported {
        strata,
        study: record.study.clone(),
        title: record.title.clone(),
        started_at: record.started_at.clone(),
        revision: revision(record),
        program: record.program.clone(),
    };
    let mut text = Vec::new();
    form.write(&exported, &mut text).map_err(Failure::unmade)?;
    Ok(text)
}

/// The runs of a folder that may be held against its newest one.
fn history(world: World<'_>, folder: &Path, force: bool) -> Result<Vec<u8>, Failure> {
    let all = nights(folder).map_err(unreadable)?;
    let newest = newest(&all, folder)?;
    let Chosen { nights, notes } = choose(&all, &newest.record, None, force);
    for note in notes {
        world.say(format!("layerbench: {note}"));
    }
    let names = cells(&newest.record)?;
    let mut images: Vec<(&EngineId, &ApproachId)> = names.iter().map(|cell| (&cell.engine, &cell.approach)).collect();
    images.dedup();
    #[allow(clippy::cast_precision_loss)] // sizes stay below 2^53
    let night = |night: &&StoredNight| {
        let size = |(engine, approach): &(&EngineId, &ApproachId)| {
            night.image(engine.shown(), approach.as_str()).map(|bytes| bytes.0 as f64)
        };
        NightRow {
            started_at: night.record.started_at.clone(),
            run: night.name.clone(),
            revision: revision(&night.record),
            values: medians(night, &names).into_iter().chain(images.iter().map(size)).collect(),
        }
    };
    let rows: Vec<NightRow> = nights.iter().map(night).collect();
    let cells = names.iter().map(|cell| (&cell.engine, &cell.approach, &cell.scenario));
    let columns = night_columns(cells, images.iter().copied());
    let mut text = Vec::new();
    write_nights(&columns, &rows, &mut text).map_err(Failure::unmade)?;
    Ok(text)
}
