//! Figures that someone published, beside ours: ratios, and whether the approaches come in the same
//! order.
//!
//! Two machines are compared here, so nothing is called a regression.

use super::table::Table;
use crate::model::{ApproachId, Bytes, ScenarioId, Seconds};
use crate::stats;

/// One published cell.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedCell {
    /// The row.
    pub approach: ApproachId,
    /// The column.
    pub scenario: ScenarioId,
    /// Median.
    pub median: Seconds,
    /// Fastest repetition.
    pub min: Seconds,
    /// Slowest repetition.
    pub max: Seconds,
}

/// One published image size.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedImage {
    /// The row.
    pub approach: ApproachId,
    /// Size, as far as it was printed.
    pub bytes: Bytes,
}

/// A published table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Published {
    /// Seconds.
    pub cells: Vec<PublishedCell>,
    /// Image sizes.
    pub images: Vec<PublishedImage>,
}

impl Published {
    /// A cell by name.
    #[must_use]
    pub fn cell(&self, approach: &ApproachId, scenario: &ScenarioId) -> Option<&PublishedCell> {
        let wanted = |cell: &&PublishedCell| cell.approach == *approach && cell.scenario == *scenario;
        self.cells.iter().find(wanted)
    }

    /// An image size by name.
    #[must_use]
    pub fn image(&self, approach: &ApproachId) -> Option<Bytes> {
        let image = self.images.iter().find(|i| i.approach == *approach)?;
        Some(image.bytes)
    }
}

/// A published cell against ours.
#[derive(Clone, Debug, PartialEq)]
pub struct CellRatio {
    /// What was published.
    pub published: PublishedCell,
    /// Our median.
    pub ours: Seconds,
    /// Our number of samples.
    pub n: usize,
    /// Our median over theirs.
    pub ratio: f64,
    /// Whether our median lies between their fastest and slowest repetition.
    pub in_range: bool,
}

/// A published image size against ours.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageRatio {
    /// What was published.
    pub published: PublishedImage,
    /// Our size.
    pub ours: Bytes,
    /// Our size over theirs.
    pub ratio: f64,
}

/// The order of the approaches in one scenario, theirs and ours, over the approaches that both have.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The column.
    pub scenario: ScenarioId,
    /// Their approaches, fastest median first.
    pub theirs: Vec<ApproachId>,
    /// Our approaches, fastest median first.
    pub ours: Vec<ApproachId>,
    /// Spearman's rank correlation of the medians, −1 to 1; `None` where there is no order.
    pub spearman: Option<f64>,
    /// Kendall's tau-b of the medians, −1 to 1; `None` where there is no order.
    pub kendall: Option<f64>,
}

/// Everything published against ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Cells that both have, in the table's order.
    pub cells: Vec<CellRatio>,
    /// Images that both have, in the table's order.
    pub images: Vec<ImageRatio>,
    /// One per scenario in which both have two approaches or more.
    pub orders: Vec<Order>,
}

/// Sets a published table beside ours.
#[must_use]
pub fn compare(table: &Table, published: &Published) -> Comparison {
    let cells = table.cells().filter_map(|(row, scenario, cell)| {
        let theirs = published.cell(&row.approach, &scenario.id)?;
        let ours = cell.median()?;
        Some(CellRatio {
            published: theirs.clone(),
            ours,
            n: cell.n(),
            ratio: ratio(ours.get(), theirs.median.get())?,
            in_range: theirs.min <= ours && ours <= theirs.max,
        })
    });
    let images = table.rows.iter().filter_map(|row| {
        let bytes = published.image(&row.approach)?;
        let ours = row.image?;
        #[allow(clippy::cast_precision_loss)] // a ratio for people
        let ratio = ratio(ours.0 as f64, bytes.0 as f64)?;
        Some(ImageRatio { published: PublishedImage { approach: row.approach.clone(), bytes }, ours, ratio })
    });
    let cells: Vec<CellRatio> = cells.collect();
    let scenarios = table.scenarios.iter();
    Comparison { images: images.collect(), orders: scenarios.filter_map(|s| order(&s.id, &cells)).collect(), cells }
}

fn ratio(ours: f64, theirs: f64) -> Option<f64> {
    (theirs > 0.0).then(|| ours / theirs)
}

fn order(scenario: &ScenarioId, cells: &[CellRatio]) -> Option<Order> {
    let of_column = cells.iter().filter(|c| c.published.scenario == *scenario);
    let (names, pairs): (Vec<&ApproachId>, Vec<(f64, f64)>) =
        of_column.map(|c| (&c.published.approach, (c.published.median.get(), c.ours.get()))).unzip();
    if names.len() < 2 {
        return None;
    }
    let (theirs, ours): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    Some(Order {
        scenario: scenario.clone(),
        theirs: sorted(&names, &theirs),
        ours: sorted(&names, &ours),
        spearman: stats::spearman(&theirs, &ours).ok(),
        kendall: stats::kendall(&theirs, &ours).ok(),
    })
}

fn sorted(names: &[&ApproachId], medians: &[f64]) -> Vec<ApproachId> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|&a, &b| medians[a].total_cmp(&medians[b]));
    order.into_iter().map(|i| names[i].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{approach, published, raw_table};
    use super::*;

    #[test]
    fn the_raw_figures_lie_inside_the_published_ranges() {
        let got = compare(&raw_table(), &published());
        assert_eq!((got.cells.len(), got.images.len(), got.orders.len()), (30, 6, 5));
        for cell in &got.cells {
            assert!(cell.in_range && cell.n == 8, "{cell:?}");
            assert!((cell.ratio - 1.0).abs() < 0.05, "{cell:?}");
        }
        let sources = &got.orders[2];
        assert_eq!(sources.theirs[0], approach("05-final"));
        assert!(sources.spearman.unwrap() > 0.9, "{sources:?}");
        for order in &got.orders {
            assert!(order.kendall.unwrap() > 0.6, "{order:?}");
        }
    }

    #[test]
    fn what_only_one_side_has_is_left_out() {
        let mut table = raw_table();
        table.rows.truncate(1);
        let got = compare(&table, &published());
        assert_eq!((got.cells.len(), got.orders.len()), (5, 0));
        assert_eq!(compare(&table, &Published::default()), Comparison::default());
    }
}
