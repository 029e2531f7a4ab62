//! The report on a terminal.
//!
//! Width and colour are given: nothing is asked of a terminal in here.

use super::content::Report;
use super::grid::Grid;
use super::text_style::TextStyle;
use super::{audited, words};
use crate::analysis::findings::FindingVerdict;
use crate::text::{and_more, cut, visible, wrap};
use std::io::{self, Write};

/// How many builds that are in no figure, and comparisons of a finding, are listed.
const MOST: usize = 8;
/// Characters of a reason that are shown.
const REASON: usize = 300;

/// Writes the report for a terminal: what was used, the table, its legend, the order of approaches
/// against the published one, findings, and builds that are in no figure.
///
/// # Errors
/// When the writer fails.
pub fn write_text(report: &Report<'_>, style: TextStyle, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { out, style };
    let head = &report.head;
    if !head.title.is_empty() || !head.run.is_empty() {
        page.line(&format!("{}  {}", visible(&head.title), visible(&head.run)), 0)?;
    }
    page.line(&visible(&words::headline(head)), 2)?;
    page.blank()?;
    for line in Grid::new(report, style.color).lines(style.width) {
        writeln!(page.out, "{line}")?;
    }
    page.blank()?;
    page.line(&words::legend(report), 2)?;
    remarks(report, &mut page)?;
    orders(report, &mut page)?;
    findings(report, &mut page)?;
    audited::section_text(&report.scorecards, style.width, page.out)?;
    problems(report, &mut page)
}

struct Page<'w> {
    out: &'w mut dyn Write,
    style: TextStyle,
}

impl Page<'_> {
    fn line(&mut self, text: &str, indent: usize) -> io::Result<()> {
        for line in wrap(text, self.style.width, indent) {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn item(&mut self, text: &str, indent: usize) -> io::Result<()> {
        let width = self.style.width.saturating_sub(indent);
        for line in wrap(text, width, 2) {
            writeln!(self.out, "{}{}", " ".repeat(indent), line.trim_end())?;
        }
        Ok(())
    }

    fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    fn color(&mut self, code: &str) -> io::Result<()> {
        match self.style.color {
            true => write!(self.out, "\u{1b}[{code}m"),
            false => Ok(()),
        }
    }
}

fn remarks(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if !report.head.image_size.is_empty() {
        page.line(&format!("Image size: {}.", visible(&report.head.image_size)), 2)?;
    }
    if report.table.strangers > 0 {
        let text = format!(
            "{} samples belong to no approach or scenario of the study and are not shown.",
            report.table.strangers
        );
        page.line(&text, 2)?;
    }
    for note in &report.head.notes {
        page.line(&visible(note), 2)?;
    }
    Ok(())
}

fn orders(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let Some(beside) = &report.beside else {
        return Ok(());
    };
    if beside.comparison.orders.is_empty() {
        return Ok(());
    }
    let name = visible(&beside.name);
    page.blank()?;
    page.line(
        &format!("Order of the approaches, here against {name} (Spearman's rank correlation; 1 is the same order):"),
        2,
    )?;
    let orders = beside.comparison.orders.iter().map(|order| {
        let value = order.spearman.map_or("–".to_owned(), |r| format!("{r:.2}"));
        format!("{} {value}", order.scenario)
    });
    let text = orders.collect::<Vec<_>>().join(", ");
    page.item(&text, 2)
}

fn findings(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.line("Findings:", 0)?;
    for judged in &report.findings {
        let sign = match judged.verdict {
            FindingVerdict::Holds => ("✓", "32"),
            FindingVerdict::Contradicted => ("✗", "31"),
            FindingVerdict::CannotTell => ("?", "33"),
        };
        page.color(sign.1)?;
        write!(page.out, "  {} ", sign.0)?;
        page.color("0")?;
        let text =
            format!("{}: {}", visible(judged.finding.text.trim_end_matches('.')), visible(&words::verdict(judged)));
        let mut lines = wrap(&text, page.style.width.saturating_sub(4), 2).into_iter();
        writeln!(page.out, "{}", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(page.out, "    {line}")?;
        }
        for evidence in judged.evidence.iter().take(MOST) {
            page.item(&visible(&words::evidence(evidence)), 6)?;
        }
        if let Some(more) = and_more(judged.evidence.len().saturating_sub(MOST)) {
            page.item(&more, 6)?;
        }
    }
    Ok(())
}

fn problems(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let counts = words::problem_counts(report);
    if counts.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.line(&format!("Builds that are in no figure: {counts}."), 2)?;
    for sample in report.problems.iter().take(MOST) {
        let key = &sample.key;
        let text = format!(
            "{} / {}, block {}: {}: {}",
            key.approach,
            key.scenario,
            key.block,
            sample.status,
            visible(&cut(&sample.reason, REASON))
        );
        page.item(&text, 2)?;
    }
    if let Some(more) = and_more(report.problems.len().saturating_sub(MOST)) {
        page.item(&format!("{more}, in samples.csv"), 2)?;
    }
    Ok(())
}
