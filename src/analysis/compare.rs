//! Two runs of one study: what became slower, faster, larger, smaller.
//!
//! Whether the runs may be compared at all (study, fingerprint, schema) is checked by the caller.

use super::change::{Change, CommonMode, Verdict, judge_each};
use super::table::{Table, TableCell};
use crate::model::{ApproachId, Bytes, ScenarioId, Seconds};

/// One cell of both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct CellChange {
    /// The row.
    pub approach: ApproachId,
    /// The column.
    pub scenario: ScenarioId,
    /// Number of `ok` samples in the base run and in the new one.
    pub n: (usize, usize),
    /// Median of the base run.
    pub base: Option<Seconds>,
    /// Median of the new run.
    pub new: Option<Seconds>,
    /// The verdict and its figures.
    pub change: Change,
}

/// The images of one approach in both runs, where their sizes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageChange {
    /// The row.
    pub approach: ApproachId,
    /// Size in the base run.
    pub base: Bytes,
    /// Size in the new run.
    pub new: Bytes,
}

/// Two runs, compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// Cells that both runs have, in the order of the new run.
    pub cells: Vec<CellChange>,
    /// What all cells have in common; a verdict of its own where [`CommonMode::is_shift`].
    pub common: CommonMode,
    /// Images that both runs have and that differ.
    pub images: Vec<ImageChange>,
    /// Cells that only one of the runs has: (approach, scenario).
    pub unmatched: Vec<(ApproachId, ScenarioId)>,
}

impl Compared {
    /// How many cells have a verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cells.iter().filter(|cell| cell.change.verdict == verdict).count()
    }

    /// Whether anything got worse: a slower cell, or a larger image.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.count(Verdict::Regression) > 0 || self.images.iter().any(|image| image.new > image.base)
    }

    /// Why "nothing got worse" cannot be said, one reason a line; empty if it can.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.cells.is_empty() {
            doubts.push("the two have no cell in common".to_owned());
        }
        let few = self.cells.iter().filter(|cell| !cell.change.could_fire).count();
        if few > 0 {
            doubts.push(format!("{few} of {} cells have too few samples for any verdict", self.cells.len()));
        }
        if self.common.is_shift() {
            let (percent, cells) = (self.common.percent(), self.common.cells);
            doubts.push(format!("a global shift of {percent:+.1} % over {cells} cells"));
        }
        doubts
    }
}

/// What to do with what all cells have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// Two runs: what all cells share is the machine's doing, and is taken out of each.
    TakeOut,
    /// Two approaches: that one is faster in every scenario is the very thing to be seen.
    Keep,
}

/// Compares two tables, cell by cell.
#[must_use]
pub fn compare(base: &Table, new: &Table, shared: Shared) -> Compared {
    compare_strata(&[(base, new)], shared).into_iter().next().unwrap_or_default()
}

/// Compares several pairs of tables, one for each engine, cell by cell: each stratum by itself, with what its own
/// cells have in common taken out, in one family of all cells of all strata.
///
/// A test that joins the strata (van Elteren's) would say whether the engines on average became slower, and could hide
/// that one became slower and another faster. In the joint family each engine gets its own verdict, nothing is
/// assumed of how alike engines are, and Holm's adjustment holds false alarms of the whole comparison at its level.
#[must_use]
pub fn compare_strata(strata: &[(&Table, &Table)], shared: Shared) -> Vec<Compared> {
    let matched: Vec<(Vec<Matched<'_>>, CommonMode)> = strata
        .iter()
        .map(|(base, new)| {
            let cells = matched(base, new);
            let common = if shared == Shared::TakeOut { common(&cells) } else { CommonMode::default() };
            (cells, common)
        })
        .collect();
    let pairs = matched.iter().flat_map(|(cells, common)| {
        cells.iter().map(|(.., before, after)| (&before.seconds[..], &after.seconds[..], *common))
    });
    let mut changes = judge_each(&pairs.collect::<Vec<_>>()).into_iter();
    let compared = strata.iter().zip(matched).map(|((base, new), (cells, common))| {
        let mut unmatched = only_in(base, new);
        unmatched.extend(only_in(new, base));
        let cells =
            cells.into_iter().zip(changes.by_ref()).map(|((approach, scenario, before, after), change)| CellChange {
                approach: approach.clone(),
                scenario: scenario.clone(),
                n: (before.n(), after.n()),
                base: before.median(),
                new: after.median(),
                change,
            });
        Compared { cells: cells.collect(), common, images: images(base, new), unmatched }
    });
    compared.collect()
}

/// A cell that both tables have, in the base and in the new one.
type Matched<'a> = (&'a ApproachId, &'a ScenarioId, &'a TableCell, &'a TableCell);

fn matched<'a>(base: &'a Table, new: &'a Table) -> Vec<Matched<'a>> {
    let cells = new.cells().filter_map(|(row, scenario, cell)| {
        let before = base.cell(&row.approach, &scenario.id)?;
        Some((&row.approach, &scenario.id, before, cell))
    });
    cells.collect()
}

fn common(cells: &[Matched<'_>]) -> CommonMode {
    let logs = cells.iter().filter_map(|(.., before, after)| {
        let ratio = after.median()?.get() / before.median()?.get();
        Some(ratio.ln()).filter(|log| log.is_finite())
    });
    CommonMode::of(&logs.collect::<Vec<_>>())
}

fn only_in(one: &Table, other: &Table) -> Vec<(ApproachId, ScenarioId)> {
    one.cells()
        .filter(|(row, scenario, _)| other.cell(&row.approach, &scenario.id).is_none())
        .map(|(row, scenario, _)| (row.approach.clone(), scenario.id.clone()))
        .collect()
}

fn images(base: &Table, new: &Table) -> Vec<ImageChange> {
    let rows = new.rows.iter().filter_map(|row| {
        Some(ImageChange { approach: row.approach.clone(), base: base.row(&row.approach)?.image?, new: row.image? })
    });
    rows.filter(|image| image.base != image.new).collect()
}

#[cfg(test)]
mod tests {
    use super::super::table::table;
    use super::super::testing::{approach, approaches, raw_samples, raw_table, scenarios};
    use super::*;
    use crate::model::Sample;

    fn slowed(factor: f64, wanted: impl Fn(&Sample) -> bool) -> Table {
        let mut samples = raw_samples();
        for sample in samples.iter_mut().filter(|s| wanted(s)) {
            sample.seconds = Seconds::new(sample.seconds.get() * factor).unwrap();
        }
        table(&samples, &approaches(), &scenarios())
    }

    #[test]
    fn an_injected_slow_down_is_found_and_nothing_else() {
        let wanted = |s: &Sample| s.key.approach == approach("05-final") && s.steps > 0;
        let got = compare(&raw_table(), &slowed(1.4, wanted), Shared::TakeOut);
        for cell in &got.cells {
            let slow = cell.approach == approach("05-final");
            let regression = cell.change.verdict == Verdict::Regression;
            assert_eq!(slow, regression, "{cell:?}");
        }
        assert!(!got.common.is_shift());
        assert!(got.images.is_empty() && got.unmatched.is_empty());
    }

    #[test]
    fn the_same_run_twice_has_no_change() {
        let got = compare(&raw_table(), &raw_table(), Shared::TakeOut);
        let calls = |v| got.cells.iter().filter(|c| c.change.verdict == v).count();
        assert_eq!(calls(Verdict::Regression) + calls(Verdict::Improvement), 0);
        assert!(calls(Verdict::NoChange) > 10);
        assert_eq!(got.common.log, 0.0);
    }

    #[test]
    fn a_slower_machine_is_a_global_shift() {
        let got = compare(&raw_table(), &slowed(1.3, |_| true), Shared::TakeOut);
        assert!(got.common.is_shift() && (got.common.ratio() - 1.3).abs() < 1e-6);
        assert!(got.cells.iter().all(|c| c.change.verdict != Verdict::Regression));
    }

    #[test]
    fn engines_are_judged_each_by_itself_in_one_family() {
        // One engine became slower as a whole, on the other only one approach did.
        let wanted = |s: &Sample| s.key.approach == approach("05-final");
        let (base, all, one) = (raw_table(), slowed(1.3, |_| true), slowed(1.4, wanted));
        let got = compare_strata(&[(&base, &all), (&base, &one)], Shared::TakeOut);
        assert!(got[0].common.is_shift() && !got[1].common.is_shift());
        let regressions: Vec<usize> = got.iter().map(|stratum| stratum.count(Verdict::Regression)).collect();
        assert_eq!(regressions, [0, 5]);
        // The family is twice as large as each alone: so is the smallest p-value that is adjusted.
        let alone = compare(&base, &one, Shared::TakeOut);
        let smallest = |c: &Compared| c.cells.iter().map(|cell| cell.change.slower).fold(1.0, f64::min);
        assert!((smallest(&got[1]) / smallest(&alone) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn sizes_and_missing_cells_are_named() {
        let mut new = raw_table();
        new.rows[0].image = Some(Bytes(1_150_000_001));
        new.rows.remove(1);
        let got = compare(&raw_table(), &new, Shared::TakeOut);
        assert_eq!(got.images.len(), 1);
        assert_eq!(got.unmatched.len(), 5);
    }
}
