//! Where answers go: standard output in the form that it takes, or a file that is replaced as a whole.

use super::Stop;
use crate::report::TextStyle;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Writes an answer to a file, or to standard output if none is named.
pub fn answer(out: Option<&Path>, text: &[u8]) -> Result<(), Stop> {
    match out {
        Some(file) => replace(file, text),
        None => write_out(text),
    }
}

/// How an answer is laid out: as standard output takes it, or plainly for a file.
pub fn style_for(out: Option<&Path>) -> TextStyle {
    if out.is_some() { TextStyle::default() } else { style() }
}

/// Writes to standard output.
pub fn write_out(text: &[u8]) -> Result<(), Stop> {
    match io::stdout().lock().write_all(text) {
        // Whoever read along has read enough.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Stop::failed(format!("writing the report: {e}"))),
        _ => Ok(()),
    }
}

/// How standard output takes text.
pub fn style() -> TextStyle {
    let terminal = io::stdout().is_terminal();
    let given = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = given.or_else(|| terminal.then(terminal_width).flatten());
    TextStyle {
        width: width.unwrap_or(TextStyle::default().width),
        color: colour(terminal, |name| std::env::var(name).ok()),
    }
}

/// Whether to colour: on a terminal, unless NO_COLOR (any value), CLICOLOR=0 or TERM=dumb say no; elsewhere only where
/// CLICOLOR_FORCE says yes. See no-color.org and bixense.com/clicolors.
fn colour(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let on = |name| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
    let is = |name, wanted| variable(name).is_some_and(|value| value == wanted);
    !set("NO_COLOR") && (on("CLICOLOR_FORCE") || (terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb")))
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// Writes a file as a whole or not at all.
pub fn replace(path: &Path, text: &[u8]) -> Result<(), Stop> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let mut file = File::create(&new)?;
        file.write_all(text)?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    write().map_err(|e| Stop::failed(format!("writing {}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_where_they_are_wanted() {
        let with = |terminal, set: &[(&str, &str)]| {
            let found = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            colour(terminal, found)
        };
        assert!(with(true, &[]) && !with(false, &[]));
        assert!(with(false, &[("CLICOLOR_FORCE", "1")]) && !with(false, &[("CLICOLOR_FORCE", "0")]));
        for no in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
            assert!(!with(true, &[no]), "{no:?}");
        }
        assert!(with(true, &[("NO_COLOR", "")]));
        assert!(!with(true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
    }
}
