//! The scorecards of the images: a table of verdicts, and below it why.

use super::part::{Part, text};
use crate::report::audited;
use crate::report::content::Report;
use std::io;

pub(super) fn write(report: &Report<'_>, part: &mut Part<'_>) -> io::Result<()> {
    let cards = &report.scorecards;
    if cards.is_empty() {
        return Ok(());
    }
    part.section("scorecard", "Scorecard")?;
    part.region("scorecard")?;
    writeln!(part.out, "<table>\n<thead><tr><th scope=\"col\">Image</th>")?;
    for title in audited::titles(cards) {
        writeln!(part.out, "<th scope=\"col\">{}</th>", text(&title))?;
    }
    writeln!(part.out, "</tr></thead>\n<tbody>")?;
    for card in cards {
        write!(part.out, "<tr><th scope=\"row\">{}</th>", text(audited::name(card)))?;
        for criterion in &card.criteria {
            write!(part.out, "<td>{}</td>", text(&audited::cell(criterion)))?;
        }
        writeln!(part.out, "</tr>")?;
    }
    writeln!(part.out, "</tbody>\n</table>\n</div>\n<ul>")?;
    for (name, criterion) in audited::reasons(cards) {
        let line = format!("{name}, {}: {}", criterion.title, criterion.reason);
        writeln!(part.out, "<li>{}</li>", text(&line))?;
    }
    writeln!(part.out, "</ul>\n</section>")
}
