//! The lines of a Dockerfile as BuildKit joins them: continuations, comments inside of them, here-documents.
//!
//! Every byte of a joined line knows its place in the file. What a line means is not known here.

/// What the lines at the top say.
#[derive(Debug, Default)]
pub(super) struct Directives {
    pub syntax: Option<String>,
    pub escape: Option<u8>,
}

/// A joined line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Number of its first physical line, from 1.
    pub number: usize,
    pub text: Vec<u8>,
    /// Where pieces of `text` start, in it and in the file.
    pieces: Vec<(usize, usize)>,
}

impl Line {
    /// The place in the file of a range of `text` that is not empty.
    pub(super) fn place(&self, range: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        self.source(range.start)..self.source(range.end.saturating_sub(1)) + 1
    }

    fn source(&self, at: usize) -> usize {
        let piece = self.pieces.partition_point(|(start, _)| *start <= at);
        let (start, source) = piece.checked_sub(1).and_then(|i| self.pieces.get(i)).copied().unwrap_or_default();
        source + (at - start)
    }

    fn push(&mut self, text: &[u8], source: usize) {
        self.pieces.push((self.text.len(), source));
        self.text.extend_from_slice(text);
    }
}

/// The joined lines, one after the other.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    number: usize,
    escape: u8,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

fn trim_start(line: &[u8]) -> &[u8] {
    // Go trims Unicode white space here; only ASCII can begin an instruction.
    let skip = line.iter().take_while(|b| b.is_ascii_whitespace() || **b == 0x0B).count();
    line.get(skip..).unwrap_or_default()
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> (Self, Directives) {
        let mut lines = Self { text, at: if text.starts_with(BOM) { BOM.len() } else { 0 }, number: 0, escape: b'\\' };
        let directives = lines.directives();
        lines.escape = directives.escape.unwrap_or(b'\\');
        (lines, directives)
    }

    /// Only comments of the form `# key=value` at the very top are directives.
    fn directives(&self) -> Directives {
        let mut found = Directives::default();
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (index, line) in rest.split(|b| *b == b'\n').take(100).enumerate() {
            if index == 0 && line.starts_with(b"#!") {
                continue;
            }
            let Some(comment) = trim_start(line).strip_prefix(b"#") else {
                break;
            };
            let comment = String::from_utf8_lossy(comment.get(..4096).unwrap_or(comment));
            let Some((key, value)) = comment.split_once('=') else {
                break;
            };
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                _ if value.is_empty() => break,
                "syntax" => {
                    let name = value.split(' ').next().unwrap_or(value);
                    found.syntax.get_or_insert_with(|| name.to_owned());
                }
                "escape" if value == "`" || value == "\\" => {
                    found.escape.get_or_insert(if value == "`" { b'`' } else { b'\\' });
                }
                "escape" | "check" => {}
                _ => break,
            }
        }
        found
    }

    /// The next physical line without its end, and where it starts.
    fn physical(&mut self) -> Option<(&'a [u8], usize)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let start = self.at;
        let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        self.at += length + 1;
        self.number += 1;
        let line = rest.get(..length)?;
        Some((line.strip_suffix(b"\r").unwrap_or(line), start))
    }

    /// Cuts a continuation off; `None` when the line does not go on.
    fn continued<'l>(&self, line: &'l [u8]) -> Option<&'l [u8]> {
        let blank = line.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        line.get(..line.len() - blank)?.strip_suffix(&[self.escape])
    }

    /// Passes over here-documents until their ends.
    fn skip_documents(&mut self, line: &Line) {
        for document in here_documents(&line.text, self.escape) {
            while let Some((text, _)) = self.physical() {
                let tabs = text.iter().take_while(|b| **b == b'\t').count();
                let text = if document.tabs { text.get(tabs..).unwrap_or_default() } else { text };
                if text == document.end {
                    break;
                }
            }
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let mut line = Line::default();
        let mut open = false;
        while let Some((text, start)) = self.physical() {
            let trimmed = trim_start(text);
            if trimmed.starts_with(b"#") || (open && trimmed.is_empty()) {
                continue;
            }
            // Only the first piece loses its leading space.
            let (text, start) = if open { (text, start) } else { (trimmed, start + text.len() - trimmed.len()) };
            if line.pieces.is_empty() {
                line.number = self.number;
            }
            match self.continued(text) {
                Some(text) => {
                    line.push(text, start);
                    open = true;
                }
                None if text.is_empty() => {}
                None => {
                    line.push(text, start);
                    self.skip_documents(&line);
                    return Some(line);
                }
            }
        }
        (!line.text.is_empty()).then_some(line)
    }
}

struct HereDocument {
    end: Vec<u8>,
    tabs: bool,
}

/// The here-documents that an instruction opens.
fn here_documents(line: &[u8], escape: u8) -> Vec<HereDocument> {
    let word = line.split(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
    let takes_them = |w: &[u8]| [&b"RUN"[..], b"COPY", b"ADD"].iter().any(|c| w.eq_ignore_ascii_case(c));
    let onbuild = word.eq_ignore_ascii_case(b"ONBUILD");
    if !takes_them(word) && !onbuild {
        return Vec::new();
    }
    quoted_words(line, escape).into_iter().filter_map(|word| here_document(&word)).collect()
}

/// Splits at white space outside of quotes; quotes and escapes stay.
pub(super) fn quoted_words(line: &[u8], escape: u8) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut word = Vec::new();
    let mut quote = None;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (None, b) if b.is_ascii_whitespace() => {
                if !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
                continue;
            }
            (Some(q), b) if b == q => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None | Some(b'"'), b) if b == escape => {
                word.push(b);
                word.extend(bytes.next());
                continue;
            }
            _ => {}
        }
        word.push(byte);
    }
    if !word.is_empty() {
        all.push(word);
    }
    all
}

/// `<<NAME`, `<<-NAME`, `3<<"NAME"`.
fn here_document(word: &[u8]) -> Option<HereDocument> {
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = word.get(digits..)?.strip_prefix(b"<<")?;
    let (rest, tabs) = rest.strip_prefix(b"-").map_or((rest, false), |rest| (rest, true));
    if rest.is_empty() || rest.contains(&b'<') {
        return None;
    }
    let end: Vec<u8> = rest.iter().copied().filter(|b| !matches!(b, b'"' | b'\'' | b'\\')).collect();
    (!end.is_empty()).then_some(HereDocument { end, tabs })
}
