//! Which approaches and scenarios of a study a run takes.
//! Everything that the options get wrong is reported together.
//! The order of builds is made elsewhere.

use super::plan_options::PlanOptions;
use crate::model::{CacheState, ChainKind};
use crate::study::{Approach, Scenario, Study};
use std::fmt::{self, Display};

/// A longer plan is a slip of the keyboard: at a second each these builds take eleven days.
const MOST_BUILDS: u64 = 1_000_000;

/// All that is wrong with the options of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanErrors(Vec<String>);

impl Display for PlanErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for PlanErrors {}

/// What a run takes of a study.
pub(super) struct Chosen<'s> {
    /// In the study's order.
    pub approaches: Vec<&'s Approach>,
    /// In the study's order, each with whether it was asked for.
    pub scenarios: Vec<(&'s Scenario, bool)>,
}

pub(super) fn choose<'s>(study: &'s Study, options: &PlanOptions) -> Result<Chosen<'s>, PlanErrors> {
    let mut wrong = Vec::new();
    if options.reps == 0 {
        wrong.push("repetitions: found 0; expected at least 1".to_owned());
    }
    let names: Vec<&str> = study.approaches.iter().map(|a| a.id.as_str()).collect();
    let approaches = matching("approach", &options.approaches, &names, &mut wrong);
    let names: Vec<&str> = study.scenarios.iter().map(|s| s.id.as_str()).collect();
    let asked = matching("scenario", &options.scenarios, &names, &mut wrong);

    let approaches = study.approaches.iter().zip(approaches);
    let chosen = Chosen {
        approaches: approaches.filter(|(_, yes)| *yes).map(|(a, _)| a).collect(),
        scenarios: with_what_they_build_on(&study.scenarios, &asked),
    };
    let cold = chosen.scenarios.iter().filter(|(scenario, _)| scenario.cache == CacheState::Cold).count();
    if options.chain == ChainKind::Checkpoint && cold != 1 {
        wrong
            .push(format!("checkpoints: found {cold} cold scenarios; expected one, whose cache the others start from"));
    }
    let builds = u64::from(options.reps.max(options.most))
        .saturating_mul(options.engines.len().max(1) as u64)
        .saturating_mul(chosen.approaches.len() as u64)
        .saturating_mul(chosen.scenarios.len() as u64);
    if builds > MOST_BUILDS {
        wrong.push(format!(
            "the plan: found {builds} builds; expected at most {MOST_BUILDS}; ask for fewer repetitions or approaches"
        ));
    }
    if wrong.is_empty() { Ok(chosen) } else { Err(PlanErrors(wrong)) }
}

/// Which of the names are meant by the patterns; all of them if there is no pattern.
fn matching(what: &str, patterns: &[String], names: &[&str], wrong: &mut Vec<String>) -> Vec<bool> {
    let mut chosen = vec![patterns.is_empty(); names.len()];
    for pattern in patterns {
        let mut any = false;
        for (name, chosen) in names.iter().zip(&mut chosen) {
            if matches(pattern, name) {
                *chosen = true;
                any = true;
            }
        }
        if !any {
            let more = names.len().saturating_sub(20);
            let mut known = names[..names.len() - more].join(", ");
            if more > 0 {
                known = format!("{known} and {more} more");
            }
            wrong.push(format!(
                "{what}: found {pattern:?}, which the study does not have; expected one of {known}, or a pattern with * and ?"
            ));
        }
    }
    chosen
}

/// Whether a name fits a pattern in which `*` stands for any text and `?` for any one character.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and up to where it has been tried to reach.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, reached)) = star else {
                    return false;
                };
                star = Some((at, reached + 1));
                p = at + 1;
                n = reached + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The scenarios asked for and, for each, all before it back to the last cold one.
fn with_what_they_build_on<'s>(scenarios: &'s [Scenario], asked: &[bool]) -> Vec<(&'s Scenario, bool)> {
    let mut needed = false;
    let mut chosen = Vec::new();
    for (scenario, asked) in scenarios.iter().zip(asked).rev() {
        needed |= asked;
        if needed {
            chosen.push((scenario, *asked));
        }
        if scenario.cache == CacheState::Cold {
            needed = false;
        }
    }
    chosen.reverse();
    chosen
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, name) in [
            ("01-simple", "01-simple"),
            ("*", "x"),
            ("0?-*", "03-multi-stage"),
            ("*slim*", "06-final-slim-build"),
            ("*a*b", "aab-ab"),
            ("x**", "x"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("01", "01-simple"), ("?", ""), ("", "x"), ("*b", "ba"), ("[ab]", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
