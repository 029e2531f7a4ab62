//! Which of two approaches is faster, scenario by scenario: the answer for whoever compares two Dockerfiles.
//! Nothing is judged in here: verdicts come with the figures.

use super::text_style::TextStyle;
use super::words::{ratio_percent, seconds};
use crate::analysis::change::Verdict;
use crate::analysis::compare::{CellChange, Compared};
use crate::model::{ApproachId, EngineId, Seconds};
use crate::text::{pad, visible, width, wrap};
use std::io::{self, Write};

/// Writes a line for each scenario: the faster one's name, both medians, the shift and its interval.
///
/// # Errors
/// When the writer fails.
pub fn write_faster(
    (base, new): (&ApproachId, &ApproachId),
    engine: &EngineId,
    compared: &Compared,
    style: TextStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let place = engine.on();
    let head = format!("Which is faster{place}? Medians of {base} → {new}, the shift and its 95 % interval:");
    writeln!(out)?;
    for line in wrap(&visible(&head), style.width, 2) {
        writeln!(out, "{}", line.trim_end())?;
    }
    let rows: Vec<[String; 4]> = compared.cells.iter().map(|cell| row(base, new, cell)).collect();
    let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let widths = [widest(0), widest(1), widest(2)];
    for [scenario, verdict, medians, shift] in &rows {
        let line = format!(
            "  {}  {}  {}  {shift}",
            pad(scenario, widths[0]),
            pad(verdict, widths[1]),
            pad(medians, widths[2])
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    if compared.cells.iter().any(|cell| cell.change.verdict == Verdict::NotEnoughData) {
        writeln!(out, "With more --reps the undecided ones may be told apart.")?;
    }
    Ok(())
}

fn row(base: &ApproachId, new: &ApproachId, cell: &CellChange) -> [String; 4] {
    let verdict = match cell.change.verdict {
        Verdict::Improvement => format!("{new} is faster"),
        Verdict::Regression => format!("{base} is faster"),
        Verdict::NoChange => "no difference".to_owned(),
        Verdict::NotEnoughData if cell.change.could_fire => "not enough data (too much noise)".to_owned(),
        Verdict::NotEnoughData => "not enough data (too few samples)".to_owned(),
    };
    let median = |value: Option<Seconds>| value.map_or("–".to_owned(), |value| format!("{} s", seconds(value.get())));
    let shift = cell.change.shift.map_or(String::new(), |shift| {
        let (low, high) = shift.ratio_interval();
        let interval = format!(" ({} … {})", ratio_percent(low), ratio_percent(high));
        format!("{}{}", ratio_percent(shift.ratio()), if shift.reached { &interval } else { "" })
    });
    [
        visible(cell.scenario.as_str()),
        visible(&verdict),
        format!("{} → {} (n = {}, {})", median(cell.base), median(cell.new), cell.n.0, cell.n.1),
        shift,
    ]
}
