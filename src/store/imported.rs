//! Figures measured elsewhere: a semicolon-separated table with one line per approach and repetition.
//! Reads what is there under the names that are there; what they mean is decided by the caller.

use super::store_error::StoreError;
use crate::model::Seconds;
use std::fs;
use std::path::Path;

/// The largest file that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// A table of durations.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Names of the columns after the first, as the file has them.
    pub scenarios: Vec<String>,
    /// The lines, in the file's order.
    pub rows: Vec<ImportedRow>,
}

/// One line: an approach and a duration for each column.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedRow {
    /// Place in the file, from 1.
    pub line: u64,
    /// Name of the approach, as the file has it.
    pub approach: String,
    /// Seconds by column; `None` where the cell is empty.
    pub seconds: Vec<Option<Seconds>>,
}

/// Reads such a table.
///
/// # Errors
/// When the file cannot be read, or a line is not as the first one promises; each names its line.
pub fn import(file: &Path) -> Result<Imported, StoreError> {
    let size = fs::metadata(file).map_err(StoreError::io(file, "read"))?.len();
    let wrong = |line: u64, found: String, expected: &str| StoreError::Row {
        file: file.to_owned(),
        line,
        found,
        expected: expected.to_owned(),
    };
    if size > LIMIT {
        return Err(wrong(1, format!("a file of {size} bytes"), "a table of at most 64 MiB"));
    }
    let bytes = fs::read(file).map_err(StoreError::io(file, "read"))?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    // The reader of CSV counts lines that end in two characters one too low.
    let text: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\r').collect();
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').has_headers(false).flexible(true).from_reader(&text[..]);
    let mut table: Option<Imported> = None;
    for record in reader.records() {
        let place = |at: Option<&csv::Position>| at.map_or(1, csv::Position::line);
        let record =
            record.map_err(|e| wrong(place(e.position()), "bytes that are no text".to_owned(), "text in UTF-8"))?;
        let line = place(record.position());
        let mut cells = record.iter().map(str::trim);
        let first = cells.next().unwrap_or_default();
        let Some(table) = &mut table else {
            let scenarios: Vec<String> = cells.map(str::to_owned).collect();
            if scenarios.is_empty() || scenarios.iter().any(String::is_empty) {
                let found = format!("{:?}", record.iter().collect::<Vec<_>>().join(";"));
                return Err(wrong(line, found, "names of columns, separated by semicolons: scenario;cold;warm"));
            }
            table = Some(Imported { scenarios, rows: Vec::new() });
            continue;
        };
        if record.len() != table.scenarios.len() + 1 {
            let expected = format!("{} as in the first line", table.scenarios.len() + 1);
            return Err(wrong(line, format!("{} cells", record.len()), &expected));
        }
        let seconds = cells.map(|cell| match cell {
            "" => Ok(None),
            cell => cell.parse().ok().and_then(Seconds::new).map(Some).ok_or_else(|| {
                let found: String = cell.chars().take(80).collect();
                wrong(line, format!("{found:?}"), "a number of seconds, zero or more, such as 20.61")
            }),
        });
        let seconds = seconds.collect::<Result<_, _>>()?;
        table.rows.push(ImportedRow { line, approach: first.to_owned(), seconds });
    }
    match table {
        Some(table) if !table.rows.is_empty() => Ok(table),
        _ => Err(wrong(1, "no line with figures".to_owned(), "a first line with names, then one line per repetition")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Imported, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("raw.csv");
        fs::write(&file, text).unwrap();
        import(&file).map_err(|e| e.to_string().replace(&*dir.path().to_string_lossy(), "DIR"))
    }

    #[test]
    fn a_table_is_read_as_it_stands() {
        let got = read("\u{feff}scenario;cold;warm\r\n03-multistage;20.5; 0.4\r\n03-multistage;;0.5\r\n").unwrap();
        assert_eq!(got.scenarios, ["cold", "warm"]);
        assert_eq!(got.rows[0].seconds, [Seconds::new(20.5), Seconds::new(0.4)]);
        assert_eq!((got.rows[1].line, got.rows[1].seconds[0]), (3, None));
    }

    #[test]
    fn bad_figures_are_named_with_their_line() {
        for (text, found) in [
            ("scenario;cold\na;-1\n", "line 2: found \"-1\""),
            ("scenario;cold\na;NaN\n", "line 2: found \"NaN\""),
            ("scenario;cold\na;inf\n", "line 2: found \"inf\""),
            ("scenario;cold\na;1,5\n", "line 2: found \"1,5\""),
            ("scenario;cold\na;1\na;1;2\n", "line 3: found 3 cells; expected 2"),
            ("scenario,cold\na,1\n", "line 1: found \"scenario,cold\""),
            ("scenario;cold\n", "no line with figures"),
            ("", "no line with figures"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(found), "{error}");
        }
    }
}
