//! A run: opened from its folder, or handed on by the process that has just made it.

use super::claims::finding;
use super::drawings::Details;
use super::figures;
use super::head::head;
use super::pool::Pool;
use crate::analysis::findings::{NamedClaim, judge};
use crate::analysis::published::Published;
use crate::analysis::table::{ColumnHead, RowHead, Table, TableMaker};
use crate::app::{Ending, Failure};
use crate::model::{ApproachId, CacheState, EngineId, Image, Sample, ScenarioId, Scorecard, StateId, Status};
use crate::report::Report;
use crate::store::{EngineRecord, RunFolder, RunRecord, SkimmedRun, StoreError, scorecards};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// A run and its tables.
pub struct Run {
    /// Its folder.
    pub path: PathBuf,
    /// What the run was; of an opened one the plan is empty.
    pub record: RunRecord,
    /// What each engine gave, in the order of the call.
    pub strata: Vec<Stratum>,
    /// What people should know of the files.
    pub warnings: Vec<String>,
    published: Option<(String, Published)>,
    cards: Vec<Scorecard>,
    /// What pictures show, if it is at hand; else it is in the run's folder.
    details: Option<Details>,
}

/// What one engine of a run gave.
pub struct Stratum {
    /// What is known of the engine.
    pub engine: EngineRecord,
    /// Its name in the samples.
    pub id: EngineId,
    /// The table of its samples.
    pub table: Table,
    /// The samples that are in no figure.
    pub problems: Vec<Sample>,
}

/// Samples that come one by one, put where they belong.
pub struct Sorter {
    strata: Vec<(EngineId, TableMaker, Vec<Sample>)>,
}

impl Sorter {
    /// Nothing yet, of a run in this folder.
    ///
    /// # Errors
    /// When the record names what cannot be a row or a column.
    pub fn new(record: &RunRecord, folder: &Path) -> Result<Self, Failure> {
        let (approaches, scenarios) = columns(record, folder)?;
        let maker = |engine: &EngineRecord| (engine.id(), TableMaker::new(&approaches, &scenarios), Vec::new());
        Ok(Self { strata: record.engines().iter().map(maker).collect() })
    }

    /// Takes a sample.
    pub fn add(&mut self, sample: Sample) {
        let mine = self.strata.iter_mut().find(|(id, ..)| *id == sample.engine);
        if let Some((_, maker, problems)) = mine {
            maker.add(&sample);
            if sample.status != Status::Ok {
                problems.push(sample);
            }
        }
    }

    fn finish(self, record: &RunRecord) -> Vec<Stratum> {
        let strata = record.engines().into_iter().zip(self.strata);
        let strata =
            strata.map(|(engine, (id, maker, problems))| Stratum { engine, id, table: maker.finish(), problems });
        strata.collect()
    }
}

impl Run {
    /// Opens a run's folder to show it: with published figures and scorecards.
    ///
    /// # Errors
    /// When there is no run, or one of its files is damaged.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let run = Self::skim(folder, Failure::wrong)?;
        let cards = scorecards(&run.path).map_err(Failure::wrong)?.unwrap_or_default();
        Ok(Self { published: published(&run.record, &run.path)?, cards, ..run })
    }

    /// Opens a run's folder to judge it: only its figures.
    ///
    /// # Errors
    /// As for [`Run::open`]; one of another schema cannot be judged.
    pub fn open_to_judge(folder: &Path) -> Result<Self, Failure> {
        Self::skim(folder, unreadable)
    }

    fn skim(folder: &Path, refused: fn(StoreError) -> Failure) -> Result<Self, Failure> {
        let mut sorter: Option<Result<Sorter, Failure>> = None;
        let skimmed = RunFolder::skim(folder, |record, sample| {
            if let Ok(sorter) = sorter.get_or_insert_with(|| Sorter::new(record, folder)) {
                sorter.add(sample);
            }
        });
        let SkimmedRun { path, record, warnings } = skimmed.map_err(refused)?;
        let sorter = sorter.unwrap_or_else(|| Sorter::new(&record, &path))?;
        Ok(Self {
            strata: sorter.finish(&record),
            path,
            warnings: warnings.iter().map(ToString::to_string).collect(),
            published: None,
            cards: Vec::new(),
            details: None,
            record,
        })
    }

    /// The run that this process has just made: nothing of it is read back.
    ///
    /// # Errors
    /// When the figures that were published beside it are damaged.
    pub fn made(
        path: PathBuf,
        record: RunRecord,
        sorter: Sorter,
        pool: Pool,
        (images, cards): (Vec<Image>, Vec<Scorecard>),
    ) -> Result<Self, Failure> {
        let strata = sorter.finish(&record);
        let published = published(&record, &path)?;
        let mut run = Self { path, record, strata, warnings: Vec::new(), published, cards, details: None };
        let nearest = pool.nearest(run.tables());
        run.details = Some(Details { builds: nearest, images });
        Ok(run)
    }

    /// Name of the run: that of its folder.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Its folder, for messages: its name alone may stand in several.
    #[must_use]
    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// The table of an engine.
    #[must_use]
    pub fn table(&self, engine: &EngineId) -> Option<&Table> {
        self.strata.iter().find(|stratum| stratum.id == *engine).map(|stratum| &stratum.table)
    }

    /// All tables, each with its engine.
    pub fn tables(&self) -> impl Iterator<Item = (EngineId, &Table)> {
        self.strata.iter().map(|stratum| (stratum.id.clone(), &stratum.table))
    }

    /// The engines that both runs have, each with its tables in this run and in a newer one.
    #[must_use]
    pub fn pairs<'a>(&'a self, new: &'a Self) -> Vec<(&'a EngineId, &'a Table, &'a Table)> {
        let both = new.strata.iter().filter_map(|stratum| {
            let engine = &stratum.id;
            Some((engine, self.table(engine)?, &stratum.table))
        });
        both.collect()
    }

    /// Published figures, and what published them.
    #[must_use]
    pub fn published(&self) -> Option<(&str, &Published)> {
        self.published.as_ref().map(|(name, figures)| (name.as_str(), figures))
    }

    /// What is said of each engine, in the order of the call.
    #[must_use]
    pub fn reports(&self) -> Vec<(EngineId, Report<'_>)> {
        self.strata.iter().map(|stratum| (stratum.id.clone(), self.report(stratum))).collect()
    }

    fn report<'a>(&'a self, stratum: &'a Stratum) -> Report<'a> {
        let findings: Vec<NamedClaim> =
            self.record.findings.iter().filter_map(|record| finding(record, &stratum.id)).collect();
        let builds = stratum.table.cells().map(|(.., cell)| cell.n()).sum::<usize>() + stratum.problems.len();
        let head = head(&self.record, &stratum.engine, &self.name(), builds);
        let report = Report::new(head, &stratum.table, &stratum.problems).findings(judge(&stratum.table, &findings));
        let of_engine = |card: &&Scorecard| card.engine.as_deref() == stratum.id.shown();
        let report = report.scorecards(self.cards.iter().filter(of_engine).collect());
        match self.published() {
            Some((name, figures)) => report.beside(name, figures),
            None => report,
        }
    }

    /// What pictures show beside the tables.
    ///
    /// # Errors
    /// When the run's files are damaged.
    pub fn details(&self) -> Result<std::borrow::Cow<'_, Details>, Failure> {
        use std::borrow::Cow;
        match &self.details {
            Some(details) => Ok(Cow::Borrowed(details)),
            None => Details::read(&self.path, self.tables()).map(Cow::Owned),
        }
    }
}

/// The figures that were published of a run's study, with their name.
fn published(record: &RunRecord, path: &Path) -> Result<Option<(String, Published)>, Failure> {
    // results/<study>/<run>: published figures stand in results/<name>.
    let (Some(name), Some(results)) = (&record.published, path.ancestors().nth(2)) else { return Ok(None) };
    // A path would lead anywhere. Any type of name would do: they share one rule.
    StateId::new(name).map_err(|e| {
        let file = path.join("run.json");
        Failure::wrong(format!("{}: published: {e}; restore the file from a copy", file.display()))
    })?;
    // A run kept elsewhere than in results/ still finds the published figures of this project.
    let places = [results.join(name), Path::new("results").join(name)];
    let found = places.iter().find_map(|place| figures::read(place).transpose()).transpose()?;
    Ok(found.map(|figures| (name.clone(), figures)))
}

/// Names of a run's engines, in the order of the call.
#[must_use]
pub fn engines(record: &RunRecord) -> Vec<EngineId> {
    record.engines().iter().map(EngineRecord::id).collect()
}

/// A run that cannot be read to be judged: of one of another schema, nothing can be said.
#[must_use]
pub fn unreadable(error: StoreError) -> Failure {
    let ending = if matches!(error, StoreError::Schema { .. }) { Ending::CannotTell } else { Ending::Wrong };
    Failure { ending, text: error.to_string() }
}

/// Rows and columns of the table, as the record names them; `folder` is the run's, for messages.
///
/// # Errors
/// When a name is none, or a cache state is not known.
pub fn columns(record: &RunRecord, folder: &Path) -> Result<(Vec<RowHead>, Vec<ColumnHead>), Failure> {
    let wrong = |e: &dyn Display| {
        Failure::wrong(format!("{}: {e}; restore the file from a copy", folder.join("run.json").display()))
    };
    let approaches = record
        .approaches
        .iter()
        .map(|id| ApproachId::new(id).map(|id| RowHead { id, image: None }).map_err(|e| wrong(&e)));
    let scenarios = record.scenarios.iter().map(|scenario| {
        let cache = CacheState::parse(&scenario.cache);
        Ok(ColumnHead {
            id: ScenarioId::new(&scenario.id).map_err(|e| wrong(&e))?,
            title: scenario.title.clone(),
            cache: cache.ok_or_else(|| {
                wrong(&format!("found the cache state {:?}; expected cold, warm or changed", scenario.cache))
            })?,
        })
    });
    Ok((approaches.collect::<Result<_, Failure>>()?, scenarios.collect::<Result<_, Failure>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::sample;

    #[test]
    fn no_figure_mixes_two_engines() {
        let mut sorter = Sorter { strata: Vec::new() };
        let names = ["new", "old"].map(|name| EngineId::new(name).unwrap());
        let (approach, scenario) = (sample("a", "cold", 1.0).key.approach, sample("a", "cold", 1.0).key.scenario);
        let scenario = ColumnHead { id: scenario, title: String::new(), cache: CacheState::Cold };
        for name in &names {
            let maker =
                TableMaker::new(&[RowHead { id: approach.clone(), image: None }], std::slice::from_ref(&scenario));
            sorter.strata.push((name.clone(), maker, Vec::new()));
        }
        for (engine, seconds) in [(1, 10.0), (0, 1.0), (1, 12.0), (0, 3.0)] {
            sorter.add(Sample { engine: names[engine].clone(), ..sample("a", "cold", seconds) });
        }
        sorter.add(sample("a", "cold", 99.0)); // of no engine of the run
        let tables = sorter.strata.into_iter().map(|(_, maker, _)| maker.finish());
        let medians: Vec<f64> = tables.map(|table| table.rows[0].cells[0].median().unwrap().get()).collect();
        assert_eq!(medians, [2.0, 11.0]);
    }
}
