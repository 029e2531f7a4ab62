//! Events to people who watch: a bar with the current step on a terminal, plain lines elsewhere.
//! It costs nothing while a clock runs: a step's name is only put into a slot, and a thread of its
//! own draws what is in the slot, twice a second. No result is printed in here.

mod bar;
mod display;
mod estimate;
mod left;
mod lines;
mod slot;
#[cfg(test)]
mod tests;

pub use display::Display;
pub use estimate::time_left;
