//! `layerbench export`: a run, or for Otava a folder of runs, in the forms that other programs read.

use super::args::{ExchangeForm, ExportArgs};
use super::load::stop;
use super::nights::{Chosen, cells, choose, medians, newest, revision};
use super::report::View;
use super::style::{answer, unmade};
use super::{End, Stop};
use crate::model::{ApproachId, EngineId};
use crate::report::{Exchange, Exported, Night, Report, night_columns, write_nights};
use crate::store::{StoredNight, nights};
use std::path::Path;

/// Carries out the command.
pub fn export(args: &ExportArgs) -> Result<End, Stop> {
    let form = exchange(args.format);
    let text = match form {
        Exchange::Otava if !args.run.join("run.json").exists() => history(&args.run, args.force)?,
        _ => one(&args.run, form)?,
    };
    answer(args.out.as_deref(), &text)?;
    Ok(End::Fine)
}

fn exchange(form: ExchangeForm) -> Exchange {
    match form {
        ExchangeForm::Bencher => Exchange::Bencher,
        ExchangeForm::SmallerIsBetter => Exchange::SmallerIsBetter,
        ExchangeForm::Hyperfine => Exchange::Hyperfine,
        ExchangeForm::Otava => Exchange::Otava,
        ExchangeForm::Junit => Exchange::Junit,
        ExchangeForm::Openmetrics => Exchange::OpenMetrics,
    }
}

fn one(folder: &Path, form: Exchange) -> Result<Vec<u8>, Stop> {
    let view = View::open(folder)?;
    view.warn();
    let strata = view.reports();
    let empty =
        |(_, report): &(_, Report<'_>)| report.table.cells().filter(|(.., cell)| cell.figures.is_none()).count();
    let without: usize = strata.iter().map(empty).sum();
    if form == Exchange::Hyperfine && without > 0 {
        say!("layerbench: cells without a valid build, for which hyperfine has no form, are left out: {without}");
    }
    let record = view.record();
    let exported = Exported {
        strata,
        study: record.study.clone(),
        title: record.title.clone(),
        started_at: record.started_at.clone(),
        revision: revision(record),
        program: record.program.clone(),
    };
    let mut text = Vec::new();
    form.write(&exported, &mut text).map_err(unmade)?;
    Ok(text)
}

/// The runs of a folder that may be held against its newest one.
fn history(folder: &Path, force: bool) -> Result<Vec<u8>, Stop> {
    let all = nights(folder).map_err(stop)?;
    let newest = newest(&all, folder)?;
    let Chosen { nights, notes } = choose(&all, &newest.record, None, force);
    for note in notes {
        say!("layerbench: {note}");
    }
    let names = cells(&newest.record)?;
    let mut images: Vec<(Option<&EngineId>, &ApproachId)> =
        names.iter().map(|cell| (cell.engine.as_ref(), &cell.approach)).collect();
    images.dedup();
    #[allow(clippy::cast_precision_loss)] // sizes stay below 2^53
    let night = |night: &&StoredNight| {
        let size = |(engine, approach): &(Option<&EngineId>, &ApproachId)| {
            night.image(engine.map(EngineId::as_str), approach.as_str()).map(|bytes| bytes.0 as f64)
        };
        Night {
            started_at: night.record.started_at.clone(),
            run: night.name.clone(),
            revision: revision(&night.record),
            values: medians(night, &names).into_iter().chain(images.iter().map(size)).collect(),
        }
    };
    let rows: Vec<Night> = nights.iter().map(night).collect();
    let cells = names.iter().map(|cell| (cell.engine.as_ref(), &cell.approach, &cell.scenario));
    let columns = night_columns(cells, images.iter().copied());
    let mut text = Vec::new();
    write_nights(&columns, &rows, &mut text).map_err(unmade)?;
    Ok(text)
}
