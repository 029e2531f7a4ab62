//! Where answers go: standard output in the form that it takes, or a file that is replaced as a whole.

use crate::app::Failure;
use crate::files::deliver;
use crate::report::TextStyle;
use crate::text::{plain, visible, without_logins};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Writes an answer to a file, or to standard output if none is named.
pub fn answer(out: Option<&Path>, text: &[u8]) -> Result<(), Failure> {
    match out {
        Some(file) => deliver(file, text).map_err(|e| Failure::failed(format!("writing {}: {e}", file.display()))),
        None => write_out(text),
    }
}

/// How an answer is laid out: as standard output takes it, or plainly for a file.
pub fn style_for(out: Option<&Path>) -> TextStyle {
    if out.is_some() { TextStyle::default() } else { style() }
}

/// Says something to people, on standard error. Nothing in it can be more than text to a terminal, whoever wrote it, and
/// no address in it has a login.
pub fn say(text: &str) {
    // Whoever does not listen must not stop a run.
    let _ = writeln!(io::stderr().lock(), "{}", plain(&without_logins(text)));
}

/// Writes to standard output.
pub fn write_out(text: &[u8]) -> Result<(), Failure> {
    // JSON has all but the ASCII ones of these characters as they are.
    let tame = |c: char| if c.is_ascii() { c.to_string() } else { visible(c.encode_utf8(&mut [0; 4])) };
    let tamed = io::stdout().is_terminal().then(|| String::from_utf8_lossy(text).chars().map(tame).collect::<String>());
    match io::stdout().lock().write_all(tamed.as_deref().map_or(text, str::as_bytes)) {
        // Whoever read along has read enough.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("writing to standard output: {e}")))
        }
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
