//! `layerbench doctor`.

use super::args::{DoctorArgs, DoctorFormat};
use super::out::write_out;
use crate::app::inspect::doctor::{self, Answer, Request};
use crate::app::{Ending, Failure, World};
use crate::text::plain;
use serde_json::json;

/// Carries out the command.
pub fn doctor(world: World<'_>, args: &DoctorArgs) -> Result<Ending, Failure> {
    let request = Request {
        study: args.study.clone(),
        only: args.only.iter().map(|topic| (*topic).into()).collect(),
        engines: (&args.engines).into(),
        allow_outside: args.allow_outside,
        bases: args.base.clone(),
    };
    let found = doctor::doctor(world, &request)?;
    let text = match args.format {
        DoctorFormat::Text => text(&found),
        DoctorFormat::Json => json(&found)?,
    };
    write_out(text.as_bytes())?;
    Ok(found.ending())
}

fn text(found: &Answer) -> String {
    let mut all = String::new();
    for line in &found.lines {
        let text = plain(line.text.trim_end()).replace('\n', "\n      ");
        all += &format!("{:5} {}: {text}\n", line.level.word(), line.topic);
        if !line.remedy.is_empty() {
            all += &format!("      {}\n", plain(&line.remedy));
        }
    }
    all
}

fn json(found: &Answer) -> Result<String, Failure> {
    let lines: Vec<_> = found
        .lines
        .iter()
        .map(|line| json!({"topic": line.topic, "level": line.level.word(), "text": line.text, "remedy": line.remedy}))
        .collect();
    let document = json!({"schema": "layerbench.doctor/1", "lines": lines});
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(Failure::failed)
}
