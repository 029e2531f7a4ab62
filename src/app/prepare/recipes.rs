//! From a study to what a plan needs: the folders of its states, its Dockerfiles with base images replaced, and the
//! digests that prove that two states differ. All problems are found before the first build.

use super::secrets;
use crate::app::Failure;
use crate::engine::Client;
use crate::model::{ApproachId, CacheState, StateId};
use crate::plan::Plan;
use crate::project::context::digest;
use crate::project::dockerfile::{Dockerfile, rewrite, same_image};
use crate::project::ignore::{IgnoreRules, PatternList, ignore_file};
use crate::runner::{Materials, Recipe};
use crate::study::{Approach, Marks, Source, Study, materialize};
use crate::text::hex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The largest Dockerfile that is read, in bytes.
const DOCKERFILE_LIMIT: u64 = 4 << 20;

/// One image used in place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The reference as Dockerfiles write it.
    pub from: String,
    /// The reference that is used.
    pub to: String,
    /// It was built locally from distribution packages.
    pub stand_in: bool,
}

/// The replacements of a call: those of `--base`, then those of the study.
pub fn replacements(study: &Study, given: &[String]) -> Result<Vec<Replacement>, Failure> {
    let mut all = Vec::new();
    for text in given {
        match text.split_once('=') {
            Some((from, to)) if !from.is_empty() && !to.is_empty() => {
                all.push(Replacement { from: from.to_owned(), to: to.to_owned(), stand_in: false });
            }
            _ => {
                return Err(Failure::wrong(format!(
                    "--base {text:?}: expected FROM=TO, e.g. python:3.12=mirror/python:3.12"
                )));
            }
        }
    }
    all.extend(study.bases.iter().map(|base| Replacement {
        from: base.from.clone(),
        to: base.to.clone(),
        stand_in: base.stand_in,
    }));
    Ok(all)
}

/// The recipes of the approaches that a plan builds. Every replacement of `--base` must be used by one.
pub fn recipes(
    study: &Study,
    plan: &Plan,
    replacements: &[Replacement],
    given: usize,
) -> Result<BTreeMap<ApproachId, Recipe>, Failure> {
    let used: BTreeSet<&ApproachId> = plan.chains.iter().map(|chain| &chain.approach).collect();
    let mut problems = Vec::new();
    let mut recipes = BTreeMap::new();
    for approach in study.approaches.iter().filter(|approach| used.contains(&approach.id)) {
        match recipe(approach, replacements, &tops(study)) {
            Ok(recipe) => drop(recipes.insert(approach.id.clone(), recipe)),
            Err(problem) => problems.push(problem.text),
        }
    }
    let all: BTreeSet<&str> = recipes
        .values()
        .flat_map(|(_, originals): &(Recipe, Vec<String>)| originals.iter().map(String::as_str))
        .collect();
    for unused in replacements.iter().take(given) {
        if !all.iter().any(|image| same_image(&unused.from, image)) {
            let known = all.iter().copied().collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "nothing but scratch" } else { &known };
            problems.push(format!(
                "--base {}={}: no Dockerfile builds FROM {}; they build from: {known}",
                unused.from, unused.to, unused.from
            ));
        }
    }
    if problems.is_empty() {
        Ok(recipes.into_iter().map(|(id, (recipe, _))| (id, recipe)).collect())
    } else {
        Err(Failure::wrong(problems.join("\n")))
    }
}

fn recipe(approach: &Approach, replacements: &[Replacement], tops: &[&Path]) -> Result<(Recipe, Vec<String>), Failure> {
    let path = &approach.dockerfile;
    let text = read_dockerfile(path)?;
    let rules: Vec<(String, String)> = replacements.iter().map(|r| (r.from.clone(), r.to.clone())).collect();
    let dockerfile = Dockerfile::parse(&text, &approach.settings.args);
    if dockerfile.stages.is_empty() {
        return Err(Failure::wrong(format!("{}: no FROM was found; expected a Dockerfile", path.display())));
    }
    let originals = dockerfile.images().into_iter().map(str::to_owned).collect();
    for (name, _) in &approach.settings.args {
        if !dockerfile.declares(name) {
            let mut known: Vec<&str> = dockerfile.declared().collect();
            known.dedup();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Failure::wrong(format!(
                "approach {}: found the build argument {name:?}, which {} does not declare (declared: {known}); correct the name, or add ARG {name}",
                approach.id,
                path.display()
            )));
        }
    }
    let rewritten = rewrite(&text, &approach.settings.args, &rules);
    let bases =
        Dockerfile::parse(&rewritten.text, &approach.settings.args).images().into_iter().map(str::to_owned).collect();
    let named = |problem: Failure| Failure::wrong(format!("approach {}: {}", approach.id, problem.text));
    let mut settings = secrets::read(&approach.settings).map_err(named)?;
    settings.target.clone_from(&approach.target);
    let recipe = Recipe {
        dockerfile: Arc::new(rewritten.text),
        ignore: own_ignore_file(path, tops)?,
        dockerfile_name: path.display().to_string(),
        settings,
        bases,
    };
    Ok((recipe, originals))
}

/// Reads a Dockerfile, or an ignore file.
///
/// # Errors
/// When it is no file, cannot be read, or is too large.
pub fn read_dockerfile(path: &Path) -> Result<Vec<u8>, Failure> {
    let wrong = |found: &dyn fmt::Display| Failure::wrong(format!("{}: {found}", path.display()));
    let failed = |error: io::Error| wrong(&format!("{error}; expected a Dockerfile"));
    let data = fs::metadata(path).map_err(failed)?;
    if !data.is_file() {
        return Err(wrong(&"not a file; expected a Dockerfile"));
    }
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(DOCKERFILE_LIMIT + 1).read_to_end(&mut text)).map_err(failed)?;
    if text.len() as u64 > DOCKERFILE_LIMIT {
        let size = data.len();
        return Err(wrong(&format!("{size} bytes; expected a Dockerfile of at most {DOCKERFILE_LIMIT}")));
    }
    Ok(text)
}

/// The `NAME.dockerignore` beside a Dockerfile, if there is one; a link must not lead out of `tops`.
///
/// # Errors
/// When it does, or the file cannot be read.
pub fn own_ignore_file(dockerfile: &Path, tops: &[&Path]) -> Result<Option<Arc<Vec<u8>>>, Failure> {
    let mut own = dockerfile.as_os_str().to_owned();
    own.push(".dockerignore");
    let own = Path::new(&own);
    if own.is_file() { read_ignore(own, tops).map(|text| Some(Arc::new(text))) } else { Ok(None) }
}

/// Reads an ignore file; each line that Docker would refuse is named.
pub fn ignore_rules(path: &Path, shown: &str, tops: &[&Path]) -> Result<IgnoreRules, Failure> {
    let text = read_ignore(path, tops)?;
    IgnoreRules::parse(&text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|p| format!("{shown}: {p}")).collect();
        Failure::wrong(lines.join("\n"))
    })
}

/// What an ignore file says is sent to the engine, and parts of it are shown.
fn read_ignore(path: &Path, tops: &[&Path]) -> Result<Vec<u8>, Failure> {
    let real = path.canonicalize().map_err(|e| Failure::wrong(format!("{}: {e}", path.display())))?;
    let inside = |top: &&Path| top.canonicalize().is_ok_and(|top| real.starts_with(top));
    if path.is_symlink() && !tops.iter().any(inside) {
        return Err(Failure::wrong(format!(
            "{}: found a link that leads out of the folder; expected an ignore file; put a copy there",
            path.display()
        )));
    }
    read_dockerfile(&real)
}

/// The folders that the files of a study may lie in.
fn tops(study: &Study) -> Vec<&Path> {
    let folder = if let Source::Folder(folder) = &study.source { Some(folder.as_path()) } else { None };
    [study.folder(), &study.project].into_iter().chain(folder).collect()
}

/// How the builds of a run are made.
pub struct Way<'a> {
    /// Names the run.
    pub run: &'a str,
    /// Time limit of a build, in seconds.
    pub timeout: u64,
    /// Who asks the engine.
    pub client: Client,
    /// States that could not be worked out, which was reported.
    pub failed: &'a BTreeSet<StateId>,
}

/// Lays out the states and digests what each approach would see of them.
pub fn materials(
    study: &Study,
    plan: &Plan,
    recipes: BTreeMap<ApproachId, Recipe>,
    workspace: &Path,
    way: Way<'_>,
) -> Result<Materials, Failure> {
    let mut contexts = BTreeMap::new();
    let mut marks = Marks::default();
    for build in plan.builds() {
        if !contexts.contains_key(&build.state) && !way.failed.contains(&build.state) {
            let folder = workspace.join("states").join(build.state.as_str());
            marks.extend(materialize(study, &build.state, &folder).map_err(Failure::failed)?);
            contexts.insert(build.state.clone(), folder);
        }
    }
    let mut materials = Materials {
        run: way.run.to_owned(),
        recipes,
        contexts,
        marks,
        context_digests: BTreeMap::new(),
        bases: BTreeMap::new(),
        timeout: Duration::from_secs(way.timeout),
        client: way.client,
        audit: None,
        prints: study.check.as_ref().map(|check| check.stdout.clone()),
    };
    materials.context_digests = digests(study, &materials)?;
    changes(plan, &materials)?;
    Ok(materials)
}

/// Digests of the contexts. Approaches without an ignore file of their own see the same.
fn digests(study: &Study, materials: &Materials) -> Result<BTreeMap<(ApproachId, StateId), String>, Failure> {
    let mut known: BTreeMap<(Option<Vec<u8>>, StateId), String> = BTreeMap::new();
    let (mut all, tops) = (BTreeMap::new(), tops(study));
    for (approach, recipe) in &materials.recipes {
        let dockerfile = study.approach(approach).map(|a| a.dockerfile.clone()).unwrap_or_default();
        for (state, folder) in &materials.contexts {
            let tops: Vec<&Path> = tops.iter().copied().chain([folder.as_path()]).collect();
            let key = (recipe.ignore.as_ref().map(|text| text.to_vec()), state.clone());
            let found = match known.get(&key) {
                Some(found) => found.clone(),
                None => {
                    let found = digest_of(state, folder, &dockerfile, &tops)?;
                    known.insert(key, found.clone());
                    found
                }
            };
            all.insert((approach.clone(), state.clone()), found);
        }
    }
    Ok(all)
}

fn digest_of(state: &StateId, folder: &Path, dockerfile: &Path, tops: &[&Path]) -> Result<String, Failure> {
    let rules = folder.join(".dockerignore");
    if rules.is_symlink() && !rules.exists() {
        return Err(Failure::wrong(format!(
            "state {state}: .dockerignore: found a link that leads out of the folder, or to nothing; expected an ignore file; put a copy there"
        )));
    }
    let rules = match ignore_file(folder, dockerfile) {
        None => PatternList::default(),
        Some(path) => {
            let shown = match path.strip_prefix(folder) {
                Ok(place) => format!("state {state}: {}", place.display()),
                Err(_) => path.display().to_string(),
            };
            PatternList::from(ignore_rules(&path, &shown, tops)?)
        }
    };
    let digest = digest(folder, rules).map_err(Failure::failed)?;
    Ok(hex(&digest))
}

/// A state that is to be a change must change what the build sees.
fn changes(plan: &Plan, materials: &Materials) -> Result<(), Failure> {
    let mut problems = BTreeSet::new();
    for chain in &plan.chains {
        for (before, build) in chain.builds.iter().zip(chain.builds.iter().skip(1)) {
            let digest = |state: &StateId| materials.context_digests.get(&(chain.approach.clone(), state.clone()));
            let known = digest(&before.state).is_some() && digest(&build.state).is_some();
            if known && build.cache == CacheState::Changed && digest(&before.state) == digest(&build.state) {
                problems.insert(format!(
                    "scenario {}: state {} changes nothing that {} sees of state {}; change a file that no ignore rule leaves out",
                    build.key.scenario, build.state, chain.approach, before.state
                ));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Failure::wrong(problems.into_iter().collect::<Vec<_>>().join("\n"))) }
}
