//! The pictures of a run: drawn once, then written as files or set into a page.

use super::Stop;
use super::style::replace;
use crate::analysis::published::Published;
use crate::analysis::table::Table;
use crate::chart::{self, Chart, Dress};
use crate::model::EngineId;
use crate::report::{Figure, Figures};
use std::fs;
use std::path::Path;

/// The pictures of a run.
pub struct Charts {
    /// Those that say something of all approaches.
    pub whole: Vec<Chart>,
    /// One for each approach.
    pub each: Vec<Chart>,
}

/// Draws all pictures of an engine for which there are figures. Where a run has several, their names tell them apart.
pub fn draw(engine: Option<&EngineId>, table: &Table, beside: Option<(&str, &Published)>) -> Result<Charts, Stop> {
    let whole = vec![chart::samples(table, beside)];
    let whole = whole.into_iter().collect::<Result<_, _>>().map_err(broken)?;
    let mut charts = Charts { whole, each: Vec::new() };
    if let Some(engine) = engine {
        for chart in charts.whole.iter_mut().chain(&mut charts.each) {
            chart.name = format!("{engine}-{}", chart.name);
            chart.title = format!("{} on {engine}", chart.title);
        }
    }
    Ok(charts)
}

fn broken(error: chart::ChartError) -> Stop {
    Stop::failed(format!("drawing: {error}"))
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

/// Writes each picture into a folder, as an SVG file that stands alone.
pub fn write(engines: &[Charts], folder: &Path) -> Result<(), Stop> {
    fs::create_dir_all(folder).map_err(|e| Stop::failed(format!("making {}: {e}", folder.display())))?;
    for chart in engines.iter().flat_map(|charts| charts.whole.iter().chain(&charts.each)) {
        replace(&folder.join(format!("{}.svg", chart.name)), svg(chart, Dress::Alone)?.as_bytes())?;
    }
    Ok(())
}

fn svg(chart: &Chart, dress: Dress) -> Result<String, Stop> {
    let mut text = Vec::new();
    chart.write_svg(dress, &mut text).map_err(|e| Stop::failed(format!("writing a picture: {e}")))?;
    String::from_utf8(text).map_err(|e| Stop::failed(format!("writing a picture: {e}")))
}
