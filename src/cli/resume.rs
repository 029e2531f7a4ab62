//! `run --resume`: a run that was broken off, its call as it was, and what must still be as it was.
//! What of the plan is left to do is `plan::remaining`'s business.

use super::Stop;
use super::args::{Args, Call, RunArgs};
use super::audit::{self, Cards};
use super::facts;
use super::keeper::Keeper;
use crate::audit::Scorecard;
use crate::model::{BuildKey, EngineId, Status};
use crate::plan::{Plan, Remaining};
use crate::store::{RunFolder, RunRecord, RunStatus, StoreError, StoredImage, StoredRun, images};
use clap::Parser;
use serde_json::Value;
use std::path::Path;

/// What the samples of a chain say that was cut.
const CUT: &str = "its chain was cut and was made again when the run went on";

/// A run that was begun before. While it is held, no other program goes on with it.
pub struct Earlier {
    folder: RunFolder,
    stored: StoredRun,
}

impl Earlier {
    /// Reads the run that is to go on.
    ///
    /// # Errors
    /// When there is none, it cannot be read or written, or another program is at it.
    pub fn open(path: &Path) -> Result<Self, Stop> {
        let refused = |error| match error {
            // The path is right: the disk is not.
            StoreError::Io { .. } => Stop::failed(error),
            _ => Stop::wrong(error),
        };
        let (folder, stored) = RunFolder::resume(path).map_err(refused)?;
        Ok(Self { folder, stored })
    }

    /// The call that made the run. What lets a call do harm is not taken from a file: it has to be said again.
    ///
    /// # Errors
    /// When it is not said again, or the record's options are not those of a call.
    pub fn call(&self, given: &RunArgs) -> Result<RunArgs, Stop> {
        let record = &self.stored.record;
        let mut problems = Vec::new();
        let emptied = texts(record.options.get("may_empty"));
        if emptied != given.engines.may_empty {
            let again = emptied.iter().map(|address| format!(" --may-empty {address}")).collect::<String>();
            problems.push(if emptied.is_empty() {
                "found --may-empty; expected none, as when the run was begun".to_owned()
            } else {
                format!("the run empties engines before cold builds; if it still may, say so again:{again}")
            });
        }
        let wanted = texts(record.options.get("call").and_then(|call| call.get("build_args")));
        let named = |arg: &String| arg.split('=').next().unwrap_or_default().to_owned();
        if wanted != given.call.build_arg.iter().map(named).collect::<Vec<_>>() {
            problems.push(format!(
                "values of build arguments are not kept; expected --build-arg for {}, as when the run was begun",
                if wanted.is_empty() { "none".to_owned() } else { wanted.join(", ") }
            ));
        }
        if !problems.is_empty() {
            return Err(Stop::wrong(problems.join("\n")));
        }
        let words = words(record, self.stored.path.as_path());
        let parsed = Args::try_parse_from(words).map(|args| args.call);
        let Ok(Call::Run(mut args)) = parsed else {
            let why = parsed.err().map_or(String::new(), |error| format!(": {}", first_line(&error.to_string())));
            return Err(Stop::wrong(format!(
                "{}: its options are not those of a call of this version{why}; start again",
                self.stored.path.join("run.json").display()
            )));
        };
        args.engines.may_empty.clone_from(&given.engines.may_empty);
        args.call.build_arg.clone_from(&given.call.build_arg);
        (args.origin.allow_run, args.origin.allow_outside) = (given.origin.allow_run, given.origin.allow_outside);
        (args.dry_run, args.finish_build, args.no_wait) = (given.dry_run, given.finish_build, given.no_wait);
        // What was left out stays out.
        args.approach.clone_from(&record.approaches);
        Ok(args)
    }

    /// What of a plan is left to do.
    ///
    /// # Errors
    /// When it is not the plan that the run was begun with.
    pub fn remaining(&self, plan: Plan) -> Result<Remaining, Stop> {
        let recorded = &self.stored.record.plan;
        let same = plan.builds().count() <= recorded.len()
            && plan.builds().zip(recorded).all(|(build, (block, approach, scenario))| {
                let key = &build.key;
                (key.block, key.approach.as_str(), key.scenario.as_str()) == (*block, approach, scenario)
            });
        if !same {
            return Err(Stop::wrong(
                "the study gives another plan than when the run was begun: put it back as it was, or start a new run",
            ));
        }
        let grown = recorded.iter().map(|(block, ..)| *block).max().unwrap_or(0);
        let stored: Vec<(BuildKey, Status)> =
            self.stored.samples.iter().map(|(sample, _)| (sample.key.clone(), sample.status)).collect();
        let (images, cards) = (self.images()?, audit::of_run(&self.stored.path)?.unwrap_or_default());
        Ok(plan.remaining(&stored, grown, &|engine, approach| {
            let card = |card: &Scorecard| {
                card.engine.as_deref() == engine.map(EngineId::as_str)
                    && card.approach.as_deref() == Some(approach.as_str())
            };
            let image = |image: &StoredImage| image.engine.as_ref() == engine && image.approach == *approach;
            // A run that finished had its look, whatever came of it.
            self.stored.record.status == RunStatus::Finished || (images.iter().any(image) && cards.iter().any(card))
        }))
    }

    fn images(&self) -> Result<Vec<StoredImage>, Stop> {
        images(&self.stored.path).map_err(Stop::wrong)
    }

    /// Whether the run came to its end, and has all that it was to have.
    pub fn complete(&self, rest: &Plan) -> bool {
        self.stored.record.status == RunStatus::Finished && rest.chains.is_empty()
    }

    /// The samples that stay.
    pub fn samples(&self, cut: &[BuildKey]) -> impl Iterator<Item = &crate::model::Sample> {
        let samples = self.stored.samples.iter().map(|(sample, _)| sample);
        samples.filter(move |sample| !cut.contains(&sample.key))
    }

    /// Goes on, if the run that would start now is the one that was begun.
    ///
    /// # Errors
    /// With everything that is not as it was; or when the run's files cannot be written.
    pub fn go_on(mut self, now: &RunRecord, cut: &[BuildKey], rest: &Plan, cards: Cards) -> Result<Keeper, Stop> {
        let mut record = self.stored.record.clone();
        let changed = changed(&record, now);
        if !changed.is_empty() {
            return Err(Stop::wrong(format!(
                "the run cannot go on, since not everything is as it was when it was begun:\n  {}\n\
                 put it back as it was, or start a new run",
                changed.join("\n  ")
            )));
        }
        let images = self.images()?;
        cards.borrow_mut().extend(audit::of_run(&self.stored.path)?.unwrap_or_default());
        self.folder.interrupt(cut, CUT).map_err(Stop::failed)?;
        record.status = RunStatus::Running;
        record.ended_at = None;
        let kept = self.samples(cut).filter(|sample| sample.status != Status::Interrupted).count();
        record.notes.push(format!(
            "The run was broken off and went on at {}, with {kept} builds kept and {} made again.",
            now.started_at,
            cut.len()
        ));
        self.folder.write_record(&record).map_err(Stop::failed)?;
        let mut keeper = Keeper::new(self.folder, record, rest, cards);
        let samples = self.stored.samples.iter().map(|(sample, _)| sample);
        keeper.take_over(samples.filter(|sample| !cut.contains(&sample.key)), images);
        Ok(keeper)
    }
}

/// What differs between a run's beginning and now, a line each.
fn changed(then: &RunRecord, now: &RunRecord) -> Vec<String> {
    let mut lines = Vec::new();
    if then.program != now.program {
        lines.push(format!("the program: {} then, {} now", then.program, now.program));
    }
    if then.study_hash != now.study_hash {
        lines.push("the study's files".to_owned());
    }
    let unlike = facts::unlike(then, now);
    lines.extend(unlike.iter().map(|fact| {
        let shown = |value: &str| if value.is_empty() { "unknown".to_owned() } else { value.to_owned() };
        format!("{}: {} then, {} now", fact.name, shown(&fact.base), shown(&fact.new))
    }));
    for engine in now.engines() {
        let before = then.engines().into_iter().find(|old| old.name == engine.name).map(|old| old.bases);
        for base in &engine.bases {
            let old = before.iter().flatten().find(|old| old.from == base.from);
            if let Some(old) = old.filter(|old| old.digest != base.digest) {
                lines.push(format!("base image {}: {} then, {} now", base.from, old.digest, base.digest));
            }
        }
    }
    lines
}

/// The words of the call that made a run, as its record has them.
fn words(record: &RunRecord, path: &Path) -> Vec<String> {
    let options = &record.options;
    let mut words = vec!["layerbench".to_owned(), "run".to_owned()];
    let mut add = |option: &str, value: Option<&Value>| {
        for text in texts(value) {
            words.push(format!("--{option}={text}"));
        }
    };
    for key in ["reps", "approach", "scenario", "engine", "base", "timeout", "chain", "client", "dind_image"] {
        add(&key.replace('_', "-"), options.get(key));
    }
    add("registry-cache", options.get("registry_cache"));
    add("uncommitted", options.get("uncommitted"));
    let percent =
        options.get("precision").and_then(Value::as_f64).map(|part| Value::from(format!("{}%", part * 100.0)));
    add("precision", percent.as_ref());
    add("seed", Some(&Value::from(record.seed)));
    // RESULTS/STUDY/RUN
    let out = path.ancestors().nth(2).unwrap_or(path);
    add("out", Some(&Value::from(out.to_string_lossy())));
    match options.get("call").filter(|call| call.is_object()) {
        Some(call) => {
            for (option, key) in
                [("context", "context"), ("dockerfile", "dockerfiles"), ("change", "changes"), ("target", "target")]
            {
                add(option, call.get(key));
            }
        }
        None => {
            words.push("--".to_owned());
            words.extend(texts(options.get("study")));
        }
    }
    words
}

/// The texts of a value of the record: none, one or several.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(values)) => values.iter().flat_map(|value| texts(Some(value))).collect(),
        Some(Value::Number(number)) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
