//! Why one cell takes longer than another: a ranked list that adds up, for a terminal and for other programs.

use super::strata::write_value;
use super::text_style::TextStyle;
use super::words;
use crate::analysis::explain::{Both, Explained, Share};
use crate::model::{Bytes, StepKind};
use crate::text::{cut, pad, visible, width};
use serde_json::json;
use std::io::{self, Write};

/// Name and version of the JSON's shape.
const SCHEMA: &str = "layerbench.explain/1";
/// Characters of a step's name that are always shown.
const NAME: usize = 40;

fn what(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Work => "step",
        StepKind::Base => "base image",
        StepKind::Internal => "transfer",
        StepKind::Export => "export",
        StepKind::Wait => "wait",
        StepKind::Other => "other",
    }
}

/// Writes an explanation for a terminal. `names` are the two cells in words.
///
/// # Errors
/// When the writer fails.
pub fn write_explained_text(
    names: (&str, &str),
    explained: &Explained,
    style: TextStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let medians = explained.medians;
    writeln!(out, "base  {}: {} s (n = {})", visible(names.0), words::seconds(medians.base), explained.n.0)?;
    writeln!(out, "new   {}: {} s (n = {})", visible(names.1), words::seconds(medians.new), explained.n.1)?;
    writeln!(
        out,
        "{:>+10.3} s  difference of the medians, made of (base → new, seconds on the critical path):",
        explained.difference()
    )?;
    let times = |share: &Share| format!("{:.3} → {:.3}", share.base, share.new);
    let wide = explained.shares.iter().map(|share| width(&times(share))).max().unwrap_or(0);
    let room = style.width.saturating_sub(13 + wide + 2 + 10 + 2).max(NAME);
    for share in &explained.shares {
        let (kind, name) = (pad(what(share.kind), 10), visible(&cut(&share.name, room.saturating_sub(1))));
        writeln!(out, "{:>+10.3} s  {}  {kind}  {name}", share.difference(), pad(&times(share), wide))?;
    }
    if explained.small.0 > 0 {
        writeln!(
            out,
            "{:>+10.3} s  {} parts that differ by less than a millisecond",
            explained.small.1, explained.small.0
        )?;
    }
    writeln!(
        out,
        "{:>+10.3} s  remainder: the {} and {} builds nearest to the medians, which were taken apart, are not the medians",
        explained.remainder, explained.taken.0, explained.taken.1
    )?;
    let bytes = |both: Both| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // means of byte counts
        let one = |value: f64| Bytes(value.round() as u64);
        format!("{} → {}", one(both.base), one(both.new))
    };
    writeln!(
        out,
        "Base images downloaded: {}. Files sent: {}. Steps executed: {:.1} → {:.1}.",
        bytes(explained.pulled),
        bytes(explained.sent),
        explained.executed.base,
        explained.executed.new
    )
}

/// Writes an explanation as one JSON object.
///
/// # Errors
/// When the writer fails.
pub fn write_explained_json(names: (&str, &str), explained: &Explained, out: &mut dyn Write) -> io::Result<()> {
    let both = |both: Both| json!({"base": both.base, "new": both.new});
    let shares = explained.shares.iter().map(|share| {
        json!({"name": share.name, "kind": share.kind.as_str(), "base_s": share.base, "new_s": share.new,
               "difference_s": share.difference()})
    });
    let value = json!({
        "schema": SCHEMA,
        "base": names.0,
        "new": names.1,
        "median_s": both(explained.medians),
        "difference_s": explained.difference(),
        "n": {"base": explained.n.0, "new": explained.n.1},
        "taken_apart": {"base": explained.taken.0, "new": explained.taken.1},
        "shares": shares.collect::<Vec<_>>(),
        "small": {"parts": explained.small.0, "difference_s": explained.small.1},
        "remainder_s": explained.remainder,
        "pulled_bytes": both(explained.pulled),
        "sent_bytes": both(explained.sent),
        "steps_executed": both(explained.executed),
    });
    write_value(&value, out)
}
