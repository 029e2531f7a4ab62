//! `layerbench audit`.

use super::args::{AuditArgs, AuditFormat};
use super::out::{answer, style_for};
use crate::app::inspect::audit::{self, Request};
use crate::app::{Ending, Failure, World};
use crate::model::{RunAudit, Scorecard};
use crate::report::{write_scorecards_markdown, write_scorecards_sarif, write_scorecards_text};

/// Carries out the command.
pub fn audit(world: World<'_>, args: &AuditArgs) -> Result<Ending, Failure> {
    let found = audit::audit(world, &request(args))?;
    let shown: Vec<&Scorecard> = found.cards.iter().collect();
    let mut text = Vec::new();
    let written = match args.format {
        AuditFormat::Text => write_scorecards_text(&shown, style_for(args.out.as_deref()), &mut text),
        AuditFormat::Markdown => write_scorecards_markdown(&shown, &mut text),
        AuditFormat::Sarif => write_scorecards_sarif(&shown, &mut text),
        AuditFormat::Json => {
            RunAudit::new(found.cards.clone()).to_json().map(|json| text.extend(json)).map_err(Into::into)
        }
    };
    written.map_err(Failure::unmade)?;
    answer(args.out.as_deref(), &text)?;
    let missed = found.missed();
    if missed.is_empty() {
        return Ok(Ending::Fine);
    }
    Err(Failure { ending: Ending::Regression, text: missed.join("\n") })
}

fn request(args: &AuditArgs) -> Request {
    Request {
        image: args.image.clone(),
        engine: args.engine.clone(),
        max_bytes: args.max_bytes.clone(),
        no_root: args.no_root,
        writable_paths: args.writable_paths,
        study: args.study.clone(),
        lock: args.lock.clone(),
        run_limit: args.run_limit,
    }
}
