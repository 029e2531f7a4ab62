//! What is said of each engine of a run, put together.

use crate::model::EngineId;
use serde_json::{Value, json};
use std::io;

/// Name and version of the JSON that holds what is said of each of several engines.
pub const STRATA_SCHEMA: &str = "layerbench.strata/1";

/// What is said of each of a number of engines, in words: one after the other, with a line between them.
///
/// # Errors
/// When a writer fails.
pub fn each_text(engines: usize, write: impl Fn(usize, &mut dyn io::Write) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let texts = (0..engines).map(|place| {
        let mut text = Vec::new();
        write(place, &mut text).map(|()| text)
    });
    Ok(texts.collect::<io::Result<Vec<Vec<u8>>>>()?.join(&b"\n"[..]))
}

/// What is said of each engine, in JSON: of a single one as it is, of several in one object, so that nobody takes the
/// figures of one for those of the run.
///
/// # Errors
/// When a value cannot be made.
pub fn each_json(engines: &[&EngineId], value: impl Fn(usize) -> io::Result<Value>) -> io::Result<Vec<u8>> {
    let all = match engines {
        [_] => value(0)?,
        several => {
            let strata = several
                .iter()
                .enumerate()
                .map(|(place, engine)| Ok(json!({"engine": engine.shown(), "report": value(place)?})));
            json!({"schema": STRATA_SCHEMA, "strata": strata.collect::<io::Result<Vec<Value>>>()?})
        }
    };
    let mut text = Vec::new();
    write_value(&all, &mut text)?;
    Ok(text)
}

/// Indented JSON and a newline.
pub(super) fn write_value(value: &Value, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// Says of a JSON object which engine it is about, where there are several.
pub(super) fn on_engine(mut object: Value, engine: &EngineId) -> Value {
    if let (Some(engine), Some(members)) = (engine.shown(), object.as_object_mut()) {
        members.insert("engine".to_owned(), Value::from(engine));
    }
    object
}
