//! `report.md`: the report for a pull request or a job summary.
//!
//! Pipe tables only, so that it reads as plain text too. Every text from outside passes `markdown`.

use super::content::Report;
use super::{audited, words};
use crate::analysis::marks::Mark;
use crate::analysis::published::{CellRatio, Order};
use crate::model::{ApproachId, ScenarioId};
use crate::text::{and_more, cut, markdown};
use std::collections::HashMap;
use std::io::{self, Write};

/// How many builds that are in no figure are listed. With the limits below, a report stays under the megabyte
/// that a job summary may have.
const MOST: usize = 100;
/// Longer lists are folded up.
const OPEN: usize = 10;
/// Notes that are listed.
const NOTES: usize = 50;
/// Comparisons of one finding that are listed.
const EVIDENCE: usize = 20;
/// Characters of a reason or note that are shown.
const REASON: usize = 300;

/// Writes the report as Markdown.
///
/// # Errors
/// When the writer fails.
pub fn write_markdown(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head = &report.head;
    let title = match head.title.as_str() {
        "" => "Build times",
        title => title,
    };
    writeln!(out, "# {}\n", markdown(title))?;
    writeln!(out, "{}\n", markdown(&words::headline(head)))?;
    table(report, out)?;
    writeln!(out, "\n{}", words::legend(report))?;
    if report.table.strangers > 0 {
        writeln!(
            out,
            "\n{} samples belong to no approach or scenario of the study and are not shown.",
            report.table.strangers
        )?;
    }
    beside(report, out)?;
    findings(report, out)?;
    audited::section_markdown(&report.scorecards, out)?;
    problems(report, out)?;
    measured(report, out)
}

fn row(out: &mut dyn Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    write!(out, "|")?;
    for cell in cells {
        write!(out, " {cell} |")?;
    }
    writeln!(out)
}

fn rule(out: &mut dyn Write, columns: usize) -> io::Result<()> {
    writeln!(out, "|{}", " --- |".repeat(columns))
}

fn column_titles(report: &Report<'_>) -> Vec<String> {
    let titles = report.table.scenarios.iter().map(|scenario| {
        let title = markdown(&scenario.title);
        match scenario.group() {
            Some(group) => format!("{group}:<br>{title}"),
            None => title,
        }
    });
    titles.collect()
}

fn marked(mark: Option<Mark>, text: &str) -> String {
    match mark {
        Some(_) => format!("{} **{text}**", words::sign(mark)),
        None => text.to_owned(),
    }
}

fn table(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let titles = column_titles(report);
    let usual = report.table.usual_n();
    let header = ["Approach".to_owned()].into_iter().chain(titles);
    row(out, header.chain(["Image size".to_owned()]))?;
    rule(out, report.table.scenarios.len() + 2)?;
    for r in &report.table.rows {
        let cells = r.cells.iter().map(|cell| {
            let text = marked(cell.mark, &words::figures(cell));
            let remarks = markdown(&words::remarks(cell, usual));
            format!("{text} {remarks}").trim_end().to_owned()
        });
        let image = r.image.map_or("–".to_owned(), |bytes| bytes.to_string());
        let name = [markdown(r.approach.as_str())];
        let image = [marked(r.image_mark, &image)];
        row(out, name.into_iter().chain(cells).chain(image))?;
    }
    Ok(())
}

/// The published figures, ours as ratios to them, and the order of the approaches.
fn beside(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(beside) = &report.beside else {
        return Ok(());
    };
    let name = markdown(&beside.name);
    writeln!(out, "\n## Beside the figures of: {name}\n")?;
    writeln!(
        out,
        "Published median (fastest – slowest) in seconds, and our median divided by the published \
         one. ○: our median lies between the published extremes.\n"
    )?;
    let header = ["Approach".to_owned()].into_iter().chain(column_titles(report));
    row(out, header.chain(["Image size".to_owned()]))?;
    rule(out, report.table.scenarios.len() + 2)?;
    let ratios: HashMap<(&ApproachId, &ScenarioId), &CellRatio> = beside
        .comparison
        .cells
        .iter()
        .map(|cell| ((&cell.published.approach, &cell.published.scenario), cell))
        .collect();
    for r in &report.table.rows {
        let cells = report.table.scenarios.iter().map(|scenario| {
            let Some(theirs) = beside.published.cell(&r.approach, &scenario.id) else {
                return "–".to_owned();
            };
            let ours = match ratios.get(&(&r.approach, &scenario.id)) {
                Some(cell) if cell.in_range => format!("× {} ○", words::ratio(cell.ratio)),
                Some(cell) => format!("× {}", words::ratio(cell.ratio)),
                None => "no figure".to_owned(),
            };
            format!("{}<br>{ours}", words::published(theirs))
        });
        let mut images = beside.comparison.images.iter();
        let image = images.find(|image| image.published.approach == r.approach);
        let image = image
            .map_or("–".to_owned(), |image| format!("{}<br>× {}", image.published.bytes, words::ratio(image.ratio)));
        let name = [markdown(r.approach.as_str())];
        row(out, name.into_iter().chain(cells).chain([image]))?;
    }
    orders(&beside.comparison.orders, &name, out)
}

fn orders(orders: &[Order], name: &str, out: &mut dyn Write) -> io::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nThe order of the approaches, fastest first; 1 is the same order.\n")?;
    let header = ["Scenario", name, "here", "Spearman", "Kendall"];
    row(out, header.iter().map(|text| (*text).to_owned()))?;
    rule(out, header.len())?;
    for order in orders {
        let names = |ids: &[ApproachId]| {
            let names = ids.iter().map(|id| markdown(id.as_str()));
            names.collect::<Vec<_>>().join(", ")
        };
        let value = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.2}"));
        let cells = [
            markdown(order.scenario.as_str()),
            names(&order.theirs),
            names(&order.ours),
            value(order.spearman),
            value(order.kendall),
        ];
        row(out, cells.into_iter())?;
    }
    Ok(())
}

fn findings(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Findings\n")?;
    row(out, ["Verdict", "Claim", "Figures"].iter().map(|t| (*t).to_owned()))?;
    rule(out, 3)?;
    for judged in &report.findings {
        let mut figures: Vec<String> =
            judged.evidence.iter().take(EVIDENCE).map(|e| markdown(&words::evidence(e))).collect();
        figures.extend(and_more(judged.evidence.len().saturating_sub(EVIDENCE)));
        let cells = [markdown(&words::verdict(judged)), markdown(&judged.finding.text), figures.join("<br>")];
        row(out, cells.into_iter())?;
    }
    Ok(())
}

fn problems(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let counts = words::problem_counts(report);
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Builds that are in no figure\n")?;
    let folded = report.problems.len() > OPEN;
    match folded {
        true => writeln!(out, "<details>\n<summary>{counts}</summary>\n")?,
        false => writeln!(out, "{counts}.\n")?,
    }
    let header = ["Approach", "Scenario", "Block", "Status", "Reason"];
    row(out, header.iter().map(|text| (*text).to_owned()))?;
    rule(out, header.len())?;
    for sample in report.problems.iter().take(MOST) {
        let cells = [
            markdown(sample.key.approach.as_str()),
            markdown(sample.key.scenario.as_str()),
            sample.key.block.to_string(),
            sample.status.to_string(),
            markdown(&cut(&sample.reason, REASON)),
        ];
        row(out, cells.into_iter())?;
    }
    if let Some(more) = and_more(report.problems.len().saturating_sub(MOST)) {
        writeln!(out, "\n{more}, in `samples.csv`.")?;
    }
    if folded { writeln!(out, "\n</details>") } else { Ok(()) }
}

fn measured(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head = &report.head;
    writeln!(out, "\n## How it was measured\n")?;
    if !head.run.is_empty() {
        writeln!(out, "- Run: {}", markdown(&head.run))?;
    }
    if !head.image_size.is_empty() {
        writeln!(out, "- Image size: {}", markdown(&head.image_size))?;
    }
    for note in head.notes.iter().take(NOTES) {
        writeln!(out, "- {}", markdown(&cut(note, REASON)))?;
    }
    if let Some(more) = and_more(head.notes.len().saturating_sub(NOTES)) {
        writeln!(out, "- {more} notes, in `run.json`")?;
    }
    writeln!(
        out,
        "- Only builds whose trace proves the cache state that was asked for are in a figure; all \
         others are counted and listed. A finding is judged by one-sided Mann-Whitney tests at 5 %."
    )
}
