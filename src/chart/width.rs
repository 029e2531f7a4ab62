//! How wide a text is at most, and what of it fits.
//!
//! Nobody knows the reader's font: the widths are those of DejaVu Sans, one of the widest that browsers use, rounded up.

use crate::text::visible;
use unicode_width::UnicodeWidthChar;

/// Width of a character in parts of the font's size.
fn character(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 0.34,
        ' ' | '.' | ',' | ':' | ';' | '!' | 'I' | 'f' | 't' | '(' | ')' | '[' | ']' | '/' | '\\' => 0.40,
        'r' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 1.01,
        'a'..='z' | '0'..='9' | '_' | '"' | '*' | '?' | '–' => 0.65,
        'A'..='Z' | '&' | '=' | '+' | '<' | '>' | '~' | '#' | '$' => 0.85,
        '▲' | '▼' | '◇' | '●' | '×' | '→' | '⏎' => 1.0,
        c => match c.width() {
            Some(0) | None => 0.0,
            Some(1) => 0.85,
            Some(_) => 1.1,
        },
    }
}

/// Width of a text in pixels, at most.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(character).sum::<f64>() * size
}

/// The text made harmless, and as much of its beginning as fits; whether something had to go.
pub(super) fn fit(text: &str, size: f64, room: f64) -> (String, bool) {
    let text = visible(text);
    if width(&text, size) <= room {
        return (text, false);
    }
    let mut used = character('…') * size;
    let fits = |c: &char| {
        used += character(*c) * size;
        used <= room
    };
    let start: String = text.chars().take_while(fits).collect();
    (format!("{}…", start.trim_end()), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(fit("short", 12.0, 100.0), ("short".to_owned(), false));
        let long = "name-".repeat(40);
        let (cut, was_cut) = fit(&long, 12.0, 100.0);
        assert!(was_cut && cut.ends_with('…') && cut.len() > 8 && width(&cut, 12.0) <= 100.0, "{cut}");
        assert_eq!(fit("a\u{202e}\n", 12.0, 500.0).0, "a[U+202E]⏎");
        assert_eq!(fit("xyz", 12.0, 0.0), ("…".to_owned(), true));
    }

    #[test]
    fn wide_characters_count_as_wide() {
        assert!(width("日本", 10.0) >= 20.0);
        assert!(width("WWWW", 10.0) >= 4.0 * 9.89); // DejaVu Sans: W is 0.989 em
        assert!(width("0123", 10.0) >= 4.0 * 6.36); // its digits are 0.636 em
    }
}
