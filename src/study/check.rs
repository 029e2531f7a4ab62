//! Holds the parts of a study against each other: names used twice or not at all, states out of
//! order, scenarios that cannot be built one after the other.
//! Nothing is read here but whether a file exists that a state changes.

use super::definition::{Approach, Base, Scenario, State, Study};
use super::fields::At;
use super::problem::{Problems, Span, listed, nearest, quoted};
use super::raw::{RawApproach, RawScenario, RawState, RawStudy};
use super::{finding, tree};
use crate::model::CacheState;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;
use std::path::{Path, PathBuf};

/// States pile up, so looking a file up takes as many steps as there are states below.
const MOST_STATES: usize = 1000;

/// Where a study was read from.
pub(super) struct Origin {
    pub file: PathBuf,
    pub folder: PathBuf,
    pub digest: [u8; 32],
}

/// The names of one kind that a study has.
struct Names<'r, T> {
    what: &'static str,
    at: HashMap<&'r T, usize>,
    in_order: Vec<&'r T>,
    /// Some names could not be read, so that an unknown one may be one of those.
    partial: bool,
}

impl<'r, T: Hash + Eq + Display> Names<'r, T> {
    /// Gathers the names of one kind and reports those that are used twice.
    fn gather(what: &'static str, ids: impl Iterator<Item = Option<&'r At<T>>>, problems: &mut Problems<'_>) -> Self {
        let mut names = Self { what, at: HashMap::new(), in_order: Vec::new(), partial: false };
        for (index, id) in ids.enumerate() {
            let Some(id) = id else {
                names.partial = true;
                continue;
            };
            if names.at.contains_key(&id.value) {
                twice(what, &id.value, &id.span, problems);
            } else {
                names.at.insert(&id.value, index);
                names.in_order.push(&id.value);
            }
        }
        names
    }

    fn must_have(&self, id: &At<T>, problems: &mut Problems<'_>) {
        if self.partial || self.at.contains_key(&id.value) {
            return;
        }
        let name = id.value.to_string();
        let first: Vec<String> = self.in_order.iter().take(1000).map(|i| i.to_string()).collect();
        let remedy = match nearest(&name, first.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("correct the name, or add the {}", self.what),
        };
        problems.add(
            &id.span,
            format!("the unknown {} {}", self.what, quoted(&name)),
            format!("one of {}", listed(&self.in_order)),
            remedy,
        );
    }
}

fn twice(what: &str, name: &impl Display, span: &Span, problems: &mut Problems<'_>) {
    problems.add(
        span,
        format!("the {what} {} a second time", quoted(&name.to_string())),
        format!("each {what} once"),
        "rename or remove one of the two",
    );
}

/// Makes a study of parts that fit; `None`, with problems reported, if they do not.
pub(super) fn study(raw: RawStudy, origin: Origin, problems: &mut Problems<'_>) -> Option<Study> {
    let state_ids = raw.states.iter().map(|s| s.id.as_ref());
    let states = Names::gather("state", state_ids, problems);
    let scenario_ids = raw.scenarios.iter().map(|s| s.id.as_ref());
    let scenarios = Names::gather("scenario", scenario_ids, problems);
    let approach_ids = raw.approaches.iter().map(|a| a.id.as_ref());
    let approaches = Names::gather("approach", approach_ids, problems);
    let finding_ids = raw.findings.iter().map(|f| f.id.as_ref());
    Names::gather("finding", finding_ids, problems);

    piled_up(&raw.states, &states, problems);
    for scenario in &raw.scenarios {
        if let Some(state) = &scenario.state {
            states.must_have(state, problems);
        }
    }
    one_after_the_other(&raw.scenarios, problems);
    bases(&raw.bases, problems);
    let findings = finding::hold(
        raw.findings,
        &|id, problems| approaches.must_have(id, problems),
        &|id, problems| scenarios.must_have(id, problems),
        problems,
    );
    let changes: Vec<&RawState> = raw.states.iter().collect();
    if let (Some(project), true) = (&raw.project, problems.is_empty()) {
        changed_files_exist(&project.folder, &changes, problems);
    }
    let project = raw.project?;
    Some(Study {
        file: origin.file,
        folder: origin.folder,
        digest: origin.digest,
        places: Vec::new(),
        name: raw.name?,
        title: raw.title,
        published: raw.published,
        source: project.source,
        project: project.folder,
        states: raw.states.into_iter().filter_map(state).collect(),
        scenarios: raw.scenarios.into_iter().filter_map(scenario).collect(),
        approaches: raw.approaches.into_iter().filter_map(approach).collect(),
        check: raw.check,
        registry: raw.registry,
        bases: raw.bases.into_iter().map(|base| base.value).collect(),
        findings,
        audit: raw.audit,
    })
}

/// Every state stands after the one that it piles up on.
fn piled_up(states: &[RawState], names: &Names<'_, crate::model::StateId>, problems: &mut Problems<'_>) {
    for (index, state) in states.iter().enumerate() {
        let span = state.id.as_ref().map(|id| id.span.clone());
        if let (MOST_STATES, Some(span)) = (index, span) {
            problems.add(
                &span,
                format!("{} states", states.len()),
                format!("at most {MOST_STATES}"),
                "split the study",
            );
        }
        let Some(after) = &state.after else { continue };
        match names.at.get(&after.value) {
            Some(earlier) if *earlier < index => {}
            Some(_) => problems.add(
                &after.span,
                format!("after = {}, which does not come before", quoted(after.value.as_str())),
                "an earlier state",
                "put that state above this one",
            ),
            None => names.must_have(after, problems),
        }
    }
}

/// A scenario builds on the cache that the one before left.
fn one_after_the_other(scenarios: &[RawScenario], problems: &mut Problems<'_>) {
    if let Some(cache) = scenarios.first().and_then(|first| first.cache.as_ref())
        && cache.value != CacheState::Cold
    {
        problems.add(
            &cache.span,
            format!("a {} scenario as the first", cache.value.as_str()),
            "a cold scenario first, whose cache the others build on",
            "put a cold scenario above it",
        );
    }
    for pair in scenarios.windows(2) {
        let [before, this] = pair else { continue };
        let (Some(cache), Some(state), Some(state_before)) = (&this.cache, &this.state, &before.state) else {
            continue;
        };
        let same = state.value == state_before.value;
        let (found, expected) = match cache.value {
            CacheState::Warm if !same => {
                ("a warm scenario with another state", "the state of the scenario before it, so that nothing changed")
            }
            CacheState::Changed if same => {
                ("a changed scenario with the same state", "another state than the scenario before it")
            }
            _ => continue,
        };
        problems.add(
            &state.span,
            format!("{found} ({}, after {})", quoted(state.value.as_str()), quoted(state_before.value.as_str())),
            expected,
            "correct the state or the cache condition, or put the scenarios into another order",
        );
    }
}

fn bases(bases: &[At<Base>], problems: &mut Problems<'_>) {
    let mut seen = HashSet::new();
    for base in bases {
        if !seen.insert(&base.value.from) {
            twice("base image", &base.value.from, &base.span, problems);
        }
    }
}

/// What a state removes or adds to must be there when its turn comes.
fn changed_files_exist(project: &Path, states: &[&RawState], problems: &mut Problems<'_>) {
    let layers = tree::StatePile::new(project, states);
    for (index, state) in states.iter().enumerate() {
        for path in state.remove.iter().filter(|_| !layers.is_worked_out(index)) {
            if !layers.has_before_removal(index, &path.value) {
                not_there(&path.value, &path.span, "remove", problems);
            }
        }
        if layers.is_worked_out(index) {
            continue; // what it has is known when that is done
        }
        let appended = state.append.iter().map(|add| (&add.value.file, &add.span, "append to"));
        let commented = state.comment.iter().map(|file| (&file.value, &file.span, "add a comment to"));
        for (file, span, what) in appended.chain(commented) {
            if !layers.has(index, file) {
                not_there(file, span, what, problems);
            }
        }
    }
}

fn not_there(path: &Path, span: &Span, what: &str, problems: &mut Problems<'_>) {
    problems.add(
        span,
        format!("no {} in this state", quoted(&path.to_string_lossy())),
        format!("a file of the project to {what}"),
        "correct the path; it starts at the project's folder",
    );
}

fn state(raw: RawState) -> Option<State> {
    Some(State {
        id: raw.id?.value,
        after: raw.after.map(|after| after.value),
        derived: raw.derived,
        worked_out: None,
        overlay: raw.overlay,
        remove: raw.remove.into_iter().map(|path| path.value).collect(),
        append: raw.append.into_iter().map(|add| add.value).collect(),
        comment: raw.comment.into_iter().map(|file| file.value).collect(),
    })
}

fn scenario(raw: RawScenario) -> Option<Scenario> {
    Some(Scenario { id: raw.id?.value, title: raw.title, cache: raw.cache?.value, state: raw.state?.value })
}

fn approach(raw: RawApproach) -> Option<Approach> {
    Some(Approach {
        id: raw.id?.value,
        title: raw.title,
        dockerfile: raw.dockerfile?,
        target: raw.target,
        needs: raw.needs,
        settings: raw.settings,
    })
}
