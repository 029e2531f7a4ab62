//! Goes through the instructions once and collects stages, arguments and references.
//!
//! Follows BuildKit's order: global arguments first, each expanded with those before it; stages by name or number.

use super::expand::expand;
use super::joined::{Line, Lines, quoted_words};
use super::parsed::{Dockerfile, Reference, Stage, Target};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Longer names are no references; a binary file must not be copied about.
const REFERENCE_LIMIT: usize = 4096;

struct Scan<'a> {
    out: Dockerfile,
    globals: HashMap<String, String>,
    build_args: &'a [(String, String)],
    names: HashSet<String>,
}

/// What BuildKit's frontend can receive in one message. A larger file is not a Dockerfile, and nothing is read of it.
const FILE_LIMIT: usize = 16 << 20;

impl Dockerfile {
    /// Reads a Dockerfile. `build_args` are those that the build will be given: they win over defaults.
    /// Nothing is found in a file of more than 16 MiB, which BuildKit does not take either.
    #[must_use]
    pub fn parse(text: &[u8], build_args: &[(String, String)]) -> Self {
        scan(text, build_args)
    }
}

fn scan(text: &[u8], build_args: &[(String, String)]) -> Dockerfile {
    let text = if text.len() > FILE_LIMIT { b"" } else { text };
    let (lines, directives) = Lines::new(text);
    let mut scan = Scan {
        out: Dockerfile {
            syntax: directives.syntax,
            escape: directives.escape.unwrap_or(b'\\'),
            ..Dockerfile::default()
        },
        globals: HashMap::new(),
        build_args,
        names: HashSet::new(),
    };
    for line in lines {
        scan.line(&line);
    }
    scan.finish()
}

/// The words of a line, as ranges.
fn words(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | 0x0B | 0x0C);
        at += text.get(at..)?.iter().take_while(|b| blank(b)).count();
        let length = text.get(at..)?.iter().take_while(|b| !blank(b)).count();
        let word = at..at + length;
        at = word.end;
        (length > 0).then_some(word)
    })
}

fn text_of<'l>(line: &'l Line, range: &Range<usize>) -> Option<&'l str> {
    let text = line.text.get(range.clone())?;
    std::str::from_utf8(text).ok().filter(|t| t.len() <= REFERENCE_LIMIT)
}

impl Scan<'_> {
    fn line(&mut self, line: &Line) {
        let mut words = words(&line.text);
        let Some(instruction) = words.next().and_then(|w| text_of(line, &w)) else {
            return;
        };
        match instruction.to_ascii_uppercase().as_str() {
            "FROM" => self.from(line, words),
            "ARG" => self.arg(line),
            "COPY" => {
                for flag in flags(line, words) {
                    if let Some(value) = after(line, &flag, "--from=") {
                        self.source(line, value);
                    }
                }
            }
            "RUN" => {
                for flag in flags(line, words) {
                    if let Some(mount) = after(line, &flag, "--mount=")
                        && let Some(value) = mount_source(line, mount)
                    {
                        self.source(line, value);
                    }
                }
            }
            _ => {}
        }
    }

    fn from(&mut self, line: &Line, words: impl Iterator<Item = Range<usize>>) {
        let mut platform = None;
        let mut rest = Vec::new();
        for word in words.take(16) {
            if let (true, Some(value)) = (rest.is_empty(), after(line, &word, "--platform=")) {
                platform = text_of(line, &value).map(str::to_owned);
            } else if !(rest.is_empty() && text_of(line, &word).is_some_and(|t| t.starts_with("--"))) {
                rest.push(word);
            }
        }
        let Some(base) = rest.first().and_then(|range| self.reference(line, range, true)) else {
            return;
        };
        let name = match rest.as_slice() {
            [_, r#as, name] if text_of(line, r#as).is_some_and(|t| t.eq_ignore_ascii_case("as")) => {
                text_of(line, name).map(str::to_lowercase)
            }
            _ => None,
        };
        self.names.extend(name.clone());
        self.out.stages.push(Stage { base, name, platform, args: Vec::new() });
    }

    fn reference(&self, line: &Line, range: &Range<usize>, variables: bool) -> Option<Reference> {
        let written = text_of(line, range)?.to_owned();
        let expanded = if variables { expand(&written, &self.globals, self.out.escape) } else { Some(written.clone()) };
        let expanded = expanded.filter(|name| !name.is_empty());
        let target = match expanded.as_deref() {
            Some("scratch") => Target::Scratch,
            Some(name) if self.names.contains(&name.to_lowercase()) => Target::Stage,
            _ => Target::Image,
        };
        Some(Reference { line: line.number, written, expanded, place: line.place(range), target })
    }

    fn arg(&mut self, line: &Line) {
        for word in quoted_words(&line.text, self.out.escape).into_iter().skip(1) {
            let Ok(text) = std::str::from_utf8(&word) else {
                continue;
            };
            let (name, default) = match text.split_once('=') {
                Some((name, default)) => (name, Some(default)),
                None => (text, None),
            };
            if let Some(stage) = self.out.stages.last_mut() {
                stage.args.push(name.to_owned());
                continue;
            }
            let default = default.and_then(|d| expand(d, &self.globals, self.out.escape));
            let given = self.build_args.iter().rev().find(|(n, _)| n == name);
            if let Some(value) = given.map(|(_, v)| v.clone()).or_else(|| default.clone()) {
                self.globals.insert(name.to_owned(), value);
            }
            self.out.global_args.push((name.to_owned(), default));
        }
    }

    /// BuildKit expands no variables in `--from`; a number names a stage.
    fn source(&mut self, line: &Line, range: Range<usize>) {
        if let Some(source) = self.reference(line, &range, false)
            && source.written.parse::<u32>().is_err()
        {
            self.out.sources.push(source);
        }
    }

    /// `COPY --from` may name a stage that comes later, which is an error of the engine's and not an image.
    fn finish(mut self) -> Dockerfile {
        for source in &mut self.out.sources {
            if self.names.contains(&source.written.to_lowercase()) {
                source.target = Target::Stage;
            }
        }
        self.out
    }
}

/// The flags at the start of an instruction.
fn flags(line: &Line, words: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    words.take_while(|w| line.text.get(w.clone()).is_some_and(|t| t.starts_with(b"--") && t != b"--")).collect()
}

/// What follows `prefix` in a word, without quotes around it.
fn after(line: &Line, word: &Range<usize>, prefix: &str) -> Option<Range<usize>> {
    let value = text_of(line, word)?.strip_prefix(prefix)?;
    let mut range = word.end - value.len()..word.end;
    for quote in ['"', '\''] {
        if value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote) {
            range = range.start + 1..range.end - 1;
        }
    }
    (!range.is_empty()).then_some(range)
}

/// The value of `from=` in the comma-separated options of a mount.
fn mount_source(line: &Line, mount: Range<usize>) -> Option<Range<usize>> {
    let text = text_of(line, &mount)?;
    let mut start = mount.start;
    for option in text.split(',') {
        let key_length = option.find('=').map_or(0, |at| at + 1);
        let key = option.get(..key_length).unwrap_or_default();
        if key.eq_ignore_ascii_case("from=") && option.len() > key_length {
            return Some(start + key_length..start + option.len());
        }
        start += option.len() + 1;
    }
    None
}
