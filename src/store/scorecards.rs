//! `audit.json`: the scorecards of a run's images.

use super::schema::AUDIT;
use super::store_error::StoreError;
use super::writing;
use crate::model::{CRITERIA, RunAudit, SCORECARD_SCHEMA, Scorecard};
use std::fs;
use std::io;
use std::path::Path;

/// Reads the scorecards of a run; `None` where it kept none.
///
/// # Errors
/// When the file cannot be read, or is not as this version writes it.
pub fn scorecards(run: &Path) -> Result<Option<Vec<Scorecard>>, StoreError> {
    let file = run.join(AUDIT);
    let wrong = |found: String| StoreError::Scorecards { file: file.clone(), found };
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let audit: RunAudit = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    // Titles are shown as they are: they must be ours.
    let mut criteria = audit.images.iter().flat_map(|card| &card.criteria);
    let title = |number: u8| CRITERIA.get(usize::from(number).wrapping_sub(1)).copied();
    if let Some(strange) = criteria.find(|one| title(one.number) != Some(one.title.as_str())) {
        return Err(wrong(format!("the criterion {} {:?}", strange.number, strange.title)));
    }
    if audit.schema == SCORECARD_SCHEMA {
        Ok(Some(audit.images))
    } else {
        Err(wrong(format!("the schema {:?}", audit.schema)))
    }
}

/// Writes the scorecards of a run, as a whole or not at all.
///
/// # Errors
/// When they cannot be written.
pub fn write_scorecards(run: &Path, cards: &[Scorecard]) -> Result<(), StoreError> {
    let text = RunAudit::new(cards.to_vec()).to_json();
    let text = text.map_err(|error| StoreError::Value { found: error.to_string(), expected: "figures of an image" })?;
    writing::put(&run.join(AUDIT), &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Criterion, CriterionVerdict};

    fn card() -> Scorecard {
        let mut size = Criterion::unknown(1, "").judged(CriterionVerdict::Open, "120MB in 2 files");
        size.figure("file_bytes", 120_000_000);
        Scorecard {
            schema: SCORECARD_SCHEMA.to_owned(),
            image: "an image".to_owned(),
            id: "sha256:1".to_owned(),
            approach: Some("one".to_owned()),
            engine: None,
            base: "unknown".to_owned(),
            criteria: vec![size],
            demands: Vec::new(),
        }
    }

    #[test]
    fn scorecards_come_back_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(scorecards(folder.path()).unwrap(), None);
        write_scorecards(folder.path(), &[card()]).unwrap();
        assert_eq!(scorecards(folder.path()).unwrap(), Some(vec![card()]));
        let file = folder.path().join(AUDIT);
        let whole = fs::read_to_string(&file).unwrap();
        for (from, to, found) in [
            ("\"Lightweight\"", "\"\\u001b[2J\"", "the criterion 1 \"\\u{1b}[2J\""),
            ("\"number\": 1", "\"number\": 0", "the criterion 0 \"Lightweight\""),
            ("{\n  \"schema\": \"layerbench.audit/1\"", "{\n  \"schema\": \"other\"", "the schema \"other\""),
            ("\"images\"", "\"pictures\"", "unknown field `pictures`"),
        ] {
            assert!(whole.contains(from), "{whole}");
            fs::write(&file, whole.replacen(from, to, 1)).unwrap();
            let said = scorecards(folder.path()).unwrap_err().to_string();
            assert!(said.starts_with(&format!("{}: found {found}", file.display())), "{said}");
            assert!(
                said.ends_with(
                    "expected scorecards of the schema \"layerbench.audit/1\"; restore the file from a copy"
                )
            );
        }
    }
}
