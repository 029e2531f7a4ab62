//! Making text safe and fit for the place it goes to.
//!
//! What the text means is not known in here.

mod hex;
mod sheet;

pub use hex::hex;
pub use sheet::sheet;
