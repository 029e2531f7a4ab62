//! Base images before the first build: found on every engine of a run, and told apart by where they came from.
//! An approach of which the study says what it needs is left out, and named, where that is not to be had.

use super::new_record;
use super::recipes::Replacement;
use crate::app::{Ending, Failure, World};
use crate::engine::wire::refusal::{Patience, Refusal, given_up, wait, waiting};
use crate::engine::{Engine, EngineError, ImageSource, Interrupt, Named, Resolved};
use crate::model::{ApproachId, Property};
use crate::project::dockerfile::normalize;
use crate::runner::{Materials, Recipe};
use crate::store::{BaseRecord, BaseSource, EngineRecord};
use crate::study::Study;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long finding one base image may take.
const RESOLVE_LIMIT: Duration = Duration::from_secs(30);

/// What approaches need that is not to be had everywhere, as the study says it.
pub type Needs = BTreeMap<ApproachId, String>;

/// What is known before anything is built.
pub struct Known {
    /// In the order of the call.
    pub engines: Vec<EngineRecord>,
    /// Approaches that cannot be built here, each with a line that says why.
    pub left_out: BTreeMap<ApproachId, String>,
}

/// The needs of a study's approaches.
pub fn needs(study: &Study) -> Needs {
    let all = study.approaches.iter();
    all.filter_map(|approach| Some((approach.id.clone(), approach.needs.clone()?))).collect()
}

/// The approaches that builds with a missing base image are for, if all of them may be left out.
pub fn may_lack<'a>(
    recipes: &'a BTreeMap<ApproachId, Recipe>,
    needs: &Needs,
    reference: &str,
) -> Option<Vec<&'a ApproachId>> {
    let users = recipes.iter().filter(|(_, recipe)| recipe.bases.iter().any(|base| base == reference));
    users.map(|(id, _)| needs.contains_key(id).then_some(id)).collect()
}

/// Asks the engines; problems of all of them together. Approaches that are left out have no recipe any more.
pub fn known(
    world: World<'_>,
    engines: &mut [Named],
    materials: &mut Materials,
    replacements: &[Replacement],
    needs: &Needs,
    interrupt: &Interrupt,
) -> Result<Known, Failure> {
    let mut known = Known { engines: Vec::new(), left_out: BTreeMap::new() };
    let mut problems = Vec::new();
    for Named { name, engine } in engines {
        let found = resolve(world, engine.as_mut(), &materials.recipes, replacements, needs, interrupt);
        let one = found.and_then(|Bases { records, digests, left_out }| {
            known.left_out.extend(left_out);
            materials.bases.insert(name.clone(), digests);
            let mut fingerprint = engine.fingerprint()?;
            // What built is part of what was measured.
            fingerprint.insert(Property::Client, materials.client.describe());
            Ok(new_record::engine(name, fingerprint, engine.cold_kind(), records))
        });
        let label = || name.before(": ");
        match one {
            Ok(one) => known.engines.push(one),
            Err(stop) if stop.ending == Ending::Interrupted => return Err(stop),
            Err(stop) => problems.push(format!("{}{}", label(), stop.text)),
        }
    }
    materials.recipes.retain(|id, _| !known.left_out.contains_key(id));
    if materials.recipes.is_empty() {
        problems.extend(known.left_out.values().cloned());
    }
    let used = |base: &BaseRecord| materials.recipes.values().any(|recipe| recipe.bases.contains(&base.reference));
    for engine in &mut known.engines {
        engine.bases.retain(used);
    }
    if problems.is_empty() { Ok(known) } else { Err(Failure::failed(problems.join("\n"))) }
}

/// Base images that were found.
struct Bases {
    /// For `run.json`.
    records: Vec<BaseRecord>,
    /// What the run is held to: digests in a registry, by full references.
    digests: BTreeMap<String, String>,
    /// As in [`Known`].
    left_out: BTreeMap<ApproachId, String>,
}

/// Finds every base image before anything is built.
fn resolve(
    world: World<'_>,
    engine: &mut dyn Engine,
    recipes: &BTreeMap<ApproachId, Recipe>,
    replacements: &[Replacement],
    needs: &Needs,
    interrupt: &Interrupt,
) -> Result<Bases, Failure> {
    let references: BTreeSet<&String> = recipes.values().flat_map(|recipe| &recipe.bases).collect();
    let mut found = Bases { records: Vec::new(), digests: BTreeMap::new(), left_out: BTreeMap::new() };
    let mut problems = Vec::new();
    for reference in references {
        match resolve_one(world, engine, reference, interrupt)? {
            Ok(resolved) => {
                if resolved.source == ImageSource::Registry && !reference.contains('@') {
                    found.digests.insert(normalize(reference), resolved.digest.clone());
                }
                found.records.push(base(reference, resolved, replacements));
            }
            Err(error) => match may_lack(recipes, needs, reference) {
                Some(users) => found.left_out.extend(users.into_iter().map(|id| {
                    let wants = needs.get(id).map_or("", String::as_str);
                    (
                        id.clone(),
                        format!("{id} was not built, for {reference} is not to be had here: it needs {wants}."),
                    )
                })),
                None => problems.push(format!("base image {reference}: {error}")),
            },
        }
    }
    if problems.is_empty() {
        return Ok(found);
    }
    problems.push("replace it with --base FROM=TO, or make stand-ins with scripts/stand-ins".to_owned());
    Err(Failure::failed(problems.join("\n")))
}

fn base(reference: &str, resolved: Resolved, replacements: &[Replacement]) -> BaseRecord {
    let replacement = replacements.iter().find(|r| r.to == reference);
    let stand_in = replacement.is_some_and(|r| r.stand_in);
    BaseRecord {
        from: replacement.map_or_else(|| reference.to_owned(), |r| r.from.clone()),
        to: reference.to_owned(),
        reference: reference.to_owned(),
        digest: resolved.digest,
        source: match resolved.source {
            _ if stand_in => BaseSource::StandIn,
            ImageSource::Registry => BaseSource::Registry,
            ImageSource::Local => BaseSource::Local,
        },
        stand_in,
    }
}

/// Finds one, waiting for a registry that has had too many requests.
fn resolve_one(
    world: World<'_>,
    engine: &mut dyn Engine,
    reference: &str,
    interrupt: &Interrupt,
) -> Result<Result<Resolved, EngineError>, Failure> {
    let mut patience = Patience::default();
    loop {
        let error = match engine.resolve(reference, RESOLVE_LIMIT) {
            Ok(resolved) => return Ok(Ok(resolved)),
            Err(error) => error,
        };
        let Some(refusal) = Refusal::find(&error.found) else { return Ok(Err(error)) };
        let Some(pause) = patience.next(&refusal) else {
            return Err(Failure::failed(format!("base image {reference}: {}", given_up(&refusal))));
        };
        world.say(format!("base image {reference}: {}", waiting(&refusal, pause)));
        if !wait(pause, interrupt) {
            return Err(Failure::interrupted("stopped before the first build"));
        }
    }
}
