//! What nobody should read taken out of a text: the only place that does so.

/// Stands for what was taken out.
const HIDDEN: &str = "***";
/// Values shorter than this are not looked for: they would be found everywhere.
const LENGTH: usize = 4;
/// Nor are shorter lines of a value of several lines, such as a key: texts come line by line.
const LINE: usize = 8;

/// A text without the passwords and tokens that the URLs in it carry. The name of a user of ssh stays.
#[must_use]
pub fn without_logins(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#'\"".contains(c)).unwrap_or(after.len());
        let (authority, others) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((user, host)) if !before.ends_with("ssh://") || user.contains(':') => {
                out.push_str(HIDDEN);
                out.push('@');
                out.push_str(host);
            }
            _ => out.push_str(authority),
        }
        rest = others;
    }
    out.push_str(rest);
    out
}

/// A text without these values, nor lines of them. Values that are no text are in none.
#[must_use]
pub fn without_values<'v>(text: &str, values: impl IntoIterator<Item = &'v [u8]>) -> String {
    let values = values.into_iter().filter_map(|value| std::str::from_utf8(value).ok()).map(str::trim);
    let parts = values.flat_map(|value| {
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= LINE);
        std::iter::once(value).filter(|value| value.len() >= LENGTH).chain(lines)
    });
    let mut parts: Vec<&str> = parts.collect();
    // The longer ones first: one may be a part of another.
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let without = |text: String, part| if text.contains(part) { text.replace(part, HIDDEN) } else { text };
    parts.into_iter().fold(text.to_owned(), without)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_taken_out_of_texts() {
        for (text, left) in [
            ("unable to access 'https://me:hunter2@host/app/': 403", "unable to access 'https://***@host/app/': 403"),
            ("https://hunter2@host and http://a:b@c@d/x@y", "https://***@host and http://***@d/x@y"),
            ("ssh://git@host/app", "ssh://git@host/app"),
            ("ssh://git:hunter2@host", "ssh://***@host"),
            ("git@host:app, mail@example.org", "git@host:app, mail@example.org"),
        ] {
            assert_eq!(without_logins(text), left);
        }
    }

    #[test]
    fn values_are_taken_out_of_texts_whole_and_line_by_line() {
        let values: [&[u8]; 4] = [b"hunter2", b"first line\nsecond line\n", b"abc", &[0xff; 9]];
        for (text, left) in [
            ("COPY hunter2 3.12", "COPY *** 3.12"),
            ("it says second line.", "it says ***."),
            ("first line\nsecond line", "***"),
            ("abc stays", "abc stays"),
        ] {
            assert_eq!(without_values(text, values), left);
        }
    }
}
