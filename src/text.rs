//! Making text safe and fit for the place it goes to.
//!
//! What the text means is not known in here.

mod sheet;

pub use sheet::sheet;
