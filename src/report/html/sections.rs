//! What stands around the table: what was used, findings, the order of the approaches, builds in no figure, how it was
//! measured.
//!
//! Sections without content are not written.

use super::part::{Part, text};
use crate::analysis::findings::FindingVerdict;
use crate::model::ApproachId;
use crate::report::content::Report;
use crate::report::words;
use crate::text::{and_more, cut};
use std::io;

/// How many builds that are in no figure are listed.
const MOST: usize = 100;
/// Comparisons of one finding that are listed.
const EVIDENCE: usize = 20;
/// Characters of a reason that are shown.
const REASON: usize = 500;

/// The line over the table: base images, engine, kind of cold.
pub(super) fn used(report: &Report<'_>, part: &mut Part<'_>) -> io::Result<()> {
    let head = &report.head;
    if !head.unfinished.is_empty() {
        writeln!(part.out, "<p class=\"unfinished\"><b>{}</b></p>", text(&head.unfinished))?;
    }
    let known = |value: &str| if value.is_empty() { "unknown".to_owned() } else { text(value) };
    let bases = head.bases.iter().map(|base| text(base)).collect::<Vec<_>>();
    let bases = if bases.is_empty() { "unknown".to_owned() } else { bases.join("<br>") };
    writeln!(part.out, "<dl class=\"used\">")?;
    for (term, value) in [("Base images", bases), ("Engine", known(&head.engine)), ("Cold", known(&head.cold))] {
        writeln!(part.out, "<div><dt>{term}</dt><dd>{value}</dd></div>")?;
    }
    writeln!(part.out, "</dl>")
}

pub(super) fn findings(report: &Report<'_>, part: &mut Part<'_>) -> io::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    part.section("findings", "Findings")?;
    writeln!(part.out, "<ul class=\"findings\">")?;
    for judged in &report.findings {
        let (class, sign) = match judged.verdict {
            FindingVerdict::Holds => ("holds", "✓"),
            FindingVerdict::Contradicted => ("contradicted", "✗"),
            FindingVerdict::CannotTell => ("open", "?"),
        };
        writeln!(
            part.out,
            "<li class=\"{class}\"><p><span class=\"sign\" aria-hidden=\"true\">{sign}</span> <b>{}</b><br>{}</p>",
            text(&judged.finding.text),
            text(&words::verdict(judged))
        )?;
        if !judged.evidence.is_empty() {
            writeln!(part.out, "<details><summary>The figures</summary><ul>")?;
            for evidence in judged.evidence.iter().take(EVIDENCE) {
                writeln!(part.out, "<li>{}</li>", text(&words::evidence(evidence)))?;
            }
            if let Some(more) = and_more(judged.evidence.len().saturating_sub(EVIDENCE)) {
                writeln!(part.out, "<li>{more}</li>")?;
            }
            writeln!(part.out, "</ul></details>")?;
        }
        writeln!(part.out, "</li>")?;
    }
    writeln!(part.out, "</ul>\n</section>")
}

/// The order of the approaches, here and as published.
pub(super) fn order(report: &Report<'_>, part: &mut Part<'_>) -> io::Result<()> {
    let Some(beside) = report.beside.as_ref().filter(|beside| !beside.comparison.orders.is_empty()) else {
        return Ok(());
    };
    part.section("order", "The order of the approaches")?;
    part.region("order-caption")?;
    writeln!(
        part.out,
        "<table>\n<caption><span id=\"{}\">Fastest first, by median; a correlation of 1 is the \
         same order</span></caption>",
        part.id("order-caption")
    )?;
    let name = text(&beside.name);
    writeln!(
        part.out,
        "<thead><tr><th scope=\"col\">Scenario</th><th scope=\"col\">{name}</th><th scope=\"col\">here</th>"
    )?;
    writeln!(part.out, "<th scope=\"col\">Spearman</th><th scope=\"col\">Kendall</th></tr></thead>\n<tbody>")?;
    let names = |ids: &[ApproachId]| ids.iter().map(|id| text(id.as_str())).collect::<Vec<_>>().join(", ");
    let value = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.2}"));
    for order in &beside.comparison.orders {
        writeln!(
            part.out,
            "<tr><th scope=\"row\">{}</th><td class=\"names\">{}</td><td class=\"names\">{}</td><td>{}</td><td>{}</td></tr>",
            text(order.scenario.as_str()),
            names(&order.theirs),
            names(&order.ours),
            value(order.spearman),
            value(order.kendall)
        )?;
    }
    writeln!(part.out, "</tbody>\n</table>\n</div>\n</section>")
}

pub(super) fn problems(report: &Report<'_>, part: &mut Part<'_>) -> io::Result<()> {
    let counts = words::problem_counts(report);
    if counts.is_empty() {
        return Ok(());
    }
    part.section("problems", "Builds that are in no figure")?;
    writeln!(part.out, "<p>{}.</p>", text(&counts))?;
    part.region("problems")?;
    writeln!(part.out, "<table>\n<thead><tr>")?;
    for title in ["Approach", "Scenario", "Block", "Status", "Reason"] {
        write!(part.out, "<th scope=\"col\">{title}</th>")?;
    }
    writeln!(part.out, "</tr></thead>\n<tbody>")?;
    for sample in report.problems.iter().take(MOST) {
        writeln!(
            part.out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td class=\"reason\">{}</td></tr>",
            text(sample.key.approach.as_str()),
            text(sample.key.scenario.as_str()),
            sample.key.block,
            sample.status,
            text(&cut(&sample.reason, REASON))
        )?;
    }
    writeln!(part.out, "</tbody>\n</table>\n</div>")?;
    if let Some(more) = and_more(report.problems.len().saturating_sub(MOST)) {
        writeln!(part.out, "<p>{more}, in <code>samples.csv</code>.</p>")?;
    }
    writeln!(part.out, "</section>")
}

pub(super) fn measured(report: &Report<'_>, part: &mut Part<'_>) -> io::Result<()> {
    let head = &report.head;
    part.section("measured", "How it was measured")?;
    writeln!(part.out, "<ul>")?;
    for plain in [
        "A figure is the time from the call that starts a build until the engine has answered that the image is there. \
         Nothing else is done between these two readings of the clock.",
        "Only builds whose trace proves the cache state that was asked for are in a figure. All others are counted and \
         listed; none is left out.",
        "In each block every approach is built once, in a new random order, so that a machine that gets slower slows \
         all of them.",
        "The interval of a median is made of two of the samples themselves, and needs no assumption about how they are \
         spread. Of fewer than six samples none reaches 95 %: such a one is dashed in the picture.",
        "A finding is judged by one-sided Mann-Whitney tests at 5 %.",
    ] {
        writeln!(part.out, "<li>{plain}</li>")?;
    }
    if !head.image_size.is_empty() {
        writeln!(part.out, "<li>Image size: {}.</li>", text(head.image_size.trim_end_matches('.')))?;
    }
    for note in &head.notes {
        writeln!(part.out, "<li>{}</li>", text(note))?;
    }
    writeln!(part.out, "</ul>\n</section>")
}
