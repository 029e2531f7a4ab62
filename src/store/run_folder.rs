//! The folder of a run while the run is made: created, appended to build by build, gone on with.
//! What has been acknowledged is on the disk.

use super::columns::Layout;
use super::growing::Growing;
use super::plain::found;
use super::record::{self, RunRecord};
use super::samples::{self, engine_names};
use super::schema::{LATEST, RECORD, SAMPLES, STEPS};
use super::store_error::StoreError;
use super::stored_run::{self, Layouts, SkimmedRun, StoredRun};
use super::{csv_table, steps, writing};
use crate::files::{Lock, point, sweep, sync_folder};
use crate::model::{BuildKey, Sample, StateId, Step};
use crate::text::time::stamp;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// The folder of a run that is being made.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The folder itself, locked: one program writes into it.
    _lock: Lock,
    samples: Growing,
    steps: Growing,
    /// Where the two have their columns; an older version may have begun them.
    layouts: Layouts,
    stored: HashSet<u32>,
    /// Names of the engines, where there are several.
    engines: Vec<String>,
}

impl RunFolder {
    /// Makes `<results>/<study>/<UTC time>-<id>/` with the record and empty tables, and points
    /// `<results>/latest` at it.
    ///
    /// # Errors
    /// When a name cannot be part of a path, the folder is already there, or something cannot be
    /// written; the new folder is then removed again.
    pub fn create(results: &Path, now: OffsetDateTime, id: &str, record: &RunRecord) -> Result<Self, StoreError> {
        for (what, name) in [("study's name", &*record.study), ("run's id", id)] {
            // Any name type would do: they share one rule.
            StateId::new(name).map_err(|error| StoreError::Name { what, found: error.found })?;
        }
        let stamp = stamp(now).map_err(|error| StoreError::Value {
            found: format!("a time that cannot be written ({error})"),
            expected: "the time of today",
        })?;
        let relative = Path::new(&record.study).join(format!("{stamp}-{id}"));
        let path = results.join(&relative);
        let above = results.join(&record.study);
        fs::create_dir_all(&above).map_err(StoreError::io(&above, "create"))?;
        fs::create_dir(&path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Taken { path: path.clone() },
            _ => StoreError::io(&path, "create")(error),
        })?;
        let begun = Self::begin(&path, record)
            .and_then(|run| {
                sync_folder(&above).map_err(StoreError::io(&above, "write"))?;
                Ok(run)
            })
            .and_then(|run| {
                let latest = results.join(LATEST);
                point(&latest, &relative).map_err(StoreError::io(&latest, "point to the new run"))?;
                Ok(run)
            });
        if begun.is_err() {
            let _ = fs::remove_dir_all(&path); // the first error is the one to show
        }
        begun
    }

    fn begin(path: &Path, record: &RunRecord) -> Result<Self, StoreError> {
        let engines = engine_names(record);
        let layouts = Layouts { samples: Layout::own(samples::columns(&engines)), steps: Layout::own(steps::COLUMNS) };
        let run = Self {
            path: path.to_owned(),
            _lock: writing::lock(path)?,
            samples: Growing::create(&path.join(SAMPLES), &csv_table::head(&layouts.samples)?)?,
            steps: Growing::create(&path.join(STEPS), &csv_table::head(&layouts.steps)?)?,
            layouts,
            stored: HashSet::new(),
            engines,
        };
        run.write_record(record)?;
        Ok(run)
    }

    /// The run's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the record anew, as a whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_record(&self, record: &RunRecord) -> Result<(), StoreError> {
        record::write(&self.path.join(RECORD), record)
    }

    /// Stores a build. The steps are on the disk before the sample is, so that a sample has its
    /// steps; when this returns, both are. The answer is what whoever opens the run will read.
    ///
    /// # Errors
    /// When its position is already stored, a time is not a time, or something cannot be written;
    /// the sample is then not there.
    pub fn append_sample(&mut self, sample: &Sample, steps: &[Step]) -> Result<(Sample, Vec<Step>), StoreError> {
        let position = sample.key.position;
        if self.stored.contains(&position) {
            return Err(StoreError::Value {
                found: format!("position {position} a second time"),
                expected: "each build once",
            });
        }
        let row = self.layouts.samples.arranged(samples::row(sample, &self.engines)?);
        let rows = steps::rows(&sample.key, steps)?.into_iter().map(|row| self.layouts.steps.arranged(row));
        let rows: Vec<Vec<String>> = rows.collect();
        let read = (
            samples::as_read(&self.path.join(SAMPLES), &self.layouts.samples, &self.engines, &row)?,
            steps::as_read(&self.path.join(STEPS), &self.layouts.steps, &sample.key, &rows)?,
        );
        let before = self.steps.length();
        if !rows.is_empty() {
            self.steps.append(&csv_table::lines(&rows)?)?;
        }
        if let Err(error) = self.samples.append(&csv_table::lines(&[row])?) {
            self.steps.take_back(before);
            return Err(error);
        }
        self.stored.insert(position);
        Ok(read)
    }

    /// Marks stored builds as interrupted: kept, never used, and free to be made again at other
    /// positions.
    ///
    /// # Errors
    /// When the samples cannot be read or written; then nothing is changed.
    pub fn interrupt(&mut self, keys: &[BuildKey], reason: &str) -> Result<(), StoreError> {
        let file = self.path.join(SAMPLES);
        let content = samples::interrupted(&file, &self.engines, keys, reason)?;
        writing::replace(&file, &content)?;
        self.samples = Growing::go_on(&file, content.len() as u64)?;
        Ok(())
    }

    /// Reads a run back. Takes its folder, or a link to it such as `results/latest`.
    ///
    /// # Errors
    /// When there is no run, or one of its files is not as this version writes it. A last line that
    /// a crash cut off is no error but a warning.
    pub fn open(path: &Path) -> Result<StoredRun, StoreError> {
        stored_run::read(path).map(|(run, _)| run)
    }

    /// Reads what a report needs, however many builds there are: the record without its plan, and the
    /// samples one by one, in the order in which they were stored. Steps are left where they are.
    ///
    /// # Errors
    /// As for [`RunFolder::open`]; samples before the damage may have been handed out then.
    pub fn skim(path: &Path, take: impl FnMut(&RunRecord, Sample)) -> Result<SkimmedRun, StoreError> {
        stored_run::skim(path, take)
    }

    /// Reads the steps of these builds only. One that has none is not among the answers.
    ///
    /// # Errors
    /// When the steps are not as this version writes them.
    pub fn steps(path: &Path, builds: &HashSet<&BuildKey>) -> Result<HashMap<BuildKey, Vec<Step>>, StoreError> {
        stored_run::steps_of(path, builds)
    }

    /// Reads a run back to go on with it. What a crash left half-written is cut off.
    ///
    /// # Errors
    /// As for [`RunFolder::open`], when another program writes into the folder, or when the files cannot be written.
    pub fn resume(path: &Path) -> Result<(Self, StoredRun), StoreError> {
        // Before anything is read: what the other program is just writing is no crash's remnant.
        let lock = writing::lock(&found(path)?)?;
        let (run, whole) = stored_run::read(path)?;
        sweep(&run.path);
        let folder = Self {
            path: run.path.clone(),
            _lock: lock,
            samples: Growing::go_on(&run.path.join(SAMPLES), whole.samples)?,
            steps: Growing::go_on(&run.path.join(STEPS), whole.steps)?,
            layouts: whole.layouts,
            stored: run.samples.iter().map(|(s, _)| s.key.position).collect(),
            engines: engine_names(&run.record),
        };
        Ok((folder, run))
    }
}
