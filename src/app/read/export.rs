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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Ending;
    use crate::app::fake_world::FakeWorld;
    use crate::model::Status;

    fn exported(world: &FakeWorld, run: &Path, form: Exchange) -> String {
        let request = Request { run: run.to_owned(), form, force: false };
        String::from_utf8(export(world.world(), &request).unwrap()).unwrap()
    }

    #[test]
    fn a_run_is_put_into_the_form_of_every_other_program() {
        let world = FakeWorld::new();
        world.engines.play(|asked, _| asked.built_in(if asked.approach == "quick" { 12.345 } else { 1.0 }));
        let run = world.whole(&world.request()).path;
        for (form, head) in [
            (Exchange::Bencher, "{\n"),
            (Exchange::SmallerIsBetter, "[\n"),
            (Exchange::Hyperfine, "{\n"),
            (Exchange::Otava, "time,"),
            (Exchange::Junit, "<?xml"),
            (Exchange::OpenMetrics, "# "),
        ] {
            let text = exported(&world, &run, form);
            assert!(text.starts_with(head) && text.contains("quick") && text.contains("12.345"), "{form:?}:\n{text}");
        }
        let nothing = Request { run: world.at("nothing"), form: Exchange::Junit, force: false };
        assert_eq!(export(world.world(), &nothing).unwrap_err().ending, Ending::Wrong);
    }

    #[test]
    fn cells_without_a_figure_are_left_out_for_hyperfine_and_that_is_said() {
        let world = FakeWorld::new();
        world.engines.play(|asked, dice| {
            let mut outcome = asked.built_in(asked.usual_seconds(dice));
            if asked.approach == "slow" {
                outcome.result = Err((Status::Failed, "no".to_owned()));
            }
            outcome
        });
        let run = world.run(&world.request()).unwrap().run.unwrap().path;
        let text = exported(&world, &run, Exchange::Hyperfine);
        let said = "layerbench: cells without a valid build, for which hyperfine has no form, are left out: 3";
        assert!(world.witness.heard(said) && !text.contains("slow"), "{text}");
    }

    #[test]
    fn a_folder_of_runs_is_a_row_a_night_for_otava_without_those_that_are_unlike() {
        let world = FakeWorld::new();
        let path = world.whole(&world.request()).path;
        let nights = world.nights(&path, 3, |night, _| [101.5, 102.5, 103.5][night]);
        let folder = path.parent().unwrap();
        let rows = exported(&world, folder, Exchange::Otava);
        assert_eq!(rows.lines().count(), 1 + 4, "{rows}");
        for (row, seconds) in rows.lines().skip(1).zip(["101.5", "102.5", "103.5"]) {
            assert_eq!(row.matches(seconds).count(), 6, "oldest first, every cell:\n{rows}");
        }
        let file = nights[0].join("run.json");
        let record = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, record.replace("\"chain\": \"article\"", "\"chain\": \"checkpoint\"")).unwrap();
        let rows = exported(&world, folder, Exchange::Otava);
        assert!(rows.lines().count() == 1 + 3 && !rows.contains("101.5"), "{rows}");
        let name = nights[0].file_name().unwrap().to_string_lossy().into_owned();
        let said = format!("layerbench: Left out 1 run: {name}: not the same kind of chain.");
        assert!(world.witness.heard(&said), "{}", world.witness.said());
        let request = Request { run: folder.to_owned(), form: Exchange::Otava, force: true };
        let forced = String::from_utf8(export(world.world(), &request).unwrap()).unwrap();
        assert!(forced.contains("101.5"), "{forced}");
    }
}
