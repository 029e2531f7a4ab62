//! What a run's folder holds for people: `summary.csv`, `report.md`, `report.html` and the pictures in `charts/`.
//! They are never read back.

use super::plain::plain;
use super::schema::{CHARTS, PAGE, REPORT, SUMMARY};
use super::store_error::StoreError;
use super::writing;
use std::fs;
use std::path::Path;

/// The reports of a run, as they are to stand in its folder.
#[derive(Clone, Copy, Debug)]
pub struct Reports<'r> {
    /// The figures, one row per cell, as CSV.
    pub summary: &'r [u8],
    /// The report in Markdown.
    pub markdown: &'r [u8],
    /// The report as a page.
    pub html: &'r [u8],
    /// The pictures: name of the file with its ending, and what it holds.
    pub charts: &'r [(String, Vec<u8>)],
}

/// Writes the reports of a run, each as a whole or not at all. Pictures that were there before under other names stay.
///
/// # Errors
/// When something in the folder is not the run's own, or a file cannot be written; those before it are there then.
pub fn write_reports(run: &Path, reports: &Reports<'_>) -> Result<(), StoreError> {
    plain(run)?;
    for (name, content) in [(SUMMARY, reports.summary), (REPORT, reports.markdown), (PAGE, reports.html)] {
        writing::put(&run.join(name), content)?;
    }
    let folder = run.join(CHARTS);
    fs::create_dir_all(&folder).map_err(StoreError::not_put(&folder, "making"))?;
    reports.charts.iter().try_for_each(|(name, content)| writing::put(&folder.join(name), content))
}
