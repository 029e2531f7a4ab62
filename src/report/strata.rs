//! What is said of each engine of a run, put together.

use crate::model::EngineId;
use serde_json::{Value, json};
use std::io;

/// Name and version of the JSON that holds what is said of each of several engines.
pub const STRATA_SCHEMA: &str = "layerbench.strata/1";

/// Writes what is said of each engine: of a single one as it is, of several one after the other, or one object with all
/// of them, so that nobody takes the figures of one for those of the run.
///
/// # Errors
/// When a writer fails.
pub fn each_engine(
    engines: &[Option<&EngineId>],
    json: bool,
    write: impl Fn(usize, &mut dyn io::Write) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let mut texts = Vec::new();
    for place in 0..engines.len() {
        let mut text = Vec::new();
        write(place, &mut text)?;
        texts.push(text);
    }
    if texts.len() == 1 || !json {
        return Ok(texts.join(&b"\n"[..]));
    }
    let strata = engines.iter().zip(&texts).map(|(engine, text)| {
        let report: Value = serde_json::from_slice(text)?;
        Ok(json!({"engine": engine.map(EngineId::as_str), "report": report}))
    });
    let strata = strata.collect::<io::Result<Vec<Value>>>()?;
    let mut all = serde_json::to_vec_pretty(&json!({"schema": STRATA_SCHEMA, "strata": strata}))?;
    all.push(b'\n');
    Ok(all)
}

/// Says of a JSON object which engine it is about, where there are several.
pub(super) fn on_engine(mut object: Value, engine: Option<&EngineId>) -> Value {
    if let (Some(engine), Some(members)) = (engine, object.as_object_mut()) {
        members.insert("engine".to_owned(), Value::from(engine.as_str()));
    }
    object
}
