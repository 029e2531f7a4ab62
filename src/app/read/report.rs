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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Ending;
    use crate::app::fake_world::FakeWorld;
    use std::fs;

    fn request(run: PathBuf, form: Form) -> Request {
        Request { run, form, style: TextStyle::default(), charts: None, png: false }
    }

    #[test]
    fn a_run_is_reported_on_in_every_form_with_its_pictures_where_they_are_wanted() {
        let world = FakeWorld::new();
        let path = world.whole(&world.request()).path;
        for (form, words) in [
            (Form::Text, "quick"),
            (Form::Markdown, "| quick"),
            (Form::Csv, "quick,warm,2,"),
            (Form::Json, "\"id\": \"quick\""),
            (Form::Html, "<svg"),
        ] {
            let text = String::from_utf8(report(world.world(), &request(path.clone(), form)).unwrap()).unwrap();
            assert!(text.contains(words), "{form:?}:\n{text}");
        }
        assert_eq!(
            world.witness.said().lines().last().unwrap(),
            format!("results: {}", path.display()),
            "nothing more"
        );
        let charts = world.at("charts");
        let wanted = Request { charts: Some(charts.clone()), ..request(path.clone(), Form::Text) };
        report(world.world(), &wanted).unwrap();
        assert_eq!(fs::read(charts.join("samples.svg")).unwrap(), fs::read(path.join("charts/samples.svg")).unwrap());
        // The newest run has a name of its own.
        let newest = report(world.world(), &request(world.at("results/latest"), Form::Csv)).unwrap();
        assert_eq!(newest, fs::read(path.join("summary.csv")).unwrap());
    }

    #[test]
    fn what_a_crash_cut_off_is_told_and_what_is_no_run_is_refused() {
        let world = FakeWorld::new();
        let path = world.whole(&world.request()).path;
        let samples = fs::read_to_string(path.join("samples.csv")).unwrap();
        fs::write(path.join("samples.csv"), &samples[..samples.len() - 20]).unwrap();
        report(world.world(), &request(path.clone(), Form::Csv)).unwrap();
        let said = world.witness.said();
        assert!(said.lines().last().unwrap().starts_with("layerbench: ") && said.contains("samples.csv"), "{said}");
        fs::write(path.join("run.json"), "{}").unwrap();
        for folder in [path, world.at("nothing")] {
            assert_eq!(report(world.world(), &request(folder, Form::Text)).unwrap_err().ending, Ending::Wrong);
        }
    }
}
