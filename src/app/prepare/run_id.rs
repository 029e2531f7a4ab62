//! What the clock decides: the id of a run, and a seed that nobody chose.

use std::time::{SystemTime, UNIX_EPOCH};

/// A seed that nobody chose.
#[must_use]
pub fn seed_from_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs() ^ u64::from(now.subsec_nanos())
}

/// Tells runs of one second on one machine apart.
#[must_use]
pub fn run_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mix = u64::from(now.subsec_nanos()) ^ (u64::from(std::process::id()) << 20) ^ now.as_secs();
    format!("{:08x}", mix & 0xffff_ffff)
}
