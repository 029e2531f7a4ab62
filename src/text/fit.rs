//! Text fitted into columns of a terminal: measured, filled up, cut, broken into lines.

use unicode_width::UnicodeWidthStr;

/// Columns that a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text filled up with spaces to a number of columns.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// The first `most` characters of a text, with an ellipsis where more follow.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Breaks a text between words into lines of at most `columns`; longer words are broken where they
/// must be. Lines after the first begin with `indent` spaces.
#[must_use]
pub fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
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
