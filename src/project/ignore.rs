//! `.dockerignore` with Docker's exact meaning, for single paths and for walks.
//!
//! Written here because no crate has it in a kept-up state: those for `.gitignore` differ in anchoring, order and
//! parents, and the ports of moby's matcher stop at an older version. Rules only: no file of a context is read.

mod go_path;
mod go_regex;
mod pattern;
#[cfg(test)]
mod tests;

pub use go_path::clean;
pub(in crate::project) use go_path::match_name;
pub use pattern::Reason;
use pattern::{Pattern, Subject};
use std::fmt;
use std::path::{Path, PathBuf};

/// A line that Docker refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternProblem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters of the line.
    pub column: usize,
    /// The line as written, trimmed.
    pub pattern: String,
    /// Docker's reason.
    pub reason: Reason,
}

impl fmt::Display for PatternProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.pattern.chars().take(80).collect();
        write!(
            f,
            "line {}, column {}: {} ({shown:?}); correct the pattern or remove the line",
            self.line, self.column, self.reason
        )
    }
}

impl std::error::Error for PatternProblem {}

/// What a walk keeps per folder: which patterns matched it, or one of its parents.
#[derive(Clone, Debug)]
pub struct ParentMatch(Vec<bool>);

/// Patterns in order, as Docker's matcher takes them: already split into lines, `!` for exceptions.
#[derive(Debug, Default)]
pub struct PatternList {
    patterns: Vec<Pattern>,
    exceptions: bool,
    plain_exceptions: bool,
    plain_matches: bool,
}

impl PatternList {
    /// Compiles patterns.
    ///
    /// # Errors
    /// The first pattern that Docker refuses: its index and the reason.
    pub fn new<P: AsRef<[u8]>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, (usize, Reason)> {
        let mut list = Vec::new();
        for (index, pattern) in patterns.into_iter().enumerate() {
            list.extend(Pattern::new(pattern.as_ref()).map_err(|reason| (index, reason))?);
        }
        Ok(Self::of(list))
    }

    fn of(patterns: Vec<Pattern>) -> Self {
        Self {
            exceptions: patterns.iter().any(|p| p.exception),
            plain_exceptions: patterns.iter().all(|p| !p.exception || p.is_plain()),
            plain_matches: patterns.iter().all(|p| p.exception || p.is_plain()),
            patterns,
        }
    }

    /// Whether there is no pattern at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a path (relative, `/` between names) matches, exceptions considered, as a walk from the root finds it.
    ///
    /// Docker has two functions for this, which differ where an exception names a folder that was not excluded
    /// (`a/b`, `!a`); the one that walks decides what is in a context.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        let mut parent: Option<ParentMatch> = None;
        for (at, _) in path.iter().enumerate().filter(|(_, b)| **b == b'/') {
            let folder = path.get(..at).unwrap_or_default();
            parent = Some(self.matches_folder(folder, parent.as_ref()).1);
        }
        self.matches_in(path, parent.as_ref())
    }

    /// The same for a path whose folder was asked about before; `None` at the top.
    #[must_use]
    pub fn matches_in(&self, path: &[u8], parent: Option<&ParentMatch>) -> bool {
        self.walk(path, parent, |_, _| ())
    }

    /// The same for a folder, with what the paths in it need.
    #[must_use]
    pub fn matches_folder(&self, path: &[u8], parent: Option<&ParentMatch>) -> (bool, ParentMatch) {
        let mut info = vec![false; self.patterns.len()];
        let matched = self.walk(path, parent, |index, hit| {
            if let Some(place) = info.get_mut(index) {
                *place = hit;
            }
        });
        (matched, ParentMatch(info))
    }

    fn walk(&self, path: &[u8], parent: Option<&ParentMatch>, mut note: impl FnMut(usize, bool)) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let subject = Subject::new(path);
        let mut matched = false;
        for (index, pattern) in self.patterns.iter().enumerate() {
            let mut hit = parent.is_some_and(|p| p.0.get(index) == Some(&true));
            if !hit {
                // A pattern that cannot change the outcome is not tried, and not noted for the paths below.
                if pattern.exception != matched {
                    continue;
                }
                hit = pattern.matches(&subject);
            }
            note(index, hit);
            if hit {
                matched = !pattern.exception;
            }
        }
        matched
    }

    /// For patterns that exclude: whether a path inside a folder that matched may still be an exception.
    #[must_use]
    pub fn may_except_below(&self, folder: &[u8]) -> bool {
        self.exceptions && (!self.plain_exceptions || self.reaches_below(folder, true))
    }

    /// For patterns that include: whether a path inside a folder that did not match may match.
    #[must_use]
    pub fn may_match_below(&self, folder: &[u8]) -> bool {
        !self.plain_matches || self.reaches_below(folder, false)
    }

    fn reaches_below(&self, folder: &[u8], exception: bool) -> bool {
        self.patterns.iter().filter(|p| p.exception == exception).any(|p| {
            // The folder is `plain`, or lies above it.
            p.without_trailing_glob().strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
    }
}

/// The rules of one ignore file.
#[derive(Debug, Default)]
pub struct IgnoreRules {
    list: PatternList,
}

/// The longest line that Docker reads.
const LINE_LIMIT: usize = 65_535;

impl IgnoreRules {
    /// Reads the content of an ignore file.
    ///
    /// # Errors
    /// Every line that Docker refuses, in order.
    pub fn parse(content: &[u8]) -> Result<Self, Vec<PatternProblem>> {
        let mut patterns = Vec::new();
        let mut problems = Vec::new();
        for (line, raw) in lines(content) {
            match entry(raw) {
                Ok(pattern) => patterns.extend(pattern),
                Err(reason) => problems.push(problem(line, raw, reason)),
            }
        }
        if problems.is_empty() { Ok(Self { list: PatternList::of(patterns) }) } else { Err(problems) }
    }

    /// Whether a path (relative to the context, `/` between names) is left out of the context.
    #[must_use]
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.list.matches(path)
    }

    /// Whether something inside an excluded folder may be in the context after all.
    #[must_use]
    pub fn may_reinclude_below(&self, folder: &[u8]) -> bool {
        self.list.may_except_below(folder)
    }

    /// The patterns, for a walk.
    #[must_use]
    pub fn patterns(&self) -> &PatternList {
        &self.list
    }
}

impl From<IgnoreRules> for PatternList {
    fn from(rules: IgnoreRules) -> Self {
        rules.list
    }
}

/// Lines with their numbers, without a byte order mark and without line ends.
fn lines(content: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    content.split(|b| *b == b'\n').enumerate().map(|(index, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (index + 1, line)
    })
}

/// What the docker client and BuildKit make of a line before they match it.
fn entry(raw: &[u8]) -> Result<Option<Pattern>, Reason> {
    if raw.len() > LINE_LIMIT {
        return Err(Reason::TooLong);
    }
    if raw.first() == Some(&b'#') {
        return Ok(None);
    }
    let mut pattern = go_path::trim(raw);
    if pattern.is_empty() {
        return Ok(None);
    }
    let inverted = pattern.first() == Some(&b'!');
    if inverted {
        pattern = go_path::trim(pattern.get(1..).unwrap_or_default());
    }
    let mut cleaned = Vec::new();
    if !pattern.is_empty() {
        cleaned = clean(pattern);
        if cleaned.len() > 1 && cleaned.first() == Some(&b'/') {
            cleaned.remove(0);
        }
    }
    if inverted {
        cleaned.insert(0, b'!');
    }
    Pattern::new(&cleaned)
}

/// Finds the column of what is wrong: cleaning may have moved it, so the line itself is asked first.
fn problem(line: usize, raw: &[u8], reason: Reason) -> PatternProblem {
    let trimmed = go_path::trim(raw);
    let mut start = trimmed.as_ptr().addr().saturating_sub(raw.as_ptr().addr());
    let mut body = trimmed;
    if reason == Reason::Syntax {
        if let Some(rest) = trimmed.strip_prefix(b"!") {
            body = go_path::trim(rest);
            start = body.as_ptr().addr().saturating_sub(raw.as_ptr().addr());
        }
        if let Err(at) = go_path::check_syntax(body) {
            start += at;
        }
    }
    let before = raw.get(..start).unwrap_or_default();
    let shown = trimmed.get(..200).unwrap_or(trimmed);
    PatternProblem {
        line,
        column: String::from_utf8_lossy(before).chars().count() + 1,
        pattern: String::from_utf8_lossy(shown).into_owned(),
        reason,
    }
}

/// The ignore file of a build, if there is one: `NAME.dockerignore` beside the Dockerfile, else `.dockerignore`
/// at the root of the context. The first is used even when it is empty.
#[must_use]
pub fn ignore_file(context: &Path, dockerfile: &Path) -> Option<PathBuf> {
    let mut own = dockerfile.as_os_str().to_owned();
    own.push(".dockerignore");
    [PathBuf::from(own), context.join(".dockerignore")].into_iter().find(|path| path.is_file())
}
