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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::table::table;
    use crate::analysis::testing::{approaches, sample, scenarios};
    use crate::engine::fake::outcome;

    const ROW: &str = "01-simple";

    /// Builds of two cells that take these seconds each, the second one's ten times as long; told apart by position.
    fn builds(seconds: &[f64]) -> Vec<(Sample, Vec<Step>)> {
        let mut builds = Vec::new();
        for (scenario, times) in [("cold", 1.0), ("warm", 10.0)] {
            builds.extend(
                seconds.iter().map(|seconds| (sample(ROW, scenario, seconds * times), outcome(1.0, 3, 0).steps)),
            );
        }
        for ((sample, _), position) in builds.iter_mut().zip(1..) {
            sample.key.position = position;
        }
        builds
    }

    /// Different times between 1 and 2 s, in no order.
    fn spread(count: u32) -> Vec<f64> {
        (0..count).map(|number| 1.0 + f64::from(number * 37 % 1009) / 1009.0).collect()
    }

    fn table_of(builds: &[(Sample, Vec<Step>)]) -> Table {
        table(&builds.iter().map(|(sample, _)| sample.clone()).collect::<Vec<_>>(), &approaches(), &scenarios())
    }

    fn pool(builds: &[(Sample, Vec<Step>)]) -> Pool {
        let mut pool = Pool::default();
        builds.iter().for_each(|(sample, steps)| pool.add(sample, steps.clone()));
        pool
    }

    fn positions<T>(builds: &[(Sample, T)]) -> Vec<u32> {
        let mut positions: Vec<u32> = builds.iter().map(|(sample, _)| sample.key.position).collect();
        positions.sort_unstable();
        positions
    }

    /// What is shown if no build was ever forgotten.
    fn unbounded(builds: &[(Sample, Vec<Step>)], table: &Table) -> Vec<u32> {
        let mut nearest = Nearest::new([(EngineId::only(), table)].into_iter());
        builds.iter().for_each(|(sample, _)| nearest.add(sample, ()));
        positions(&nearest.chosen())
    }

    #[test]
    fn up_to_thirty_builds_of_a_cell_are_chosen_from_as_if_all_had_been_kept() {
        for count in 1..=30_u32 {
            let builds = builds(&spread(count));
            let table = table_of(&builds);
            let kept = pool(&builds);
            assert_eq!(kept.of(None, ROW).count(), builds.len(), "{count}");
            let shown = kept.nearest([(EngineId::only(), &table)].into_iter());
            assert_eq!(shown.len(), 2 * count.div_ceil(3) as usize, "a third of each cell");
            assert_eq!(positions(&shown), unbounded(&builds, &table), "{count}");
        }
    }

    #[test]
    fn a_long_run_keeps_no_more_than_a_short_one_and_those_near_its_median() {
        let builds = builds(&spread(1_000));
        let kept = pool(&builds);
        assert_eq!(kept.of(None, ROW).count(), 2 * KEPT);
        let table = table_of(&builds);
        let shown = kept.nearest([(EngineId::only(), &table)].into_iter());
        assert_eq!(shown.len(), 2 * MOST);
        // The median is at 1.5 s: those that are nearest of all lie within 5 thousandths of it.
        let far = |(sample, _): &(Sample, _)| {
            let times = if sample.key.scenario.as_str() == "warm" { 10.0 } else { 1.0 };
            (sample.seconds.get() / times - 1.5).abs()
        };
        assert!(shown.iter().all(|build| far(build) < 0.03), "{:?}", shown.iter().map(far).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_kept_follows_the_median_where_it_goes() {
        let seconds: Vec<f64> = [vec![1.0; 40], vec![3.0; 100]].concat();
        let kept = pool(&builds(&seconds));
        let cold = kept.of(None, ROW).filter(|(sample, _)| sample.key.scenario.as_str() == "cold");
        let old = cold.filter(|(sample, _)| sample.seconds.get() < 2.0).count();
        assert_eq!(old, 0, "most builds take 3 s by now");
    }

    #[test]
    fn builds_that_are_not_valid_or_without_steps_are_not_shown() {
        let mut builds = builds(&[1.0, 1.25, 1.5]);
        builds[1].0.status = Status::Invalid;
        let table = table_of(&builds);
        builds[0].1.clear();
        let kept = pool(&builds);
        assert_eq!(kept.of(None, ROW).count(), 5);
        assert_eq!(kept.of(None, "02-simple-slim").count(), 0);
        assert_eq!(kept.of(Some("far"), ROW).count(), 0);
        // Of two cold builds the first is shown, if it had steps; of three warm ones the middle one.
        assert_eq!(positions(&kept.nearest([(EngineId::only(), &table)].into_iter())), [5]);
    }
}
