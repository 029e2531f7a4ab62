//! The scorecard of an image: six criteria, each with figures, evidence and a verdict.
//!
//! Reading tar streams ([`members`], [`inventory`], [`layers`]), finding things in them ([`detect`], [`lock`]) and judging
//! ([`judge`]) are pure; [`image`] is the only part that asks an engine. Nothing is printed in here.

pub mod cache;
pub mod demands;
pub mod detect;
pub mod image;
pub mod inventory;
pub mod judge;
pub mod layers;
pub mod lock;
pub mod members;
#[cfg(test)]
mod tests;
