//! `run.json` of a run that is about to start, from everything that is known then.

use crate::app::Failure;
use crate::model::{ColdKind, EngineId, Fingerprint, Isolation};
use crate::plan::Plan;
use crate::store::{
    BaseRecord, EngineRecord, FindingKind, FindingRecord, GitRecord, RunOptions, RunRecord, RunStatus, SCHEMA,
    ScenarioRecord,
};
use crate::study::{Expectation, Finding, Study};
use std::path::Path;

/// What is known at the start of a run.
pub struct Facts<'a> {
    /// The study.
    pub study: &'a Study,
    /// All builds of the run.
    pub plan: &'a Plan,
    /// What the call said.
    pub options: RunOptions,
    /// The engines in the order of the call, at least one.
    pub engines: Vec<EngineRecord>,
    /// Where the study lies in git.
    pub git: Option<GitRecord>,
    /// Lines for people.
    pub notes: Vec<String>,
    /// UTC start, RFC 3339.
    pub started_at: String,
}

/// What is known of an engine before anything is built on it.
pub fn engine(name: &EngineId, fingerprint: Fingerprint, cold: ColdKind, bases: Vec<BaseRecord>) -> EngineRecord {
    EngineRecord {
        name: name.shown().unwrap_or_default().to_owned(),
        isolation: fingerprint.isolation(),
        fingerprint,
        cold,
        bases,
    }
}

/// Makes the record. Values of build arguments are not in it.
pub fn record(facts: &Facts<'_>) -> Result<RunRecord, Failure> {
    let study = facts.study;
    let measured = |id: &str, of: fn(&crate::model::BuildKey) -> &str| {
        facts.plan.builds().any(|build| build.measured && of(&build.key) == id)
    };
    let approaches = study.approaches.iter().map(|a| a.id.as_str());
    let scenarios = study.scenarios.iter().filter(|s| measured(s.id.as_str(), |key| key.scenario.as_str()));
    let (only, strata) = match facts.engines.as_slice() {
        [only] if only.name.is_empty() => (only.clone(), Vec::new()),
        several => (together(several), several.to_vec()),
    };
    Ok(RunRecord {
        schema: SCHEMA.to_owned(),
        study: study.name.clone(),
        title: study.title.clone().unwrap_or_else(|| study.name.clone()),
        approaches: approaches.filter(|id| measured(id, |key| key.approach.as_str())).map(str::to_owned).collect(),
        scenarios: scenarios
            .map(|scenario| ScenarioRecord {
                id: scenario.id.to_string(),
                title: scenario.title.clone().unwrap_or_else(|| scenario.id.to_string()),
                cache: scenario.cache.as_str().to_owned(),
            })
            .collect(),
        published: study.published.clone(),
        findings: study.findings.iter().map(finding).collect(),
        study_hash: study.hash().map_err(Failure::failed)?,
        options: facts.options.clone().into(),
        seed: facts.plan.seed,
        plan: facts
            .plan
            .builds()
            .map(|build| (build.key.block, build.key.approach.to_string(), build.key.scenario.to_string()))
            .collect(),
        isolation: only.isolation,
        fingerprint: only.fingerprint,
        cold: only.cold,
        bases: only.bases,
        strata,
        git: facts.git.clone(),
        started_at: facts.started_at.clone(),
        ended_at: None,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        status: RunStatus::Running,
        notes: facts.notes.clone(),
    })
}

/// What stands where a run on one engine says something of it.
fn together(engines: &[EngineRecord]) -> EngineRecord {
    let warm = engines.iter().any(|engine| engine.cold == ColdKind::WarmBase);
    EngineRecord {
        name: String::new(),
        fingerprint: Fingerprint::default(),
        isolation: Isolation::Several,
        cold: if warm { ColdKind::WarmBase } else { ColdKind::Pristine },
        bases: Vec::new(),
    }
}

/// A claim of a study as a record has it.
#[must_use]
pub fn finding(finding: &Finding) -> FindingRecord {
    let names = |ids: &[crate::model::ApproachId]| ids.iter().map(ToString::to_string).collect();
    let mut record = FindingRecord {
        id: finding.id.clone(),
        claim: finding.claim.clone(),
        kind: FindingKind::Smaller,
        approaches: Vec::new(),
        than: Vec::new(),
        scenario: None,
        bound: None,
        than_scenario: None,
        at_least: None,
    };
    match &finding.expects {
        Expectation::Faster { approaches, than, scenario, by } => {
            (record.kind, record.approaches, record.than) = (FindingKind::Faster, names(approaches), names(than));
            (record.scenario, record.bound) = (Some(scenario.to_string()), *by);
        }
        Expectation::Smaller { approaches, than } => {
            (record.approaches, record.than) = (names(approaches), names(than));
        }
        Expectation::UnchangedSize { approaches, than, within } => {
            (record.kind, record.approaches, record.than) =
                (FindingKind::UnchangedSize, names(approaches), names(than));
            record.bound = Some(*within);
        }
        Expectation::Ratio { approaches, scenario, than, than_scenario, at_least, at_most } => {
            (record.kind, record.approaches, record.than) = (FindingKind::Ratio, names(approaches), names(than));
            record.scenario = Some(scenario.to_string());
            record.than_scenario = than_scenario.as_ref().map(ToString::to_string);
            (record.at_least, record.bound) = (Some(*at_least), Some(*at_most));
        }
        Expectation::SameSize { approaches, scenario, than_scenario, within } => {
            (record.kind, record.approaches) = (FindingKind::SameSize, names(approaches));
            record.scenario = Some(scenario.to_string());
            record.than_scenario = Some(than_scenario.to_string());
            record.bound = Some(*within);
        }
    }
    record
}

/// The commit that the study's folder lies in, and whether anything of the folder is in no commit.
pub fn git(folder: &Path) -> Option<GitRecord> {
    let repository = git2::Repository::discover(folder).ok()?;
    let top = repository.workdir()?.canonicalize().ok()?;
    let inside = folder.canonicalize().ok()?.strip_prefix(&top).ok()?.to_path_buf();
    let revision = repository.head().ok()?.peel_to_commit().ok()?.id().to_string();
    if repository.is_path_ignored(&inside).unwrap_or(false) {
        // A derived study is in no commit; the revision would say nothing about it.
        return None;
    }
    let mut options = git2::StatusOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).pathspec(&inside);
    let dirty = repository.statuses(Some(&mut options)).ok().is_none_or(|found| !found.is_empty());
    Some(GitRecord { revision, dirty })
}
