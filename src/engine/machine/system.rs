//! Programs of the system (`ip`, `nft`, `iptables`, `mkfs.btrfs`), run to their end.

use crate::engine::engine_error::EngineError;
use std::io::Write;
use std::process::{Command, Stdio};

/// What can be had without all this.
pub(super) const OTHERWISE: &str = "a private engine needs this; --engine host uses an engine that runs already";

/// Runs a system program; its own words are the error.
pub fn run(program: &str, args: &[&str], input: &str) -> Result<(), EngineError> {
    let what = || format!("{program} {}", args.join(" "));
    let failed = |e: &dyn std::fmt::Display| EngineError::new(what(), e, OTHERWISE);
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed(&e))?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input.as_bytes()); // one that does not read it says why
    }
    let output = child.wait_with_output().map_err(|e| failed(&e))?;
    if output.status.success() { Ok(()) } else { Err(failed(&String::from_utf8_lossy(&output.stderr))) }
}
