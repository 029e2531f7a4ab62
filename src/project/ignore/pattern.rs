//! One pattern, compiled the way Docker compiles it: compared as text where it can be, else as an expression.
//!
//! The forms and their oddities are those of `moby/patternmatcher`. Lists and files are not known here.

use super::go_path::{check_syntax, clean, trim};
use super::go_regex::{subject, translate};
use regex::{Regex, RegexBuilder};

/// Why Docker refuses a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `!` with nothing behind it.
    LoneException,
    /// Not a pattern: an open bracket, a bad range, a backslash at the end.
    Syntax,
    /// A line longer than Docker reads.
    TooLong,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LoneException => "illegal exclusion pattern: \"!\"",
            Self::Syntax => "syntax error in pattern",
            Self::TooLong => "line longer than 65,535 bytes",
        })
    }
}

#[derive(Debug)]
enum Form {
    /// The path itself.
    Exact,
    /// The path starts with this.
    Prefix(Vec<u8>),
    /// The path ends with this, or is this without its leading slash.
    Suffix(Vec<u8>),
    Expression(Box<Regex>),
}

/// A pattern, ready to be matched.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Cleaned, without `!`.
    pub text: Vec<u8>,
    /// Written with `!`.
    pub exception: bool,
    form: Form,
}

/// A path, and the same as text for expressions.
pub(super) struct Subject<'a> {
    bytes: &'a [u8],
    text: std::borrow::Cow<'a, str>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(path: &'a [u8]) -> Self {
        Self { bytes: path, text: subject(path) }
    }
}

impl Pattern {
    /// Compiles a line; `None` for one that is blank.
    ///
    /// # Errors
    /// The reason.
    pub(super) fn new(line: &[u8]) -> Result<Option<Self>, Reason> {
        let line = trim(line);
        if line.is_empty() {
            return Ok(None);
        }
        let mut text = clean(line);
        let exception = text.first() == Some(&b'!');
        if exception {
            text.remove(0);
            if text.is_empty() {
                return Err(Reason::LoneException);
            }
        }
        check_syntax(&text).map_err(|_| Reason::Syntax)?;
        let form = compile(&text).ok_or(Reason::Syntax)?;
        Ok(Some(Self { text, exception, form }))
    }

    pub(super) fn matches(&self, path: &Subject<'_>) -> bool {
        match &self.form {
            Form::Exact => path.bytes == self.text,
            Form::Prefix(prefix) => path.bytes.starts_with(prefix),
            Form::Suffix(suffix) => {
                path.bytes.ends_with(suffix) || suffix.strip_prefix(b"/").is_some_and(|s| path.bytes == s)
            }
            Form::Expression(regex) => regex.is_match(&path.text),
        }
    }

    /// The text without a trailing `/*` or `/**`.
    pub(super) fn without_trailing_glob(&self) -> &[u8] {
        let text = self.text.strip_suffix(b"/**").unwrap_or(&self.text);
        text.strip_suffix(b"/*").unwrap_or(text)
    }

    /// Whether this is a plain path, save for a trailing glob.
    pub(super) fn is_plain(&self) -> bool {
        !self.without_trailing_glob().iter().any(|b| br"*[]?^\".contains(b))
    }
}

#[derive(PartialEq)]
enum Kind {
    Exact,
    Prefix,
    Suffix,
    Expression,
}

/// Reads the pattern character by character and settles on the form, as Docker does.
fn compile(pattern: &[u8]) -> Option<Form> {
    let text = subject(pattern);
    // Go's scanner drops a byte order mark at the start of what it reads.
    let mut chars = text.strip_prefix('\u{FEFF}').unwrap_or(&text).chars().peekable();
    let mut regex = String::from("^");
    let mut kind = Kind::Exact;
    let mut first = true;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => {
                chars.next_if_eq(&'/');
                if chars.peek().is_some() {
                    regex.push_str("(.*/)?");
                    kind = Kind::Expression;
                } else if kind == Kind::Exact {
                    kind = Kind::Prefix;
                } else {
                    regex.push_str(".*");
                    kind = Kind::Expression;
                }
                if first {
                    kind = Kind::Suffix;
                }
            }
            '*' | '?' => {
                regex.push_str(if c == '*' { "[^/]*" } else { "[^/]" });
                kind = Kind::Expression;
            }
            '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => regex.extend(['\\', c]),
            '\\' => {
                regex.push('\\');
                if let Some(next) = chars.next() {
                    regex.push(next);
                    kind = Kind::Expression;
                }
            }
            '[' | ']' => {
                regex.push(c);
                kind = Kind::Expression;
            }
            _ => regex.push(c),
        }
        first = false;
    }
    Some(match kind {
        Kind::Exact => Form::Exact,
        Kind::Prefix => Form::Prefix(pattern.strip_suffix(b"**").unwrap_or(pattern).to_vec()),
        Kind::Suffix => Form::Suffix(pattern.get(2..).unwrap_or_default().to_vec()),
        Kind::Expression => {
            regex.push('$');
            let regex = RegexBuilder::new(&translate(&regex).ok()?).dfa_size_limit(1 << 18).build().ok()?;
            Form::Expression(Box::new(regex))
        }
    })
}
