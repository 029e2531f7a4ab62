//! Figures that were measured elsewhere become a run, under the names of a study.

use crate::app::measure::write_reports;
use crate::app::prepare::{new_record, subject};
use crate::app::read::{Pool, Run, Sorter, published_sizes};
use crate::app::{Failure, World};
use crate::model::{ApproachId, BuildKey, Bytes, CacheState, ColdKind, Fingerprint, Isolation, Sample, ScenarioId};
use crate::store::{
    Imported, RunFolder, RunOptions, RunRecord, RunStatus, SCHEMA, ScenarioRecord, StoreError, import as read,
};
use crate::study::Study;
use crate::text::hex;
use crate::text::time::rfc3339;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use time::OffsetDateTime;

/// Other names under which columns are known.
const SYNONYMS: [(&str, &str); 4] = [
    ("reqs-changed", "main-requirements-changed"),
    ("requirements-changed", "main-requirements-changed"),
    ("dev-reqs-changed", "dev-requirements-changed"),
    ("without-changes", "warm"),
];

/// What is asked for.
pub struct Request {
    /// The table of durations.
    pub file: PathBuf,
    /// The study whose names, titles and findings apply; without one, names are taken as they are.
    pub study: Option<PathBuf>,
    /// Name of the study in the results, if not the study's own.
    pub name: Option<String>,
    /// What approaches and columns of the file are called in the study, each `FROM=TO`.
    pub renames: Vec<String>,
    /// A table of image sizes.
    pub sizes: Option<PathBuf>,
    /// Folder for the results.
    pub out: PathBuf,
}

/// Makes a run of figures.
///
/// # Errors
/// When the table cannot be read or its names are not the study's, or the run cannot be kept.
pub fn import(world: World<'_>, request: &Request) -> Result<Run, Failure> {
    let imported = read(&request.file).map_err(Failure::wrong)?;
    let study = request.study.as_deref().map(|study| subject::peek(study, false)).transpose()?;
    let study = study.as_ref().map(|(study, _)| study);
    let names = Names::find(&imported, study, &request.renames)?;
    for line in &names.mapped {
        world.say(format!("layerbench: {line}"));
    }
    let record = make_record(request, &names, study)?;
    let samples = samples(&imported, &names, request.sizes.as_deref())?;
    let id = format!("{:.8}", record.study_hash);
    let mut folder =
        RunFolder::create(&request.out, OffsetDateTime::now_utc(), &id, &record).map_err(|error| match error {
            StoreError::Name { .. } => Failure::wrong(error),
            error => Failure::failed(error),
        })?;
    let mut sorter = Sorter::new(&record, folder.path())?;
    for sample in &samples {
        let (sample, _) = folder.append_sample(sample, &[]).map_err(Failure::failed)?;
        sorter.add(sample);
    }
    let nothing = (Vec::new(), Vec::new());
    let run = Run::made(folder.path().to_path_buf(), record, sorter, Pool::default(), nothing)?;
    write_reports(&run)?;
    world.say(format!("results: {}", folder.path().display()));
    Ok(run)
}

/// What the names of the file mean.
struct Names {
    scenarios: Vec<ScenarioId>,
    approaches: BTreeMap<String, ApproachId>,
    order: Vec<ApproachId>,
    mapped: Vec<String>,
}

impl Names {
    fn find(imported: &Imported, study: Option<&Study>, renames: &[String]) -> Result<Self, Failure> {
        let given = renames.iter().map(|text| {
            text.split_once('=').ok_or_else(|| {
                Failure::wrong(format!(
                    "--rename {text:?}: expected FROM=TO, e.g. reqs-changed=main-requirements-changed"
                ))
            })
        });
        let given: HashMap<&str, &str> = given.collect::<Result<_, _>>()?;
        let known = |ids: Option<Vec<String>>| ids.unwrap_or_default();
        let columns = known(study.map(|s| s.scenarios.iter().map(|x| x.id.to_string()).collect()));
        let rows = known(study.map(|s| s.approaches.iter().map(|x| x.id.to_string()).collect()));
        let mut names =
            Self { scenarios: Vec::new(), approaches: BTreeMap::new(), order: Vec::new(), mapped: Vec::new() };
        let mut wrong = Vec::new();
        for name in &imported.scenarios {
            if let Some(found) = names.one("scenario", name, &given, &columns, &mut wrong)
                && let Ok(id) = ScenarioId::new(&found)
            {
                if names.scenarios.contains(&id) {
                    wrong.push(format!("scenario: found two columns for {id}; expected one"));
                }
                names.scenarios.push(id);
            }
        }
        for row in &imported.rows {
            if names.approaches.contains_key(&row.approach) {
                continue;
            }
            if let Some(found) = names.one("approach", &row.approach, &given, &rows, &mut wrong)
                && let Ok(id) = ApproachId::new(&found)
            {
                if names.order.contains(&id) {
                    wrong.push(format!("approach: found two names for {id}; expected one"));
                }
                names.order.push(id.clone());
                names.approaches.insert(row.approach.clone(), id);
            }
        }
        if wrong.is_empty() { Ok(names) } else { Err(Failure::wrong(wrong.join("\n"))) }
    }

    /// The study's name for one of the file's: renamed as asked, the same, a synonym, or the same but for dashes.
    fn one(
        &mut self,
        what: &str,
        name: &str,
        given: &HashMap<&str, &str>,
        known: &[String],
        wrong: &mut Vec<String>,
    ) -> Option<String> {
        let synonym = || SYNONYMS.iter().find(|(from, _)| *from == name).map(|(_, to)| (*to).to_owned());
        let plain = |text: &str| text.replace(['-', '_', ' '], "").to_lowercase();
        let has = |name: &String| known.is_empty() || known.contains(name);
        let asked = given.get(name).map(|to| (*to).to_owned());
        let found = match asked {
            Some(to) => Some(to).filter(has),
            None => Some(name.to_owned())
                .filter(has)
                .or_else(|| synonym().filter(has))
                .or_else(|| known.iter().find(|id| plain(id) == plain(name)).cloned()),
        };
        let Some(found) = found else {
            let expected = known.join(", ");
            wrong.push(format!("{what}: found {name:?}; expected one of {expected}; say what it is with --rename {name}=NAME, or take names as they are with --study none"));
            return None;
        };
        if let Err(error) = ApproachId::new(&found) {
            wrong.push(format!("{what}: {error}; say what it is with --rename"));
            return None;
        }
        if found != name {
            self.mapped.push(format!("{what} {name} is taken for {found}"));
        }
        Some(found)
    }
}

fn samples(imported: &Imported, names: &Names, sizes: Option<&Path>) -> Result<Vec<Sample>, Failure> {
    let sizes = sizes.map(published_sizes).transpose()?.unwrap_or_default();
    let mut blocks: HashMap<&ApproachId, u32> = HashMap::new();
    let mut samples = Vec::new();
    for row in &imported.rows {
        let Some(approach) = names.approaches.get(&row.approach) else { continue };
        let block = blocks.entry(approach).or_default();
        *block += 1;
        let size = sizes.iter().find(|image| image.approach == *approach).map_or(Bytes(0), |image| image.bytes);
        for (column, (scenario, seconds)) in names.scenarios.iter().zip(&row.seconds).enumerate() {
            let Some(seconds) = seconds else { continue };
            let key = BuildKey {
                block: *block,
                position: u32::try_from(samples.len() + 1).unwrap_or(u32::MAX),
                approach: approach.clone(),
                scenario: scenario.clone(),
            };
            // One size per approach is all that is known: it says nothing of the other columns.
            let image_bytes = if column == 0 { size } else { Bytes(0) };
            samples.push(Sample { image_bytes, ..Sample::bare(key, *seconds) });
        }
    }
    Ok(samples)
}

fn make_record(request: &Request, names: &Names, study: Option<&Study>) -> Result<RunRecord, Failure> {
    let content =
        std::fs::read(&request.file).map_err(|e| Failure::failed(format!("{}: {e}", request.file.display())))?;
    let hash = hex(&Sha256::digest(&content));
    let scenarios = names.scenarios.iter().map(|id| {
        let known = study.and_then(|study| study.scenario(id));
        let cache = known.map_or_else(|| CacheState::parse(id.as_str()).unwrap_or(CacheState::Changed), |s| s.cache);
        let title = known.and_then(|s| s.title.clone()).unwrap_or_else(|| id.to_string());
        ScenarioRecord { id: id.to_string(), title, cache: cache.as_str().to_owned() }
    });
    let now = rfc3339(SystemTime::now());
    let mut notes = vec![format!(
        "Imported from {}: when, where and how it was measured is not known, nor what cold meant.",
        request.file.display()
    )];
    notes.extend(names.mapped.iter().map(|line| format!("{line}.")));
    let options = RunOptions { import: Some(request.file.display().to_string()), ..RunOptions::default() };
    let name = request.name.clone().or_else(|| study.map(|s| s.name.clone())).unwrap_or_else(|| "imported".to_owned());
    Ok(RunRecord {
        schema: SCHEMA.to_owned(),
        title: study.and_then(|s| s.title.clone()).unwrap_or_else(|| name.clone()),
        study: name,
        approaches: names.order.iter().map(ToString::to_string).collect(),
        scenarios: scenarios.collect(),
        published: study.and_then(|s| s.published.clone()),
        findings: study.map(|s| s.findings.iter().map(new_record::finding).collect()).unwrap_or_default(),
        study_hash: hash,
        options: options.into(),
        seed: 0,
        plan: Vec::new(),
        fingerprint: Fingerprint::default(),
        isolation: Isolation::Imported,
        cold: ColdKind::WarmBase,
        bases: Vec::new(),
        strata: Vec::new(),
        git: None,
        started_at: now.clone(),
        ended_at: Some(now),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        status: RunStatus::Finished,
        notes,
    })
}

#[cfg(test)]
mod tests;
