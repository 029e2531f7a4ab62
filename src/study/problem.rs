//! Problems of a study: where, what was found, what was expected, what to do.
//! They are collected while reading goes on, and shown together.
//! Nothing in here decides what a problem is.

use crate::text::{and_more, visible};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

/// Where something stands in the text of a study, in bytes.
pub(super) type Span = Range<usize>;

/// Problems shown one by one before the rest is only counted.
const SHOWN: usize = 100;

/// One problem of a study file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, both from 1, the column in characters. `None` when it is not about a place.
    pub place: Option<(usize, usize)>,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: String,
    /// What to do about it.
    pub remedy: String,
}

/// All problems of a study, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyErrors {
    file: String,
    problems: Vec<Problem>,
}

impl StudyErrors {
    /// The problems, in the order of their places.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// A study that could not be read at all.
    pub(super) fn whole(file: &str, found: &str, expected: &str, remedy: &str) -> Self {
        Self {
            file: file.to_owned(),
            problems: vec![Problem {
                place: None,
                found: found.to_owned(),
                expected: expected.to_owned(),
                remedy: remedy.to_owned(),
            }],
        }
    }
}

impl fmt::Display for StudyErrors {
    /// One paragraph per problem: `file:line:column: found …; expected …; what to do`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().take(SHOWN).enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{}", self.file)?;
            if let Some((line, column)) = problem.place {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": found {}; expected {}; {}", problem.found, problem.expected, problem.remedy)?;
        }
        if let Some(more) = and_more(self.problems.len().saturating_sub(SHOWN)) {
            write!(f, "\n\n… {more}")?;
        }
        Ok(())
    }
}

impl std::error::Error for StudyErrors {}

/// Collects the problems of one text.
pub(super) struct Problems<'t> {
    text: &'t str,
    starts: Vec<usize>,
    list: Vec<(usize, Problem)>,
    broken: BTreeSet<usize>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_newlines).collect(),
            list: Vec::new(),
            broken: BTreeSet::new(),
        }
    }

    fn place(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or("");
        (line, before.chars().count() + 1)
    }

    /// Adds a place where the text is no TOML. What a broken line seems to say is not judged.
    pub(super) fn add_syntax(&mut self, span: &Span, message: &str) {
        let (found, expected) = message
            .split_once(", expected ")
            .unwrap_or((message, if message == "duplicate key" { "each key once" } else { "TOML" }));
        self.push(span, format!("text that is not TOML ({found})"), expected, "correct this line");
        let line = self.place(span.start).0;
        self.broken.insert(line);
    }

    /// Adds a problem, unless it stands in a line that is not TOML anyway.
    pub(super) fn add(
        &mut self,
        span: &Span,
        found: impl Into<String>,
        expected: impl AsRef<str>,
        remedy: impl AsRef<str>,
    ) {
        if self.broken.is_empty() || !self.broken.contains(&self.place(span.start).0) {
            self.push(span, found.into(), expected.as_ref(), remedy.as_ref());
        }
    }

    fn push(&mut self, span: &Span, found: String, expected: &str, remedy: &str) {
        let problem = Problem {
            place: Some(self.place(span.start)),
            // Also what other programs and libraries say of the study: it must not steer a terminal.
            found: visible(&found),
            expected: expected.to_owned(),
            remedy: remedy.to_owned(),
        };
        self.list.push((span.start, problem));
    }

    /// Whether the text is TOML throughout, so that something missing is really missing.
    pub(super) fn well_formed(&self) -> bool {
        self.broken.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn into_errors(mut self, file: &str) -> StudyErrors {
        self.list.sort_by_key(|(offset, _)| *offset);
        StudyErrors { file: file.to_owned(), problems: self.list.into_iter().map(|(_, problem)| problem).collect() }
    }
}

/// A text as it can be shown: in quotes, control characters escaped, cut after 80 characters.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().nth(80).is_some() {
        let start: String = text.chars().take(80).collect();
        format!("{:?}…", start)
    } else {
        format!("{text:?}")
    }
}

/// A list as it can be shown: the first twenty, and how many more there are.
pub(super) fn listed<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items.by_ref().take(20).map(|i| i.to_string()).collect();
    match and_more(items.count()) {
        _ if shown.is_empty() => "none".to_owned(),
        None => shown.join(", "),
        Some(more) => format!("{} {more}", shown.join(", ")),
    }
}

/// The candidate that a mistyped word most likely meant, by the edits it takes to get there.
/// Looks at the first thousand candidates only, so that huge studies are refused fast.
pub(super) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .take(1000)
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 2 * allowed)
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into another.
fn edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().take(120).collect();
    let to: Vec<char> = to.chars().take(120).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let above = &rows[i - 1];
            let replaced = above[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "a = 1\nß = 2\r\nlast";
        let problems = Problems::new(text);
        assert_eq!(problems.place(0), (1, 1));
        assert_eq!(problems.place(6), (2, 1));
        assert_eq!(problems.place(9), (2, 3), "a sharp s is one character");
        assert_eq!(problems.place(text.len()), (3, 5));
        assert_eq!(problems.place(text.len() + 9), (3, 5));
    }

    #[test]
    fn typing_mistakes_are_recognised() {
        let keys = ["id", "after", "overlay", "dockerfile"];
        assert_eq!(nearest("overlya", keys), Some("overlay"));
        assert_eq!(nearest("Dockerfile", keys), Some("dockerfile"));
        assert_eq!(nearest("dokerfiles", keys), Some("dockerfile"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("ab", "ba"), 1);
    }

    #[test]
    fn what_is_shown_cannot_reach_the_terminal_raw() {
        assert_eq!(quoted("a\u{1b}[2J"), "\"a\\u{1b}[2J\"");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), 83);
        assert_eq!(
            listed(1..=22).as_str(),
            "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 and 2 more"
        );
    }
}
