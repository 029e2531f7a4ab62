//! `run.json`: what a run was, on the wire. Written at the start and again at the end.
//! A change of meaning here needs another schema version.
//! Model types are not stored as they are.

use super::SCHEMA;
use super::options::Recorded;
use super::store_error::StoreError;
use super::writing;
use crate::model::{ColdKind, EngineId, Fingerprint, Isolation};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// The record of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct RunRecord {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Name of the study.
    pub study: String,
    /// Its title.
    pub title: String,
    /// Names of the approaches, in the study's order.
    pub approaches: Vec<String>,
    /// The scenarios, in the study's order.
    pub scenarios: Vec<ScenarioRecord>,
    /// Name of the folder of the results whose figures are shown beside the run.
    pub published: Option<String>,
    /// The claims that the run is held against.
    pub findings: Vec<FindingRecord>,
    /// Hash of the study, in hexadecimal.
    pub study_hash: String,
    /// The options of the call.
    pub options: Recorded,
    /// What decided the order.
    pub seed: u64,
    /// All builds in order: block, approach, scenario. The first has position 1.
    pub plan: Vec<(u32, String, String)>,
    /// Fingerprint of engine and host; empty where `engines` says more.
    #[serde(rename = "engine")]
    pub fingerprint: Fingerprint,
    /// How the engine was kept apart from others; [`Isolation::Several`] where `engines` says more.
    pub isolation: Isolation,
    /// What *cold* meant; *warm base* if it meant that on any engine.
    #[serde(serialize_with = "write_cold", deserialize_with = "read_cold")]
    pub cold: ColdKind,
    /// The base images as they were at the start; none where `engines` says more.
    pub bases: Vec<BaseRecord>,
    /// The engines of a run on several, in the order of the call. Ask [`RunRecord::engines`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strata: Vec<EngineRecord>,
    /// Where the study lies in git, if it does.
    pub git: Option<GitRecord>,
    /// UTC start, RFC 3339.
    pub started_at: String,
    /// UTC end, RFC 3339; `None` while running and after a crash.
    pub ended_at: Option<String>,
    /// Version of the program.
    pub program: String,
    /// How far the run came.
    pub status: RunStatus,
    /// Lines for people.
    pub notes: Vec<String>,
}

/// What is known of one engine of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineRecord {
    /// Its name in the samples; empty where it is the only one.
    pub name: String,
    /// Fingerprint of engine and host.
    #[serde(rename = "engine")]
    pub fingerprint: Fingerprint,
    /// How it was kept apart from others.
    pub isolation: Isolation,
    /// What *cold* meant on it.
    #[serde(serialize_with = "write_cold", deserialize_with = "read_cold")]
    pub cold: ColdKind,
    /// The base images as it found them at the start.
    pub bases: Vec<BaseRecord>,
}

impl EngineRecord {
    /// The name as samples carry it.
    #[must_use]
    pub fn id(&self) -> EngineId {
        EngineId::new(&self.name).unwrap_or_default()
    }
}

impl RunRecord {
    /// The engines of the run, at least one. Each is a stratum: what was measured on one is held against nothing but
    /// what was measured on it.
    #[must_use]
    pub fn engines(&self) -> Vec<EngineRecord> {
        if !self.strata.is_empty() {
            return self.strata.clone();
        }
        vec![EngineRecord {
            name: String::new(),
            fingerprint: self.fingerprint.clone(),
            isolation: self.isolation.clone(),
            cold: self.cold,
            bases: self.bases.clone(),
        }]
    }
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioRecord {
    /// Its name.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// The word for its cache state.
    pub cache: String,
}

/// A claim: each approach of `approaches` is held against each of `than`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingRecord {
    /// Its name.
    pub id: String,
    /// The claim in one line, for people.
    pub claim: String,
    /// What the figures have to show.
    pub kind: FindingKind,
    /// The approaches that it is about.
    pub approaches: Vec<String>,
    /// Those that they are held against.
    pub than: Vec<String>,
    /// The scenario, for claims about time.
    pub scenario: Option<String>,
    /// Times faster, at least; the largest ratio; or the part of a size that counts as no difference.
    pub bound: Option<f64>,
    /// The other scenario, for claims about two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub than_scenario: Option<String>,
    /// The smallest ratio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

/// What the figures have to show for a claim to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Builds take less time.
    Faster,
    /// Images have fewer bytes.
    Smaller,
    /// Builds take so many times as long; without `than`, as those of the same approach.
    Ratio,
    /// Images have about the same number of bytes.
    UnchangedSize,
    /// The images of one approach in two scenarios have about the same number of bytes.
    SameSize,
}

/// One base image of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseRecord {
    /// The reference as the Dockerfiles write it.
    pub from: String,
    /// The reference used instead; the same if it was not replaced.
    pub to: String,
    /// The reference as the engine resolved it.
    pub reference: String,
    /// Digest of its manifest.
    pub digest: String,
    /// Where it came from.
    pub source: BaseSource,
    /// It was built locally in place of the real one.
    pub stand_in: bool,
}

/// Where a base image came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaseSource {
    /// An image registry.
    Registry,
    /// Built locally from distribution packages.
    StandIn,
    /// Already on the engine.
    Local,
}

/// Where a study lies in git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitRecord {
    /// The commit, in hexadecimal.
    pub revision: String,
    /// There were changes that are in no commit.
    pub dirty: bool,
}

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// Not ended yet, or ended by a crash.
    Running,
    /// All builds of the plan were made.
    Finished,
    /// Stopped before its end.
    Interrupted,
}

fn write_cold<S: Serializer>(cold: &ColdKind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(cold.as_str())
}

fn read_cold<'de, D: Deserializer<'de>>(from: D) -> Result<ColdKind, D::Error> {
    let word = String::deserialize(from)?;
    ColdKind::parse(&word).ok_or_else(|| {
        serde::de::Error::custom(format!("the kind of cold {word:?}, expected \"pristine\" or \"warm base\""))
    })
}

pub(super) fn write(path: &Path, record: &RunRecord) -> Result<(), StoreError> {
    let mut text = serde_json::to_string_pretty(record)
        .map_err(|error| StoreError::Record { file: path.to_owned(), found: error.to_string() })?;
    text.push('\n');
    writing::replace(path, text.as_bytes())
}

pub(super) fn read(path: &Path) -> Result<RunRecord, StoreError> {
    parse(path, &fs::read(path).map_err(StoreError::io(path, "read"))?)
}

/// Reads a record but for its plan, which grows with the run and is most of it.
pub(super) fn read_without_plan(path: &Path) -> Result<RunRecord, StoreError> {
    let mut text = fs::read(path).map_err(StoreError::io(path, "read"))?;
    // A text that is no record is left as it is: reading it says what is wrong.
    if let Some(inner) = serde_json::from_slice::<Planned>(&text).ok().and_then(|planned| planned.place(&text)) {
        // Blanked, so that errors name the same line and column.
        text[inner].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    parse(path, &text)
}

/// Where the plan stands in a record.
#[derive(Deserialize)]
struct Planned<'t> {
    #[serde(borrow)]
    plan: &'t RawValue,
}

impl Planned<'_> {
    /// The places between the plan's brackets, if it is a list.
    fn place(&self, text: &[u8]) -> Option<Range<usize>> {
        let plan = self.plan.get();
        let start = (plan.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
        let end = start + plan.len();
        (plan.starts_with('[') && end <= text.len()).then_some(start + 1..end - 1)
    }
}

fn parse(path: &Path, text: &[u8]) -> Result<RunRecord, StoreError> {
    let wrong = |error: serde_json::Error| StoreError::Record { file: path.to_owned(), found: error.to_string() };
    // The schema first: another version may have other keys.
    let probe: Probe = serde_json::from_slice(text).map_err(wrong)?;
    let schema = probe.schema.as_str().unwrap_or("");
    if schema != SCHEMA {
        return Err(StoreError::Schema { file: path.to_owned(), found: schema.chars().take(80).collect() });
    }
    let record: RunRecord = serde_json::from_slice(text).map_err(wrong)?;
    let hash = &record.study_hash;
    if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        let found =
            format!("the study_hash {:?}, not 64 hexadecimal digits", hash.chars().take(80).collect::<String>());
        return Err(StoreError::Record { file: path.to_owned(), found });
    }
    let mut names = HashSet::new();
    if let Some(wrong) = record.strata.iter().find(|e| EngineId::new(&e.name).is_err() || !names.insert(&e.name)) {
        let found = format!("the engine {:?}, not a name, or one that another engine has", wrong.name);
        return Err(StoreError::Record { file: path.to_owned(), found });
    }
    Ok(record)
}

/// What is looked at before the rest.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Probe {
    #[serde(default)]
    schema: Value,
}
