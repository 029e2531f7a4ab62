//! What others go by: the schema of a run's folder, and the names of the files in it.

/// The schema that this version writes and reads.
pub const SCHEMA: &str = "layerbench.run/1";

pub(super) const RECORD: &str = "run.json";
pub(super) const SAMPLES: &str = "samples.csv";
pub(super) const STEPS: &str = "steps.csv";
pub(super) const IMAGES: &str = "images.csv";
pub(super) const AUDIT: &str = "audit.json";
pub(super) const SUMMARY: &str = "summary.csv";
pub(super) const REPORT: &str = "report.md";
pub(super) const PAGE: &str = "report.html";
pub(super) const CHARTS: &str = "charts";
pub(super) const LATEST: &str = "latest";

/// What a run's folder holds, as files. Others may have made it: a link in place of one of them would have something
/// else read or written over.
pub(super) const FILES: [&str; 8] = [RECORD, SAMPLES, STEPS, IMAGES, AUDIT, SUMMARY, REPORT, PAGE];
/// And as folders.
pub(super) const FOLDERS: [&str; 1] = [CHARTS];
