//! Runs as the commands that judge them need them: opened, with their table, and one error for what is wrong.

use super::{End, Stop};
use crate::analysis::table::{Approach, Scenario, Stratum, Table, strata};
use crate::model::{ApproachId, CacheState, EngineId, Sample, ScenarioId};
use crate::store::{EngineRecord, RunFolder, RunRecord, StoreError, StoredRun};
use std::path::Path;

/// A stored run and its tables.
pub struct Loaded {
    /// What was stored.
    pub run: StoredRun,
    /// The table of each engine, in the order of the call.
    pub strata: Vec<Stratum>,
}

impl Loaded {
    /// Opens a run's folder.
    ///
    /// # Errors
    /// When there is no run, or it is damaged; one of another schema cannot be compared with anything.
    pub fn open(folder: &Path) -> Result<Self, Stop> {
        let run = RunFolder::open(folder).map_err(stop)?;
        let (approaches, scenarios) = columns(&run.record, &run.path)?;
        let samples: Vec<Sample> = run.samples.iter().map(|(sample, _)| sample.clone()).collect();
        Ok(Self { strata: strata(&samples, &engines(&run.record), &approaches, &scenarios), run })
    }

    /// Name of the run: that of its folder.
    pub fn name(&self) -> String {
        self.run.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Its folder, for messages: its name alone may stand in several.
    pub fn place(&self) -> String {
        self.run.path.display().to_string()
    }

    /// The table of an engine; a single one has no name.
    pub fn table(&self, engine: Option<&EngineId>) -> Option<&Table> {
        self.strata.iter().find(|stratum| stratum.engine.as_ref() == engine).map(|stratum| &stratum.table)
    }

    /// The record.
    pub fn record(&self) -> &RunRecord {
        &self.run.record
    }
}

/// Names of a run's engines, in the order of the call; a single one has no name.
pub fn engines(record: &RunRecord) -> Vec<Option<EngineId>> {
    record.engines().iter().map(EngineRecord::id).collect()
}

/// The engines that both runs have, each with its tables in the base and in the new run.
pub fn pairs<'a>(base: &'a Loaded, new: &'a Loaded) -> Vec<(Option<&'a EngineId>, &'a Table, &'a Table)> {
    let both = new.strata.iter().filter_map(|stratum| {
        let engine = stratum.engine.as_ref();
        Some((engine, base.table(engine)?, &stratum.table))
    });
    both.collect()
}

/// The exit code for a run that cannot be read.
pub fn stop(error: StoreError) -> Stop {
    let end = if matches!(error, StoreError::Schema { .. }) { End::CannotTell } else { End::Wrong };
    Stop { end, text: error.to_string() }
}

/// Rows and columns of the table, as the record names them; `folder` is the run's, for messages.
pub fn columns(record: &RunRecord, folder: &Path) -> Result<(Vec<Approach>, Vec<Scenario>), Stop> {
    let wrong = |e: &dyn std::fmt::Display| {
        Stop::wrong(format!("{}: {e}; restore the file from a copy", folder.join("run.json").display()))
    };
    let approaches = record
        .approaches
        .iter()
        .map(|id| ApproachId::new(id).map(|id| Approach { id, image: None }).map_err(|e| wrong(&e)));
    let scenarios = record.scenarios.iter().map(|scenario| {
        let cache = CacheState::parse(&scenario.cache);
        Ok(Scenario {
            id: ScenarioId::new(&scenario.id).map_err(|e| wrong(&e))?,
            title: scenario.title.clone(),
            cache: cache.ok_or_else(|| {
                wrong(&format!("found the cache state {:?}; expected cold, warm or changed", scenario.cache))
            })?,
        })
    });
    Ok((approaches.collect::<Result<_, Stop>>()?, scenarios.collect::<Result<_, Stop>>()?))
}
