//! The scorecard of an image: six criteria, each with figures, evidence and a verdict.
//!
//! Reading tar streams ([`members`], [`inventory`], [`layers`]), finding things in them ([`detect`], [`lock`]) and judging
//! ([`criteria`]) are pure; [`image`] is the only part that asks an engine. Nothing is printed in here.

pub mod cache;
pub mod criteria;
pub mod demands;
pub mod detect;
pub mod image;
pub mod inventory;
pub mod layers;
pub mod lock;
pub mod members;
#[cfg(test)]
mod tests;
