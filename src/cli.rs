//! Arguments, wiring and exit codes: which study, which engine, where the rows go and what is printed.
//! Progress and messages go to standard error, results to standard output.

/// Says a line, or several, to people. In place of `eprintln!`, which would pass anything on to a terminal.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::style::say(&format!($($text)*)) };
}

mod alone;
mod args;
mod audit;
mod bases;
mod build;
mod call;
mod charts;
mod checkout;
mod clean;
mod compare;
mod confirm;
mod doctor;
mod engine;
mod explain;
mod export;
mod facts;
mod gate;
mod history;
#[cfg(test)]
mod hostile;
mod import;
mod init;
mod keeper;
mod load;
mod nights;
mod outside;
mod pick;
mod png;
mod precise;
mod prepare;
mod published;
mod pulls;
mod record;
mod report;
mod resume;
mod run;
mod settings;
#[cfg(test)]
mod shapes;
mod signals;
mod sizes;
mod source;
mod style;

use args::{Args, Call};
use clap::Parser;
use std::fmt;
use std::process::ExitCode;

/// How a call ended; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It did what was asked.
    Fine = 0,
    /// The world stood in the way: no engine, a full disk, builds that failed.
    Failed = 1,
    /// The call or the study is wrong.
    Wrong = 2,
    /// A regression was found.
    Regression = 3,
    /// Too few samples, a global shift, runs that cannot be compared.
    CannotTell = 4,
    /// The user stopped it.
    Interrupted = 130,
}

/// A call that could not be carried out: the exit code and the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    end: End,
    text: String,
}

impl Stop {
    /// The call or the study is wrong.
    fn wrong(text: impl fmt::Display) -> Self {
        Self { end: End::Wrong, text: text.to_string() }
    }

    /// Nothing can be said.
    fn cannot_tell(text: impl fmt::Display) -> Self {
        Self { end: End::CannotTell, text: text.to_string() }
    }

    /// The world stood in the way.
    fn failed(text: impl fmt::Display) -> Self {
        Self { end: End::Failed, text: text.to_string() }
    }
}

impl From<crate::engine::EngineError> for Stop {
    fn from(error: crate::engine::EngineError) -> Self {
        Self::failed(error)
    }
}

/// Carries out the call that the program was started with.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.call {
        Call::Run(options) => run::run(&options),
        Call::Report(options) => report::report(&options),
        Call::Build(options) => build::build(&options),
        Call::Engine(options) => engine::engine(&options),
        Call::Compare(options) => compare::compare(&options),
        Call::Gate(options) => gate::gate(&options),
        Call::History(options) => history::history(&options),
        Call::Explain(options) => explain::explain(&options),
        Call::Export(options) => export::export(&options),
        Call::Init(options) => init::init(&options),
        Call::Audit(options) => audit::audit(&options),
        Call::Import(options) => import::import(&options),
        Call::Doctor(options) => doctor::doctor(&options),
        Call::Clean(options) => clean::clean(&options),
    };
    let end = done.unwrap_or_else(|stop| {
        say!("layerbench: {}", stop.text.trim_end());
        stop.end
    });
    ExitCode::from(end as u8)
}
