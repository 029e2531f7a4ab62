//! `layerbench import`.

use super::args::ImportArgs;
use super::out::{style, write_out};
use crate::app::author::import::{self, Request};
use crate::app::read::Form;
use crate::app::{Ending, Failure, World};

/// Carries out the command.
pub fn import(world: World<'_>, args: &ImportArgs) -> Result<Ending, Failure> {
    let request = Request {
        file: args.file.clone(),
        study: (args.study.as_os_str() != "none").then(|| args.study.clone()),
        name: args.name.clone(),
        renames: args.rename.clone(),
        sizes: args.sizes.clone(),
        out: args.out.clone(),
    };
    let run = import::import(world, &request)?;
    write_out(&run.render(Form::Text, style())?)?;
    Ok(Ending::Fine)
}
