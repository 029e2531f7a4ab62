//! Findings: claims with what a run has to show for them.
//! Read and held against the study's approaches and scenarios.
//! Whether a run shows it is decided elsewhere.

use super::expectation::{Expectation, Finding};
use super::fields::{At, Fields, as_id};
use super::problem::{Problems, quoted};
use super::raw::{RawExpectation, RawFinding, RawKind};
use crate::model::{ApproachId, ScenarioId, StateId};

/// Images whose sizes differ by less than this share count as equally large.
const SAME_SIZE: f64 = 0.01;
/// The keys of which a finding has exactly one, and what stands under each.
const KINDS: [(&str, &[&str]); 5] = [
    ("faster", &[WHO[0], WHO[1], WHO[2], "scenario", "by"]),
    ("smaller", &WHO),
    ("ratio", &[WHO[0], WHO[1], WHO[2], "scenario", "than_scenario", "at_least", "at_most"]),
    ("unchanged_size", &[WHO[0], WHO[1], WHO[2], "within"]),
    ("same_size", &[WHO[0], WHO[1], "scenario", "than_scenario", "within"]),
];
/// The keys for approaches, one or several, and for those that they are held against.
const WHO: [&str; 3] = ["approach", "approaches", "than"];

impl RawKind {
    /// The scenarios that it names.
    fn scenarios(&self) -> Vec<&At<ScenarioId>> {
        match self {
            Self::Faster { scenario, .. } => vec![scenario],
            Self::Ratio { scenario, than_scenario, .. } => [scenario].into_iter().chain(than_scenario).collect(),
            Self::SameSize { scenario, than_scenario, .. } => vec![scenario, than_scenario],
            Self::Smaller | Self::UnchangedSize { .. } => Vec::new(),
        }
    }
}

pub(super) fn all(top: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Vec<RawFinding> {
    const KNOWN: &[&str] = &["id", "claim", KINDS[0].0, KINDS[1].0, KINDS[2].0, KINDS[3].0, KINDS[4].0];
    top.tables("finding", "[[finding]]", KNOWN, problems)
        .into_iter()
        .map(|table| {
            let example = "claim = \"A slim base image makes cold builds faster.\"";
            if table.get("claim").is_none() {
                table.missing("claim", example, problems);
            }
            RawFinding {
                id: table.need_id("id", "id = \"slim-is-faster\"", StateId::new, problems),
                claim: table.line("claim", problems).map(|claim| claim.value),
                expects: expectation(&table, problems),
            }
        })
        .collect()
}

fn expectation(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<RawExpectation> {
    let given: Vec<_> = KINDS.into_iter().filter(|(kind, _)| table.get(kind).is_some()).collect();
    if given.len() != 1 {
        let found = match given.len() {
            0 => "a finding that expects nothing".to_owned(),
            _ => format!("a finding with {}", given.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(" and ")),
        };
        problems.add(
            table.span(),
            found,
            "exactly one of faster, smaller, ratio, unchanged_size and same_size",
            "write one finding for each claim",
        );
    }
    let mut read = None;
    for (kind, known) in given {
        read = one(table, kind, known, problems);
    }
    read
}

fn one(
    table: &Fields<'_, '_>,
    kind: &'static str,
    known: &'static [&'static str],
    problems: &mut Problems<'_>,
) -> Option<RawExpectation> {
    let fields = table.table(kind, kind, known, problems)?;
    let approaches = who(&fields, &WHO[..2], problems);
    let than = match kind {
        _ if !known.contains(&WHO[2]) => Vec::new(),
        "ratio" if fields.get(WHO[2]).is_none() => Vec::new(),
        _ => who(&fields, &WHO[2..], problems),
    };
    let kind = match kind {
        "faster" => {
            let scenario = fields.need_id("scenario", "scenario = \"cold\"", ScenarioId::new, problems);
            let by = above(&fields, "by", 1.0, problems);
            RawKind::Faster { scenario: scenario?, by }
        }
        "smaller" => RawKind::Smaller,
        "ratio" => ratio(&fields, problems)?,
        "same_size" => {
            let scenario = fields.need_id("scenario", "scenario = \"cold\"", ScenarioId::new, problems);
            let than =
                fields.need_id("than_scenario", "than_scenario = \"sources-changed\"", ScenarioId::new, problems);
            let within = above(&fields, "within", 0.0, problems).unwrap_or(SAME_SIZE);
            RawKind::SameSize { scenario: scenario?, than_scenario: than?, within }
        }
        _ => RawKind::UnchangedSize { within: above(&fields, "within", 0.0, problems).unwrap_or(SAME_SIZE) },
    };
    Some(RawExpectation { approaches, than, kind })
}

fn ratio(fields: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<RawKind> {
    let scenario = fields.need_id("scenario", "scenario = \"warm\"", ScenarioId::new, problems);
    let than_scenario = fields.id("than_scenario", ScenarioId::new, problems);
    if fields.get("than").is_none() && fields.get("than_scenario").is_none() {
        fields.missing("than", "than = \"01-simple\", or than_scenario = \"cold\"", problems);
    }
    if fields.get("at_most").is_none() {
        fields.missing("at_most", "at_most = 1.1", problems);
    }
    let at_least = above(fields, "at_least", 0.0, problems).unwrap_or(0.0);
    let at_most = above(fields, "at_most", at_least, problems);
    Some(RawKind::Ratio { scenario: scenario?, than_scenario, at_least, at_most: at_most? })
}

fn above(fields: &Fields<'_, '_>, key: &str, bound: f64, problems: &mut Problems<'_>) -> Option<f64> {
    let number = fields.number(key, problems)?;
    if number.value > bound {
        return Some(number.value);
    }
    problems.add(
        &number.span,
        format!("{key} = {}", number.value),
        format!("a number above {bound}"),
        "correct it, or remove the key",
    );
    None
}

/// The approaches under one of several keys, given as one name or as a list of names.
fn who(fields: &Fields<'_, '_>, keys: &[&str], problems: &mut Problems<'_>) -> Vec<At<ApproachId>> {
    let given: Vec<&&str> = keys.iter().filter(|k| fields.get(k).is_some()).collect();
    let [key] = given[..] else {
        let key = keys[0];
        if given.is_empty() {
            fields.missing(key, &format!("{key} = \"01-simple\""), problems);
        } else {
            problems.add(
                fields.span(),
                format!("both {}", keys.join(" and ")),
                "one of them",
                "put all names into approaches = [ … ]",
            );
        }
        return Vec::new();
    };
    let list = fields.get(key).and_then(|v| v.get_ref().as_array());
    let texts =
        if list.is_some() { fields.texts(key, problems) } else { fields.text(key, problems).into_iter().collect() };
    if list.is_some_and(|items| items.is_empty()) {
        problems.add(fields.span(), format!("an empty list for {key}"), "at least one approach", "name one");
    }
    texts.iter().filter_map(|text| as_id(text, ApproachId::new, problems)).collect()
}

/// Holds the findings against the names that the study has.
pub(super) fn hold(
    findings: Vec<RawFinding>,
    is_approach: &dyn Fn(&At<ApproachId>, &mut Problems<'_>),
    is_scenario: &dyn Fn(&At<ScenarioId>, &mut Problems<'_>),
    problems: &mut Problems<'_>,
) -> Vec<Finding> {
    let mut held = Vec::new();
    for finding in findings {
        let Some(expects) = finding.expects else {
            continue;
        };
        for approach in expects.approaches.iter().chain(&expects.than) {
            is_approach(approach, problems);
        }
        for scenario in expects.kind.scenarios() {
            is_scenario(scenario, problems);
        }
        against_itself(&expects, problems);
        if let (Some(id), Some(claim)) = (finding.id, finding.claim) {
            held.push(Finding { id: id.value.as_str().to_owned(), claim, expects: expects.into_expectation() });
        }
    }
    held
}

fn against_itself(expects: &RawExpectation, problems: &mut Problems<'_>) {
    let than: std::collections::HashSet<&ApproachId> = expects.than.iter().map(|at| &at.value).collect();
    for approach in &expects.approaches {
        if than.contains(&approach.value) {
            problems.add(
                &approach.span,
                format!("{} held against itself", quoted(approach.value.as_str())),
                "two different approaches",
                "take it out of one of the lists",
            );
        }
    }
}

impl RawExpectation {
    fn into_expectation(self) -> Expectation {
        let values = |ids: Vec<At<ApproachId>>| ids.into_iter().map(|at| at.value).collect();
        let (approaches, than) = (values(self.approaches), values(self.than));
        match self.kind {
            RawKind::Faster { scenario, by } => Expectation::Faster { approaches, than, scenario: scenario.value, by },
            RawKind::Smaller => Expectation::Smaller { approaches, than },
            RawKind::UnchangedSize { within } => Expectation::UnchangedSize { approaches, than, within },
            RawKind::SameSize { scenario, than_scenario, within } => Expectation::SameSize {
                approaches,
                scenario: scenario.value,
                than_scenario: than_scenario.value,
                within,
            },
            RawKind::Ratio { scenario, than_scenario, at_least, at_most } => Expectation::Ratio {
                approaches,
                scenario: scenario.value,
                than,
                than_scenario: than_scenario.map(|at| at.value),
                at_least,
                at_most,
            },
        }
    }
}
