//! The scorecard of an image: six criteria, each with figures, evidence and a verdict, and the demands that were made.
//!
//! How it comes about is known to `audit`; these are its words, and the form in which they are kept.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Name and version of the form in which scorecards are kept.
pub const SCORECARD_SCHEMA: &str = "layerbench.audit/1";

/// Names of the six criteria, as in the article.
pub const CRITERIA: [&str; 6] =
    ["Lightweight", "No build-time dependencies", "Without root", "Small attack surface", "Cannot write", "Cache use"];

/// What is said of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CriterionVerdict {
    /// It is met.
    Pass,
    /// It is not met.
    Fail,
    /// There are figures, and nobody demands anything to judge them by.
    Open,
    /// Nothing can be said; the reason says why.
    Unknown,
}

impl fmt::Display for CriterionVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Open => "open",
            Self::Unknown => "unknown",
        })
    }
}

/// Things of one kind that were found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEvidence {
    /// What they are, in a few words.
    pub what: String,
    /// The first of them, at most [`AuditEvidence::MOST`].
    pub items: Vec<String>,
    /// How many there are.
    pub count: u64,
}

impl AuditEvidence {
    /// Items that are kept.
    pub const MOST: usize = 200;

    /// AuditEvidence of all these items; sorted and each once.
    pub fn new(what: &str, items: impl IntoIterator<Item = String>) -> Self {
        let mut items: Vec<String> = items.into_iter().collect();
        items.sort();
        items.dedup();
        let count = items.len() as u64;
        items.truncate(Self::MOST);
        Self { what: what.to_owned(), items, count }
    }
}

/// One of the six criteria, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// 1 to 6, as in the article.
    pub number: u8,
    /// Its name.
    pub title: String,
    /// The verdict.
    pub verdict: CriterionVerdict,
    /// Why, in one line.
    pub reason: String,
    /// Figures by name; sizes end in `_bytes`, times in `_s`.
    pub figures: BTreeMap<String, Value>,
    /// What was found.
    pub evidence: Vec<AuditEvidence>,
}

impl Criterion {
    /// A criterion, 1 to 6, about which nothing is known yet.
    #[must_use]
    pub fn unknown(number: u8, reason: &str) -> Self {
        let title = CRITERIA.get(usize::from(number).wrapping_sub(1)).copied().unwrap_or_default();
        Self {
            number,
            title: title.to_owned(),
            verdict: CriterionVerdict::Unknown,
            reason: reason.to_owned(),
            figures: BTreeMap::new(),
            evidence: Vec::new(),
        }
    }

    /// Decides it.
    #[must_use]
    pub fn judged(mut self, verdict: CriterionVerdict, reason: impl Into<String>) -> Self {
        self.verdict = verdict;
        self.reason = reason.into();
        self
    }

    /// Keeps a figure.
    pub fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Keeps evidence, unless it is of nothing.
    pub fn found(&mut self, evidence: AuditEvidence) {
        if evidence.count > 0 {
            self.evidence.push(evidence);
        }
    }
}

/// A demand that a caller or a study makes, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demanded {
    /// The demand, e.g. `max_bytes = 200000000`.
    pub demand: String,
    /// Number of the criterion that it belongs to.
    pub criterion: u8,
    /// Whether it is met; `None` when that could not be found out.
    pub met: Option<bool>,
    /// What was found.
    pub found: String,
}

/// Everything that an audit says of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scorecard {
    /// [`SCORECARD_SCHEMA`].
    pub schema: String,
    /// The image, as it was named.
    pub image: String,
    /// Its id on the engine.
    pub id: String,
    /// The approach, of a run's image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approach: Option<String>,
    /// The engine's name, in a run on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// How the base image's part was told from the build's.
    pub base: String,
    /// The six criteria.
    pub criteria: Vec<Criterion>,
    /// Demands, and whether they are met.
    pub demands: Vec<Demanded>,
}

impl Scorecard {
    /// A criterion by its number.
    #[must_use]
    pub fn criterion(&self, number: u8) -> Option<&Criterion> {
        self.criteria.iter().find(|criterion| criterion.number == number)
    }

    /// Puts a criterion in the place of the one with its number.
    pub fn replace(&mut self, criterion: Criterion) {
        match self.criteria.iter_mut().find(|old| old.number == criterion.number) {
            Some(old) => *old = criterion,
            None => self.criteria.push(criterion),
        }
    }

    /// A whole-number figure of a criterion.
    #[must_use]
    pub fn number(&self, criterion: u8, name: &str) -> Option<u64> {
        self.criterion(criterion)?.figures.get(name)?.as_u64()
    }
}

/// The scorecards of several images, as they are kept and handed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAudit {
    /// [`SCORECARD_SCHEMA`].
    pub schema: String,
    /// A scorecard for each image: of a run, one for each approach (and engine, where there are several).
    pub images: Vec<Scorecard>,
}

impl RunAudit {
    /// These scorecards, in the form of this version.
    #[must_use]
    pub fn new(images: Vec<Scorecard>) -> Self {
        Self { schema: SCORECARD_SCHEMA.to_owned(), images }
    }

    /// The scorecards as a text in JSON that ends with its line.
    ///
    /// # Errors
    /// When a figure cannot be written as JSON; none that an audit makes is such.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}
