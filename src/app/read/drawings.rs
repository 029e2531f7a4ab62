//! The pictures of a run: drawn once, then written as files or set into a page.
//!
//! Steps are taken of the builds that are shown only: those nearest to the median of their cell.

use super::painter::Painter;
use super::pool::Nearest;
use crate::analysis::explain::Build;
use crate::analysis::parts::parts;
use crate::analysis::published::Published;
use crate::analysis::table::Table;
use crate::app::{Failure, put};
use crate::chart::{self, Chart, Dress, Shown};
use crate::model::{BuildKey, Bytes, EngineId, Image, Sample, Step};
use crate::report::{Picture, Pictures};
use crate::store::{RunFolder, images};
use std::collections::HashSet;
use std::fs;
use std::path::Path;

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
#[derive(Clone, Default)]
pub struct Details {
    /// The builds nearest to the median of their cell, nearest first.
    pub builds: Vec<(Sample, Vec<Step>)>,
    /// The images of the approaches.
    pub images: Vec<Image>,
}

impl Details {
    /// Reads them from a run's folder.
    ///
    /// # Errors
    /// When one of its files is damaged.
    pub fn read<'t>(folder: &Path, tables: impl Iterator<Item = (EngineId, &'t Table)>) -> Result<Self, Failure> {
        let mut nearest = Nearest::new(tables);
        RunFolder::skim(folder, |_, sample| nearest.add(&sample, ())).map_err(Failure::wrong)?;
        let chosen: Vec<Sample> = nearest.chosen().into_iter().map(|(sample, ())| sample).collect();
        let keys: HashSet<&BuildKey> = chosen.iter().map(|sample| &sample.key).collect();
        let mut steps = RunFolder::steps(folder, &keys).map_err(Failure::wrong)?;
        let builds = chosen.into_iter().map(|sample| {
            let rows = steps.remove(&sample.key).unwrap_or_default();
            (sample, rows)
        });
        let builds = builds.filter(|(_, rows)| !rows.is_empty()).collect();
        Ok(Self { builds, images: images(folder).map_err(Failure::wrong)? })
    }

    /// The builds of a cell that have steps, nearest to the median first.
    fn of(&self, engine: &EngineId, approach: &str, scenario: &str) -> Vec<Build<'_>> {
        let wanted = |sample: &Sample| {
            (&sample.engine, sample.key.approach.as_str(), sample.key.scenario.as_str()) == (engine, approach, scenario)
        };
        self.builds.iter().filter(|(sample, _)| wanted(sample)).map(|(sample, steps)| (sample, &steps[..])).collect()
    }
}

/// Draws all pictures of an engine for which there are figures. Where a run has several, their names tell them apart.
pub fn draw(
    engine: &EngineId,
    table: &Table,
    beside: Option<(&str, &Published)>,
    details: &Details,
) -> Result<Charts, Failure> {
    let mut charts = Charts { whole: vec![chart::samples(table, beside).map_err(Failure::unmade)?], each: Vec::new() };
    if details.builds.iter().any(|(sample, _)| sample.engine == *engine) {
        charts.whole.push(seconds(engine, table, details)?);
        for row in &table.rows {
            charts.each.extend(steps(engine, table, row.approach.as_str(), details)?);
        }
    }
    let images = details.images.iter().filter(|image| image.engine == *engine);
    let images: Vec<(String, Vec<Bytes>)> =
        images.map(|image| (image.approach.to_string(), image.layers.clone())).collect();
    if !images.is_empty() {
        charts.whole.push(chart::layers(&images, &of(table, &images)).map_err(Failure::unmade)?);
    }
    if let Some(engine) = engine.shown() {
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
        Some(column) if column > 0 => format!(" (image of: {})", table.scenarios[column].whole_title()),
        _ => String::new(),
    }
}

fn seconds(engine: &EngineId, table: &Table, details: &Details) -> Result<Chart, Failure> {
    let columns = table.scenarios.iter().map(|scenario| {
        let rows = table.rows.iter().map(|row| {
            let builds = details.of(engine, row.approach.as_str(), scenario.id.as_str());
            (row.approach.to_string(), parts(&builds))
        });
        (scenario.whole_title(), rows.collect())
    });
    let columns: Vec<_> = columns.collect();
    // Otherwise each cell shows its only build.
    let mean = table.cells().any(|(_, _, cell)| cell.n() > 3);
    chart::parts(&columns, if mean { ", mean of the builds nearest to the median" } else { "" })
        .map_err(Failure::unmade)
}

/// The picture of an approach; none without a build that has steps.
fn steps(engine: &EngineId, table: &Table, approach: &str, details: &Details) -> Result<Option<Chart>, Failure> {
    let builds = table.scenarios.iter().filter_map(|scenario| {
        let (sample, steps) = details.of(engine, approach, scenario.id.as_str()).into_iter().next()?;
        Some((scenario.whole_title(), sample, steps))
    });
    let builds: Vec<Shown<'_>> = builds.collect();
    if builds.is_empty() {
        return Ok(None);
    }
    chart::steps(approach, &builds).map(Some).map_err(Failure::unmade)
}

/// The pictures as parts of a page.
pub fn figures(charts: &Charts) -> Result<Pictures, Failure> {
    let figure = |chart: &Chart| Ok(Picture { title: chart.title.clone(), svg: svg(chart, Dress::Inline)? });
    Ok(Pictures {
        style: chart::style(),
        shown: charts.whole.iter().map(figure).collect::<Result<_, Failure>>()?,
        more: charts.each.iter().map(figure).collect::<Result<_, Failure>>()?,
    })
}

/// Writes each picture into a folder, as an SVG file that stands alone, and as PNG where there is a painter.
///
/// # Errors
/// When one cannot be made or written.
pub fn write<'c>(
    charts: impl Iterator<Item = &'c Chart>,
    folder: &Path,
    painter: Option<&Painter>,
) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| Failure::failed(format!("making {}: {e}", folder.display())))?;
    for chart in charts {
        put(&folder.join(format!("{}.svg", chart.name)), &alone(chart)?)?;
        if let Some(painter) = painter {
            put(&folder.join(format!("{}.png", chart.name)), &painter.paint(chart)?)?;
        }
    }
    Ok(())
}

/// A picture as a file that stands alone.
///
/// # Errors
/// When it cannot be made.
pub fn alone(chart: &Chart) -> Result<Vec<u8>, Failure> {
    svg(chart, Dress::Alone).map(String::into_bytes)
}

fn svg(chart: &Chart, dress: Dress) -> Result<String, Failure> {
    let mut text = Vec::new();
    chart.write_svg(dress, &mut text).map_err(Failure::unmade)?;
    String::from_utf8(text).map_err(Failure::unmade)
}
