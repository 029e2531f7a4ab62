//! Variables in a word, as BuildKit's shell words expand them where an image is named.
//!
//! Knows quotes, escapes and the forms `$X`, `${X}`, `${X:-d}`, `${X-d}`, `${X:+y}`, `${X+y}`, `${X:?e}`, `${X?e}`.
//! A word with any other form has no value here; the engine will say what it thinks of it.

use std::collections::HashMap;

/// Nesting that no Dockerfile reaches, and a stack can bear.
const DEPTH: usize = 32;

/// The value of a word; `None` where it cannot be told.
pub(super) fn expand(word: &str, variables: &HashMap<String, String>, escape: u8) -> Option<String> {
    let mut reader = Reader { rest: word, variables, escape: char::from(escape) };
    let value = reader.read(None, 0)?;
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    variables: &'a HashMap<String, String>,
    escape: char,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        Some(c)
    }

    /// Reads up to `stop` (which is taken) or, without one, to the end.
    fn read(&mut self, stop: Option<char>, depth: usize) -> Option<String> {
        if depth > DEPTH {
            return None;
        }
        let mut out = String::new();
        loop {
            let Some(c) = self.next() else {
                return stop.is_none().then_some(out);
            };
            match c {
                _ if Some(c) == stop => return Some(out),
                '\'' if stop != Some('"') => {
                    let (quoted, rest) = self.rest.split_once('\'')?;
                    out.push_str(quoted);
                    self.rest = rest;
                }
                '"' => out.push_str(&self.read(Some('"'), depth + 1)?),
                '$' => self.variable(&mut out, depth)?,
                _ if c == self.escape => match self.next() {
                    Some(next) if stop == Some('"') && !matches!(next, '"' | '$') && next != self.escape => {
                        out.extend([c, next]);
                    }
                    Some(next) => out.push(next),
                    None => {}
                },
                _ => out.push(c),
            }
        }
    }

    fn name(&mut self) -> String {
        let length = self.rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        // `$1` and the like name one digit.
        let length = if self.rest.starts_with(|c: char| c.is_ascii_digit()) { 1 } else { length };
        let (name, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        name.to_owned()
    }

    /// What follows a `$`.
    fn variable(&mut self, out: &mut String, depth: usize) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix('{') {
            self.rest = rest;
            let name = self.name();
            if name.is_empty() {
                return None;
            }
            let value = self.value(&name)?.cloned();
            out.push_str(&self.modified(value, depth)?);
            return Some(());
        }
        let name = self.name();
        match self.value(&name)? {
            _ if name.is_empty() => out.push('$'),
            Some(value) => out.push_str(value),
            None => {}
        }
        Some(())
    }

    /// The value of a variable, if it has one; `None` for those that only the engine knows.
    fn value(&self, name: &str) -> Option<Option<&String>> {
        let known = self.variables.get(name);
        let platform = ["TARGET", "BUILD"].iter().any(|side| {
            name.strip_prefix(side)
                .is_some_and(|rest| matches!(rest, "PLATFORM" | "OS" | "OSVERSION" | "ARCH" | "VARIANT"))
        });
        (known.is_some() || !platform).then_some(known)
    }

    /// The rest of `${NAME`.
    fn modified(&mut self, value: Option<String>, depth: usize) -> Option<String> {
        let mut operator = self.next()?;
        let mut value = value;
        if operator == '}' {
            return Some(value.unwrap_or_default());
        }
        if operator == ':' {
            value = value.filter(|v| !v.is_empty());
            operator = self.next()?;
        }
        let word = self.read(Some('}'), depth + 1)?;
        match operator {
            '-' => Some(value.unwrap_or(word)),
            '+' => Some(value.map_or(String::new(), |_| word)),
            '?' => value,
            _ => None,
        }
    }
}
