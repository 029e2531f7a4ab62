//! `layerbench report`, and the reports that stand in a run's folder: a stored run in, text out.

use super::args::{Format, ReportArgs};
use super::charts::{self, Charts, Details};
use super::load::columns;
use super::sizes;
use super::style::{answer, replace, style, style_for, unmade, write_out};
use super::{End, Stop, published};
use crate::analysis::findings::{CellRef, Claim, Finding, judge};
use crate::analysis::published::Published;
use crate::analysis::table::{Table, TableMaker};
use crate::audit::Scorecard;
use crate::model::{ApproachId, EngineId, Sample, ScenarioId, StateId, Status, visible};
use crate::report::{
    Figures, Head, Report, TextStyle, each_engine, write_html, write_json, write_markdown, write_summaries, write_text,
};
use crate::store::{BaseSource, EngineRecord, FindingKind, FindingRecord, RunFolder, RunRecord, RunStatus, SkimmedRun};
use std::path::{Path, PathBuf};

/// Carries out the command.
pub fn report(args: &ReportArgs) -> Result<End, Stop> {
    let view = View::open(&args.run)?;
    view.warn();
    let page = args.format == Format::Html;
    let charts = if page || args.charts.is_some() { view.charts()? } else { Vec::new() };
    if let Some(folder) = &args.charts {
        charts::write(charts.iter().flat_map(Charts::all), folder, args.png)?;
    }
    let text = if page { view.page(&charts)? } else { view.write(args.format, style_for(args.out.as_deref()))? };
    answer(args.out.as_deref(), &text)?;
    Ok(End::Fine)
}

/// Writes `summary.csv`, `report.md`, `report.html` and `charts/` into a run's folder.
pub fn write_all(folder: &Path) -> Result<(), Stop> {
    let view = View::open(folder)?;
    for (name, format) in [("summary.csv", Format::Csv), ("report.md", Format::Markdown)] {
        replace(&folder.join(name), &view.write(format, TextStyle::default())?)?;
    }
    let charts = view.charts()?;
    replace(&folder.join("report.html"), &view.page(&charts)?)?;
    charts::write(charts.iter().flat_map(Charts::all), &folder.join("charts"), false)
}

/// Prints the table of a run on standard output.
pub fn print(folder: &Path) -> Result<(), Stop> {
    write_out(&View::open(folder)?.write(Format::Text, style())?)
}

/// A stored run, and what is needed to report it.
pub struct View {
    record: RunRecord,
    strata: Vec<Stratum>,
    published: Option<(String, Published)>,
    path: PathBuf,
    run: String,
    warnings: Vec<String>,
    cards: Vec<Scorecard>,
}

/// What is known of one engine of the run.
struct Stratum {
    engine: EngineRecord,
    id: Option<EngineId>,
    table: Table,
    /// The samples that are in no figure.
    problems: Vec<Sample>,
}

/// Samples that come one by one, put where they belong.
struct Sorter {
    strata: Vec<(Option<EngineId>, TableMaker, Vec<Sample>)>,
}

impl Sorter {
    fn new(record: &RunRecord, folder: &Path) -> Result<Self, Stop> {
        let (approaches, scenarios) = columns(record, folder)?;
        let maker = |engine: &EngineRecord| (engine.id(), TableMaker::new(&approaches, &scenarios), Vec::new());
        Ok(Self { strata: record.engines().iter().map(maker).collect() })
    }

    fn add(&mut self, sample: Sample) {
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

impl View {
    /// Opens a run's folder.
    pub fn open(folder: &Path) -> Result<Self, Stop> {
        let mut sorter: Option<Result<Sorter, Stop>> = None;
        let skimmed = RunFolder::skim(folder, |record, sample| {
            if let Ok(sorter) = sorter.get_or_insert_with(|| Sorter::new(record, folder)) {
                sorter.add(sample);
            }
        });
        let SkimmedRun { path, record, warnings } = skimmed.map_err(Stop::wrong)?;
        let sorter = sorter.unwrap_or_else(|| Sorter::new(&record, &path))?;
        // results/<study>/<run>: published figures stand in results/<name>.
        let published = match (&record.published, path.ancestors().nth(2)) {
            (Some(name), Some(results)) => {
                // A path would lead anywhere. Any type of name would do: they share one rule.
                StateId::new(name).map_err(|e| {
                    let file = path.join("run.json");
                    Stop::wrong(format!("{}: published: {e}; restore the file from a copy", file.display()))
                })?;
                // A run kept elsewhere than in results/ still finds the published figures of this project.
                let places = [results.join(name), Path::new("results").join(name)];
                let found = places.iter().find_map(|place| published::read(place).transpose()).transpose()?;
                found.map(|figures| (name.clone(), figures))
            }
            _ => None,
        };
        Ok(Self {
            strata: sorter.finish(&record),
            published,
            path: path.clone(),
            run: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            cards: super::audit::of_run(&path)?.unwrap_or_default(),
            warnings: warnings.iter().map(ToString::to_string).collect(),
            record,
        })
    }

    /// The record of the run.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// What people should know of the files.
    #[cfg(test)]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Says it on standard error.
    pub fn warn(&self) {
        for warning in &self.warnings {
            say!("layerbench: {}", visible(warning));
        }
    }

    /// What is said of each engine, in the order of the call; a single one has no name.
    pub fn reports(&self) -> Vec<(Option<EngineId>, Report<'_>)> {
        let findings: Vec<Finding> = self.record.findings.iter().filter_map(finding).collect();
        let report = |stratum| (stratum, self.report(stratum, &findings));
        self.strata.iter().map(report).map(|(stratum, report)| (stratum.id.clone(), report)).collect()
    }

    fn report<'a>(&'a self, stratum: &'a Stratum, findings: &[Finding]) -> Report<'a> {
        let builds = stratum.table.cells().map(|(.., cell)| cell.n()).sum::<usize>() + stratum.problems.len();
        let head = head(&self.record, &stratum.engine, &self.run, builds);
        let report = Report::new(head, &stratum.table, &stratum.problems).findings(judge(&stratum.table, findings));
        let of_engine = |card: &&Scorecard| card.engine.as_deref() == stratum.id.as_ref().map(EngineId::as_str);
        let report = report.scorecards(self.cards.iter().filter(of_engine).collect());
        match &self.published {
            Some((name, figures)) => report.beside(name, figures),
            None => report,
        }
    }

    /// The pictures of each engine.
    fn charts(&self) -> Result<Vec<Charts>, Stop> {
        let beside = self.published.as_ref().map(|(name, figures)| (name.as_str(), figures));
        let details = Details::read(&self.path, self.strata.iter().map(|one| (one.id.clone(), &one.table)))?;
        let draw = |one: &Stratum| charts::draw(one.id.as_ref(), &one.table, beside, &details);
        self.strata.iter().map(draw).collect()
    }

    /// One page for all engines.
    fn page(&self, charts: &[Charts]) -> Result<Vec<u8>, Stop> {
        let figures: Vec<Figures> = charts.iter().map(charts::figures).collect::<Result<_, _>>()?;
        let reports = self.reports();
        let parts: Vec<_> = reports.iter().map(|(_, report)| report).zip(&figures).collect();
        let mut text = Vec::new();
        let written = write_html(&self.record.title, &parts, &mut text);
        written.map(|()| text).map_err(unmade)
    }

    /// The run in one of the report's forms.
    pub fn write(&self, format: Format, style: TextStyle) -> Result<Vec<u8>, Stop> {
        let engines: Vec<Option<&EngineId>> = self.strata.iter().map(|stratum| stratum.id.as_ref()).collect();
        if format == Format::Csv {
            let tables: Vec<_> = self.strata.iter().map(|stratum| (stratum.id.as_ref(), &stratum.table)).collect();
            let mut text = Vec::new();
            return write_summaries(&tables, &mut text).map(|()| text).map_err(unmade);
        }
        if format == Format::Html {
            return self.page(&self.charts()?);
        }
        let reports = self.reports();
        let written = each_engine(&engines, format == Format::Json, |place, out| {
            let report = &reports[place].1;
            match format {
                Format::Text => write_text(report, style, out),
                Format::Markdown => write_markdown(report, out),
                Format::Json => write_json(report, out),
                Format::Csv | Format::Html => Ok(()), // written above
            }
        });
        written.map_err(unmade)
    }
}

fn head(record: &RunRecord, engine: &EngineRecord, run: &str, builds: usize) -> Head {
    let fact = |key: &str| engine.fact(key).unwrap_or("unknown");
    let imported = engine.isolation == "imported";
    let scratch = (engine.bases.is_empty() && !imported).then(|| "none (FROM scratch)".to_owned());
    let bases = engine.bases.iter().map(|base| match base.source {
        BaseSource::StandIn => format!("{} (stand-in, built here from distribution packages)", base.from),
        BaseSource::Local if base.from == base.to => format!("{} (local)", base.from),
        BaseSource::Registry if base.from == base.to => base.from.clone(),
        _ => format!("{} in place of {}", base.to, base.from),
    });
    let mut notes = Vec::new();
    if !engine.name.is_empty() {
        let names: Vec<&str> = record.strata.iter().map(|engine| engine.name.as_str()).collect();
        notes.push(format!(
            "This is engine {} of the run's {}. Each built blocks of its own while the others stood still; no figure mixes them.",
            engine.name,
            names.join(", ")
        ));
    }
    let machine = [
        ("storage_driver", "", " storage"),
        ("backing_filesystem", "", " file system"),
        ("image_store", "", " image store"),
        ("cpus", "", " cores"),
        ("processor", "", ""),
        ("kernel", "Linux ", ""),
    ];
    let known = machine.iter().filter_map(|(key, before, after)| Some(format!("{before}{}{after}", engine.fact(key)?)));
    let fingerprint = format!("{}.", known.collect::<Vec<_>>().join(", "));
    notes.extend(Some(fingerprint).filter(|text| text.len() > 1 && !imported));
    if record.options.get("chain").and_then(|chain| chain.as_str()) == Some("checkpoint") {
        notes.push(format!(
            "Each scenario started from a checkpoint of the engine after its approach's only cold build ({}).",
            fact("checkpoints")
        ));
    }
    if let Some(upstream) = record.engine.get("registry_cache").and_then(|value| value.as_str()) {
        notes.push(format!(
            "Base images came through a pull-through cache of {upstream}, filled before the first build: cold builds pulled from this machine."
        ));
    }
    notes.extend(record.notes.iter().cloned());
    Head {
        title: match engine.name.as_str() {
            "" => record.title.clone(),
            name => format!("{} on {name}", record.title),
        },
        run: run.to_owned(),
        bases: bases.chain(scratch).collect(),
        unfinished: match record.status {
            RunStatus::Finished => String::new(),
            RunStatus::Running => {
                format!("NOT ENDED: the run is still going on, or broke off; {builds} builds so far.")
            }
            RunStatus::Interrupted => format!("NOT WHOLE: the run was stopped before its end, after {builds} builds."),
        },
        engine: match fact("client") {
            _ if imported => "unknown (imported)".to_owned(),
            "unknown" | "layerbench" => format!("Docker Engine {} ({})", fact("engine"), engine.isolation),
            client => format!("Docker Engine {} ({}), built by {client}", fact("engine"), engine.isolation),
        },
        cold: if imported { "unknown".to_owned() } else { engine.cold.as_str().to_owned() },
        image_size: sizes::of_image(engine),
        notes,
    }
}

/// A claim of the study in terms of the table. Names that are none make no claim.
fn finding(record: &FindingRecord) -> Option<Finding> {
    let ids =
        |names: &[String]| -> Option<Vec<ApproachId>> { names.iter().map(|name| ApproachId::new(name).ok()).collect() };
    let (left, right) = (ids(&record.approaches)?, ids(&record.than)?);
    let scenario = record.scenario.as_ref().and_then(|name| ScenarioId::new(name).ok());
    let pairs = || left.iter().flat_map(|a| right.iter().map(move |b| (a.clone(), b.clone())));
    let other = match &record.than_scenario {
        Some(name) => Some(ScenarioId::new(name).ok()?),
        None => scenario.clone(),
    };
    let claim = match record.kind {
        FindingKind::Ratio => {
            let (scenario, other) = (scenario?, other?);
            let (low, high) = (record.at_least.unwrap_or(0.0), record.bound?);
            let itself = || left.iter().map(|a| (a.clone(), a.clone())).collect();
            let pairs: Vec<_> = if right.is_empty() { itself() } else { pairs().collect() };
            let cell = |approach, scenario: &ScenarioId| CellRef { approach, scenario: scenario.clone() };
            let claim = |(a, b)| Claim::Ratio { cell: cell(a, &scenario), base: cell(b, &other), low, high };
            Claim::All(pairs.into_iter().map(claim).collect())
        }
        FindingKind::SameSize => {
            let (first, second, within) = (scenario?, other?, record.bound.unwrap_or(0.0));
            let claim = |approach: &ApproachId| Claim::SameSize {
                approach: approach.clone(),
                first: first.clone(),
                second: second.clone(),
                within,
            };
            Claim::All(left.iter().map(claim).collect())
        }
        FindingKind::Smaller => Claim::Smaller { smaller: left.clone(), larger: right.clone() },
        FindingKind::Faster => {
            let scenario = scenario?;
            let cell = |approach| CellRef { approach, scenario: scenario.clone() };
            let at_most = 1.0 / record.bound.unwrap_or(1.0);
            Claim::All(pairs().map(|(a, b)| Claim::Faster { faster: cell(a), slower: cell(b), at_most }).collect())
        }
        FindingKind::UnchangedSize => {
            let within = record.bound.unwrap_or(0.0);
            Claim::All(pairs().map(|(first, second)| Claim::Alike { first, second, within }).collect())
        }
    };
    Some(Finding { id: record.id.clone(), text: record.claim.clone(), claim })
}
