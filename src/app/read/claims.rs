//! The claims of a study, from its record to what the figures are held against.

use crate::analysis::findings::{Claim, NamedClaim};
use crate::model::{ApproachId, Cell, EngineId, ScenarioId};
use crate::store::{FindingKind, FindingRecord};

/// A claim of the study in terms of the table of an engine. Names that are none make no claim.
pub(super) fn finding(record: &FindingRecord, engine: &EngineId) -> Option<NamedClaim> {
    let ids =
        |names: &[String]| -> Option<Vec<ApproachId>> { names.iter().map(|name| ApproachId::new(name).ok()).collect() };
    let (left, right) = (ids(&record.approaches)?, ids(&record.than)?);
    let scenario = record.scenario.as_ref().and_then(|name| ScenarioId::new(name).ok());
    let pairs = || left.iter().flat_map(|a| right.iter().map(move |b| (a.clone(), b.clone())));
    let other = match &record.than_scenario {
        Some(name) => Some(ScenarioId::new(name).ok()?),
        None => scenario.clone(),
    };
    let claim = match record.kind {
        FindingKind::Ratio => {
            let (scenario, other) = (scenario?, other?);
            let (low, high) = (record.at_least.unwrap_or(0.0), record.bound?);
            let itself = || left.iter().map(|a| (a.clone(), a.clone())).collect();
            let pairs: Vec<_> = if right.is_empty() { itself() } else { pairs().collect() };
            let cell =
                |approach, scenario: &ScenarioId| Cell { engine: engine.clone(), approach, scenario: scenario.clone() };
            let claim = |(a, b)| Claim::Ratio { cell: cell(a, &scenario), base: cell(b, &other), low, high };
            Claim::All(pairs.into_iter().map(claim).collect())
        }
        FindingKind::SameSize => {
            let (first, second, within) = (scenario?, other?, record.bound.unwrap_or(0.0));
            let claim = |approach: &ApproachId| Claim::SameSize {
                approach: approach.clone(),
                first: first.clone(),
                second: second.clone(),
                within,
            };
            Claim::All(left.iter().map(claim).collect())
        }
        FindingKind::Smaller => Claim::Smaller { smaller: left.clone(), larger: right.clone() },
        FindingKind::Faster => {
            let scenario = scenario?;
            let cell = |approach| Cell { engine: engine.clone(), approach, scenario: scenario.clone() };
            let at_most = 1.0 / record.bound.unwrap_or(1.0);
            Claim::All(pairs().map(|(a, b)| Claim::Faster { faster: cell(a), slower: cell(b), at_most }).collect())
        }
        FindingKind::UnchangedSize => {
            let within = record.bound.unwrap_or(0.0);
            Claim::All(pairs().map(|(first, second)| Claim::Alike { first, second, within }).collect())
        }
    };
    Some(NamedClaim { id: record.id.clone(), text: record.claim.clone(), claim })
}
