//! `layerbench build`.

use super::args::BuildArgs;
use super::out::{say, write_out};
use crate::app::measure::single::{self, Request};
use crate::app::{Ending, Failure, World};
use crate::model::{Outcome, StepKind};

/// Carries out the command.
pub fn build(world: World<'_>, args: &BuildArgs) -> Result<Ending, Failure> {
    let built = single::build(world, &request(args))?;
    if !args.quiet {
        summary(&built.outcome);
    }
    write_out(format!("{}\n", built.image).as_bytes())?;
    Ok(Ending::Fine)
}

fn request(args: &BuildArgs) -> Request {
    Request {
        context: args.context.clone(),
        file: args.file.clone(),
        tag: args.tag.clone(),
        target: args.target.clone(),
        build_args: args.build_arg.clone(),
        build_contexts: args.build_context.clone(),
        labels: args.label.clone(),
        secrets: args.secret.clone(),
        platform: args.platform.clone(),
        network: args.network.clone(),
        hosts: args.add_host.clone(),
        no_cache: args.no_cache,
        timeout: args.timeout,
    }
}

fn summary(outcome: &Outcome) {
    for step in outcome.steps.iter().filter(|step| step.kind == StepKind::Work) {
        let seconds: f64 = step.intervals.iter().map(|i| i.end - i.start).sum();
        let how = if step.cached { "cached".to_owned() } else { format!("{seconds:.3} s") };
        say(&format!("{how:>10}  {}", step.name));
    }
    say(&format!("{:>8.3} s  in all, {} of the context sent", outcome.seconds.get(), outcome.context_bytes));
}
