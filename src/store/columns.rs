//! Which columns a table has, and where a file has them: found by their names, once for each file.
//!
//! A file of another version is read: columns that are not known here are passed over, in whatever order they stand, and
//! one that was added later has a value that stands for it where a file lacks it.

use super::store_error::StoreError;
use std::path::Path;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its name in the first line.
    pub name: &'static str,
    /// What its cells hold in a file that was written before it was added; `None` for one that was always there, without
    /// which a file is refused.
    pub before: Option<&'static str>,
}

/// A column that was always there.
pub(super) const fn always(name: &'static str) -> Column {
    Column { name, before: None }
}

/// A column as it is found in one file, for whoever asks for the same few in each row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    place: Option<usize>,
    before: &'static str,
}

impl Field {
    /// Its cell in a row of that file.
    pub fn of<'r>(&self, row: &'r csv::StringRecord) -> &'r str {
        self.place.and_then(|place| row.get(place)).unwrap_or(self.before)
    }
}

/// Where a file has the columns of a table.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The columns of the table, in the order in which this version writes them.
    columns: &'static [Column],
    /// For each of them, its place in the file, if the file has it.
    places: Vec<Option<usize>>,
    /// The file's first line.
    head: Vec<String>,
}

impl Layout {
    /// The one that this version writes.
    pub fn own(columns: &'static [Column]) -> Self {
        let head = columns.iter().map(|column| column.name.to_owned()).collect();
        Self { columns, places: (0..columns.len()).map(Some).collect(), head }
    }

    /// The one of a file with this first line.
    pub fn of(file: &Path, head: &csv::StringRecord, columns: &'static [Column]) -> Result<Self, StoreError> {
        let place = |column: &Column| {
            let mut places = head.iter().enumerate().filter(|(_, name)| *name == column.name).map(|(place, _)| place);
            match (places.next(), places.next()) {
                (None, _) if column.before.is_some() => Ok(None),
                (Some(place), None) => Ok(Some(place)),
                // Not there, or there twice, so that nobody knows which is meant.
                _ => Err(StoreError::Columns {
                    file: file.to_owned(),
                    found: head.iter().collect::<Vec<_>>().join(","),
                    expected: columns.iter().map(|column| column.name).collect::<Vec<_>>().join(","),
                }),
            }
        };
        let places = columns.iter().map(place).collect::<Result<_, _>>()?;
        Ok(Self { columns, places, head: head.iter().map(str::to_owned).collect() })
    }

    /// The file's first line.
    pub fn head(&self) -> &[String] {
        &self.head
    }

    /// Which of the table's columns has this name; looked for from `start` on, and then from the first.
    pub fn number(&self, name: &str, start: usize) -> Option<usize> {
        let (before, after) = self.columns.split_at(start.min(self.columns.len()));
        match after.iter().position(|column| column.name == name) {
            Some(at) => Some(before.len() + at),
            None => before.iter().position(|column| column.name == name),
        }
    }

    /// The table's column with this number.
    pub fn numbered(&self, number: usize) -> Field {
        let before = self.columns.get(number).and_then(|column| column.before).unwrap_or("");
        Field { place: self.places.get(number).copied().flatten(), before }
    }

    /// The table's column with this name.
    pub fn field(&self, name: &str) -> Field {
        let number = self.number(name, 0);
        debug_assert!(number.is_some(), "{name} is no column");
        self.numbered(number.unwrap_or(usize::MAX))
    }

    /// Where the file has a column of the table.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.field(name).place
    }

    /// A row of the file from one that has the table's columns in the order of this version. What the file has beside
    /// them stays empty, and what it lacks is left out.
    pub fn arranged(&self, cells: Vec<String>) -> Vec<String> {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column, in the same order");
        let mut row = vec![String::new(); self.head.len()];
        for (place, cell) in self.places.iter().zip(cells) {
            if let Some(there) = place.and_then(|place| row.get_mut(place)) {
                *there = cell;
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[always("a"), always("b"), Column { name: "late", before: Some("none") }];

    fn layout(head: &[&str]) -> Result<Layout, StoreError> {
        Layout::of(Path::new("table.csv"), &csv::StringRecord::from(head.to_vec()), COLUMNS)
    }

    #[test]
    fn columns_are_found_wherever_they_stand() {
        for (head, row, cells) in [
            (&["a", "b", "late"][..], &["1", "2", "3"][..], ["1", "2", "3"]),
            (&["late", "b", "a"], &["3", "2", "1"], ["1", "2", "3"]),
            (&["b", "other", "a"], &["2", "x", "1"], ["1", "2", "none"]),
        ] {
            let (layout, row) = (layout(head).unwrap(), csv::StringRecord::from(row.to_vec()));
            assert_eq!([0, 1, 2].map(|number| layout.numbered(number).of(&row)), cells, "{head:?}");
            let own = ["1", "2", "3"].map(str::to_owned).to_vec();
            let without_others: Vec<&str> = row.iter().map(|cell| if cell == "x" { "" } else { cell }).collect();
            assert_eq!(layout.arranged(own), without_others, "{head:?}");
        }
        assert_eq!(
            (layout(&["b", "a"]).unwrap().place("a"), layout(&["b", "a"]).unwrap().place("late")),
            (Some(1), None)
        );
        assert_eq!([0, 2, 9].map(|start| Layout::own(COLUMNS).number("b", start)), [Some(1); 3]);
    }

    #[test]
    fn a_column_that_is_missing_or_there_twice_is_refused() {
        for (head, found) in
            [(&["a"][..], "a"), (&["a", "b", "a"], "a,b,a"), (&["a", "b", "late", "late"], "a,b,late,late")]
        {
            let said = layout(head).unwrap_err().to_string();
            let wanted = format!("\"table.csv\", line 1: found the columns {found}; expected a,b,late; ");
            assert!(said.starts_with(&wanted), "{said}");
        }
    }
}
