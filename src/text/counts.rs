//! How many there are, as people say it.

use std::fmt::Display;

/// `1 build`, `2 builds`.
#[must_use]
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, one: &str, more: &str) -> String {
    let word = if number == N::from(1) { one } else { more };
    format!("{number} {word}")
}

/// `and 3 more`, of a list of which only the first few are shown; nothing if those are all.
#[must_use]
pub fn and_more<N: Display + PartialEq + From<u8>>(left: N) -> Option<String> {
    (left != N::from(0)).then(|| format!("and {left} more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0_u64, 1, 2].map(|n| counted(n, "entry", "entries")), ["0 entries", "1 entry", "2 entries"]);
        assert_eq!((and_more(0_usize), and_more(3_usize)), (None, Some("and 3 more".to_owned())));
    }
}
