//! One approach of a run held against another: rows of a table, and which of them is faster.

use super::run::Run;
use crate::analysis::compare::{Compared, Shared, compare_strata};
use crate::analysis::table::Table;
use crate::app::Failure;
use crate::model::{ApproachId, EngineId};

/// A table of one row, under another name.
///
/// # Errors
/// When the table, which is that of the run in this folder, has no such row.
pub fn row(table: &Table, run: &str, approach: &ApproachId, name: &ApproachId) -> Result<Table, Failure> {
    let Some(row) = table.row(approach) else {
        let known: Vec<&str> = table.rows.iter().map(|row| row.approach.as_str()).collect();
        return Err(Failure::wrong(format!(
            "approach: found {:?}, which the run {run} does not have; expected one of {}; correct the name",
            approach.as_str(),
            known.join(", ")
        )));
    };
    let mut row = row.clone();
    row.approach = name.clone();
    Ok(Table { rows: vec![row], ..table.clone() })
}

/// An approach against the run's first one.
pub struct Faster {
    /// The engine.
    pub engine: EngineId,
    /// The first approach.
    pub base: ApproachId,
    /// The other one.
    pub new: ApproachId,
    /// Both, scenario by scenario.
    pub compared: Compared,
}

/// Which of a run's approaches is faster in which scenario: each held against the first. Nothing for a run of more than
/// two approaches, unless it is wanted `always`.
///
/// # Errors
/// Never for a run whose tables are its own.
pub fn faster(run: &Run, always: bool) -> Result<Vec<Faster>, Failure> {
    let Some(table) = run.strata.first().map(|stratum| &stratum.table) else { return Ok(Vec::new()) };
    let rows: Vec<ApproachId> = table.rows.iter().map(|row| row.approach.clone()).collect();
    let Some((first, others)) = rows.split_first().filter(|_| rows.len() == 2 || always) else {
        return Ok(Vec::new());
    };
    let mut tables = Vec::new();
    for stratum in &run.strata {
        for other in others {
            let before = row(&stratum.table, &run.place(), first, other)?;
            let after = row(&stratum.table, &run.place(), other, other)?;
            tables.push((&stratum.id, other, before, after));
        }
    }
    // One family: the more is asked, the more it takes to call one of the answers sure.
    let strata: Vec<(&Table, &Table)> = tables.iter().map(|(_, _, before, after)| (before, after)).collect();
    let compared = compare_strata(&strata, Shared::Keep).into_iter().zip(&tables);
    let faster = compared.map(|(compared, (engine, other, ..))| Faster {
        engine: (*engine).clone(),
        base: first.clone(),
        new: (*other).clone(),
        compared,
    });
    Ok(faster.collect())
}
