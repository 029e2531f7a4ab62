//! `layerbench history`, and `history accept`.

use super::args::{HistoryArgs, HistoryCall, ShortForm};
use super::out::{answer, say, style_for};
use crate::app::judge::history::{self, Acceptance, Request};
use crate::app::{Ending, Failure};
use crate::report::{write_history_json, write_history_text};

/// Carries out the command.
pub fn history(args: &HistoryArgs) -> Result<Ending, Failure> {
    if let Some(HistoryCall::Accept(call)) = &args.call {
        let (dir, run) = (args.dir.clone(), call.run.clone());
        let kept = history::accept(&Acceptance { dir, run, cells: call.cell.clone(), reason: call.reason.clone() })?;
        say(&format!("kept in {}", kept.display()));
        return Ok(Ending::Fine);
    }
    let found = history::history(&Request {
        dir: args.dir.clone(),
        since: args.since.clone(),
        force: args.force,
        charts: args.charts.clone(),
        png: args.png,
    })?;
    let mut text = Vec::new();
    let written = match args.format {
        ShortForm::Text => write_history_text(&found, style_for(args.out.as_deref()), &mut text),
        ShortForm::Json => write_history_json(&found, &mut text),
    };
    written.map_err(Failure::unmade)?;
    answer(args.out.as_deref(), &text)?;
    Ok(Ending::Fine)
}
