//! The scorecard of an image: six criteria, each with figures, evidence and a verdict.
//!
//! Reading tar streams ([`members`], [`inventory`], [`layers`]), finding things in them ([`detect`], [`lock`]) and judging
//! ([`judge`]) are pure; [`image`] is the only part that asks an engine. Nothing is printed in here.

pub mod cache;
pub mod demands;
pub mod detect;
pub mod image;
pub mod inventory;
pub mod judge;
pub mod layers;
pub mod lock;
pub mod members;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Name and version of the scorecard's wire form.
pub const SCHEMA: &str = "layerbench.audit/1";

/// What is said of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is met.
    Pass,
    /// It is not met.
    Fail,
    /// There are figures, and nobody demands anything to judge them by.
    Open,
    /// Nothing can be said; the reason says why.
    Unknown,
}

impl fmt::Display for Verdict {
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
pub struct Evidence {
    /// What they are, in a few words.
    pub what: String,
    /// The first of them, at most [`Evidence::MOST`].
    pub items: Vec<String>,
    /// How many there are.
    pub count: u64,
}

impl Evidence {
    /// Items that are kept.
    pub const MOST: usize = 200;

    /// Evidence of all these items; sorted and each once.
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
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// Figures by name; sizes end in `_bytes`, times in `_s`.
    pub figures: BTreeMap<String, Value>,
    /// What was found.
    pub evidence: Vec<Evidence>,
}

impl Criterion {
    /// A criterion about which nothing is known yet.
    #[must_use]
    pub fn unknown(number: u8, title: &str, reason: &str) -> Self {
        Self {
            number,
            title: title.to_owned(),
            verdict: Verdict::Unknown,
            reason: reason.to_owned(),
            figures: BTreeMap::new(),
            evidence: Vec::new(),
        }
    }

    /// Decides it.
    fn judged(mut self, verdict: Verdict, reason: impl Into<String>) -> Self {
        self.verdict = verdict;
        self.reason = reason.into();
        self
    }

    fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Keeps evidence, unless it is of nothing.
    fn found(&mut self, evidence: Evidence) {
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
    /// [`SCHEMA`].
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

/// `audit.json` of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAudit {
    /// [`SCHEMA`].
    pub schema: String,
    /// A scorecard for each approach (and engine, where there are several).
    pub images: Vec<Scorecard>,
}
