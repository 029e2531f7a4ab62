//! `layerbench export`.

use super::args::ExportArgs;
use super::out::answer;
use crate::app::read::export::{self, Request};
use crate::app::{Ending, Failure, World};

/// Carries out the command.
pub fn export(world: World<'_>, args: &ExportArgs) -> Result<Ending, Failure> {
    let request = Request { run: args.run.clone(), form: args.format.into(), force: args.force };
    answer(args.out.as_deref(), &export::export(world, &request)?)?;
    Ok(Ending::Fine)
}
