//! Scorecards for people and programs: as a section of a run's report, and as an answer of their own.
//!
//! What is shown of a criterion in a report is decided once, in [`cell`] and [`reasons`].

use super::strata::write_value;
use super::text_style::TextStyle;
use crate::model::{Bytes, Criterion, CriterionVerdict, Demanded, RunAudit, Scorecard};
use crate::text::{and_more, markdown, visible, wrap};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Items of one kind of evidence that are listed.
const MOST: usize = 8;

/// Sign and words of a verdict.
pub(super) fn sign(verdict: CriterionVerdict) -> &'static str {
    match verdict {
        CriterionVerdict::Pass => "✓",
        CriterionVerdict::Fail => "✗",
        CriterionVerdict::Open => "–",
        CriterionVerdict::Unknown => "?",
    }
}

/// Titles of the criteria, as the first scorecard has them.
pub(super) fn titles(cards: &[&Scorecard]) -> Vec<String> {
    let criteria = cards.first().map(|card| card.criteria.as_slice()).unwrap_or_default();
    criteria.iter().map(|criterion| format!("{}. {}", criterion.number, criterion.title)).collect()
}

/// A criterion in a table: its verdict; of the first one the size, which says more.
pub(super) fn cell(criterion: &Criterion) -> String {
    let size = criterion.figures.get("file_bytes").and_then(Value::as_u64).map(|bytes| Bytes(bytes).to_string());
    match (criterion.verdict, size) {
        (CriterionVerdict::Open, Some(size)) => size,
        (verdict, Some(size)) => format!("{} {size}", sign(verdict)),
        (verdict, None) => format!("{} {verdict}", sign(verdict)),
    }
}

/// The approach or image of a scorecard.
pub(super) fn name(card: &Scorecard) -> &str {
    card.approach.as_deref().unwrap_or(&card.image)
}

/// What fails or is not known, one line each: name, criterion and reason.
pub(super) fn reasons<'a>(cards: &[&'a Scorecard]) -> Vec<(&'a str, &'a Criterion)> {
    let criteria = cards.iter().flat_map(|card| card.criteria.iter().map(|criterion| (name(card), criterion)));
    criteria
        .filter(|(_, criterion)| matches!(criterion.verdict, CriterionVerdict::Fail | CriterionVerdict::Unknown))
        .collect()
}

/// The section of a text report: a line of signs for each approach, then why.
pub(super) fn section_text(cards: &[&Scorecard], width: usize, out: &mut dyn Write) -> io::Result<()> {
    if cards.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nScorecard ({}):", titles(cards).join(", "))?;
    let longest = cards.iter().map(|card| name(card).chars().count()).max().unwrap_or(0);
    for card in cards {
        let cells: Vec<String> = card.criteria.iter().map(|criterion| format!("{:9}", cell(criterion))).collect();
        writeln!(out, "  {:longest$}  {}", visible(name(card)), cells.join(" ").trim_end())?;
    }
    for (name, criterion) in reasons(cards) {
        let text = format!("{name}, {}: {}", criterion.number, criterion.reason);
        for line in wrap(&visible(&text), width.saturating_sub(2), 2) {
            writeln!(out, "  {}", line.trim_end())?;
        }
    }
    Ok(())
}

/// The section of a Markdown report.
pub(super) fn section_markdown(cards: &[&Scorecard], out: &mut dyn Write) -> io::Result<()> {
    if cards.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Scorecard\n")?;
    writeln!(out, "| Image | {} |", titles(cards).join(" | "))?;
    writeln!(out, "| --- |{}", " --- |".repeat(titles(cards).len()))?;
    for card in cards {
        let cells: Vec<String> = card.criteria.iter().map(cell).collect();
        writeln!(out, "| {} | {} |", markdown(name(card)), cells.join(" | "))?;
    }
    writeln!(out)?;
    for (name, criterion) in reasons(cards) {
        writeln!(out, "- {}, {}: {}", markdown(name), criterion.title, markdown(&criterion.reason))?;
    }
    Ok(())
}

fn demand(demand: &Demanded) -> String {
    let met = match demand.met {
        Some(true) => "met",
        Some(false) => "not met",
        None => "cannot be told",
    };
    format!("{}: {met} ({})", demand.demand, demand.found)
}

/// A figure for people.
fn figure(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(figure).collect::<Vec<_>>().join(" "),
        Value::Object(items) => items.iter().map(|(k, v)| format!("{k} {}", figure(v))).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Writes scorecards in full for a terminal.
///
/// # Errors
/// When the writer fails.
pub fn write_scorecards_text(cards: &[&Scorecard], style: TextStyle, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |indent: usize, text: &str| -> io::Result<()> {
        for line in wrap(&visible(text), style.width.saturating_sub(indent), 2) {
            writeln!(out, "{}{}", " ".repeat(indent), line.trim_end())?;
        }
        Ok(())
    };
    for (number, card) in cards.iter().enumerate() {
        if number > 0 {
            line(0, " ")?;
        }
        line(0, &format!("{}  {}", name(card), card.id))?;
        line(0, &format!("Base image: {}.", card.base))?;
        for criterion in &card.criteria {
            let title =
                format!("{} {}. {}: {}", sign(criterion.verdict), criterion.number, criterion.title, criterion.reason);
            line(0, &title)?;
            let figures: Vec<String> =
                criterion.figures.iter().map(|(name, value)| format!("{name} {}", figure(value))).collect();
            if !figures.is_empty() {
                line(4, &figures.join(", "))?;
            }
            for evidence in &criterion.evidence {
                let mut items = evidence.items.iter().take(MOST).cloned().collect::<Vec<_>>();
                let more = evidence.count.saturating_sub(items.len() as u64);
                items.extend(and_more(more));
                line(4, &format!("{} {}: {}", evidence.count, evidence.what, items.join(", ")))?;
            }
        }
        for one in &card.demands {
            line(0, &format!("Demand {}", demand(one)))?;
        }
    }
    Ok(())
}

/// Writes scorecards in full as Markdown.
///
/// # Errors
/// When the writer fails.
pub fn write_scorecards_markdown(cards: &[&Scorecard], out: &mut dyn Write) -> io::Result<()> {
    for card in cards {
        writeln!(out, "# Scorecard of {}\n", markdown(name(card)))?;
        writeln!(out, "Image {}; base image: {}.\n", markdown(&card.id), markdown(&card.base))?;
        writeln!(out, "| Criterion | CriterionVerdict | Why | Figures |\n| --- | --- | --- | --- |")?;
        for criterion in &card.criteria {
            let figures = criterion.figures.iter().map(|(name, value)| markdown(&format!("{name} {}", figure(value))));
            writeln!(
                out,
                "| {}. {} | {} {} | {} | {} |",
                criterion.number,
                markdown(&criterion.title),
                sign(criterion.verdict),
                criterion.verdict,
                markdown(&criterion.reason),
                figures.collect::<Vec<_>>().join("<br>")
            )?;
        }
        writeln!(out)?;
        for evidence in card.criteria.iter().flat_map(|criterion| &criterion.evidence) {
            let items: Vec<String> = evidence.items.iter().take(MOST).map(|item| markdown(item)).collect();
            let more = evidence.count.saturating_sub(items.len() as u64);
            let more = and_more(more).map_or(String::new(), |more| format!(" {more}"));
            writeln!(out, "- {} {}: {}{more}", evidence.count, markdown(&evidence.what), items.join(", "))?;
        }
        for one in &card.demands {
            writeln!(out, "- Demand {}", markdown(&demand(one)))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes scorecards as JSON, in the form in which a run keeps them.
///
/// # Errors
/// When the writer fails.
pub fn write_scorecards_json(cards: &[&Scorecard], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&RunAudit::new(cards.iter().map(|card| (*card).clone()).collect()).to_json()?)
}

/// Writes what fails as SARIF 2.1.0: a rule for each criterion, a result for each that fails and each demand that is not
/// met. A demand is an error, a criterion a warning.
///
/// # Errors
/// When the writer fails.
pub fn write_scorecards_sarif(cards: &[&Scorecard], out: &mut dyn Write) -> io::Result<()> {
    let rules = cards.first().map(|card| card.criteria.as_slice()).unwrap_or_default().iter().map(|criterion| {
        json!({
            "id": format!("layerbench/{}", criterion.number),
            "name": criterion.title,
            "shortDescription": { "text": criterion.title },
        })
    });
    let result = |card: &Scorecard, number: u8, level: &str, text: String| {
        let id = format!("layerbench/{number}");
        json!({
            "ruleId": id,
            "ruleIndex": card.criteria.iter().position(|criterion| criterion.number == number),
            "level": level,
            "message": { "text": text },
            "locations": [{
                "physicalLocation": { "artifactLocation": { "uri": uri(&card.image) }, "region": { "startLine": 1 } },
                "logicalLocations": [{ "fullyQualifiedName": name(card), "kind": "module" }],
            }],
            "partialFingerprints": { "criterion/v1": format!("{}:{id}:{level}", name(card)) },
        })
    };
    let mut results = Vec::new();
    for card in cards {
        for criterion in card.criteria.iter().filter(|criterion| criterion.verdict == CriterionVerdict::Fail) {
            let text = format!("{}: {}", name(card), criterion.reason);
            results.push(result(card, criterion.number, "warning", text));
        }
        for one in card.demands.iter().filter(|one| one.met != Some(true)) {
            results.push(result(card, one.criterion, "error", format!("{}: {}", name(card), demand(one))));
        }
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "layerbench",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.collect::<Vec<_>>(),
            } },
            "results": results,
        }],
    });
    write_value(&log, out)
}

/// An image's name as a relative URI.
fn uri(image: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    let mut text = String::new();
    let mut buffer = [0; 4];
    for c in image.chars() {
        if plain(c) {
            text.push(c);
        } else {
            text.extend(c.encode_utf8(&mut buffer).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::from_value;

    /// Two scorecards: of what people wrote, and of an approach that meets everything.
    fn cards() -> [Scorecard; 2] {
        let card = |image: &str, verdicts: [(CriterionVerdict, &str); 2]| -> Scorecard {
            let [(size, _), (root, why)] = verdicts;
            from_value(json!({
                "schema": "layerbench.audit/1", "image": image, "id": "sha256:1", "base": "unknown", "demands": [
                    { "demand": "root = false", "criterion": 3, "met": root == CriterionVerdict::Pass, "found": why },
                ],
                "criteria": [
                    { "number": 1, "title": "Lightweight", "verdict": size, "reason": "120MB in 2 files",
                      "figures": { "file_bytes": 120_000_000 }, "evidence": [] },
                    { "number": 3, "title": "Without root", "verdict": root, "reason": why, "figures": {},
                      "evidence": [{ "what": "users", "items": ["a|b"], "count": 3 }] },
                ],
            }))
            .unwrap()
        };
        [
            card("a|<b>", [(CriterionVerdict::Open, ""), (CriterionVerdict::Fail, "it is run as *root*")]),
            card("fine", [(CriterionVerdict::Pass, ""), (CriterionVerdict::Pass, "it is run as app")]),
        ]
    }

    fn written(write: impl Fn(&[&Scorecard], &mut dyn Write) -> io::Result<()>) -> String {
        let cards = cards();
        let mut out = Vec::new();
        write(&cards.iter().collect::<Vec<_>>(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_report_shows_the_size_the_verdicts_and_what_fails() {
        assert_eq!(
            written(section_markdown),
            "\n## Scorecard\n\n| Image | 1. Lightweight | 3. Without root |\n| --- | --- | --- |\n\
            | a\\|&lt;b&gt; | 120MB | ✗ fail |\n| fine | ✓ 120MB | ✓ pass |\n\n\
            - a\\|&lt;b&gt;, Without root: it is run as \\*root\\*\n"
        );
        assert_eq!(
            written(|cards, out| section_text(cards, 80, out)),
            "\nScorecard (1. Lightweight, 3. Without root):\n  a|<b>  120MB     ✗ fail\n  fine   ✓ 120MB   ✓ pass\n  \
            a|<b>, 3: it is run as *root*\n"
        );
        let nothing = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            out
        };
        assert_eq!(nothing(&|out| section_text(&[], 80, out).unwrap()), b"", "a run without scorecards has no section");
        assert_eq!(nothing(&|out| section_markdown(&[], out).unwrap()), b"");
    }

    #[test]
    fn sarif_has_a_warning_for_what_fails_and_an_error_for_a_demand() {
        let log: Value = serde_json::from_str(&written(write_scorecards_sarif)).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let shown: Vec<_> = results.iter().map(|r| [&r["ruleId"], &r["level"], &r["message"]["text"]]).collect();
        assert_eq!(
            shown,
            [
                [&json!("layerbench/3"), &json!("warning"), &json!("a|<b>: it is run as *root*")],
                [&json!("layerbench/3"), &json!("error"), &json!("a|<b>: root = false: not met (it is run as *root*)")],
            ]
        );
        assert_eq!(results[0]["ruleIndex"], 1);
        assert_eq!(results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a%7C%3Cb%3E");
        let markdown = written(write_scorecards_markdown);
        assert!(markdown.contains("- 3 users: a\\|b and 2 more\n"), "{markdown}");
    }
}
