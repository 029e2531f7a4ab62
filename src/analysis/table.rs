//! Samples to the table of a study: one cell per approach and scenario.
//!
//! Only `ok` samples enter a figure; all others are counted. Nothing is judged or dropped in here.

use super::marks::{Mark, MarkRule};
use crate::model::{ApproachId, Bytes, CacheState, Sample, ScenarioId, Seconds, Status};
use crate::stats;
use std::collections::HashMap;

/// The level that intervals of a median are asked for.
pub const LEVEL: f64 = 0.95;

/// A row of the table, as its study describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct RowHead {
    /// Its name.
    pub id: ApproachId,
    /// Size of its image; where it is `None`, the first scenario with an image gives it.
    pub image: Option<Bytes>,
}

/// A column of the table, as its study describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnHead {
    /// Its name.
    pub id: ScenarioId,
    /// One line for people.
    pub title: String,
    /// The cache condition.
    pub cache: CacheState,
}

impl ColumnHead {
    /// The group of columns that it stands under.
    #[must_use]
    pub fn group(&self) -> Option<&'static str> {
        match self.cache {
            CacheState::Cold => None,
            CacheState::Warm | CacheState::Changed => Some("Warm cache"),
        }
    }

    /// Its title where it stands alone: `Warm cache: sources changed`.
    #[must_use]
    pub fn whole_title(&self) -> String {
        self.group().map_or_else(|| self.title.clone(), |group| format!("{group}: {}", self.title))
    }
}

/// An interval of the median, with the level that it reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianRange {
    /// Lower end.
    pub low: Seconds,
    /// Upper end.
    pub high: Seconds,
    /// Probability that such an interval holds the median.
    pub level: f64,
    /// Whether that is at least [`LEVEL`].
    pub reached: bool,
}

/// The figures of a cell with at least one `ok` sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Median of the `ok` samples.
    pub median: Seconds,
    /// Fastest `ok` sample.
    pub min: Seconds,
    /// Slowest `ok` sample.
    pub max: Seconds,
    /// Interval of the median; `None` for one sample.
    pub interval: Option<MedianRange>,
}

/// Samples that enter no figure, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The build ended with an error.
    pub failed: u32,
    /// The cache state was not the one asked for.
    pub invalid: u32,
    /// Stopped at the time limit.
    pub timeout: u32,
    /// Stopped by the user or a crash.
    pub interrupted: u32,
}

impl Counts {
    /// All of them together.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.failed + self.invalid + self.timeout + self.interrupted
    }

    /// Each kind that occurred, with its number.
    pub fn kinds(&self) -> impl Iterator<Item = (Status, u32)> {
        [
            (Status::Failed, self.failed),
            (Status::Invalid, self.invalid),
            (Status::Timeout, self.timeout),
            (Status::Interrupted, self.interrupted),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }

    fn add(&mut self, status: Status) {
        match status {
            Status::Ok => {}
            Status::Failed => self.failed += 1,
            Status::Invalid => self.invalid += 1,
            Status::Timeout => self.timeout += 1,
            Status::Interrupted => self.interrupted += 1,
        }
    }
}

/// What is known of one approach in one scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableCell {
    /// Seconds of the `ok` samples, in the order given.
    pub seconds: Vec<f64>,
    /// Size of the image of the last `ok` sample that has one.
    pub image: Option<Bytes>,
    /// `None` without an `ok` sample.
    pub figures: Option<Figures>,
    /// Samples that enter no figure.
    pub others: Counts,
    /// Best or worst of its column.
    pub mark: Option<Mark>,
}

impl TableCell {
    /// Number of `ok` samples.
    #[must_use]
    pub fn n(&self) -> usize {
        self.seconds.len()
    }

    /// The median, if there is one.
    #[must_use]
    pub fn median(&self) -> Option<Seconds> {
        self.figures.map(|figures| figures.median)
    }

    /// Makes a cell of these durations. Numbers that are no seconds cannot come in a [`Sample`].
    #[must_use]
    pub fn new(seconds: Vec<f64>) -> Self {
        Self { figures: figures(&seconds), seconds, ..Self::default() }
    }
}

/// One approach over all scenarios.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The approach.
    pub approach: ApproachId,
    /// One per scenario, in the table's order.
    pub cells: Vec<TableCell>,
    /// Size of the image.
    pub image: Option<Bytes>,
    /// Smallest or largest of all images.
    pub image_mark: Option<Mark>,
}

/// The table of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The columns.
    pub scenarios: Vec<ColumnHead>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Samples of an approach or scenario that the study does not know; in no cell.
    pub strangers: usize,
}

impl Table {
    /// A row by name.
    #[must_use]
    pub fn row(&self, approach: &ApproachId) -> Option<&Row> {
        self.rows.iter().find(|row| row.approach == *approach)
    }

    /// Place of a column by name.
    #[must_use]
    pub fn column(&self, scenario: &ScenarioId) -> Option<usize> {
        self.scenarios.iter().position(|s| s.id == *scenario)
    }

    /// A cell by name.
    #[must_use]
    pub fn cell(&self, approach: &ApproachId, scenario: &ScenarioId) -> Option<&TableCell> {
        self.row(approach)?.cells.get(self.column(scenario)?)
    }

    /// All cells, row by row.
    pub fn cells(&self) -> impl Iterator<Item = (&Row, &ColumnHead, &TableCell)> {
        self.rows.iter().flat_map(|row| {
            let cells = self.scenarios.iter().zip(&row.cells);
            cells.map(move |(scenario, cell)| (row, scenario, cell))
        })
    }

    /// The number of `ok` samples, if it is the same in every cell that has one.
    #[must_use]
    pub fn even_n(&self) -> Option<usize> {
        let counts = self.cells().map(|(_, _, cell)| cell.n());
        let mut counts = counts.filter(|n| *n > 0);
        let first = counts.next()?;
        counts.all(|n| n == first).then_some(first)
    }

    /// The n of all cells with samples; of more than half of them, where these are more than single builds.
    #[must_use]
    pub fn usual_n(&self) -> Option<usize> {
        let mut counts: Vec<usize> = self.cells().map(|(_, _, cell)| cell.n()).filter(|n| *n > 0).collect();
        counts.sort_unstable();
        // What more than half of them have is in the middle.
        let middle = *counts.get(counts.len() / 2)?;
        let same = counts.iter().filter(|n| **n == middle).count();
        (same == counts.len() || (middle > 1 && same * 2 > counts.len())).then_some(middle)
    }
}

/// Puts samples into the table of these approaches and scenarios, and marks its columns.
#[must_use]
pub fn table(samples: &[Sample], approaches: &[RowHead], scenarios: &[ColumnHead]) -> Table {
    let mut maker = TableMaker::new(approaches, scenarios);
    samples.iter().for_each(|sample| maker.add(sample));
    maker.finish()
}

/// A table in the making, for samples that come one by one.
#[derive(Clone, Debug)]
pub struct TableMaker {
    approaches: Vec<RowHead>,
    scenarios: Vec<ColumnHead>,
    places: HashMap<String, usize>,
    columns: HashMap<String, usize>,
    cells: Vec<Vec<TableCell>>,
    strangers: usize,
}

impl TableMaker {
    /// An empty table of these approaches and scenarios.
    #[must_use]
    pub fn new(approaches: &[RowHead], scenarios: &[ColumnHead]) -> Self {
        Self {
            approaches: approaches.to_vec(),
            scenarios: scenarios.to_vec(),
            places: places(approaches.iter().map(|a| a.id.as_str())),
            columns: places(scenarios.iter().map(|s| s.id.as_str())),
            cells: vec![vec![TableCell::default(); scenarios.len()]; approaches.len()],
            strangers: 0,
        }
    }

    /// Adds a sample.
    pub fn add(&mut self, sample: &Sample) {
        let row = self.places.get(sample.key.approach.as_str());
        let column = self.columns.get(sample.key.scenario.as_str());
        match (row, column) {
            (Some(&row), Some(&column)) => add(&mut self.cells[row][column], sample),
            _ => self.strangers += 1,
        }
    }

    /// The table, with its figures and marks.
    #[must_use]
    pub fn finish(self) -> Table {
        let rows = self.approaches.iter().zip(self.cells).map(|(approach, mut cells)| {
            for cell in &mut cells {
                cell.figures = figures(&cell.seconds);
            }
            Row {
                approach: approach.id.clone(),
                image: approach.image.or(cells.iter().find_map(|cell| cell.image)),
                cells,
                image_mark: None,
            }
        });
        let mut table = Table { rows: rows.collect(), scenarios: self.scenarios, strangers: self.strangers };
        mark(&mut table);
        table
    }
}

fn places<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<String, usize> {
    names.enumerate().map(|(place, name)| (name.to_owned(), place)).collect()
}

fn add(cell: &mut TableCell, sample: &Sample) {
    if sample.status == Status::Ok {
        cell.seconds.push(sample.seconds.get());
        if sample.image_bytes.0 > 0 {
            cell.image = Some(sample.image_bytes);
        }
    } else {
        cell.others.add(sample.status);
    }
}

fn figures(seconds: &[f64]) -> Option<Figures> {
    let interval = stats::median_interval(seconds, LEVEL).ok()?;
    let range = |interval: stats::MedianInterval| {
        Some(MedianRange {
            low: Seconds::new(interval.low)?,
            high: Seconds::new(interval.high)?,
            level: interval.level,
            reached: interval.reached,
        })
    };
    Some(Figures {
        median: Seconds::new(stats::median(seconds).ok()?)?,
        min: Seconds::new(seconds.iter().copied().fold(f64::INFINITY, f64::min))?,
        max: Seconds::new(seconds.iter().copied().fold(0.0, f64::max))?,
        interval: interval.and_then(range),
    })
}

/// Marks every column and the images.
fn mark(table: &mut Table) {
    for column in 0..table.scenarios.len() {
        let medians = table.rows.iter().map(|row| row.cells[column].median());
        let medians: Vec<_> = medians.map(|median| median.map(Seconds::get)).collect();
        let marks = MarkRule::SECONDS.marks(&medians);
        for (row, mark) in table.rows.iter_mut().zip(marks) {
            row.cells[column].mark = mark;
        }
    }
    #[allow(clippy::cast_precision_loss)] // compared within percents
    let size = |row: &Row| row.image.map(|bytes| bytes.0 as f64);
    let marks = MarkRule::BYTES.marks(&table.rows.iter().map(size).collect::<Vec<_>>());
    for (row, mark) in table.rows.iter_mut().zip(marks) {
        row.image_mark = mark;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{sample, scenarios};
    use super::*;

    fn approach(name: &str) -> RowHead {
        RowHead { id: ApproachId::new(name).unwrap(), image: None }
    }

    #[test]
    fn only_ok_samples_enter_figures() {
        let mut samples = vec![
            sample("a", "cold", 10.0),
            sample("a", "cold", 30.0),
            sample("a", "cold", 20.0),
            sample("b", "cold", 40.0),
            sample("stranger", "cold", 1.0),
        ];
        for status in [Status::Failed, Status::Invalid, Status::Timeout, Status::Interrupted] {
            let mut bad = sample("a", "cold", 0.001);
            bad.status = status;
            samples.push(bad);
        }
        let got = table(&samples, &[approach("a"), approach("b")], &scenarios());
        let cell = &got.rows[0].cells[0];
        let figures = cell.figures.unwrap();
        assert_eq!(cell.n(), 3);
        assert_eq!((figures.min.get(), figures.median.get(), figures.max.get()), (10.0, 20.0, 30.0));
        let interval = figures.interval.unwrap();
        assert!((interval.level - 0.75).abs() < 1e-12 && !interval.reached);
        assert_eq!(cell.others.total(), 4);
        assert_eq!(cell.others.kinds().count(), 4);
        assert_eq!(cell.mark, Some(Mark::Best));
        assert_eq!(got.rows[1].cells[0].mark, Some(Mark::Worst));
        assert_eq!(got.rows[1].cells[0].figures.unwrap().interval, None);
        assert_eq!(got.rows[1].cells[1], TableCell::default());
        assert_eq!((got.strangers, got.even_n(), got.usual_n()), (1, None, None));
    }

    #[test]
    fn an_empty_run_is_a_table_without_figures() {
        let got = table(&[], &[approach("a")], &scenarios());
        assert_eq!(got.even_n(), None);
        assert!(got.cells().all(|(_, _, cell)| cell.figures.is_none()));
        let none = table(&[], &[], &[]);
        assert_eq!((none.even_n(), none.usual_n()), (None, None));
    }

    #[test]
    fn images_come_from_samples_unless_given() {
        let mut samples = vec![sample("a", "cold", 1.0), sample("b", "warm", 1.0)];
        samples[1].image_bytes = Bytes(500);
        let mut given = approach("a");
        given.image = Some(Bytes(700));
        let got = table(&samples, &[given, approach("b")], &scenarios());
        assert_eq!(got.rows[0].image, Some(Bytes(700)));
        assert_eq!(got.rows[1].image, Some(Bytes(500)));
        assert_eq!(got.rows[0].image_mark, Some(Mark::Worst));
    }
}
