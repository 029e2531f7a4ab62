//! Text made harmless for the form that it is put into: Markdown, or a table that people open in a spreadsheet.
//!
//! Nothing is dropped: what could do harm is shown as what it is.

use super::shown::visible;

/// Text for a Markdown paragraph or table cell, where nothing in it is markup, a mention or a link.
#[must_use]
pub fn markdown(text: &str) -> String {
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

/// Text for a CSV cell that no spreadsheet takes for a formula; some take the wide signs for the narrow ones.
#[must_use]
pub fn sheet(text: &str) -> String {
    let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if text.starts_with(formula) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup_a_mention_or_a_link() {
        assert_eq!(markdown("<b>|`x`"), "&lt;b&gt;\\|\\`x\\`");
        assert_eq!(markdown("@a #1"), "\\@<!-- -->a \\#<!-- -->1");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "＝1"] {
            assert_eq!(sheet(text), format!("'{text}"));
        }
        assert_eq!(sheet("01-simple"), "01-simple");
    }
}
