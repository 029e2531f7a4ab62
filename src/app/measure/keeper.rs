//! A run's folder while the run is made: rows on the disk first, then people. What the reports show is kept at hand, so
//! that nothing of the run is read back.

use super::auditor;
use crate::analysis::path::waits;
use crate::app::read::drawings::Charts;
use crate::app::read::{Form, Pool, Run, Sorter, sizes};
use crate::app::{Failure, Watcher};
use crate::model::{Bytes, Event, Image, Sample, Scorecard, Seconds, Status, Step};
use crate::report::TextStyle;
use crate::runner;
use crate::store::{self, Reports, RunFolder, RunRecord, RunStatus};
use crate::text::time::rfc3339;
use std::path::Path;
use std::time::SystemTime;

/// The column that says whether an image prints what the study expects.
const CHECKED: &str = "prints_as_expected";

/// A run that was made, as far as it came.
pub(super) struct Kept {
    /// The run, if what is to be shown of it could be kept.
    pub run: Result<Run, Failure>,
    /// What went wrong with its builds and images, a line each.
    pub failures: Vec<String>,
}

/// Keeps what happens: rows on the disk first, then people.
pub(super) struct Keeper<'w> {
    folder: RunFolder,
    record: RunRecord,
    watcher: &'w dyn Watcher,
    /// In the order of their rows in `images.csv`, since pictures show them in it.
    images: Vec<Image>,
    /// What went wrong, a line each.
    failures: Vec<String>,
    /// Scorecards of the images that were audited.
    cards: Vec<Scorecard>,
    sorter: Sorter,
    pool: Pool,
}

impl<'w> Keeper<'w> {
    /// A run that begins, or goes on.
    pub(super) fn new(folder: RunFolder, record: RunRecord, watcher: &'w dyn Watcher) -> Result<Self, Failure> {
        let sorter = Sorter::new(&record, folder.path())?;
        let (images, failures, cards) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { folder, record, watcher, images, failures, cards, sorter, pool: Pool::default() })
    }

    /// Takes over what was kept before the run was broken off.
    pub(super) fn take_over(&mut self, builds: Vec<(Sample, Vec<Step>)>, images: Vec<Image>, cards: Vec<Scorecard>) {
        for (sample, steps) in builds {
            self.failures.extend(Some(&sample).filter(|s| s.status != Status::Interrupted).and_then(failure));
            self.pool.add(&sample, steps);
            self.sorter.add(sample);
        }
        for image in &images {
            let checked = image.scorecard.iter().find(|(name, _)| name == CHECKED);
            if let Some(why) = checked.and_then(|(_, value)| value.strip_prefix("no: ")) {
                self.failures.push(format!("image of {}: {why}", image.approach));
            }
        }
        (self.images, self.cards) = (images, cards);
    }

    /// The run's folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps an event, and shows it.
    pub(super) fn take(&mut self, event: Event) -> Result<(), Failure> {
        match &event {
            Event::BuildFinished { sample, steps } => self.keep_build(sample, steps)?,
            Event::ImageInspected { .. } => self.keep_image(&event)?,
            Event::ImageAudited { card } => {
                self.cards.push((**card).clone());
                store::write_scorecards(self.folder.path(), &self.cards).map_err(Failure::failed)?;
            }
            Event::Warning { text } => self.record.notes.push(text.clone()),
            Event::PlanGrew { builds } => {
                let added = builds.iter().map(|key| (key.block, key.approach.to_string(), key.scenario.to_string()));
                self.record.plan.extend(added);
                self.folder.write_record(&self.record).map_err(Failure::failed)?;
            }
            _ => {}
        }
        self.watcher.event(&event);
        Ok(())
    }

    fn keep_build(&mut self, sample: &Sample, steps: &[Step]) -> Result<(), Failure> {
        let rows = with_waits(steps, sample.seconds);
        let (stored, steps) = self.folder.append_sample(sample, &rows).map_err(Failure::failed)?;
        // A stored reason is one line, log and all; people are told the first one of it.
        self.failures.extend(failure(sample));
        self.pool.add(&stored, steps);
        self.sorter.add(stored);
        Ok(())
    }

    /// The first image of each approach on each engine stands for it in `images.csv`.
    fn keep_image(&mut self, event: &Event) -> Result<(), Failure> {
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
        self.images.push(Image {
            engine: engine.clone(),
            approach: key.approach.clone(),
            bytes: Some(*bytes),
            definition: on.as_ref().map_or(String::new(), sizes::of_image),
            layers: layers.iter().map(|(_, size)| Bytes(*size)).collect(),
            layers_definition: on.as_ref().map_or(String::new(), sizes::of_layers),
            scorecard: checked.map(|text| (CHECKED.to_owned(), text)).into_iter().collect(),
        });
        self.images.sort_by(|a, b| (&a.engine, &a.approach).cmp(&(&b.engine, &b.approach)));
        self.write_images()
    }

    fn write_images(&self) -> Result<(), Failure> {
        store::write_images(self.folder.path(), &self.images).map_err(Failure::failed)
    }

    /// Adds the criterion that builds decide, and writes `audit.json` and the columns of `images.csv`.
    fn keep_scorecards(&mut self) -> Result<(), Failure> {
        if self.cards.is_empty() {
            return Ok(());
        }
        auditor::finish(&self.record, self.folder.path(), &self.pool, &mut self.cards)?;
        store::write_scorecards(self.folder.path(), &self.cards).map_err(Failure::failed)?;
        for row in &mut self.images {
            let mine = |card: &&Scorecard| {
                card.approach.as_deref() == Some(row.approach.as_str()) && card.engine.as_deref() == row.engine.shown()
            };
            for (name, value) in self.cards.iter().find(mine).map(auditor::image_columns).unwrap_or_default() {
                row.scorecard.retain(|(other, _)| *other != name);
                row.scorecard.push((name, value));
            }
        }
        self.write_images()
    }

    /// Closes the record, writes the reports of what there is, and hands the run on.
    pub(super) fn finish(mut self, ended: &Result<runner::End, runner::RunError>, note: Option<String>) -> Kept {
        self.record.notes.extend(note);
        self.record.ended_at = Some(rfc3339(SystemTime::now()));
        self.record.status = match ended {
            Ok(runner::End::Complete) => RunStatus::Finished,
            Ok(runner::End::Interrupted) => RunStatus::Interrupted,
            Err(error) => {
                self.record.notes.push(format!("the run broke off: {error}"));
                RunStatus::Interrupted
            }
        };
        let kept = self.keep_scorecards().and(self.folder.write_record(&self.record).map_err(Failure::failed));
        let Self { folder, record, images, failures, cards, sorter, pool, .. } = self;
        let path = folder.path().to_path_buf();
        let run = kept.and_then(|()| {
            let run = Run::made(path, record, sorter, pool, (images, cards))?;
            write_reports(&run).map(|()| run)
        });
        Kept { run, failures }
    }
}

/// Writes the reports of a run into its folder.
///
/// # Errors
/// When one cannot be made or written.
pub fn write_reports(run: &Run) -> Result<(), Failure> {
    let charts = run.charts()?;
    let mut pictures = Vec::new();
    for chart in charts.iter().flat_map(Charts::all) {
        pictures.push((format!("{}.svg", chart.name), crate::app::read::drawings::alone(chart)?));
    }
    let reports = Reports {
        summary: &run.render(Form::Csv, TextStyle::default())?,
        markdown: &run.render(Form::Markdown, TextStyle::default())?,
        html: &run.page(&charts)?,
        charts: &pictures,
    };
    store::write_reports(&run.path, &reports).map_err(Failure::failed)
}

/// What is said of a build that did not end well.
fn failure(sample: &Sample) -> Option<String> {
    let reason = sample.reason.lines().next().unwrap_or_default();
    let key = &sample.key;
    let said = || format!("block {}, {} {}: {}: {reason}", key.block, key.approach, key.scenario, sample.status);
    (sample.status != Status::Ok).then(said)
}

/// Steps and the times between them, in order of their start.
fn with_waits(steps: &[Step], seconds: Seconds) -> Vec<Step> {
    let mut rows = steps.to_vec();
    // Without any start, as from an older docker client, nothing can be said of the times between.
    if steps.iter().any(|step| step.start().is_some()) {
        rows.extend(waits(steps, seconds));
    }
    let key = |step: &Step| step.start().unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
    rows
}

#[cfg(test)]
mod tests;
