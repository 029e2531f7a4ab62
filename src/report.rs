//! Tables for people and programs: terminal text, Markdown, HTML, CSV, JSON.
//!
//! Everything is written to a given writer; nothing is measured, judged or read from a file in here.
//! Whatever a user or a build can have named is cleaned on its way out.

mod audited;
mod compared;
mod content;
mod exchange;
mod explained;
mod faster;
mod gated;
mod grid;
mod html;
mod json;
mod markdown;
mod over_time;
mod plain_text;
mod sheet;
mod strata;
mod text_style;
mod words;

#[cfg(test)]
mod tests;

pub use audited::{write_scorecards_json, write_scorecards_markdown, write_scorecards_sarif, write_scorecards_text};
pub use compared::{Comparing, compared_json, write_compared_markdown, write_compared_text};
pub use content::{Beside, Head, Report};
pub use exchange::{Exchange, Exported, NightRow, night_columns, write_nights};
pub use explained::{write_explained_json, write_explained_text};
pub use faster::write_faster;
pub use gated::{Confirmed, Gated, GatedLine, write_gated_json, write_gated_markdown, write_gated_text};
pub use html::{Picture, Pictures, write_html};
pub use json::{SCHEMA, report_json, write_json};
pub use markdown::write_markdown;
pub use over_time::{ChangeLine, History, NightName, write_history_json, write_history_text};
pub use plain_text::write_text;
pub use sheet::{write_summaries, write_summary};
pub use strata::{STRATA_SCHEMA, each_json, each_text};
pub use text_style::TextStyle;
