//! JUnit XML: a suite for each approach with a case for each scenario, and one for the findings.
//! A cell with a build that failed is a failure, one with a build in an unproved cache state an
//! error, one without a build skipped. A contradicted finding is a failure, one that cannot be told
//! is skipped. What a case took is its median.

use super::exported::{Exported, others, prefix};
use crate::analysis::findings::{FindingVerdict, Judged};
use crate::analysis::table::TableCell;
use crate::model::{EngineId, Sample, Seconds, Status};
use crate::report::content::{Head, Report};
use crate::report::words;
use crate::text::{and_more, cut, visible};
use std::collections::HashMap;
use std::io::{self, Write};

/// Builds of a cell whose reasons are told.
const MOST: usize = 20;
/// Characters of a reason.
const REASON: usize = 500;

/// How a case ended, with the message and text of what was not well.
enum End {
    Passed,
    Failure(&'static str, String, String),
    Error(&'static str, String, String),
    Skipped(String),
}

struct Case {
    class: String,
    name: String,
    seconds: f64,
    end: End,
    out: String,
}

struct Suite<'a> {
    head: &'a Head,
    name: String,
    cases: Vec<Case>,
}

pub(super) fn write(run: &Exported<'_>, out: &mut dyn Write) -> io::Result<()> {
    let suites: Vec<Suite<'_>> = run.strata.iter().flat_map(|(engine, report)| suites(run, engine, report)).collect();
    let cases: Vec<&Case> = suites.iter().flat_map(|suite| &suite.cases).collect();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let title = attribute(if run.title.is_empty() { &run.study } else { &run.title });
    writeln!(out, "<testsuites name=\"{title}\" {}>", counts(&cases))?;
    for suite in &suites {
        write_suite(run, suite, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn suites<'a>(run: &Exported<'_>, engine: &EngineId, report: &'a Report<'_>) -> Vec<Suite<'a>> {
    let head = &report.head;
    let study = engine.shown().map_or(run.study.clone(), |engine| format!("{}.{engine}", run.study));
    let mut problems: HashMap<(&str, &str), Vec<&Sample>> = HashMap::new();
    for sample in &report.problems {
        let key = (sample.key.approach.as_str(), sample.key.scenario.as_str());
        problems.entry(key).or_default().push(sample);
    }
    let mut suites: Vec<Suite<'_>> = Vec::new();
    for row in &report.table.rows {
        let cases = report.table.scenarios.iter().zip(&row.cells).map(|(scenario, cell)| {
            let key = (row.approach.as_str(), scenario.id.as_str());
            Case {
                class: format!("{study}.{}", row.approach),
                name: scenario.id.to_string(),
                seconds: cell.median().map_or(0.0, Seconds::get),
                end: end(cell, problems.get(&key).map_or(&[], Vec::as_slice)),
                out: figures(cell),
            }
        });
        suites.push(Suite { head, name: format!("{}{}", prefix(engine), row.approach), cases: cases.collect() });
    }
    if !report.findings.is_empty() {
        let cases = report.findings.iter().map(|judged| finding(&study, judged));
        suites.push(Suite { head, name: format!("{}findings", prefix(engine)), cases: cases.collect() });
    }
    suites
}

fn end(cell: &TableCell, problems: &[&Sample]) -> End {
    let reasons = |wanted: &[Status]| {
        let those = problems.iter().filter(|sample| wanted.contains(&sample.status));
        let lines: Vec<String> = those
            .clone()
            .take(MOST)
            .map(|s| format!("block {}: {}: {}", s.key.block, s.status, cut(&s.reason, REASON)))
            .collect();
        let more = and_more(those.count().saturating_sub(MOST));
        lines.into_iter().chain(more).map(|line| visible(&line)).collect::<Vec<_>>().join("\n")
    };
    if cell.others.failed + cell.others.timeout > 0 {
        return End::Failure("failed", others(cell), reasons(&[Status::Failed, Status::Timeout]));
    }
    if cell.others.invalid > 0 {
        return End::Error("invalid", others(cell), reasons(&[Status::Invalid]));
    }
    match (cell.n(), cell.others.interrupted) {
        (0, 0) => End::Skipped("not built".to_owned()),
        (0, _) => End::Skipped(others(cell)),
        _ => End::Passed,
    }
}

fn figures(cell: &TableCell) -> String {
    let Some(figures) = cell.figures else { return String::new() };
    let mut text = format!("{} s, n = {}", words::figures(cell), cell.n());
    if let Some(i) = figures.interval {
        let (low, high) = (words::seconds(i.low.get()), words::seconds(i.high.get()));
        text.push_str(&format!("; {:.1} % interval of the median: {low} … {high} s", i.level * 100.0));
    }
    text
}

fn finding(study: &str, judged: &Judged) -> Case {
    let evidence = judged.evidence.iter().map(|e| visible(&words::evidence(e))).collect::<Vec<_>>().join("\n");
    let verdict = words::verdict(judged);
    let (end, out) = match judged.verdict {
        FindingVerdict::Holds => (End::Passed, evidence),
        FindingVerdict::Contradicted => (End::Failure("contradicted", verdict, evidence), String::new()),
        FindingVerdict::CannotTell => (End::Skipped(verdict), evidence),
    };
    let name = format!("{}: {}", judged.finding.id, judged.finding.text);
    Case { class: format!("{study}.findings"), name, seconds: 0.0, end, out }
}

/// The attributes that count.
fn counts(cases: &[&Case]) -> String {
    let count = |which: fn(&End) -> bool| cases.iter().filter(|case| which(&case.end)).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.6}\"",
        cases.len(),
        count(|end| matches!(end, End::Failure(..))),
        count(|end| matches!(end, End::Error(..))),
        count(|end| matches!(end, End::Skipped(_))),
        cases.iter().map(|case| case.seconds).sum::<f64>()
    )
}

fn write_suite(run: &Exported<'_>, suite: &Suite<'_>, out: &mut dyn Write) -> io::Result<()> {
    let cases: Vec<&Case> = suite.cases.iter().collect();
    // The form has times without fraction and zone.
    let time: String = run.started_at.chars().take("2026-01-31T12:00:00".len()).collect();
    let time = attribute(&time);
    writeln!(out, "  <testsuite name=\"{}\" {} timestamp=\"{time}\">", attribute(&suite.name), counts(&cases))?;
    let head = suite.head;
    let properties = [
        ("run", head.run.as_str()),
        ("engine", &head.engine),
        ("cold", &head.cold),
        ("base images", &head.bases.join(", ")),
        ("revision", run.revision.as_deref().unwrap_or("")),
        ("layerbench", &run.program),
    ];
    writeln!(out, "    <properties>")?;
    for (name, value) in properties.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", attribute(value))?;
    }
    writeln!(out, "    </properties>")?;
    suite.cases.iter().try_for_each(|case| write_case(case, out))?;
    writeln!(out, "  </testsuite>")
}

fn write_case(case: &Case, out: &mut dyn Write) -> io::Result<()> {
    let (class, name) = (attribute(&case.class), attribute(&case.name));
    writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"{:.6}\">", case.seconds)?;
    match &case.end {
        End::Passed => {}
        End::Failure(kind, message, text) => not_well("failure", kind, message, text, out)?,
        End::Error(kind, message, text) => not_well("error", kind, message, text, out)?,
        End::Skipped(message) => writeln!(out, "      <skipped message=\"{}\"/>", attribute(message))?,
    }
    if !case.out.is_empty() {
        writeln!(out, "      <system-out>{}</system-out>", text(&case.out))?;
    }
    writeln!(out, "    </testcase>")
}

fn not_well(element: &str, kind: &str, message: &str, detail: &str, out: &mut dyn Write) -> io::Result<()> {
    let (message, detail) = (attribute(message), text(detail));
    writeln!(out, "      <{element} type=\"{kind}\" message=\"{message}\">{detail}</{element}>")
}

/// Text of one line for an attribute. What XML cannot hold was made visible before.
fn attribute(plain: &str) -> String {
    text(&visible(plain)).replace('"', "&quot;")
}

/// Text that was made visible line by line, for an element.
fn text(plain: &str) -> String {
    // XML 1.0 has no place for these two.
    let plain = plain.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
