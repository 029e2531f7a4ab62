//! A run that was broken off: its call as it was, and what must still be as it was.
//! What of the plan is left to do is `plan::remaining`'s business.

use super::keeper::Keeper;
use super::run_request::RunRequest;
use crate::app::prepare::request::{CallRequest, EngineChoice, Origin, Wish};
use crate::app::read::comparable;
use crate::app::{Failure, Watcher};
use crate::model::{BuildKey, Image, Sample, Scorecard, Status};
use crate::plan::{Plan, Remaining};
use crate::store::{
    CallOptions, RunFolder, RunOptions, RunRecord, RunStatus, StoreError, StoredRun, images, scorecards,
};
use std::path::{Path, PathBuf};

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
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let refused = |error| match error {
            // The path is right: the disk is not.
            StoreError::Io { .. } => Failure::failed(error),
            _ => Failure::wrong(error),
        };
        let (folder, stored) = RunFolder::resume(path).map_err(refused)?;
        Ok(Self { folder, stored })
    }

    /// The call that made the run. What lets a call do harm is not taken from a file: it has to be said again.
    ///
    /// # Errors
    /// When it is not said again, or the record's options are not those of a call.
    pub fn request(&self, given: &RunRequest) -> Result<RunRequest, Failure> {
        let record = &self.stored.record;
        let options = record.options.call().filter(|options| in_range(options)).ok_or_else(|| {
            Failure::wrong(format!(
                "{}: its options are not those of a call of this version; start again",
                self.stored.path.join("run.json").display()
            ))
        })?;
        let mut problems = Vec::new();
        let emptied = &options.may_empty;
        if *emptied != given.engines.may_empty {
            let again = emptied.iter().map(|address| format!(" --may-empty {address}")).collect::<String>();
            problems.push(if emptied.is_empty() {
                "found --may-empty; expected none, as when the run was begun".to_owned()
            } else {
                format!("the run empties engines before cold builds; if it still may, say so again:{again}")
            });
        }
        let wanted = options.call.as_ref().map(|call| call.build_args.clone()).unwrap_or_default();
        let named = |arg: &String| arg.split('=').next().unwrap_or_default().to_owned();
        let args = if let Wish::Call(call) = &given.wish { &call.build_args[..] } else { &[] };
        if wanted != args.iter().map(named).collect::<Vec<_>>() {
            problems.push(format!(
                "values of build arguments are not kept; expected --build-arg for {}, as when the run was begun",
                if wanted.is_empty() { "none".to_owned() } else { wanted.join(", ") }
            ));
        }
        if !problems.is_empty() {
            return Err(Failure::wrong(problems.join("\n")));
        }
        Ok(RunRequest {
            wish: wish(options, args),
            origin: Origin { uncommitted: options.uncommitted, ..given.origin },
            // What was left out stays out.
            approaches: record.approaches.clone(),
            engines: EngineChoice { may_empty: given.engines.may_empty.clone(), ..EngineChoice::recorded(options) },
            seed: Some(record.seed),
            // RESULTS/STUDY/RUN
            out: self.stored.path.ancestors().nth(2).unwrap_or(&self.stored.path).to_owned(),
            dry_run: given.dry_run,
            finish_build: given.finish_build,
            no_wait: given.no_wait,
            ..RunRequest::recorded(options)
        })
    }

    /// What of a plan is left to do.
    ///
    /// # Errors
    /// When it is not the plan that the run was begun with.
    pub fn remaining(&self, plan: Plan) -> Result<Remaining, Failure> {
        let recorded = &self.stored.record.plan;
        let same = plan.builds().count() <= recorded.len()
            && plan.builds().zip(recorded).all(|(build, (block, approach, scenario))| {
                let key = &build.key;
                (key.block, key.approach.as_str(), key.scenario.as_str()) == (*block, approach, scenario)
            });
        if !same {
            return Err(Failure::wrong(
                "the study gives another plan than when the run was begun: put it back as it was, or start a new run",
            ));
        }
        let grown = recorded.iter().map(|(block, ..)| *block).max().unwrap_or(0);
        let stored: Vec<(BuildKey, Status)> =
            self.stored.samples.iter().map(|(sample, _)| (sample.key.clone(), sample.status)).collect();
        let (images, cards) = (self.images()?, self.cards()?);
        Ok(plan.remaining(&stored, grown, &|engine, approach| {
            let card = |card: &Scorecard| {
                card.engine.as_deref() == engine.shown() && card.approach.as_deref() == Some(approach.as_str())
            };
            let image = |image: &Image| image.engine == *engine && image.approach == *approach;
            // A run that finished had its look, whatever came of it.
            self.stored.record.status == RunStatus::Finished || (images.iter().any(image) && cards.iter().any(card))
        }))
    }

    fn images(&self) -> Result<Vec<Image>, Failure> {
        images(&self.stored.path).map_err(Failure::wrong)
    }

    /// The scorecards that the run has so far.
    pub fn cards(&self) -> Result<Vec<Scorecard>, Failure> {
        Ok(scorecards(&self.stored.path).map_err(Failure::wrong)?.unwrap_or_default())
    }

    /// Whether the run came to its end, and has all that it was to have.
    pub fn complete(&self, rest: &Plan) -> bool {
        self.stored.record.status == RunStatus::Finished && rest.chains.is_empty()
    }

    /// The samples that stay.
    pub fn samples(&self, cut: &[BuildKey]) -> impl Iterator<Item = &Sample> {
        let samples = self.stored.samples.iter().map(|(sample, _)| sample);
        samples.filter(move |sample| !cut.contains(&sample.key))
    }

    /// Goes on, if the run that would start now is the one that was begun.
    ///
    /// # Errors
    /// With everything that is not as it was; or when the run's files cannot be written.
    pub fn go_on<'w>(
        mut self,
        now: &RunRecord,
        cut: &[BuildKey],
        watcher: &'w dyn Watcher,
    ) -> Result<Keeper<'w>, Failure> {
        let mut record = self.stored.record.clone();
        let changed = changed(&record, now);
        if !changed.is_empty() {
            return Err(Failure::wrong(format!(
                "the run cannot go on, since not everything is as it was when it was begun:\n  {}\n\
                 put it back as it was, or start a new run",
                changed.join("\n  ")
            )));
        }
        let (images, cards) = (self.images()?, self.cards()?);
        self.folder.interrupt(cut, CUT).map_err(Failure::failed)?;
        record.status = RunStatus::Running;
        record.ended_at = None;
        let kept = self.samples(cut).filter(|sample| sample.status != Status::Interrupted).count();
        record.notes.push(format!(
            "The run was broken off and went on at {}, with {kept} builds kept and {} made again.",
            now.started_at,
            cut.len()
        ));
        self.folder.write_record(&record).map_err(Failure::failed)?;
        let mut keeper = Keeper::new(self.folder, record, watcher)?;
        let builds = self.stored.samples.into_iter().map(|(mut sample, steps)| {
            if cut.contains(&sample.key) {
                (sample.status, sample.reason) = (Status::Interrupted, CUT.to_owned());
            }
            (sample, steps)
        });
        keeper.take_over(builds.collect(), images, cards);
        Ok(keeper)
    }
}

/// Whether the numbers are such as a call can have.
fn in_range(options: &RunOptions) -> bool {
    (1..=100_000).contains(&options.reps)
        && (1..=86_400).contains(&options.timeout)
        && options.precision.is_none_or(|part| (0.001..=0.5).contains(&part))
}

/// What was built, with the values of build arguments that are not in a record.
fn wish(options: &RunOptions, args: &[String]) -> Wish {
    let paths = |texts: &[String]| texts.iter().map(PathBuf::from).collect();
    match &options.call {
        Some(CallOptions { context, dockerfiles, changes, target, .. }) => Wish::Call(CallRequest {
            context: context.clone(),
            dockerfiles: paths(dockerfiles),
            changes: changes.clone(),
            build_args: args.to_vec(),
            target: target.clone(),
        }),
        None => Wish::Study(PathBuf::from(options.study.as_deref().unwrap_or("scenarios/article"))),
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
    let unlike = comparable::unlike(then, now);
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

#[cfg(test)]
mod tests;
