//! As much of a Dockerfile as is needed to know which images it builds from, and to put others in their place.
//!
//! BuildKit's rules for directives, continuations, comments, here-documents and variables. Whether the file is
//! right is the engine's to say: what cannot be read here is passed over, never an error.

mod expand;
mod joined;
mod parsed;
mod reference;
mod rewrite;
mod scan;
#[cfg(test)]
mod tests;

pub use parsed::{Dockerfile, Reference, Stage, Target};
pub use reference::{normalize, same_image};
pub use rewrite::{Replaced, Rewritten, rewrite};
