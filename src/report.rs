//! Tables for people and programs: terminal text, Markdown, HTML, CSV, JSON.
//!
//! Everything is written to a given writer; nothing is measured, judged or read from a file in here.
//! Whatever a user or a build can have named is cleaned on its way out.

mod compared;
mod explained;
mod export;
mod faster;
mod gated;
mod grid;
mod history;
mod html;
mod json;
mod markdown;
mod scorecard;
mod sheet;
mod text;
mod words;

#[cfg(test)]
mod tests;

pub use compared::{Comparing, write_compared_json, write_compared_markdown, write_compared_text};
pub use explained::{write_explained_json, write_explained_text};
pub use export::{Exchange, Exported, Night, night_columns, write_nights};
pub use faster::write_faster;
pub use gated::{Confirmed, Gated, GatedLine, write_gated_json, write_gated_markdown, write_gated_text};
pub use history::{ChangeLine, History, NightName, write_history_json, write_history_text};
pub use html::{Figure, Figures, write_html};
pub use json::{SCHEMA, write_json};
pub use markdown::write_markdown;
pub use scorecard::{write_scorecards_json, write_scorecards_markdown, write_scorecards_sarif, write_scorecards_text};
pub use sheet::{write_images, write_summaries, write_summary};
pub use text::{TextStyle, write_text};

// Until the commands take it from where it lives.
pub use crate::model::Image as ImageRow;

use crate::analysis::findings::Judged;
use crate::analysis::published::{Comparison, Published, compare};
use crate::analysis::table::Table;
use crate::model::{EngineId, Sample, Scorecard, Status};
use serde_json::{Value, json};
use std::io;

/// Name and version of the JSON that holds what is said of each of several engines.
pub const STRATA_SCHEMA: &str = "layerbench.strata/1";

/// Writes what is said of each engine: of a single one as it is, of several one after the other, or one object with all
/// of them, so that nobody takes the figures of one for those of the run.
///
/// # Errors
/// When a writer fails.
pub fn each_engine(
    engines: &[Option<&EngineId>],
    json: bool,
    write: impl Fn(usize, &mut dyn io::Write) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let mut texts = Vec::new();
    for place in 0..engines.len() {
        let mut text = Vec::new();
        write(place, &mut text)?;
        texts.push(text);
    }
    if texts.len() == 1 || !json {
        return Ok(texts.join(&b"\n"[..]));
    }
    let strata = engines.iter().zip(&texts).map(|(engine, text)| {
        let report: Value = serde_json::from_slice(text)?;
        Ok(json!({"engine": engine.map(EngineId::as_str), "report": report}))
    });
    let strata = strata.collect::<io::Result<Vec<Value>>>()?;
    let mut all = serde_json::to_vec_pretty(&json!({"schema": STRATA_SCHEMA, "strata": strata}))?;
    all.push(b'\n');
    Ok(all)
}

/// Says of a JSON object which engine it is about, where there are several.
fn on_engine(mut object: Value, engine: Option<&EngineId>) -> Value {
    if let (Some(engine), Some(members)) = (engine, object.as_object_mut()) {
        members.insert("engine".to_owned(), Value::from(engine.as_str()));
    }
    object
}

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
