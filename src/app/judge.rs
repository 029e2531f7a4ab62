//! Runs against each other: two runs, tonight against the nights before it, a history, and why two cells differ.

pub mod compare;
pub mod explain;
pub mod gate;
pub mod history;
