//! `layerbench init`.

use super::args::InitArgs;
use super::out::write_out;
use crate::app::author::init::{self, Request};
use crate::app::{Ending, Failure};

/// Carries out the command.
pub fn init(args: &InitArgs) -> Result<Ending, Failure> {
    let request = Request { project: args.project.clone(), out: args.out.clone(), force: args.force };
    let written = init::init(&request)?;
    let mut text = format!("{}: {}\n", written.file.display(), written.found);
    for line in written.left_out {
        text += &format!("{line}\n");
    }
    text += &format!("next: layerbench run {} --reps 5\n", written.folder.display());
    write_out(text.as_bytes())?;
    Ok(Ending::Fine)
}
