//! The last lines of what a private engine's processes wrote into its folder.

use std::fs;
use std::path::Path;

/// The last lines of a file; none of one that is not there.
pub(super) fn tail(file: &Path, lines: usize) -> Vec<String> {
    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all.iter().skip(all.len().saturating_sub(lines)).map(|line| (*line).to_owned()).collect()
}
