//! `layerbench gate`.

use super::args::{Form, GateArgs};
use super::out::{answer, style_for};
use crate::app::judge::gate::{self, Request};
use crate::app::measure::confirm;
use crate::app::prepare::request::Origin;
use crate::app::{Ending, Failure, World};
use crate::report::{write_gated_json, write_gated_markdown, write_gated_text};

/// Carries out the command.
pub fn gate(world: World<'_>, args: &GateArgs) -> Result<Ending, Failure> {
    let found = gate::gate(world, &request(args))?;
    let mut text = Vec::new();
    let written = match args.format {
        Form::Text => write_gated_text(&found.gated, style_for(args.out.as_deref()), &mut text),
        Form::Markdown => write_gated_markdown(&found.gated, &mut text),
        Form::Json => write_gated_json(&found.gated, &mut text),
    };
    written.map_err(Failure::unmade)?;
    answer(args.out.as_deref(), &text)?;
    Ok(found.ending)
}

fn request(args: &GateArgs) -> Request {
    let confirm = confirm::ConfirmRequest {
        reps: args.reps,
        study: args.study.clone(),
        baseline_study: args.baseline_study.clone(),
        origin: Origin { allow_run: args.allow_run, allow_outside: args.allow_outside, uncommitted: None },
        engines: (&args.engines).into(),
        no_wait: args.no_wait,
        out: args.confirm_out.clone(),
    };
    Request {
        run: args.run.clone(),
        history: args.history.clone(),
        rule: args.rule.into(),
        baseline: args.baseline.clone(),
        force: args.force,
        confirm: args.confirm.then_some(confirm),
    }
}
