//! Tonight among the nights before it, and a history's changes of level: cells, nights and medians in,
//! verdicts with their places out.
//!
//! Which nights are comparable, and what they are called, is decided by the callers.

use super::change::{self, CommonMode, Verdict};
use super::gate::{self, Tonight};
use crate::model::{ApproachId, Bytes, Cell, EngineId};
use crate::stats::{self, ChangePoint, StatsError};

/// Most nights that tonight is held against: older ones say little of the machine as it is now.
pub const WINDOW: usize = 30;

/// The medians of one night, in the order of the cells; `None` where there is no valid build.
pub type Medians = Vec<Option<f64>>;

/// How many cells each engine has, in the order of the cells; those of one engine stand together.
#[must_use]
pub fn strata(cells: &[Cell]) -> Vec<usize> {
    cells.chunk_by(|a, b| a.engine == b.engine).map(<[Cell]>::len).collect()
}

/// One cell of tonight, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct GatedCell {
    /// Which cell.
    pub cell: Cell,
    /// Tonight's valid builds.
    pub n: usize,
    /// Tonight's median in seconds.
    pub median: Option<f64>,
    /// The verdict and its figures.
    pub tonight: Tonight,
    /// Tonight has too few builds, or there are too few nights, for any verdict.
    pub too_few: bool,
    /// Place of the first of the nights in a row, up to the last before tonight, that were already as slow;
    /// `None` if it began tonight.
    pub since: Option<usize>,
}

/// Judges tonight by its history. `nights` holds the medians of comparable nights, oldest first; `starts` the place
/// of the first night of each cell after its last accepted change. A night that was a regression of a cell when
/// judged by those before it is no measure for later ones, so that a slow-down is reported until it is mended or
/// accepted. Also gives what the cells of each engine have in common tonight, in the order of the engines.
#[must_use]
pub fn by_history(
    cells: &[Cell],
    nights: &[Medians],
    starts: &[usize],
    tonight: &[Vec<f64>],
) -> (Vec<GatedCell>, Vec<CommonMode>) {
    let strata = strata(cells);
    let first = nights.len().saturating_sub(2 * WINDOW);
    let mut rows: Vec<Medians> = nights[first..]
        .iter()
        .enumerate()
        .map(|(place, night)| {
            let kept = night.iter().zip(starts).map(|(value, start)| value.filter(|_| first + place >= *start));
            kept.collect()
        })
        .collect();
    let mut slow = vec![vec![false; cells.len()]; rows.len()];
    for place in gate::NIGHTS..rows.len() {
        let (judged, _) = gate::history_of_strata(window(&rows[..place]), &rows[place], &strata);
        for (cell, verdict) in judged.iter().enumerate() {
            if verdict.verdict == Verdict::Regression {
                rows[place][cell] = None;
                slow[place][cell] = true;
            }
        }
    }
    let medians: Medians = tonight.iter().map(|seconds| stats::median(seconds).ok()).collect();
    let (judged, common) = gate::history_of_strata(window(&rows), &medians, &strata);
    let judged = judged.into_iter().zip(cells).enumerate().map(|(cell, (mut verdict, name))| {
        let n = tonight[cell].len();
        let too_few = verdict.nights < gate::NIGHTS || !change::could_fire(n, n, cells.len());
        if too_few {
            verdict.verdict = Verdict::NotEnoughData;
        }
        let in_a_row = slow.iter().rev().take_while(|night| night[cell]).count();
        let since = (in_a_row > 0).then(|| nights.len() - in_a_row);
        GatedCell { cell: name.clone(), n, median: medians[cell], tonight: verdict, too_few, since }
    });
    (judged.collect(), common)
}

fn window(rows: &[Medians]) -> &[Medians] {
    &rows[rows.len().saturating_sub(WINDOW)..]
}

/// An image whose size is not that of the night before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSize {
    /// The engine.
    pub engine: EngineId,
    /// Whose image.
    pub approach: ApproachId,
    /// Size before.
    pub before: Bytes,
    /// Size tonight.
    pub tonight: Bytes,
}

/// A cell over all nights.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Which cell.
    pub cell: Cell,
    /// Place of each night with a figure, and its median in seconds.
    pub medians: Vec<(usize, f64)>,
    /// Changes of level; `index` is the place among [`Series::medians`].
    pub changes: Vec<ChangePoint>,
}

/// Finds the changes of level of each cell.
///
/// # Errors
/// When a median is not positive and finite.
pub fn series(cells: &[Cell], nights: &[Medians]) -> Result<Vec<Series>, StatsError> {
    let one = |(index, cell): (usize, &Cell)| {
        let known = nights.iter().enumerate();
        let medians: Vec<(usize, f64)> =
            known.filter_map(|(place, night)| Some((place, (*night.get(index)?)?))).collect();
        let values: Vec<f64> = medians.iter().map(|(_, value)| *value).collect();
        Ok(Series { cell: cell.clone(), changes: gate::changes(&values)?, medians })
    };
    cells.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ScenarioId;

    fn cells(count: usize) -> Vec<Cell> {
        let cell = |i| Cell {
            engine: EngineId::only(),
            approach: ApproachId::new(&format!("a{i}")).unwrap(),
            scenario: ScenarioId::new("cold").unwrap(),
        };
        (0..count).map(cell).collect()
    }

    fn value(night: usize, cell: usize) -> f64 {
        let noise = ((night * 31 + cell * 17) % 23) as f64 / 1_150.0 - 0.01;
        (cell + 1) as f64 * (1.0 + noise)
    }

    fn nights(count: usize, slow_from: usize) -> Vec<Medians> {
        let factor = |night: usize, cell| if cell == 2 && night >= slow_from { 1.15 } else { 1.0 };
        (0..count).map(|n| (0..6).map(|c| Some(value(n, c) * factor(n, c))).collect()).collect()
    }

    fn tonight(night: usize, factor: f64, n: usize) -> Vec<Vec<f64>> {
        (0..6).map(|c| vec![value(night, c) * if c == 2 { factor } else { 1.0 }; n]).collect()
    }

    #[test]
    fn a_slow_down_is_reported_every_night_until_it_is_accepted() {
        let (names, none) = (cells(6), vec![0; 6]);
        let (fresh, _) = by_history(&names, &nights(20, 99), &none, &tonight(20, 1.15, 10));
        assert_eq!((fresh[2].tonight.verdict, fresh[2].since), (Verdict::Regression, None));
        let (later, _) = by_history(&names, &nights(25, 20), &none, &tonight(25, 1.15, 10));
        assert_eq!((later[2].tonight.verdict, later[2].since), (Verdict::Regression, Some(20)));
        assert!(later.iter().enumerate().all(|(c, cell)| c == 2 || cell.tonight.verdict == Verdict::NoChange));
        let (accepted, _) = by_history(&names, &nights(35, 20), &[0, 0, 20, 0, 0, 0], &tonight(35, 1.15, 10));
        assert_eq!(accepted[2].tonight.verdict, Verdict::NoChange);
        let (young, _) = by_history(&names, &nights(25, 20), &[0, 0, 20, 0, 0, 0], &tonight(25, 1.15, 10));
        assert!(young[2].too_few && young[2].tonight.verdict == Verdict::NotEnoughData);
    }

    #[test]
    fn few_builds_or_few_nights_are_not_enough_data() {
        let names = cells(6);
        for (count, n) in [(9, 10), (20, 2), (0, 10)] {
            let (got, _) = by_history(&names, &nights(count, 99), &[0; 6], &tonight(20, 1.5, n));
            assert!(got.iter().all(|c| c.too_few && c.tonight.verdict == Verdict::NotEnoughData), "{count} {n}");
        }
    }

    #[test]
    fn leaving_slow_nights_out_raises_no_false_alarms() {
        // Levels vary by 1 % from night to night, medians of 10 builds by 1.2 % more; 44 nights before.
        let mut state = 88_172_645_463_325_252_u64;
        let mut roll = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut normal = || (0..12).map(|_| roll()).sum::<f64>() - 6.0;
        let names = cells(30);
        let trials = 100;
        let mut alarms = 0;
        for _ in 0..trials {
            let mut row = || (0..30).map(|_| (0.0156 * normal()).exp()).collect::<Vec<f64>>();
            let nights: Vec<Medians> = (0..44).map(|_| row().into_iter().map(Some).collect()).collect();
            let tonight: Vec<Vec<f64>> = row().into_iter().map(|value| vec![value; 10]).collect();
            let (got, _) = by_history(&names, &nights, &[0; 30], &tonight);
            alarms += usize::from(got.iter().any(|cell| cell.tonight.verdict == Verdict::Regression));
        }
        // At most 8 % are to be expected; the standard deviation of the count is 2.7.
        assert!(alarms <= 13, "{alarms} of {trials}");
    }

    #[test]
    fn changes_are_found_at_their_night() {
        let got = series(&cells(6), &nights(40, 25)).unwrap();
        assert_eq!(got[2].changes.len(), 1);
        assert_eq!(got[2].medians[got[2].changes[0].index].0, 25);
        assert!(got.iter().enumerate().all(|(c, s)| c == 2 || s.changes.is_empty()));
    }
}
