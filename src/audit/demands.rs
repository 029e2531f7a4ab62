//! Demands that a study or a caller makes of an image, held against its scorecard.

use crate::model::{Demanded, Scorecard};
pub use crate::study::Demands;
use serde_json::Value;

/// Holds a scorecard against demands. What cannot be found out is not met.
#[must_use]
pub fn check(card: &Scorecard, demands: &Demands) -> Vec<Demanded> {
    let mut all = Vec::new();
    if demands.root == Some(false) {
        let uid = card.number(3, "uid");
        let user = card.criterion(3).and_then(|c| c.figures.get("user")).and_then(Value::as_str).unwrap_or_default();
        all.push(Demanded {
            demand: "root = false".to_owned(),
            criterion: 3,
            met: uid.map(|uid| uid != 0),
            found: match uid {
                Some(0) => "it is run as root".to_owned(),
                Some(uid) => format!("it is run as uid {uid}"),
                None => format!("its user {user:?} is not in its passwd"),
            },
        });
    }
    let limits = [
        ("max_bytes", 1, "file_bytes", demands.max_bytes),
        ("writable_paths", 5, "writable_paths", demands.writable_paths),
    ];
    for (name, criterion, figure, most) in limits {
        let Some(most) = most else { continue };
        let found = card.number(criterion, figure);
        all.push(Demanded {
            demand: format!("{name} = {most}"),
            criterion,
            met: found.map(|found| found <= most),
            found: found.map_or("unknown".to_owned(), |found| found.to_string()),
        });
    }
    all
}
