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
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let given = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = given.or_else(|| terminal.then(terminal_width).flatten());
    TextStyle { width: width.unwrap_or(TextStyle::default().width), color: terminal && !plain }
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
