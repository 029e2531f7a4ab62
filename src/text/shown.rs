//! How text from outside and figures are shown to people, wherever that is.
//!
//! Nothing is dropped: what could do harm is shown as what it is.

/// Shows control characters, and those that change the direction of text or cannot be seen, as
/// visible ones; one line comes out.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push('⏎'),
            '\t' => out.push(' '),
            '\u{0}'..='\u{1f}' => out.extend(char::from_u32(0x2400 + u32::from(c))),
            '\u{7f}' => out.push('␡'),
            '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' => out.push_str(&format!("[U+{:04X}]", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// A text of several lines as a terminal may get it: each line made [`visible`].
#[must_use]
pub fn plain(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

/// Seconds with the digits that mean something: milliseconds below one second, else hundredths,
/// tenths from 100 s, none from 1000 s.
#[must_use]
pub fn shown_seconds(value: f64) -> String {
    let digits = match value {
        v if v < 0.9995 => 3,
        v if v < 99.995 => 2,
        v if v < 999.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_shown_as_what_it_is() {
        assert_eq!(visible("a\nb\u{1b}[31m"), "a⏎b␛[31m");
        assert_eq!(visible("x\u{202e}y\u{200b}"), "x[U+202E]y[U+200B]");
        assert_eq!(plain("one\n\u{1b}]0;x\u{7}two\u{9b}31m\u{202e}"), "one\n␛]0;x␇two[U+009B]31m[U+202E]");
    }

    #[test]
    fn seconds_have_the_digits_that_mean_something() {
        for (value, text) in [
            (0.0, "0.000"),
            (0.437, "0.437"),
            (0.9996, "1.00"),
            (1.62, "1.62"),
            (10.413, "10.41"),
            (99.996, "100.0"),
            (123.45, "123.5"),
            (4321.0, "4321"),
        ] {
            assert_eq!(shown_seconds(value), text);
        }
    }
}
