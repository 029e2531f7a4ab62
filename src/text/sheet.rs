//! Cells of tables that people open in a spreadsheet.

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
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "＝1"] {
            assert_eq!(sheet(text), format!("'{text}"));
        }
        assert_eq!(sheet("01-simple"), "01-simple");
    }
}
