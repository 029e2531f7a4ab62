//! Tables of a run folder: comma-separated, one line per row, first line with the columns' names.
//! Cells of text are made safe for spreadsheets; each row is whole or not there.
//! What the columns mean is known to `samples` and `steps`.

use super::columns::{Column, Layout};
use super::store_error::{StoreError, StoreWarning};
use crate::model::{ApproachId, BuildKey, Bytes, ScenarioId, Seconds};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::str::FromStr;

/// A text as it is stored: on one line, and never a formula for a spreadsheet.
/// Line breaks become `⏎` and other control characters `�`; [`Row::text`] takes the rest back.
pub(super) fn safe(text: &str) -> String {
    let one_line = text.replace("\r\n", "⏎").replace('\n', "⏎");
    let mut safe: String = one_line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if safe.starts_with(['=', '+', '-', '@', '\'']) {
        safe.insert(0, '\'');
    }
    safe
}

/// The lines of rows.
pub(super) fn lines(rows: &[Vec<String>]) -> Result<Vec<u8>, StoreError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let not_written = |found: String| StoreError::Value { found, expected: "rows of text" };
    for row in rows {
        writer.write_record(row).map_err(|error| not_written(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| not_written(error.to_string()))
}

/// The line with the columns' names.
pub(super) fn head(layout: &Layout) -> Result<Vec<u8>, StoreError> {
    lines(&[layout.head().to_vec()])
}

/// The cells that name a build.
pub(super) fn key_cells(key: &BuildKey) -> Vec<String> {
    vec![key.block.to_string(), key.position.to_string(), key.approach.to_string(), key.scenario.to_string()]
}

/// A finite number of seconds that is not negative, with six decimals.
pub(super) fn seconds(what: &str, value: f64) -> Result<String, StoreError> {
    match Seconds::new(value) {
        Some(value) => Ok(format!("{:.6}", value.get().abs())),
        None => Err(StoreError::Value {
            found: format!("{value} seconds for {what}"),
            expected: "a number of seconds, zero or more",
        }),
    }
}

/// What was found of a table that was read to its end.
pub(super) struct Found {
    /// Bytes up to the end of the last whole line.
    pub whole: u64,
    /// The last line was cut off.
    pub torn: Option<StoreWarning>,
    /// Where the file has the columns.
    pub layout: Layout,
}

/// Reads a table row by row, however long it is, up to the end of its last whole line.
pub(super) fn each(
    file: &Path,
    columns: &'static [Column],
    mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<Found, StoreError> {
    let mut opened = File::open(file).map_err(StoreError::io(file, "read"))?;
    let (whole, length) = whole(&mut opened).map_err(StoreError::io(file, "read"))?;
    let mut reader = csv::ReaderBuilder::new().buffer_capacity(BUFFER).from_reader(opened.take(whole));
    let layout = Layout::of(file, reader.headers().map_err(|error| unreadable(file, &error))?, columns)?;
    let mut cells = csv::StringRecord::new();
    while reader.read_record(&mut cells).map_err(|error| unreadable(file, &error))? {
        let (line, byte) = cells.position().map_or((0, 0), |p| (p.line(), p.byte()));
        take(&Row { file, line, byte, cells: &cells, layout: &layout, next: Cell::new(0) })?;
    }
    let line = reader.position().line();
    let torn = (whole < length).then(|| StoreWarning::TornLine { file: file.to_owned(), line });
    Ok(Found { whole, torn, layout })
}

/// Takes a row apart that is about to be stored, as whoever reads the file will find it.
pub(super) fn as_read<T>(
    file: &Path,
    layout: &Layout,
    row: &[String],
    take: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    take(&Row { file, line: 0, byte: 0, cells: &csv::StringRecord::from(row), layout, next: Cell::new(0) })
}

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 18;

/// Bytes up to the end of the last whole line, and all bytes. The file is then at its beginning.
fn whole(file: &mut File) -> io::Result<(u64, u64)> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut end = length;
    let mut part = Vec::new();
    let mut whole = 0;
    while end > 0 && whole == 0 {
        let start = end.saturating_sub(BUFFER as u64);
        file.seek(SeekFrom::Start(start))?;
        part.clear();
        Read::take(&mut *file, end - start).read_to_end(&mut part)?;
        whole = part.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| start + at as u64 + 1);
        end = start;
    }
    file.rewind()?;
    Ok((whole, length))
}

pub(super) fn unreadable(file: &Path, error: &csv::Error) -> StoreError {
    let line = error.position().map_or(1, csv::Position::line);
    let found = match error.kind() {
        csv::ErrorKind::UnequalLengths { len, .. } => format!("{len} cells"),
        csv::ErrorKind::Utf8 { .. } => "bytes that are not text".to_owned(),
        _ => error.to_string(),
    };
    StoreError::Row {
        file: file.to_owned(),
        line,
        found,
        expected: "as many cells of text as the first line has".to_owned(),
    }
}

/// One row, to be taken apart cell by cell.
pub(super) struct Row<'t> {
    pub file: &'t Path,
    pub line: u64,
    /// Where it starts in the file.
    pub byte: u64,
    cells: &'t csv::StringRecord,
    layout: &'t Layout,
    /// Column after the one that was asked for last: mostly the next one.
    next: Cell<usize>,
}

impl Row<'_> {
    /// The cell of a column, as it is stored.
    pub fn raw(&self, column: &str) -> &str {
        let number = self.layout.number(column, self.next.get());
        debug_assert!(number.is_some(), "{column} is no column");
        self.next.set(number.map_or(0, |number| number + 1));
        number.map_or("", |number| self.layout.numbered(number).of(self.cells))
    }

    /// All cells of the row, as they are stored, with other ones for these columns.
    pub fn with(&self, others: &[(&str, String)]) -> Vec<String> {
        let mut cells: Vec<String> = self.cells.iter().map(str::to_owned).collect();
        for (column, cell) in others {
            if let Some(there) = self.layout.place(column).and_then(|place| cells.get_mut(place)) {
                there.clone_from(cell);
            }
        }
        cells
    }

    /// A text as it was before it was stored, but for line breaks and control characters.
    pub fn text(&self, column: &str) -> String {
        let raw = self.raw(column);
        raw.strip_prefix('\'').unwrap_or(raw).to_owned()
    }

    /// An error about one cell.
    pub fn wrong(&self, column: &str, expected: impl Into<String>) -> StoreError {
        let found: String = self.raw(column).chars().take(80).collect();
        self.wrong_row(format!("{column} = {found:?}"), expected)
    }

    /// An error about the whole row.
    pub fn wrong_row(&self, found: impl Into<String>, expected: impl Into<String>) -> StoreError {
        StoreError::Row { file: self.file.to_owned(), line: self.line, found: found.into(), expected: expected.into() }
    }

    pub fn number<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        let number = self.raw(column).parse();
        number.map_err(|_| self.wrong(column, "a whole number, zero or more"))
    }

    pub fn bytes(&self, column: &str) -> Result<Bytes, StoreError> {
        self.number(column).map(Bytes)
    }

    pub fn seconds(&self, column: &str) -> Result<Seconds, StoreError> {
        let number = self.raw(column).parse().ok().and_then(Seconds::new);
        number.ok_or_else(|| self.wrong(column, "a number of seconds, zero or more"))
    }

    /// The build that the row is about.
    pub fn key(&self) -> Result<BuildKey, StoreError> {
        let name =
            |column| move |_: crate::model::IdError| self.wrong(column, "a name of letters, digits, '.', '_' and '-'");
        let key = BuildKey {
            block: self.number("block")?,
            position: self.number("position")?,
            approach: ApproachId::new(self.raw("approach")).map_err(name("approach"))?,
            scenario: ScenarioId::new(self.raw("scenario")).map_err(name("scenario"))?,
        };
        match (key.block, key.position) {
            (0, _) => Err(self.wrong("block", "a number from 1")),
            (_, 0) => Err(self.wrong("position", "a number from 1")),
            _ => Ok(key),
        }
    }
}
