//! A run as all of these forms take it, and what they share.

use crate::analysis::table::TableCell;
use crate::model::{ApproachId, Bytes, EngineId, ScenarioId};
use crate::report::content::Report;
use serde::Serialize;
use std::io::{self, Write};

/// A run, and what its report does not hold.
#[derive(Clone, Debug)]
pub struct Exported<'a> {
    /// The report of each engine, with its name where there are several.
    pub strata: Vec<(EngineId, Report<'a>)>,
    /// Name of the study.
    pub study: String,
    /// Its title.
    pub title: String,
    /// UTC start, RFC 3339.
    pub started_at: String,
    /// Revision of the study's files.
    pub revision: Option<String>,
    /// Version of the program that made the run.
    pub program: String,
}

/// What a cell is called.
pub(super) fn name(engine: &EngineId, approach: &ApproachId, scenario: &ScenarioId) -> String {
    format!("{}{approach}/{scenario}", prefix(engine))
}

/// `engine/`, where there are several.
pub(super) fn prefix(engine: &EngineId) -> String {
    engine.before("/")
}

impl Exported<'_> {
    /// All cells, each with its name.
    pub(super) fn cells(&self) -> impl Iterator<Item = (Place<'_>, &TableCell)> {
        self.strata.iter().flat_map(|(engine, report)| {
            let cells = report.table.cells();
            cells.map(move |(row, scenario, cell)| {
                let (engine, approach, scenario) = (engine, &row.approach, &scenario.id);
                (Place { engine, approach, scenario }, cell)
            })
        })
    }

    /// All images that there are: engine, approach and size.
    pub(super) fn images(&self) -> impl Iterator<Item = (&EngineId, &ApproachId, Bytes)> {
        self.strata.iter().flat_map(|(engine, report)| {
            let rows = report.table.rows.iter();
            rows.filter_map(move |row| Some((engine, &row.approach, row.image?)))
        })
    }
}

/// Where a cell stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub engine: &'a EngineId,
    pub approach: &'a ApproachId,
    pub scenario: &'a ScenarioId,
}

impl Place<'_> {
    pub(super) fn name(self) -> String {
        name(self.engine, self.approach, self.scenario)
    }
}

/// `2 failed, 1 invalid`; empty if every build of the cell is in its figures.
pub(super) fn others(cell: &TableCell) -> String {
    let kinds = cell.others.kinds().map(|(status, count)| format!("{count} {status}"));
    kinds.collect::<Vec<_>>().join(", ")
}

/// Indented JSON and a newline.
pub(super) fn json(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
