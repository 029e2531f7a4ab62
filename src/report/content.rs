//! What a report shows, whatever its form.

use crate::analysis::findings::Judged;
use crate::analysis::published::{Comparison, Published, compare};
use crate::analysis::table::Table;
use crate::model::{Sample, Scorecard, Status};

/// What must be known of a run before its figures mean anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Name of the study.
    pub title: String,
    /// Name of the run.
    pub run: String,
    /// The base images, each with where it came from; "stand-in" must be among the words where one
    /// was used.
    pub bases: Vec<String>,
    /// Why the run is not whole, as a sentence; empty if it came to its end.
    pub unfinished: String,
    /// Engine and isolation.
    pub engine: String,
    /// What cold meant: the words of [`crate::model::ColdKind`].
    pub cold: String,
    /// Which size of an image is shown.
    pub image_size: String,
    /// How it was measured, and what else must be said, one sentence each.
    pub notes: Vec<String>,
}

/// Published figures and how ours compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside<'a> {
    /// What published them, in one word, e.g. `article`.
    pub name: String,
    /// The figures.
    pub published: &'a Published,
    /// Ours against them.
    pub comparison: Comparison,
}

/// Everything that a report shows.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// About the run.
    pub head: Head,
    /// The figures.
    pub table: &'a Table,
    /// Published figures, if there are any.
    pub beside: Option<Beside<'a>>,
    /// The findings, judged.
    pub findings: Vec<Judged>,
    /// The samples that are in no figure.
    pub problems: Vec<&'a Sample>,
    /// Scorecards of the approaches' images, if they were audited.
    pub scorecards: Vec<&'a Scorecard>,
}

impl<'a> Report<'a> {
    /// A report of a table and the samples that it was made from, or those of them that are in no figure.
    #[must_use]
    pub fn new(head: Head, table: &'a Table, samples: &'a [Sample]) -> Self {
        let problems = samples.iter().filter(|s| s.status != Status::Ok);
        Self { head, table, beside: None, findings: Vec::new(), problems: problems.collect(), scorecards: Vec::new() }
    }

    /// Sets published figures beside ours.
    #[must_use]
    pub fn beside(mut self, name: &str, published: &'a Published) -> Self {
        self.beside = Some(Beside { name: name.to_owned(), published, comparison: compare(self.table, published) });
        self
    }

    /// Adds the images' scorecards.
    #[must_use]
    pub fn scorecards(mut self, cards: Vec<&'a Scorecard>) -> Self {
        self.scorecards = cards;
        self
    }

    /// Adds judged findings.
    #[must_use]
    pub fn findings(mut self, findings: Vec<Judged>) -> Self {
        self.findings = findings;
        self
    }
}
