//! The parts of a study as they were read, each with its place, and not yet held against each other.
//! What could not be read is `None`, and was reported.

use super::definition::{Append, Audit, Base, Check, Derived, Registry, Settings, Source};
use super::fields::At;
use crate::model::{ApproachId, CacheState, ScenarioId, StateId};
use std::path::PathBuf;

/// All parts of a study.
pub(super) struct RawStudy {
    pub name: Option<String>,
    pub title: Option<String>,
    pub published: Option<String>,
    pub project: Option<RawProject>,
    pub states: Vec<RawState>,
    pub scenarios: Vec<RawScenario>,
    pub approaches: Vec<RawApproach>,
    pub check: Option<Check>,
    pub registry: Option<Registry>,
    pub bases: Vec<At<Base>>,
    pub findings: Vec<RawFinding>,
    pub audit: Audit,
}

pub(super) struct RawState {
    pub id: Option<At<StateId>>,
    pub after: Option<At<StateId>>,
    pub derived: Option<Derived>,
    pub overlay: Option<PathBuf>,
    pub remove: Vec<At<PathBuf>>,
    pub append: Vec<At<Append>>,
    pub comment: Vec<At<PathBuf>>,
}

pub(super) struct RawScenario {
    pub id: Option<At<ScenarioId>>,
    pub title: Option<String>,
    pub cache: Option<At<CacheState>>,
    pub state: Option<At<StateId>>,
}

#[derive(Clone)]
pub(super) struct RawApproach {
    pub id: Option<At<ApproachId>>,
    pub title: Option<String>,
    pub dockerfile: Option<PathBuf>,
    pub target: Option<String>,
    pub needs: Option<String>,
    pub settings: Settings,
}

/// The project's files, and where Dockerfiles may lie beside the study's folder.
#[derive(Clone)]
pub(super) struct RawProject {
    pub folder: PathBuf,
    pub source: Source,
    pub roots: Vec<PathBuf>,
}

/// A finding whose names were not yet held against the study.
pub(super) struct RawFinding {
    pub id: Option<At<StateId>>,
    pub claim: Option<String>,
    pub expects: Option<RawExpectation>,
}

pub(super) struct RawExpectation {
    pub approaches: Vec<At<ApproachId>>,
    pub than: Vec<At<ApproachId>>,
    pub kind: RawKind,
}

pub(super) enum RawKind {
    Faster { scenario: At<ScenarioId>, by: Option<f64> },
    Smaller,
    Ratio { scenario: At<ScenarioId>, than_scenario: Option<At<ScenarioId>>, at_least: f64, at_most: f64 },
    UnchangedSize { within: f64 },
    SameSize { scenario: At<ScenarioId>, than_scenario: At<ScenarioId>, within: f64 },
}
