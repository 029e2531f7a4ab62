//! The command line: arguments to a Request, an Answer to text, an ending to an exit code. The only room that prints.
//! Progress and messages go to standard error, results to standard output.
//!
//! Each command has a file, which is as long as it takes to say how it is called and how its answer is shown.

#![allow(clippy::print_stdout, clippy::print_stderr)] // this is where printing belongs

mod args;
mod audit;
mod build;
mod clean;
mod compare;
mod doctor;
mod engine;
mod exit;
mod explain;
mod export;
mod gate;
mod history;
#[cfg(test)]
mod hostile;
mod import;
mod init;
mod out;
mod report;
mod run;
mod signals;
mod terminal;

use crate::app::prepare::real_world::RealWorld;
use crate::app::{Ending, Failure, World};
use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;
use terminal::Terminal;

/// Carries out the call that the program was started with.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let (terminal, real) = (Terminal::new(args.is_quiet()), RealWorld::from_environment());
    let ending = carry_out(real.watched_by(&terminal), &args.command).unwrap_or_else(|failure| {
        out::say(&format!("layerbench: {}", failure.text.trim_end()));
        failure.ending
    });
    exit::code(ending)
}

fn carry_out(world: World<'_>, command: &Command) -> Result<Ending, Failure> {
    match command {
        Command::Run(args) => run::run(world, args),
        Command::Report(args) => report::report(world, args),
        Command::Build(args) => build::build(world, args),
        Command::Engine(args) => engine::engine(world, args),
        Command::Compare(args) => compare::compare(world, args),
        Command::Gate(args) => gate::gate(world, args),
        Command::History(args) => history::history(args),
        Command::Explain(args) => explain::explain(world, args),
        Command::Export(args) => export::export(world, args),
        Command::Init(args) => init::init(args),
        Command::Audit(args) => audit::audit(world, args),
        Command::Import(args) => import::import(world, args),
        Command::Doctor(args) => doctor::doctor(world, args),
        Command::Clean(args) => clean::clean(world, args),
    }
}
