//! The builds of each cell that are nearest to its median: those whose steps are shown.

use crate::analysis::table::Table;
use crate::model::{Cell, EngineId, Sample, Status, Step};
use crate::stats;
use std::collections::HashMap;

/// Most builds of a cell whose parts are averaged.
const MOST: usize = 10;
/// Builds of a cell whose steps are kept while a run is made. Up to three times [`MOST`] builds a cell, those that are
/// nearest are the same as if all had been kept.
const KEPT: usize = 3 * MOST;

/// The builds nearest to the median of each cell, a third of them, but not many.
pub(super) struct Nearest<T> {
    cells: HashMap<Cell, Near<T>>,
}

struct Near<T> {
    median: f64,
    most: usize,
    builds: Vec<(Sample, T)>,
}

impl<T> Nearest<T> {
    pub(super) fn new<'t>(tables: impl Iterator<Item = (EngineId, &'t Table)>) -> Self {
        let cells = tables.flat_map(|(engine, table)| {
            table.cells().filter_map(move |(row, scenario, cell)| {
                let near =
                    Near { median: cell.median()?.get(), most: cell.n().div_ceil(3).min(MOST), builds: Vec::new() };
                let (approach, scenario) = (row.approach.clone(), scenario.id.clone());
                Some((Cell { engine: engine.clone(), approach, scenario }, near))
            })
        });
        Self { cells: cells.collect() }
    }

    /// Takes a build, and what belongs to it.
    pub(super) fn add(&mut self, sample: &Sample, with: T) {
        let Some(near) = self.cells.get_mut(&sample.cell()).filter(|_| sample.status == Status::Ok) else {
            return;
        };
        let far = |sample: &Sample| (sample.seconds.get() - near.median).abs();
        let place = near.builds.partition_point(|(other, _)| far(other) <= far(sample));
        if place < near.most {
            near.builds.insert(place, (sample.clone(), with));
            near.builds.truncate(near.most);
        }
    }

    pub(super) fn chosen(self) -> Vec<(Sample, T)> {
        self.cells.into_values().flat_map(|near| near.builds).collect()
    }
}

/// Valid builds with their steps while a run is made: of each cell those nearest to its median so far, so that a long
/// run needs no more memory than a short one.
#[derive(Default)]
pub struct Pool {
    cells: HashMap<Cell, Kept>,
}

#[derive(Default)]
struct Kept {
    /// Of all valid builds.
    seconds: Vec<f64>,
    /// In the order in which they were made.
    builds: Vec<(Sample, Vec<Step>)>,
}

impl Pool {
    /// Takes a build, if it is valid.
    pub fn add(&mut self, sample: &Sample, steps: Vec<Step>) {
        if sample.status != Status::Ok {
            return;
        }
        let kept = self.cells.entry(sample.cell()).or_default();
        kept.seconds.push(sample.seconds.get());
        kept.builds.push((sample.clone(), steps));
        if kept.builds.len() > KEPT {
            let median = stats::median(&kept.seconds).unwrap_or_default();
            let far = |(sample, _): &(Sample, Vec<Step>)| (sample.seconds.get() - median).abs();
            let farthest =
                (0..kept.builds.len()).max_by(|a, b| far(&kept.builds[*a]).total_cmp(&far(&kept.builds[*b])));
            if let Some(place) = farthest {
                kept.builds.remove(place);
            }
        }
    }

    /// The builds of an approach on an engine that are kept, each with its steps.
    pub fn of<'a>(
        &'a self,
        engine: Option<&'a str>,
        approach: &'a str,
    ) -> impl Iterator<Item = (&'a Sample, &'a [Step])> {
        let mine = self
            .cells
            .iter()
            .filter(move |(cell, _)| cell.engine.shown() == engine && cell.approach.as_str() == approach);
        mine.flat_map(|(_, kept)| kept.builds.iter().map(|(sample, steps)| (sample, steps.as_slice())))
    }

    /// The builds that are shown, those with steps.
    pub(super) fn nearest<'t>(self, tables: impl Iterator<Item = (EngineId, &'t Table)>) -> Vec<(Sample, Vec<Step>)> {
        let mut nearest = Nearest::new(tables);
        for (sample, steps) in self.cells.into_values().flat_map(|kept| kept.builds) {
            nearest.add(&sample, steps);
        }
        nearest.chosen().into_iter().filter(|(_, steps)| !steps.is_empty()).collect()
    }
}
