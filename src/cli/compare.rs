//! `layerbench compare`.

use super::args::{CompareArgs, Form};
use super::out::{answer, style_for};
use crate::app::judge::compare::{self, Request};
use crate::app::{Ending, Failure, World};
use crate::model::EngineId;
use crate::report::{compared_json, each_json, each_text, write_compared_markdown, write_compared_text};

/// Carries out the command.
pub fn compare(world: World<'_>, args: &CompareArgs) -> Result<Ending, Failure> {
    let request = Request {
        base: args.base.clone(),
        new: args.new.clone(),
        approaches: args.approach.clone(),
        force: args.force,
    };
    let found = compare::compare(world, &request)?;
    let engines: Vec<&EngineId> = found.strata.iter().map(|stratum| &stratum.engine).collect();
    let style = style_for(args.out.as_deref());
    let of = |place: usize| (&found.strata[place].head, &found.strata[place].compared);
    let written = match args.format {
        Form::Text => each_text(engines.len(), |place, out| {
            let (head, compared) = of(place);
            write_compared_text(head, compared, style, out)
        }),
        Form::Markdown => each_text(engines.len(), |place, out| {
            let (head, compared) = of(place);
            write_compared_markdown(head, compared, out)
        }),
        Form::Json => each_json(&engines, |place| {
            let (head, compared) = of(place);
            Ok(compared_json(head, compared))
        }),
    };
    answer(args.out.as_deref(), &written.map_err(Failure::unmade)?)?;
    Ok(found.ending())
}
