//! The table laid out for a terminal: as in the article if it fits (with the published figures in it
//! or below it), else a block per column, else a line per figure.
//!
//! Lays out; what is in a cell is decided in `words`.

use super::content::Report;
use super::words;
use crate::analysis::marks::Mark;
use crate::text::{cut, pad, visible, width, wrap};

/// Names longer than this are shortened in the article's layout.
const LONGEST_NAME: usize = 40;

/// One figure, ours or published.
struct Entry {
    mark: Option<Mark>,
    ours: String,
    published: Option<String>,
    ratio: Option<String>,
}

/// A column of the table.
struct Column {
    group: Option<&'static str>,
    title: String,
    entries: Vec<Entry>,
}

/// The table's contents as text.
pub(super) struct Grid {
    names: Vec<String>,
    columns: Vec<Column>,
    published: Option<String>,
    color: bool,
}

impl Grid {
    pub(super) fn new(report: &Report<'_>, color: bool) -> Self {
        let table = report.table;
        let mut columns: Vec<Column> = (0..table.scenarios.len()).map(|place| time_column(report, place)).collect();
        if table.rows.iter().any(|row| row.image.is_some()) {
            columns.push(image_column(report));
        }
        let names = table.rows.iter().map(|row| visible(row.approach.as_str()));
        Self { names: names.collect(), columns, published: report.beside.as_ref().map(|b| visible(&b.name)), color }
    }

    /// The lines of the table, none wider than `columns` if that can be.
    pub(super) fn lines(&self, columns: usize) -> Vec<String> {
        let fitting = |rows: Rows| {
            let gaps = [2, 1].map(|gap| Wide { grid: self, rows, gap });
            gaps.into_iter().find(|wide| wide.width() <= columns)
        };
        let both = Wide { grid: self, rows: Rows::Both, gap: 2 };
        if both.width() <= columns {
            return both.lines();
        }
        let Some(ours) = fitting(Rows::Ours) else {
            return self.stacked(columns);
        };
        let mut lines = ours.lines();
        if let Some(name) = &self.published {
            lines.extend([String::new(), format!("Beside {name}:"), String::new()]);
            lines.extend(match fitting(Rows::Published) {
                Some(theirs) => theirs.lines(),
                None => self.stacked(columns),
            });
        }
        lines
    }

    /// A block per column if that fits, else a line per figure.
    fn stacked(&self, columns: usize) -> Vec<String> {
        let blocks = self.blocks();
        if blocks.iter().all(|(_, wide)| *wide <= columns) {
            return blocks.into_iter().map(|(line, _)| line).collect();
        }
        self.narrow(columns)
    }

    /// One block per column, with its lines' widths.
    fn blocks(&self) -> Vec<(String, usize)> {
        let mut lines = Vec::new();
        let names = self.names.iter().map(|name| width(name));
        let name_width = names.max().unwrap_or(0);
        for column in &self.columns {
            let widest = |text: &dyn Fn(&Entry) -> usize| column.entries.iter().map(text).max();
            let ours = widest(&|e| width(&e.ours) + 2).unwrap_or(0);
            let theirs = widest(&|e| e.published.as_deref().map_or(0, width)).unwrap_or(0);
            if !lines.is_empty() {
                lines.push((String::new(), 0));
            }
            let mut title = column.full_title();
            if theirs > 0 {
                let before = 2 + name_width + 2 + ours + 2;
                title = format!("{}{}", pad(&format!("{title} "), before), self.published_name());
            }
            lines.push((title.clone(), width(&title)));
            for (name, entry) in self.names.iter().zip(&column.entries) {
                let mut line = format!("  {}  {}", pad(name, name_width), self.paint(entry, ours));
                let mut wide = 2 + name_width + 2 + ours;
                if let (Some(published), Some(ratio)) = (&entry.published, &entry.ratio) {
                    let beside = format!("{}  × {ratio}", pad(published, theirs));
                    wide += 2 + width(&beside);
                    line += &format!("  {}", self.dim(&beside));
                }
                lines.push((line.trim_end().to_owned(), wide));
            }
        }
        lines
    }

    /// One line per figure, under the name of its approach.
    fn narrow(&self, columns: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for column in &self.columns {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(wrap(&column.full_title(), columns, 2));
            for (name, entry) in self.names.iter().zip(&column.entries) {
                let name = wrap(name, columns.saturating_sub(1).max(8), 0);
                lines.extend(name.into_iter().map(|part| format!(" {part}")));
                lines.push(format!("  {}", self.paint(entry, 0)).trim_end().to_owned());
                if let Some(published) = &entry.published {
                    let text = format!("{} {published}", self.published_name());
                    let text = wrap(&text, columns.saturating_sub(4), 2);
                    lines.extend(text.iter().map(|part| self.dim(&format!("    {part}"))));
                }
            }
        }
        lines
    }

    fn published_name(&self) -> &str {
        self.published.as_deref().unwrap_or("")
    }

    /// Our figure with its sign, padded, and in its colour.
    fn paint(&self, entry: &Entry, columns: usize) -> String {
        let text = pad(&format!("{} {}", pad(words::sign(entry.mark), 1), entry.ours), columns);
        match entry.mark {
            Some(Mark::Best) if self.color => format!("\u{1b}[32m{text}\u{1b}[0m"),
            Some(Mark::Worst) if self.color => format!("\u{1b}[31m{text}\u{1b}[0m"),
            _ => text,
        }
    }

    fn dim(&self, text: &str) -> String {
        match self.color {
            true => format!("\u{1b}[2m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

impl Column {
    fn full_title(&self) -> String {
        match self.group {
            Some(group) => format!("{group}: {}", self.title),
            None => self.title.clone(),
        }
    }
}

/// Which figures stand in the article's layout.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    Ours,
    Published,
    Both,
}

/// The article's layout: everything side by side, under two header rows.
struct Wide<'g> {
    grid: &'g Grid,
    rows: Rows,
    /// Spaces between columns.
    gap: usize,
}

impl Wide<'_> {
    fn width(&self) -> usize {
        let columns = (0..self.grid.columns.len()).map(|c| self.gap + self.column(c));
        self.name_width() + columns.sum::<usize>()
    }

    fn name_width(&self) -> usize {
        let names = self.grid.names.iter().map(|name| width(&cut(name, LONGEST_NAME)));
        let published = (self.rows == Rows::Both).then(|| width(self.grid.published_name()) + 2);
        names.chain(published).chain(["Approach".len()]).max().unwrap_or(0)
    }

    /// Places that a column needs: its figures, the longest word of its title, and its group where
    /// no other column shares it.
    fn column(&self, place: usize) -> usize {
        let column = &self.grid.columns[place];
        let ours = column.entries.iter().map(|e| width(&e.ours) + 2);
        let ours = ours.filter(|_| self.rows != Rows::Published);
        let theirs = column.entries.iter().flat_map(|e| &e.published);
        let theirs = theirs.filter(|_| self.rows != Rows::Ours).map(|text| width(text) + 2);
        let words = column.title.split(' ').map(|word| width(word).min(LONGEST_NAME));
        let shared = [place.wrapping_sub(1), place + 1].iter().any(|&next| {
            let next = self.grid.columns.get(next);
            next.is_some_and(|next| next.group == column.group)
        });
        let group = column.group.filter(|_| !shared).map(width);
        ours.chain(theirs).chain(words).chain(group).max().unwrap_or(0)
    }

    fn lines(&self) -> Vec<String> {
        let name_width = self.name_width();
        let gap = " ".repeat(self.gap);
        let mut lines = self.header(name_width);
        lines.push("─".repeat(self.width()));
        for (row, name) in self.grid.names.iter().enumerate() {
            let name = pad(&cut(name, LONGEST_NAME), name_width);
            let mut ours = name.clone();
            let mut theirs = match self.rows {
                Rows::Both => pad(&format!("  {}", self.grid.published_name()), name_width),
                Rows::Ours | Rows::Published => name,
            };
            let mut any = false;
            for (place, column) in self.grid.columns.iter().enumerate() {
                let entry = &column.entries[row];
                let space = self.column(place);
                ours += &format!("{gap}{}", self.grid.paint(entry, space));
                let published = entry.published.as_deref().unwrap_or("");
                any |= !published.is_empty();
                theirs += &format!("{gap}{}", pad(&format!("  {published}"), space));
            }
            if self.rows != Rows::Published {
                lines.push(ours.trim_end().to_owned());
            }
            if self.rows == Rows::Published || (self.rows == Rows::Both && any) {
                lines.push(self.grid.dim(theirs.trim_end()));
            }
        }
        lines
    }

    /// The groups in one row, and below them the titles, broken into as many lines as they need.
    fn header(&self, name_width: usize) -> Vec<String> {
        let gap = " ".repeat(self.gap);
        let mut groups = pad("Approach", name_width);
        let mut columns = self.grid.columns.iter().enumerate().peekable();
        while let Some((place, column)) = columns.next() {
            let mut space = self.column(place);
            let same = |c: &(usize, &Column)| c.1.group.is_some() && c.1.group == column.group;
            while let Some((next, _)) = columns.next_if(same) {
                space += self.gap + self.column(next);
            }
            let text = column.group.map_or(String::new(), |group| {
                let rest = space.saturating_sub(width(group) + 1);
                format!("{group} {}", "─".repeat(rest))
            });
            groups += &format!("{gap}{}", pad(text.trim_end(), space));
        }
        let columns = self.grid.columns.iter().enumerate();
        let titles: Vec<Vec<String>> =
            columns.map(|(place, column)| wrap(&column.title, self.column(place), 0)).collect();
        let tallest = titles.iter().map(Vec::len).max().unwrap_or(0);
        let mut lines = vec![groups.trim_end().to_owned()];
        for part in 0..tallest {
            let mut line = " ".repeat(name_width);
            for (place, title) in titles.iter().enumerate() {
                let text = title.get(part).map_or("", String::as_str);
                line += &format!("{gap}{}", pad(text, self.column(place)));
            }
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

fn time_column(report: &Report<'_>, place: usize) -> Column {
    let scenario = &report.table.scenarios[place];
    let usual = report.table.usual_n();
    let entries = report.table.rows.iter().map(|row| {
        let cell = &row.cells[place];
        let remarks = words::remarks(cell, usual);
        let theirs = report.beside.as_ref();
        let theirs = theirs.and_then(|b| b.published.cell(&row.approach, &scenario.id));
        let ratio = theirs.and_then(|t| Some((cell.median()?.get(), t.median.get())));
        Entry {
            mark: cell.mark,
            ours: format!("{} {remarks}", words::figures(cell)).trim_end().to_owned(),
            published: theirs.map(words::published),
            ratio: theirs.map(|_| match ratio {
                Some((ours, theirs)) if theirs > 0.0 => words::ratio(ours / theirs),
                _ => "–".to_owned(),
            }),
        }
    });
    Column { group: scenario.group(), title: visible(&scenario.title), entries: entries.collect() }
}

fn image_column(report: &Report<'_>) -> Column {
    let entries = report.table.rows.iter().map(|row| {
        let beside = report.beside.as_ref();
        let theirs = beside.and_then(|b| b.published.image(&row.approach));
        let images = beside.map(|b| b.comparison.images.iter());
        let ratio = images.into_iter().flatten().find(|image| image.published.approach == row.approach);
        Entry {
            mark: row.image_mark,
            ours: row.image.map_or("–".to_owned(), |bytes| bytes.to_string()),
            published: theirs.map(|bytes| bytes.to_string()),
            ratio: theirs.map(|_| ratio.map_or("–".to_owned(), |r| words::ratio(r.ratio))),
        }
    });
    Column { group: None, title: "Image size".to_owned(), entries: entries.collect() }
}
