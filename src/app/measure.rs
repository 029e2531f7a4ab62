//! Making runs: begun, gone on with, suspects built afresh; a single build; an engine that is lent to another program.

pub mod auditor;
pub mod confirm;
mod keeper;
pub mod lend;
pub mod precision;
mod resume;
pub mod run;
pub mod run_request;
pub mod single;

pub use keeper::write_reports;
