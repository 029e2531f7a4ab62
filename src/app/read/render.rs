//! A run in the forms of a report, for a screen and for its own folder.

use super::drawings::{self, Charts};
use super::run::Run;
use crate::app::Failure;
use crate::model::EngineId;
use crate::report::{
    Pictures, TextStyle, each_json, each_text, report_json, write_html, write_markdown, write_summaries, write_text,
};

/// Forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The table for a terminal.
    Text,
    /// The table for a pull request or a job summary.
    Markdown,
    /// A page for a browser, with pictures, in one file.
    Html,
    /// A line for each cell, as in `summary.csv`.
    Csv,
    /// Everything for other programs.
    Json,
}

impl Run {
    /// The run in one of the report's forms.
    ///
    /// # Errors
    /// When what the form shows cannot be read or made.
    pub fn render(&self, form: Form, style: TextStyle) -> Result<Vec<u8>, Failure> {
        let reports = self.reports();
        let engines: Vec<&EngineId> = self.strata.iter().map(|stratum| &stratum.id).collect();
        let written = match form {
            Form::Html => return self.page(&self.charts()?),
            Form::Csv => {
                let tables: Vec<_> = self.strata.iter().map(|one| (&one.id, &one.table)).collect();
                let mut text = Vec::new();
                write_summaries(&tables, &mut text).map(|()| text)
            }
            Form::Text => each_text(engines.len(), |place, out| write_text(&reports[place].1, style, out)),
            Form::Markdown => each_text(engines.len(), |place, out| write_markdown(&reports[place].1, out)),
            Form::Json => each_json(&engines, |place| report_json(&reports[place].1)),
        };
        written.map_err(Failure::unmade)
    }

    /// The pictures of each engine.
    ///
    /// # Errors
    /// When what they show cannot be read, or they cannot be drawn.
    pub fn charts(&self) -> Result<Vec<Charts>, Failure> {
        let details = self.details()?;
        let draw = |one: &super::Stratum| drawings::draw(&one.id, &one.table, self.published(), &details);
        self.strata.iter().map(draw).collect()
    }

    /// One page for all engines.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn page(&self, charts: &[Charts]) -> Result<Vec<u8>, Failure> {
        let figures: Vec<Pictures> = charts.iter().map(drawings::figures).collect::<Result<_, _>>()?;
        let reports = self.reports();
        let parts: Vec<_> = reports.iter().map(|(_, report)| report).zip(&figures).collect();
        let mut text = Vec::new();
        let written = write_html(&self.record.title, &parts, &mut text);
        written.map(|()| text).map_err(Failure::unmade)
    }
}
