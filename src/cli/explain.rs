//! `layerbench explain`.

use super::args::{ExplainArgs, ShortForm};
use super::out::{answer, style_for};
use crate::app::judge::explain::{self, Request};
use crate::app::{Ending, Failure, World};
use crate::report::{write_explained_json, write_explained_text};

/// Carries out the command.
pub fn explain(world: World<'_>, args: &ExplainArgs) -> Result<Ending, Failure> {
    let request = Request {
        run: args.run.clone(),
        first: args.first.clone(),
        second: args.second.clone(),
        against: args.against.clone(),
    };
    let found = explain::explain(world, &request)?;
    let names = (found.names.0.as_str(), found.names.1.as_str());
    let mut text = Vec::new();
    let written = match args.format {
        ShortForm::Text => write_explained_text(names, &found.explained, style_for(args.out.as_deref()), &mut text),
        ShortForm::Json => write_explained_json(names, &found.explained, &mut text),
    };
    written.map_err(Failure::unmade)?;
    answer(args.out.as_deref(), &text)?;
    Ok(Ending::Fine)
}
