//! The pictures of a run: drawn once, then written as files or set into a page.
//!
//! Steps are taken of the builds that are shown only: those nearest to the median of their cell.

use super::Stop;
use super::png::Painter;
use super::style::{replace, unmade};
use crate::analysis::explain::Build;
use crate::analysis::parts::parts;
use crate::analysis::published::Published;
use crate::analysis::table::Table;
use crate::chart::{self, Chart, Dress, Shown};
use crate::model::{BuildKey, Bytes, CacheState, EngineId, Sample, Status, Step};
use crate::report::{Figure, Figures};
use crate::store::{RunFolder, StoredImage, images};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

/// Most builds of a cell whose parts are averaged.
const MOST: usize = 10;

/// The pictures of a run.
pub struct Charts {
    /// Those that say something of all approaches.
    pub whole: Vec<Chart>,
    /// One for each approach.
    pub each: Vec<Chart>,
}

impl Charts {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Chart> {
        self.whole.iter().chain(&self.each)
    }
}

/// What pictures show beside the table: builds with their steps, and images.
pub struct Details {
    /// The builds nearest to the median of their cell, nearest first.
    builds: Vec<(Sample, Vec<Step>)>,
    images: Vec<StoredImage>,
}

impl Details {
    /// Reads them from a run's folder.
    pub fn read<'t>(folder: &Path, tables: impl Iterator<Item = (Option<EngineId>, &'t Table)>) -> Result<Self, Stop> {
        let mut nearest = Nearest::new(tables);
        RunFolder::skim(folder, |_, sample| nearest.add(&sample)).map_err(Stop::wrong)?;
        let chosen = nearest.chosen();
        let keys: HashSet<&BuildKey> = chosen.iter().map(|sample| &sample.key).collect();
        let mut steps = RunFolder::steps(folder, &keys).map_err(Stop::wrong)?;
        let builds = chosen.into_iter().map(|sample| {
            let rows = steps.remove(&sample.key).unwrap_or_default();
            (sample, rows)
        });
        let builds = builds.filter(|(_, rows)| !rows.is_empty()).collect();
        Ok(Self { builds, images: images(folder).map_err(Stop::wrong)? })
    }

    /// The builds of a cell that have steps, nearest to the median first.
    fn of(&self, engine: Option<&EngineId>, approach: &str, scenario: &str) -> Vec<Build<'_>> {
        let wanted = |sample: &Sample| {
            (sample.engine.as_ref(), sample.key.approach.as_str(), sample.key.scenario.as_str())
                == (engine, approach, scenario)
        };
        self.builds.iter().filter(|(sample, _)| wanted(sample)).map(|(sample, steps)| (sample, &steps[..])).collect()
    }
}

type CellKey = (Option<EngineId>, String, String);

/// The builds nearest to the median of each cell, a third of them, but not many.
struct Nearest {
    cells: HashMap<CellKey, Near>,
}

struct Near {
    median: f64,
    most: usize,
    builds: Vec<Sample>,
}

impl Nearest {
    fn new<'t>(tables: impl Iterator<Item = (Option<EngineId>, &'t Table)>) -> Self {
        let cells = tables.flat_map(|(engine, table)| {
            table.cells().filter_map(move |(row, scenario, cell)| {
                let near =
                    Near { median: cell.median()?.get(), most: cell.n().div_ceil(3).min(MOST), builds: Vec::new() };
                Some(((engine.clone(), row.approach.to_string(), scenario.id.to_string()), near))
            })
        });
        Self { cells: cells.collect() }
    }

    fn add(&mut self, sample: &Sample) {
        let key = (sample.engine.clone(), sample.key.approach.to_string(), sample.key.scenario.to_string());
        let Some(near) = self.cells.get_mut(&key).filter(|_| sample.status == Status::Ok) else {
            return;
        };
        let far = |sample: &Sample| (sample.seconds.get() - near.median).abs();
        let place = near.builds.partition_point(|other| far(other) <= far(sample));
        if place < near.most {
            near.builds.insert(place, sample.clone());
            near.builds.truncate(near.most);
        }
    }

    fn chosen(self) -> Vec<Sample> {
        self.cells.into_values().flat_map(|near| near.builds).collect()
    }
}

/// Draws all pictures of an engine for which there are figures. Where a run has several, their names tell them apart.
pub fn draw(
    engine: Option<&EngineId>,
    table: &Table,
    beside: Option<(&str, &Published)>,
    details: &Details,
) -> Result<Charts, Stop> {
    let mut charts = Charts { whole: vec![chart::samples(table, beside).map_err(unmade)?], each: Vec::new() };
    if details.builds.iter().any(|(sample, _)| sample.engine.as_ref() == engine) {
        charts.whole.push(seconds(engine, table, details)?);
        for row in &table.rows {
            charts.each.extend(steps(engine, table, row.approach.as_str(), details)?);
        }
    }
    let images = details.images.iter().filter(|image| image.engine.as_ref() == engine);
    let images: Vec<(String, Vec<Bytes>)> =
        images.map(|image| (image.approach.to_string(), image.layers.clone())).collect();
    if !images.is_empty() {
        charts.whole.push(chart::layers(&images, &of(table, &images)).map_err(unmade)?);
    }
    if let Some(engine) = engine {
        for chart in charts.whole.iter_mut().chain(&mut charts.each) {
            chart.name = format!("{engine}-{}", chart.name);
            chart.title = format!("{} on {engine}", chart.title);
        }
    }
    Ok(charts)
}

/// Which scenario the images are of, where that is not the one whose sizes stand in the table. They are looked at when
/// a chain ends, so that no build waits for it.
fn of(table: &Table, images: &[(String, Vec<Bytes>)]) -> String {
    let sum = |layers: &[Bytes]| layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.0));
    let same = |column: usize| {
        images.iter().all(|(name, layers)| {
            let row = table.rows.iter().find(|row| row.approach.as_str() == name);
            row.and_then(|row| row.cells[column].image).is_some_and(|image| image.0 == sum(layers))
        })
    };
    match (0..table.scenarios.len()).find(|column| same(*column)) {
        Some(column) if column > 0 => format!(" (image of: {})", title(&table.scenarios[column])),
        _ => String::new(),
    }
}

/// The title of a scenario, with what it stands under.
fn title(scenario: &crate::analysis::table::Scenario) -> String {
    match scenario.cache {
        CacheState::Cold => scenario.title.clone(),
        CacheState::Warm | CacheState::Changed => format!("Warm cache: {}", scenario.title),
    }
}

fn seconds(engine: Option<&EngineId>, table: &Table, details: &Details) -> Result<Chart, Stop> {
    let columns = table.scenarios.iter().map(|scenario| {
        let rows = table.rows.iter().map(|row| {
            let builds = details.of(engine, row.approach.as_str(), scenario.id.as_str());
            (row.approach.to_string(), parts(&builds))
        });
        (title(scenario), rows.collect())
    });
    let columns: Vec<_> = columns.collect();
    // Otherwise each cell shows its only build.
    let mean = table.cells().any(|(_, _, cell)| cell.n() > 3);
    chart::parts(&columns, if mean { ", mean of the builds nearest to the median" } else { "" }).map_err(unmade)
}

/// The picture of an approach; none without a build that has steps.
fn steps(engine: Option<&EngineId>, table: &Table, approach: &str, details: &Details) -> Result<Option<Chart>, Stop> {
    let builds = table.scenarios.iter().filter_map(|scenario| {
        let (sample, steps) = details.of(engine, approach, scenario.id.as_str()).into_iter().next()?;
        Some((title(scenario), sample, steps))
    });
    let builds: Vec<Shown<'_>> = builds.collect();
    if builds.is_empty() {
        return Ok(None);
    }
    chart::steps(approach, &builds).map(Some).map_err(unmade)
}

/// The pictures as parts of a page.
pub fn figures(charts: &Charts) -> Result<Figures, Stop> {
    let figure = |chart: &Chart| Ok(Figure { title: chart.title.clone(), svg: svg(chart, Dress::Inline)? });
    Ok(Figures {
        style: chart::style(),
        shown: charts.whole.iter().map(figure).collect::<Result<_, Stop>>()?,
        more: charts.each.iter().map(figure).collect::<Result<_, Stop>>()?,
    })
}

/// Writes each picture into a folder, as an SVG file that stands alone, and as PNG where that is wished.
pub fn write<'c>(charts: impl Iterator<Item = &'c Chart>, folder: &Path, png: bool) -> Result<(), Stop> {
    // Before anything is written: there may be none.
    let painter = png.then(Painter::new).transpose()?;
    fs::create_dir_all(folder).map_err(|e| Stop::failed(format!("making {}: {e}", folder.display())))?;
    for chart in charts {
        replace(&folder.join(format!("{}.svg", chart.name)), svg(chart, Dress::Alone)?.as_bytes())?;
        if let Some(painter) = &painter {
            replace(&folder.join(format!("{}.png", chart.name)), &painter.paint(chart)?)?;
        }
    }
    Ok(())
}

fn svg(chart: &Chart, dress: Dress) -> Result<String, Stop> {
    let mut text = Vec::new();
    chart.write_svg(dress, &mut text).map_err(unmade)?;
    String::from_utf8(text).map_err(unmade)
}
