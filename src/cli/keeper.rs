//! A run's folder while the run is made: rows on the disk first, then people.
//! What is kept of an earlier part of the run is taken over, and goes on.

use super::audit::{self, Cards};
use super::report;
use super::sizes;
use super::style;
use super::{End, Stop};
use crate::analysis::path::waits;
use crate::audit::Scorecard;
use crate::engine::build::rfc3339;
use crate::model::{Bytes, EngineId, Event, Progress, Sample, Seconds, Status, Step};
use crate::plan::Plan;
use crate::progress::Display;
use crate::report::ImageRow;
use crate::runner;
use crate::store::{RunFolder, RunRecord, RunStatus, StoredImage};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The column that says whether an image prints what the study expects.
const CHECKED: &str = "prints_as_expected";

/// Keeps what happens: rows on the disk first, then people.
pub struct Keeper {
    folder: RunFolder,
    record: RunRecord,
    display: Display,
    images: Vec<ImageRow>,
    /// What went wrong, a line each.
    failures: Vec<String>,
    /// Scorecards of the images that were audited.
    cards: Cards,
    /// As many of them are on the disk.
    kept: usize,
}

impl Keeper {
    /// A run that begins, or goes on, with a plan.
    pub fn new(folder: RunFolder, record: RunRecord, plan: &Plan, cards: Cards) -> Self {
        let display = Display::standard_error(plan.builds().map(|build| build.key.clone()).collect());
        let kept = cards.borrow().len();
        Self { folder, record, display, images: Vec::new(), failures: Vec::new(), cards, kept }
    }

    /// Takes over what was kept before the run was broken off.
    pub fn take_over<'a>(&mut self, samples: impl Iterator<Item = &'a Sample>, images: Vec<StoredImage>) {
        self.failures.extend(samples.filter(|sample| sample.status != Status::Interrupted).filter_map(failure));
        for image in &images {
            let checked = image.scorecard.iter().find(|(name, _)| name == CHECKED);
            if let Some(why) = checked.and_then(|(_, value)| value.strip_prefix("no: ")) {
                self.failures.push(format!("image of {}: {why}", image.approach));
            }
        }
        self.images = images
            .into_iter()
            .map(|image| ImageRow {
                engine: image.engine,
                approach: image.approach,
                bytes: image.bytes,
                definition: image.definition,
                layers: image.layers,
                layers_definition: image.layers_definition,
                scorecard: image.scorecard,
            })
            .collect();
    }

    /// The run's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Gets the name of the step that started last.
    pub fn hints(&self) -> Arc<dyn Progress> {
        self.display.hints()
    }

    /// Keeps an event, and shows it.
    pub fn take(&mut self, event: Event) -> Result<(), String> {
        // An audit is no event, but there is one after each.
        if self.cards.borrow().len() > self.kept {
            self.kept = self.cards.borrow().len();
            audit::write(self.folder.path(), &self.cards.borrow()).map_err(|stop| stop.text)?;
        }
        match &event {
            Event::BuildFinished { sample, steps } => {
                let rows = with_waits(steps, sample.seconds);
                self.folder.append_sample(sample, &rows).map_err(|e| e.to_string())?;
                self.failures.extend(failure(sample));
            }
            Event::ImageInspected { .. } => self.keep_image(&event)?,
            Event::Warning { text } => self.record.notes.push(text.clone()),
            Event::PlanGrew { builds } => {
                let added = builds.iter().map(|key| (key.block, key.approach.to_string(), key.scenario.to_string()));
                self.record.plan.extend(added);
                self.folder.write_record(&self.record).map_err(|e| e.to_string())?;
            }
            _ => {}
        }
        self.display.event(&event);
        Ok(())
    }

    /// The first image of each approach on each engine stands for it in `images.csv`.
    fn keep_image(&mut self, event: &Event) -> Result<(), String> {
        let Event::ImageInspected { key, engine, bytes, layers, check } = event else { return Ok(()) };
        if let Some(Err(why)) = check {
            self.failures.push(format!("block {}, image of {}: {why}", key.block, key.approach));
        }
        if self.images.iter().any(|row| row.approach == key.approach && row.engine == *engine) {
            return Ok(());
        }
        let checked = check.as_ref().map(|check| match check {
            Ok(()) => "yes".to_owned(),
            Err(why) => format!("no: {why}"),
        });
        let on = self.record.engines().into_iter().find(|record| record.id() == *engine);
        self.images.push(ImageRow {
            engine: engine.clone(),
            approach: key.approach.clone(),
            bytes: Some(*bytes),
            definition: on.as_ref().map_or(String::new(), sizes::of_image),
            layers: layers.iter().map(|(_, size)| Bytes(*size)).collect(),
            layers_definition: on.as_ref().map_or(String::new(), sizes::of_layers),
            scorecard: checked.map(|text| (CHECKED.to_owned(), text)).into_iter().collect(),
        });
        self.write_images()
    }

    fn write_images(&self) -> Result<(), String> {
        let mut rows: Vec<ImageRow> = self.images.clone();
        rows.sort_by(|a, b| (&a.engine, &a.approach).cmp(&(&b.engine, &b.approach)));
        let mut text = Vec::new();
        crate::report::write_images(&rows, &mut text).map_err(|e| e.to_string())?;
        style::replace(&self.folder.path().join("images.csv"), &text).map_err(|stop| stop.text)
    }

    /// Adds the criterion that builds decide, and writes `audit.json` and the columns of `images.csv`.
    fn keep_scorecards(&mut self) -> Result<(), Stop> {
        let mut cards = self.cards.borrow_mut();
        if cards.is_empty() {
            return Ok(());
        }
        audit::finish(self.folder.path(), &mut cards)?;
        for row in &mut self.images {
            let mine = |card: &&Scorecard| {
                card.approach.as_deref() == Some(row.approach.as_str())
                    && card.engine.as_deref() == row.engine.as_ref().map(EngineId::as_str)
            };
            for (name, value) in cards.iter().find(mine).map(audit::columns).unwrap_or_default() {
                row.scorecard.retain(|(other, _)| *other != name);
                row.scorecard.push((name, value));
            }
        }
        drop(cards);
        self.write_images().map_err(Stop::failed)
    }

    /// Closes the record, writes the reports of what there is, and says how it went.
    pub fn finish(mut self, ended: Result<runner::End, runner::RunError>, note: Option<String>) -> Result<End, Stop> {
        self.record.notes.extend(note);
        self.record.ended_at = Some(rfc3339(SystemTime::now()));
        self.record.status = match &ended {
            Ok(runner::End::Complete) => RunStatus::Finished,
            Ok(runner::End::Interrupted) => RunStatus::Interrupted,
            Err(error) => {
                self.record.notes.push(format!("the run broke off: {error}"));
                RunStatus::Interrupted
            }
        };
        let kept = self.keep_scorecards().and(self.folder.write_record(&self.record).map_err(Stop::failed));
        let path = self.folder.path().to_path_buf();
        let reported = kept.and_then(|()| report::write_all(&path)).and_then(|()| report::print(&path));
        for failure in &self.failures {
            say!("{failure}");
        }
        let end = match ended {
            Err(error) => return Err(broken_off(&path, &error)),
            Ok(runner::End::Interrupted) => End::Interrupted,
            Ok(runner::End::Complete) if self.failures.is_empty() => End::Fine,
            Ok(runner::End::Complete) => {
                say!("layerbench: {} of the run's builds or images are not as they should be", self.failures.len());
                End::Failed
            }
        };
        reported.map(|()| end)
    }
}

/// Why the run ended before its end, and how to go on if there is something to go on with.
fn broken_off(path: &Path, error: &runner::RunError) -> Stop {
    let remedy = format!("\n  when that is mended: layerbench run --resume {}", path.display());
    Stop::failed(format!("{error}{}", if path.join("run.json").is_file() { remedy.as_str() } else { "" }))
}

/// What is said of a build that did not end well.
fn failure(sample: &Sample) -> Option<String> {
    let reason = sample.reason.lines().next().unwrap_or_default();
    let key = &sample.key;
    let said = || format!("block {}, {} {}: {}: {reason}", key.block, key.approach, key.scenario, sample.status);
    (sample.status != Status::Ok).then(said)
}

/// Steps and the times between them, in order of their start.
pub fn with_waits(steps: &[Step], seconds: Seconds) -> Vec<Step> {
    let mut rows = steps.to_vec();
    // Without any start, as from an older docker client, nothing can be said of the times between.
    if steps.iter().any(|step| step.start().is_some()) {
        rows.extend(waits(steps, seconds));
    }
    let key = |step: &Step| step.start().unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
    rows
}
