//! Images and machines, looked at: the scorecard of an image, and what a run would use and what is in its way.

pub mod audit;
pub mod doctor;
