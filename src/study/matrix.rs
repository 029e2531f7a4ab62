//! An approach whose build arguments have several values each: one row for every combination, named after it.
//! The order is that of the study, the last argument changing fastest.

use super::fields::At;
use super::problem::{Problems, quoted};
use super::raw::RawApproach;
use crate::model::ApproachId;

/// More rows than this are a slip of the keyboard.
const MOST_ROWS: usize = 200;

/// An argument with its values.
pub(super) type Varied = At<(String, Vec<String>)>;

/// The rows of an approach.
pub(super) fn rows(approach: RawApproach, varied: &[Varied], problems: &mut Problems<'_>) -> Vec<RawApproach> {
    let count = varied.iter().fold(1_usize, |rows, at| rows.saturating_mul(at.value.1.len()));
    if let (Some(first), true) = (varied.first(), count > MOST_ROWS) {
        let found = format!("{count} combinations of build arguments");
        problems.add(&first.span, found, format!("at most {MOST_ROWS}"), "give fewer values");
        return vec![approach];
    }
    let mut rows = vec![approach];
    for Varied { value: (key, values), span } in varied {
        rows = rows
            .iter()
            .flat_map(|row| values.iter().map(move |value| (row.clone(), value)))
            .map(|(mut row, value)| {
                let id = row.id.as_ref().map(|id| format!("{}-{key}-{}", id.value, plain(value)));
                row.id = id.and_then(|name| match ApproachId::new(&name) {
                    Ok(id) => Some(At { value: id, span: span.clone() }),
                    Err(_) => {
                        let found = format!("the name {}", quoted(&name));
                        problems.add(span, found, "at most 100 characters", "shorten the id or the value");
                        None
                    }
                });
                row.title = row.title.map(|title| format!("{title}, {key} {value}"));
                row.settings.args.push((key.clone(), value.clone()));
                row
            })
            .collect();
    }
    rows
}

/// A value as a part of a name.
fn plain(value: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    value.chars().map(|c| if fits(c) { c } else { '-' }).collect()
}
