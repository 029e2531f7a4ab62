//! Making text safe and fit for the place it goes to: control characters shown, secrets taken out, wrapped, counted,
//! bytes and moments written down.
//!
//! What the text means is not known in here.

mod counts;
mod escape;
mod fit;
mod hex;
mod redact;
mod shown;
pub mod time;

pub use counts::{and_more, counted};
pub use escape::{markdown, sheet};
pub use fit::{cut, pad, width, wrap};
pub use hex::{hex, short};
pub use redact::{without_logins, without_values};
pub use shown::{plain, shown_seconds, visible};
