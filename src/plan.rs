//! Plans: a study and options to an ordered, seeded, printable list of builds.
//! Pure: the same study, options and seed give the same plan on every machine and in every version.
//! Nothing is read, written or built in here.

mod choose;
pub mod pair;
mod shuffle;
#[cfg(test)]
mod tests;

pub use choose::PlanErrors;

use crate::model::{ApproachId, BuildKey, CacheState, ChainKind, ScenarioId, StateId};
use crate::study::{Approach, Study};
use choose::{Chosen, choose};
use shuffle::order;
use std::fmt;

/// What a run may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// Blocks, at least one.
    pub reps: u32,
    /// Names of approaches, or patterns with `*` and `?`; empty for all.
    pub approaches: Vec<String>,
    /// Names of scenarios, or patterns with `*` and `?`; empty for all.
    pub scenarios: Vec<String>,
    /// What decides the order of the approaches in each block.
    pub seed: u64,
    /// Which cache state the scenarios start from.
    pub chain: ChainKind,
}

/// All builds of a run, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed that the order was made with.
    pub seed: u64,
    /// Which cache state the scenarios start from.
    pub chain: ChainKind,
    /// The chains, one after the other.
    pub chains: Vec<Chain>,
}

/// The scenarios of one approach inside a block, each building on the cache that the one before left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The block, from 1.
    pub block: u32,
    /// Whose builds these are.
    pub approach: ApproachId,
    /// The builds, in the study's order.
    pub builds: Vec<PlannedBuild>,
}

/// One build that will be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedBuild {
    /// Which one; its position counts through the whole plan.
    pub key: BuildKey,
    /// The files that are built.
    pub state: StateId,
    /// The cache condition asked for.
    pub cache: CacheState,
    /// It was asked for. One that was not is built only because a later one needs the cache that it
    /// leaves, and is not reported.
    pub measured: bool,
}

impl Plan {
    /// Plans a run: blocks from 1 to `reps`, in each one every chosen approach once, shuffled by the
    /// seed, its chain run as a whole. A chosen scenario brings along those that it builds on, back
    /// to the cold one before it.
    ///
    /// # Errors
    /// When the options name what the study does not have, or the plan is empty or far too long.
    pub fn new(study: &Study, options: &PlanOptions) -> Result<Self, PlanErrors> {
        let chosen = choose(study, options)?;
        let mut plan = Self { seed: options.seed, chain: options.chain, chains: Vec::new() };
        let mut position = 0;
        for block in 1..=options.reps {
            for index in order(options.seed, block, chosen.approaches.len()) {
                let approach = chosen.approaches[index];
                // From checkpoints, one cold build serves all blocks.
                let again = options.chain == ChainKind::Checkpoint && block > 1;
                plan.chains.push(chain(block, approach, &chosen, again, &mut position));
            }
        }
        Ok(plan)
    }

    /// All builds, in order.
    pub fn builds(&self) -> impl Iterator<Item = &PlannedBuild> {
        self.chains.iter().flat_map(|chain| &chain.builds)
    }
}

/// The chain of an approach; without its cold build when that was made before.
fn chain(block: u32, approach: &Approach, chosen: &Chosen<'_>, without_cold: bool, position: &mut u32) -> Chain {
    let mut builds = Vec::new();
    let left_out = |cache: CacheState| without_cold && cache == CacheState::Cold;
    for (scenario, measured) in chosen.scenarios.iter().filter(|(scenario, _)| !left_out(scenario.cache)) {
        *position += 1;
        builds.push(PlannedBuild {
            key: BuildKey { block, position: *position, approach: approach.id.clone(), scenario: scenario.id.clone() },
            state: scenario.state.clone(),
            cache: scenario.cache,
            measured: *measured,
        });
    }
    Chain { block, approach: approach.id.clone(), builds }
}

impl fmt::Display for Plan {
    /// What `--dry-run` prints: a headline, then one line per build in aligned columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks = self.chains.last().map_or(0, |chain| chain.block);
        let per_block = self.chains.iter().take_while(|c| c.block == 1).count();
        let per_chain = self.chains.first().map_or(0, |chain| chain.builds.len());
        writeln!(
            f,
            "{}: {} of {}, each with {}; seed {}",
            counted(self.builds().count(), "build", "builds"),
            counted(blocks as usize, "block", "blocks"),
            counted(per_block, "approach", "approaches"),
            counted(per_chain, "scenario", "scenarios"),
            self.seed
        )?;
        let set_up = self.builds().filter(|build| !build.measured).count();
        if set_up > 0 {
            writeln!(f, "{set_up} of them for set-up only: a later build needs the cache that they leave")?;
        }
        self.lines(f)
    }
}

impl Plan {
    fn lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let approach_width = |id: &ApproachId| id.as_str().len();
        let scenario_width = |id: &ScenarioId| id.as_str().len();
        let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0).max(8);
        let approaches = widest(&mut self.builds().map(|b| approach_width(&b.key.approach)));
        let scenarios = widest(&mut self.builds().map(|b| scenario_width(&b.key.scenario)));
        writeln!(f, "\nposition  block  {:approaches$}  scenario", "approach")?;
        for build in self.builds() {
            let key = &build.key;
            write!(f, "{:8}  {:5}  {:approaches$}  ", key.position, key.block, key.approach)?;
            if build.measured {
                writeln!(f, "{}", key.scenario)?;
            } else {
                writeln!(f, "{:scenarios$}  (set-up)", key.scenario)?;
            }
        }
        Ok(())
    }
}

fn counted(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}
