//! A report of a run, and its pictures.

use super::drawings::{self, Charts};
use super::painter::Painter;
use super::render::Form;
use super::run::Run;
use crate::app::{Failure, World};
use crate::report::TextStyle;
use std::path::PathBuf;

/// What is asked for.
pub struct Request {
    /// Folder of the run.
    pub run: PathBuf,
    /// The form of the report.
    pub form: Form,
    /// How text is laid out.
    pub style: TextStyle,
    /// A folder that gets the pictures.
    pub charts: Option<PathBuf>,
    /// Whether the pictures are painted as well.
    pub png: bool,
}

/// Reports on a run. Pictures are written, the report is the answer.
///
/// # Errors
/// When the run cannot be read, or a picture cannot be made or written.
pub fn report(world: World<'_>, request: &Request) -> Result<Vec<u8>, Failure> {
    let run = Run::open(&request.run)?;
    for warning in &run.warnings {
        world.say(format!("layerbench: {warning}"));
    }
    let page = request.form == Form::Html;
    let charts = if page || request.charts.is_some() { run.charts()? } else { Vec::new() };
    if let Some(folder) = &request.charts {
        let painter = request.png.then(Painter::new).transpose()?;
        drawings::write(charts.iter().flat_map(Charts::all), folder, painter.as_ref())?;
    }
    if page { run.page(&charts) } else { run.render(request.form, request.style) }
}
