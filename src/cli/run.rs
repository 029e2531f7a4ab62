//! `layerbench run`.

use super::args::RunArgs;
use super::out::{say, style, write_out};
use crate::app::measure::run::{self, Answer, Made};
use crate::app::measure::run_request::RunRequest;
use crate::app::prepare::request::Wish;
use crate::app::read::Form;
use crate::app::{Ending, Failure, World};
use crate::report::write_faster;

/// Carries out the command.
pub fn run(world: World<'_>, args: &RunArgs) -> Result<Ending, Failure> {
    match run::run(world, &request(args))? {
        Answer::Plan(plan) => write_out(plan.to_string().as_bytes()).map(|()| Ending::Fine),
        Answer::NothingLeft => {
            say("every build of the run is there: nothing is left to do");
            Ok(Ending::Fine)
        }
        Answer::Made(made) => show(*made),
    }
}

/// Prints the table, what went wrong, and which approach is faster.
fn show(made: Made) -> Result<Ending, Failure> {
    let shown = made.run.and_then(|run| write_out(&run.render(Form::Text, style())?));
    for failure in &made.failures {
        say(failure);
    }
    let ending = made.ended?;
    if ending == Ending::Failed {
        say(&format!("layerbench: {} of the run's builds or images are not as they should be", made.failures.len()));
    }
    shown?;
    let mut text = Vec::new();
    for one in &made.faster {
        let written = write_faster((&one.base, &one.new), &one.engine, &one.compared, style(), &mut text);
        written.map_err(Failure::unmade)?;
    }
    write_out(&text).map(|()| ending)
}

fn request(args: &RunArgs) -> RunRequest {
    RunRequest {
        wish: if args.call.given() { Wish::Call((&args.call).into()) } else { Wish::Study(args.study.clone()) },
        origin: (&args.origin).into(),
        reps: args.reps,
        precision: args.precision,
        approaches: args.approach.clone(),
        scenarios: args.scenario.clone(),
        engines: (&args.engines).into(),
        bases: args.base.clone(),
        seed: args.seed,
        out: args.out.clone(),
        timeout: args.timeout,
        chain: args.chain.into(),
        client: args.client.into(),
        registry_cache: args.registry_cache.clone(),
        resume: args.resume.clone(),
        finish_build: args.finish_build,
        dry_run: args.dry_run,
        no_wait: args.no_wait,
    }
}
