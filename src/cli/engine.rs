//! `layerbench engine`.

use super::args::LendArgs;
use crate::app::measure::lend::{self, Request};
use crate::app::{Ending, Failure, World};

/// Carries out the command.
pub fn engine(world: World<'_>, args: &LendArgs) -> Result<Ending, Failure> {
    lend::lend(world, &Request { program: args.program.clone(), arguments: args.arguments.clone() })
}
