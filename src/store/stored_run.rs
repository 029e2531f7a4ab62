//! A run read back: its record, its samples and their steps.

use super::columns::Layout;
use super::plain::found;
use super::record::{self, RunRecord};
use super::samples::{self, engine_names};
use super::schema::{RECORD, SAMPLES, STEPS};
use super::steps;
use super::store_error::{StoreError, StoreWarning};
use crate::model::{BuildKey, Sample, Step};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// A run as it was stored.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// Its folder.
    pub path: PathBuf,
    /// What the run was.
    pub record: RunRecord,
    /// Its samples in the order in which they were stored, each with its steps.
    pub samples: Vec<(Sample, Vec<Step>)>,
    /// What people should know about the files.
    pub warnings: Vec<StoreWarning>,
}

/// A run of which only the record and the samples were read.
#[derive(Clone, Debug)]
pub struct SkimmedRun {
    /// Its folder.
    pub path: PathBuf,
    /// What the run was; its plan is empty.
    pub record: RunRecord,
    /// What people should know of the files.
    pub warnings: Vec<StoreWarning>,
}

/// Bytes of the tables that are whole, and their columns.
pub(super) struct Whole {
    pub samples: u64,
    pub steps: u64,
    pub layouts: Layouts,
}

/// Where the tables have their columns.
#[derive(Debug)]
pub(super) struct Layouts {
    pub samples: Layout,
    pub steps: Layout,
}

/// Reads a run, and how much of its tables is whole.
pub(super) fn read(path: &Path) -> Result<(StoredRun, Whole), StoreError> {
    let path = found(path)?;
    let record = record::read(&path.join(RECORD))?;
    let (samples, found) = samples::read(&path.join(SAMPLES), &engine_names(&record))?;
    let sampled = samples.iter().map(|sample| &sample.key).collect();
    let mut stored = steps::read(&path.join(STEPS), &sampled)?;
    let layouts = Layouts { samples: found.layout, steps: stored.layout };
    let whole = Whole { samples: found.whole, steps: stored.whole, layouts };
    let with_steps = |sample: Sample| {
        let steps = stored.steps.remove(&sample.key).unwrap_or_default();
        (sample, steps)
    };
    let run = StoredRun {
        path,
        record,
        samples: samples.into_iter().map(with_steps).collect(),
        warnings: found.torn.into_iter().chain(stored.warnings).collect(),
    };
    Ok((run, whole))
}

/// Reads a run's record without its plan, and hands out its samples one by one.
pub(super) fn skim(path: &Path, mut take: impl FnMut(&RunRecord, Sample)) -> Result<SkimmedRun, StoreError> {
    let path = found(path)?;
    let record = record::read_without_plan(&path.join(RECORD))?;
    let read = samples::each(&path.join(SAMPLES), &engine_names(&record), |sample| take(&record, sample))?;
    Ok(SkimmedRun { path, record, warnings: read.torn.into_iter().collect() })
}

/// Reads the steps of these builds only.
pub(super) fn steps_of(path: &Path, builds: &HashSet<&BuildKey>) -> Result<HashMap<BuildKey, Vec<Step>>, StoreError> {
    Ok(steps::read(&found(path)?.join(STEPS), builds)?.steps)
}
