//! Text from outside made harmless for the place it is printed in.
//!
//! Nothing is dropped: what could do harm is shown as what it is.

pub(super) use crate::model::visible;
use unicode_width::UnicodeWidthStr;

/// Text for a Markdown paragraph or table cell, where nothing in it is markup, a mention or a link.
pub(super) fn markdown(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len());
    // What begins a list, a line across the page or code is none of them behind a backslash or entity.
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    for (place, c) in text.char_indices() {
        match c {
            ' ' if place == 0 => out.push_str("&#32;"),
            '-' | '+' | '=' if place == 0 => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if place == digits && place > 0 => {
                out.push('\\');
                out.push(c);
            }
            'w' if text[place..].starts_with("www.") => out.push_str("&#119;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // No address becomes a link.
            ':' if text[place..].starts_with("://") => out.push_str("&#58;"),
            // A comment keeps the services that show Markdown from notifying people and linking issues.
            '@' | '#' => {
                out.push('\\');
                out.push(c);
                out.push_str("<!-- -->");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Columns that a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text filled up with spaces to a number of columns.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// The first `most` characters of a text, with an ellipsis where more follow.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Breaks a text between words into lines of at most `columns`; longer words are broken where they
/// must be. Lines after the first begin with `indent` spaces.
pub(super) fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let columns = columns.max(indent + 4);
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word.to_owned();
        loop {
            let last = lines.len() - 1;
            let line = &mut lines[last];
            let fresh = line.trim().is_empty();
            let free = columns.saturating_sub(width(line) + usize::from(!fresh));
            if width(&word) <= free {
                if !fresh {
                    line.push(' ');
                }
                line.push_str(&word);
                break;
            }
            if fresh {
                let rest = split_off(&mut word, free);
                line.push_str(&word);
                word = rest;
            }
            lines.push(" ".repeat(indent));
        }
    }
    lines
}

/// Shortens a word to at most `columns` (at least one character), and returns what was taken off.
fn split_off(word: &mut String, columns: usize) -> String {
    let mut used = 0;
    let mut end = word.len();
    for (index, c) in word.char_indices() {
        used += width(c.encode_utf8(&mut [0; 4]));
        if used > columns && index > 0 {
            end = index;
            break;
        }
    }
    word.split_off(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_shown_and_does_nothing() {
        assert_eq!(visible("a\nb\u{1b}[31m"), "a⏎b␛[31m");
        assert_eq!(visible("x\u{202e}y\u{200b}"), "x[U+202E]y[U+200B]");
        assert_eq!(markdown("<b>|`x`"), "&lt;b&gt;\\|\\`x\\`");
        assert_eq!(markdown("@a #1"), "\\@<!-- -->a \\#<!-- -->1");
    }

    #[test]
    fn lines_are_broken_between_words_if_possible() {
        assert_eq!(wrap("one two three", 8, 2), ["one two", "  three"]);
        let long = "x".repeat(25);
        let lines = wrap(&format!("name {long} end"), 12, 2);
        assert!(lines.iter().all(|line| width(line) <= 12), "{lines:?}");
        assert_eq!(lines.concat().matches('x').count(), 25);
        assert_eq!(wrap("", 10, 0), [""]);
        assert_eq!(cut("abcdef", 3), "abc…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(pad("日", 4), "日  ");
    }
}
