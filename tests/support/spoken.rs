//! Texts of the source that end up in messages: those given to what makes one, and those that say what was expected.
//! Of each only its longest fixed part is kept, which must stand in the list of messages.

use std::fs;
use std::path::{Path, PathBuf};

/// Calls whose texts are messages or parts of one.
const MAKERS: [&str; 15] = [
    "Stop::wrong",
    "Stop::failed",
    "Stop::cannot_tell",
    "EngineError::new",
    "StudyErrors::whole",
    "Error::other",
    "Error::new",
    "problems.add",
    "problems.push",
    "wrong.push",
    "wrong",
    "failed",
    "broken",
    "Err",
    "ok_or_else",
];

/// A text of the source.
#[derive(Debug, PartialEq, Eq)]
pub struct Spoken {
    /// The file, from the package's folder.
    pub file: String,
    /// Its line.
    pub line: usize,
    /// Its longest part without anything filled in.
    pub part: String,
}

/// All of `src` but what is compiled for tests only.
pub fn all() -> Vec<Spoken> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap().display().to_string();
        if ["tests.rs", "fake.rs", "fake_world.rs", "hostile.rs", "shapes.rs"].iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        all.extend(spoken(text).into_iter().map(|(line, part)| Spoken { file: name.clone(), line, part }));
    }
    all
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Line and longest fixed part of each message text of a source.
fn spoken(source: &str) -> Vec<(usize, String)> {
    let (mut found, mut line, mut at) = (Vec::new(), 1, 0);
    // For each open bracket, whether it belongs to a maker or stands inside one.
    let mut open: Vec<bool> = Vec::new();
    while let Some(c) = source[at..].chars().next() {
        let rest = &source[at..];
        let width = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '\'' => character(rest).unwrap_or(1),
            '"' => {
                let (text, width) = raw(&source[..at], rest).unwrap_or_else(|| string(rest));
                let part = fixed(&text);
                if (open.last() == Some(&true) || text.contains("expected ")) && part.len() >= 8 {
                    found.push((line, part));
                }
                width
            }
            '(' | '[' | '{' => {
                let before = source[..at].trim_end_matches('!');
                let maker = MAKERS.iter().any(|maker| {
                    before
                        .strip_suffix(maker)
                        .is_some_and(|head| !head.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
                });
                open.push(open.last() == Some(&true) || (c == '(' && maker));
                1
            }
            ')' | ']' | '}' => {
                open.pop();
                1
            }
            _ => c.len_utf8(),
        };
        line += rest[..width].matches('\n').count();
        at += width;
    }
    found
}

/// Bytes of a character literal, if this is one and not a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inner = &rest[1..];
    if inner.starts_with('\\') {
        return inner[2..].find('\'').map(|end| end + 4);
    }
    let c = inner.chars().next()?;
    inner[c.len_utf8()..].starts_with('\'').then_some(c.len_utf8() + 2)
}

/// The same of a raw string, if this is one.
fn raw(before: &str, rest: &str) -> Option<(String, usize)> {
    let hashes = before.len() - before.trim_end_matches('#').len();
    let name = before.trim_end_matches('#').strip_suffix('r')?;
    if name.trim_end_matches('b').ends_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let inner = rest[1..].split_once(&end)?.0;
    Some((inner.to_owned(), 1 + inner.len() + end.len()))
}

/// A string literal's value, and its bytes in the source.
fn string(rest: &str) -> (String, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, at + 1),
            '\\' => match chars.next() {
                Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some((_, 'n')) => text.push('\n'),
                Some((_, c)) => text.push(c),
                None => {}
            },
            c => text.push(c),
        }
    }
    (text, rest.len())
}

/// The longest part of a text without `{…}`.
fn fixed(text: &str) -> String {
    let parts = text
        .split('{')
        .enumerate()
        .map(|(index, part)| if index == 0 { part } else { part.split_once('}').map_or("", |(_, after)| after) });
    parts.flat_map(|part| part.split('\n')).map(str::trim).max_by_key(|part| part.len()).unwrap_or_default().to_owned()
}

#[test]
fn texts_of_messages_are_found() {
    let source = "fn f<'a>() { let c = '\"'; // Err(\"a comment\")\n\
        g(\"no message at all\"); Err(format!(\"found {what:?}, which {x} does not have at all\")) }\n\
        const A: &str = \"one; expected \\\n    two {};\"; wrong(&[\"inside a list\"]); xwrong(\"another name\");";
    let parts: Vec<(usize, String)> = spoken(source);
    let parts: Vec<(usize, &str)> = parts.iter().map(|(line, part)| (*line, part.as_str())).collect();
    assert_eq!(parts, [(2, "does not have at all"), (3, "one; expected two"), (4, "inside a list")]);
}
