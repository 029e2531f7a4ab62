//! Claims that a run can confirm or contradict, as data, and the verdicts on them.
//!
//! A verdict on seconds always comes from a test; plain medians are shown beside it and never decide.

use super::change::smallest_p;
use super::table::{Table, TableCell};
use crate::model::{ApproachId, Bytes, Cell, EngineId, ScenarioId};
use crate::stats;

/// The level of significance of one finding.
pub const ALPHA: f64 = 0.05;

/// What is claimed, in terms of the table.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// Builds of one cell take at most `at_most` times those of another (1 for plainly faster).
    Faster {
        /// The cell said to be faster.
        faster: Cell,
        /// The cell said to be slower.
        slower: Cell,
        /// The largest ratio faster / slower that still makes the claim true.
        at_most: f64,
    },
    /// Builds of one cell take between `low` and `high` times those of another.
    Ratio {
        /// The cell above the line.
        cell: Cell,
        /// The cell below the line.
        base: Cell,
        /// The smallest ratio that makes the claim true.
        low: f64,
        /// The largest ratio that makes the claim true.
        high: f64,
    },
    /// In one scenario, each of these approaches is faster than each other one of the table.
    Fastest {
        /// The column.
        scenario: ScenarioId,
        /// The rows said to be fastest.
        approaches: Vec<ApproachId>,
    },
    /// Each image of the first list is smaller than each of the second.
    Smaller {
        /// Those said to be smaller.
        smaller: Vec<ApproachId>,
        /// Those said to be larger.
        larger: Vec<ApproachId>,
    },
    /// The images that one approach gives in two scenarios are equally large.
    SameSize {
        /// The row.
        approach: ApproachId,
        /// One column.
        first: ScenarioId,
        /// The other column.
        second: ScenarioId,
        /// Largest difference that counts as none, as a part of the first size (0.01 for 1 %).
        within: f64,
    },
    /// The images of two approaches are equally large.
    Alike {
        /// One row.
        first: ApproachId,
        /// The other row.
        second: ApproachId,
        /// Largest difference that counts as none, as a part of the second size (0.01 for 1 %).
        within: f64,
    },
    /// Several claims at once: all of them must hold.
    All(Vec<Claim>),
}

/// A claim with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedClaim {
    /// Short name.
    pub id: String,
    /// The claim for people, one sentence.
    pub text: String,
    /// The claim in terms of the table.
    pub claim: Claim,
}

/// What a run says of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingVerdict {
    /// The samples support it at the level [`ALPHA`].
    Holds,
    /// The samples support its opposite at that level.
    Contradicted,
    /// Neither.
    CannotTell,
}

impl FindingVerdict {
    /// The words used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Contradicted => "contradicted",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// A figure that a comparison used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// Median of a cell in seconds, and its number of samples.
    Seconds(f64, usize),
    /// Size of an image.
    Image(Bytes),
    /// There is none.
    Missing,
}

/// One comparison that a finding rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Name and figure of the left-hand side.
    pub left: (String, Figure),
    /// Name and figure of the right-hand side.
    pub right: (String, Figure),
    /// Left over right; `None` where a figure is missing or zero.
    pub ratio: Option<f64>,
    /// Whether the plain figures agree with the claim; decides nothing for seconds.
    pub agrees: Option<bool>,
    /// p-value of "the claim is true" against its opposite; `None` for sizes, too.
    pub p_for: Option<f64>,
    /// p-value of "the claim is false"; `None` for sizes, too.
    pub p_against: Option<f64>,
    /// No outcome of a test with so few samples could reach [`ALPHA`].
    pub too_few: bool,
}

/// A finding, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The finding.
    pub finding: NamedClaim,
    /// The verdict.
    pub verdict: FindingVerdict,
    /// Why it is what it is; one line for people.
    pub why: String,
    /// Whether all plain figures agree with the claim; `None` where one is missing.
    pub agrees: Option<bool>,
    /// The comparisons.
    pub evidence: Vec<Evidence>,
}

/// Judges findings on a table, each at the level [`ALPHA`] on its own.
#[must_use]
pub fn judge(table: &Table, findings: &[NamedClaim]) -> Vec<Judged> {
    findings.iter().map(|f| judge_one(table, f)).collect()
}

/// All comparisons must favour a claim for it to hold, so none needs a correction; one that opposes
/// it is enough to contradict it, so there the smallest p is multiplied by their number.
fn judge_one(table: &Table, finding: &NamedClaim) -> Judged {
    let mut evidence = Vec::new();
    collect(table, &finding.claim, &mut evidence);
    let (verdict, why) = decide(&evidence);
    let each: Option<Vec<bool>> = evidence.iter().map(|e| e.agrees).collect();
    Judged {
        finding: finding.clone(),
        verdict,
        why,
        agrees: each.filter(|e| !e.is_empty()).map(|e| e.iter().all(|a| *a)),
        evidence,
    }
}

fn decide(evidence: &[Evidence]) -> (FindingVerdict, String) {
    if evidence.is_empty() {
        return (FindingVerdict::CannotTell, "nothing to compare".to_owned());
    }
    #[allow(clippy::cast_precision_loss)] // a few comparisons
    let family = evidence.len() as f64;
    let against = |e: &&Evidence| e.p_against.is_some_and(|p| p * family <= ALPHA);
    if let Some(e) = evidence.iter().find(against) {
        let why = format!("{} against {} says the opposite", e.left.0, e.right.0);
        return (FindingVerdict::Contradicted, why);
    }
    if let Some(e) = evidence.iter().find(|e| e.agrees.is_none()) {
        let missing = match e.left.1 {
            Figure::Missing => &e.left.0,
            _ => &e.right.0,
        };
        return (FindingVerdict::CannotTell, format!("no figure for {missing}"));
    }
    if evidence.iter().all(|e| e.p_for.is_some_and(|p| p <= ALPHA)) {
        let why = match evidence.len() {
            1 => "the comparison supports it".to_owned(),
            n => format!("all {n} comparisons support it"),
        };
        return (FindingVerdict::Holds, why);
    }
    if let Some(n) = evidence.iter().filter(|e| e.too_few).map(smallest_n).min() {
        return (FindingVerdict::CannotTell, format!("n = {n}: too few samples for a test"));
    }
    let open = evidence.iter().filter(|e| e.p_for.is_none_or(|p| p > ALPHA));
    let why = match (open.count(), evidence.len()) {
        (_, 1) => "the samples do not settle it".to_owned(),
        (open, all) => format!("the samples do not settle {open} of {all} comparisons"),
    };
    (FindingVerdict::CannotTell, why)
}

fn smallest_n(evidence: &Evidence) -> usize {
    let n = |figure: Figure| match figure {
        Figure::Seconds(_, n) => n,
        _ => usize::MAX,
    };
    n(evidence.left.1).min(n(evidence.right.1))
}

/// The comparisons that a claim comes down to.
fn collect(table: &Table, claim: &Claim, out: &mut Vec<Evidence>) {
    match claim {
        Claim::Faster { faster, slower, at_most } => out.push(seconds(table, faster, slower, (0.0, *at_most))),
        Claim::Ratio { cell, base, low, high } => out.push(seconds(table, cell, base, (*low, *high))),
        Claim::Fastest { scenario, approaches } => {
            let cell = |approach: &ApproachId| Cell {
                engine: EngineId::only(), // whichever: it is that of the table
                approach: approach.clone(),
                scenario: scenario.clone(),
            };
            for fast in approaches {
                let rows = table.rows.iter().map(|row| &row.approach);
                let others = rows.filter(|other| !approaches.contains(other));
                out.extend(others.map(|other| seconds(table, &cell(fast), &cell(other), (0.0, 1.0))));
            }
        }
        Claim::Smaller { smaller, larger } => {
            for small in smaller {
                out.extend(larger.iter().map(|large| images(table, small, large, |a, b| a < b)));
            }
        }
        Claim::SameSize { approach, first, second, within } => {
            out.push(same_size(table, approach, (first, second), *within))
        }
        Claim::Alike { first, second, within } => {
            out.push(images(table, first, second, |a, b| (a - b).abs() <= within * b));
        }
        Claim::All(claims) => {
            for claim in claims {
                collect(table, claim, out);
            }
        }
    }
}

fn label(cell: &Cell) -> String {
    format!("{} / {}", cell.approach, cell.scenario)
}

/// Whether left / right lies between two factors, by one-sided Mann-Whitney tests of the left samples
/// against the right ones times each factor. For two factors the larger p favours the claim (two
/// one-sided tests; D. J. Schuirmann, 1987), and twice the smaller one opposes it.
fn seconds(table: &Table, left: &Cell, right: &Cell, (low, high): (f64, f64)) -> Evidence {
    let cell = |name: &Cell| table.cell(&name.approach, &name.scenario);
    let figure = |cell: Option<&TableCell>| match cell.and_then(|c| Some((c.median()?.get(), c.n()))) {
        Some((median, n)) => Figure::Seconds(median, n),
        None => Figure::Missing,
    };
    let (l, r) = (cell(left), cell(right));
    let mut found = Evidence {
        left: (label(left), figure(l)),
        right: (label(right), figure(r)),
        ratio: None,
        agrees: None,
        p_for: None,
        p_against: None,
        too_few: false,
    };
    let (Figure::Seconds(a, n), Figure::Seconds(b, m), Some(l), Some(r)) = (found.left.1, found.right.1, l, r) else {
        return found;
    };
    found.ratio = (b > 0.0).then(|| a / b);
    found.agrees = Some(low * b <= a && a < high * b);
    found.too_few = smallest_p(n, m) > ALPHA;
    let against = |factor: f64| {
        let scaled: Vec<f64> = r.seconds.iter().map(|s| s * factor).collect();
        stats::mann_whitney(&scaled, &l.seconds).ok()
    };
    let Some(above) = against(high) else {
        return found;
    };
    (found.p_for, found.p_against) = (Some(above.less), Some(above.greater));
    if low > 0.0
        && let Some(below) = against(low)
    {
        found.p_for = Some(above.less.max(below.greater));
        found.p_against = Some((2.0 * above.greater.min(below.less)).min(1.0));
    }
    found
}

/// A certain comparison: sizes do not vary.
fn sizes(left: (String, Option<Bytes>), right: (String, Option<Bytes>), agrees: impl Fn(f64, f64) -> bool) -> Evidence {
    #[allow(clippy::cast_precision_loss)] // ratios of sizes
    let both = left.1.zip(right.1).map(|(a, b)| (a.0 as f64, b.0 as f64));
    let agrees = both.map(|(a, b)| agrees(a, b));
    let certain = |truth: bool| if truth { 0.0 } else { 1.0 };
    let figure = |size: Option<Bytes>| size.map_or(Figure::Missing, Figure::Image);
    Evidence {
        left: (left.0, figure(left.1)),
        right: (right.0, figure(right.1)),
        ratio: both.and_then(|(a, b)| (b > 0.0).then(|| a / b)),
        agrees,
        p_for: agrees.map(certain),
        p_against: agrees.map(|truth| certain(!truth)),
        too_few: false,
    }
}

fn images(table: &Table, left: &ApproachId, right: &ApproachId, agrees: impl Fn(f64, f64) -> bool) -> Evidence {
    let image = |approach: &ApproachId| {
        let size = table.row(approach).and_then(|row| row.image);
        (approach.to_string(), size)
    };
    sizes(image(left), image(right), agrees)
}

fn same_size(
    table: &Table,
    approach: &ApproachId,
    (first, second): (&ScenarioId, &ScenarioId),
    within: f64,
) -> Evidence {
    let image = |scenario: &ScenarioId| {
        let size = table.cell(approach, scenario).and_then(|cell| cell.image);
        (format!("{approach} / {scenario}"), size)
    };
    sizes(image(first), image(second), |a, b| (a - b).abs() <= within * a)
}

#[cfg(test)]
mod tests;
