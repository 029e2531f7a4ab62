//! Runs that were made: opened, put into tables and pictures, rendered, and chosen for a history. Nothing is judged here.

mod claims;
pub mod comparable;
pub mod drawings;
pub mod export;
mod figures;
mod head;
pub mod painter;
pub mod past;
mod pool;
pub mod render;
pub mod report;
pub mod rows;
mod run;
#[cfg(test)]
mod shapes;
pub mod sizes;

pub use figures::sizes as published_sizes;
pub use pool::Pool;
pub use render::Form;
pub use run::{Run, Sorter, Stratum, columns, engines, unreadable};
