//! The regular expressions that Docker makes of patterns are Go's; this turns one into this program's.
//!
//! Go reads `[[a]`, `\d` and `[[:alpha:]]` differently from the `regex` crate, and Docker passes them on, so they
//! mean in a `.dockerignore` what they mean in Go. Only what patterns can contain is known here.

use super::go_path::rune;

/// Not an expression that Go compiles.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

struct Reader<'a> {
    rest: &'a str,
    out: String,
}

/// Translates Go's syntax (the subset that patterns lead to) into that of the `regex` crate.
pub(super) fn translate(go: &str) -> Result<String, Invalid> {
    let mut reader = Reader { rest: go, out: String::with_capacity(go.len() + 8) };
    while let Some(c) = reader.next() {
        match c {
            '\\' => reader.escape()?,
            '[' => reader.class()?,
            // These are written by the translation of the pattern itself, or mean the same in both.
            '^' | '$' | '(' | ')' | '*' | '.' | '?' => reader.out.push(c),
            _ => literal(&mut reader.out, c),
        }
    }
    Ok(reader.out)
}

fn literal(out: &mut String, c: char) {
    if r"\.+*?()|[]{}^$#&-~".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

fn perl_class(c: char) -> Option<&'static str> {
    Some(match c {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\x0C\r ]",
        'S' => r"[^\t\n\x0C\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        Some(c)
    }

    /// What follows a backslash outside of brackets.
    fn escape(&mut self) -> Result<(), Invalid> {
        let c = self.peek().ok_or(Invalid)?;
        if let Some(class) = perl_class(c) {
            self.next();
            self.out.push_str(class);
            return Ok(());
        }
        match c {
            'A' | 'z' => self.out.push_str(if c == 'A' { r"\A" } else { r"\z" }),
            'b' | 'B' => {
                self.out.push_str(if c == 'b' { r"(?-u:\b)" } else { r"(?-u:\B)" });
            }
            'Q' => {
                self.next();
                let (quoted, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                quoted.chars().for_each(|c| literal(&mut self.out, c));
                self.rest = rest;
                return Ok(());
            }
            _ => {
                let c = self.escaped_char()?;
                literal(&mut self.out, c);
                return Ok(());
            }
        }
        self.next();
        Ok(())
    }

    /// An escape that stands for one character.
    fn escaped_char(&mut self) -> Result<char, Invalid> {
        let c = self.next().ok_or(Invalid)?;
        match c {
            'a' => Ok('\x07'),
            'f' => Ok('\x0C'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\x0B'),
            'x' => self.hexadecimal(),
            '0'..='7' => {
                // A single digit other than zero would refer back to a group, which Go does not know.
                let mut value = c.to_digit(8).ok_or(Invalid)?;
                if c != '0' && !matches!(self.peek(), Some('0'..='7')) {
                    return Err(Invalid);
                }
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else {
                        break;
                    };
                    value = value * 8 + digit;
                    self.next();
                }
                char::from_u32(value).ok_or(Invalid)
            }
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c),
            _ => Err(Invalid),
        }
    }

    fn hexadecimal(&mut self) -> Result<char, Invalid> {
        let mut value = 0;
        for _ in 0..2 {
            let digit = self.next().and_then(|c| c.to_digit(16)).ok_or(Invalid)?;
            value = value * 16 + digit;
        }
        char::from_u32(value).ok_or(Invalid)
    }

    /// A class in brackets, the opening one already read.
    fn class(&mut self) -> Result<(), Invalid> {
        self.out.push('[');
        if self.peek() == Some('^') {
            self.next();
            self.out.push('^');
        }
        let mut first = true;
        loop {
            match self.peek().ok_or(Invalid)? {
                ']' if !first => {
                    self.next();
                    self.out.push(']');
                    return Ok(());
                }
                '[' if self.rest.starts_with("[:") && self.rest.contains(":]") => {
                    self.posix_class()?;
                }
                '\\' if self.rest.chars().nth(1).is_some_and(|c| perl_class(c).is_some()) => {
                    self.next();
                    let class = self.next().and_then(perl_class).ok_or(Invalid)?;
                    self.out.push_str(class);
                }
                _ => self.class_range()?,
            }
            first = false;
        }
    }

    fn posix_class(&mut self) -> Result<(), Invalid> {
        let end = self.rest.find(":]").ok_or(Invalid)? + 2;
        let (name, rest) = self.rest.split_at(end);
        let bare = name.trim_start_matches("[:").trim_end_matches(":]").trim_start_matches('^');
        let known = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        if !known.contains(&bare) {
            return Err(Invalid);
        }
        self.out.push_str(name);
        self.rest = rest;
        Ok(())
    }

    fn class_range(&mut self) -> Result<(), Invalid> {
        let low = self.class_char()?;
        let mut high = low;
        if self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1 {
            self.next();
            high = self.class_char()?;
        }
        if high < low {
            return Err(Invalid);
        }
        literal(&mut self.out, low);
        if high != low {
            self.out.push('-');
            literal(&mut self.out, high);
        }
        Ok(())
    }

    fn class_char(&mut self) -> Result<char, Invalid> {
        match self.next().ok_or(Invalid)? {
            '\\' => self.escaped_char(),
            c => Ok(c),
        }
    }
}

/// A path as Go's `regexp` sees it: every byte that is not UTF-8 is one replacement character.
pub(super) fn subject(path: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(path) {
        Ok(text) => text.into(),
        Err(_) => {
            let mut out = String::with_capacity(path.len() + 8);
            let mut rest = path;
            while let Some((c, width)) = rune(rest) {
                out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
                rest = rest.get(width..).unwrap_or_default();
            }
            out.into()
        }
    }
}
