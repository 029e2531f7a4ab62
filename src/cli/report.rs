//! `layerbench report`.

use super::args::ReportArgs;
use super::out::{answer, style_for};
use crate::app::read::report::{self, Request};
use crate::app::{Ending, Failure, World};

/// Carries out the command.
pub fn report(world: World<'_>, args: &ReportArgs) -> Result<Ending, Failure> {
    let request = Request {
        run: args.run.clone(),
        form: args.format.into(),
        style: style_for(args.out.as_deref()),
        charts: args.charts.clone(),
        png: args.png,
    };
    answer(args.out.as_deref(), &report::report(world, &request)?)?;
    Ok(Ending::Fine)
}
