//! `layerbench doctor`: what a run would use, and what is in the way. Each line says ok or stop, and what to do.

use super::args::{DoctorArgs, Topic};
use super::pick::{Picked, pick};
use super::prepare;
use super::{End, Stop};
use crate::plan::{Plan, PlanOptions};
use crate::study::Study;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a registry may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Carries out the command.
pub fn doctor(args: &DoctorArgs) -> Result<End, Stop> {
    let study = Study::load(&args.study).map_err(Stop::wrong)?;
    let options = PlanOptions { reps: 1, approaches: Vec::new(), scenarios: Vec::new(), seed: 0 };
    let plan = Plan::new(&study, &options).map_err(Stop::wrong)?;
    let replacements = prepare::replacements(&study, &args.base)?;
    let recipes = prepare::recipes(&study, &plan, &replacements, args.base.len())?;
    let wants = |topic| args.only.is_none_or(|only| only == topic);

    let Picked { mut engine, line } = pick(&args.engine, "doctor", &study)?;
    let mut end = End::Fine;
    if wants(Topic::Engine) {
        println!("ok    engine: {line}");
        for (key, value) in engine.fingerprint()? {
            println!("      {key}: {value}");
        }
    }
    if wants(Topic::Bases) {
        let references: BTreeSet<String> = recipes.into_values().flat_map(|recipe| recipe.bases).collect();
        for reference in references {
            match engine.resolve(&reference, ANSWER_LIMIT) {
                Ok(found) => println!("ok    base image {reference}: {}", found.digest),
                Err(error) => {
                    println!("stop  base image {reference}: {}", error.found.trim());
                    println!(
                        "      replace it with --base {reference}=OTHER, or make stand-ins with scripts/stand-ins"
                    );
                    end = End::Failed;
                }
            }
        }
    }
    engine.finish()?;
    Ok(end)
}
