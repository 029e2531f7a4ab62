//! Plans: a study and options to an ordered, seeded, printable list of builds.
//! Pure: the same study, options and seed give the same plan on every machine and in every version.
//! Nothing is read, written or built in here.

mod choose;
pub mod pair;
mod plan_options;
mod remaining;
mod shuffle;
#[cfg(test)]
mod tests;

pub use choose::PlanErrors;
pub use plan_options::PlanOptions;
pub use remaining::Remaining;

use crate::model::{ApproachId, BuildKey, CacheState, ChainKind, EngineId, ScenarioId, StateId};
use crate::study::{Approach, Study};
use crate::text::counted;
use choose::{Chosen, choose};
use shuffle::{order, order_of_round};
use std::collections::BTreeSet;
use std::fmt;

/// All builds of a run, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed that the order was made with.
    pub seed: u64,
    /// Which cache state the scenarios start from.
    pub chain: ChainKind,
    /// The chains, one after the other.
    pub chains: Vec<Chain>,
    /// What may follow, group by group: [`STEP`] blocks on each engine.
    pub further: Vec<Vec<Chain>>,
}

/// Blocks on each engine that are added at a time.
pub const STEP: u32 = 2;

/// The scenarios of one approach inside a block, each building on the cache that the one before left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The block, from 1.
    pub block: u32,
    /// The engine that builds the block.
    pub engine: EngineId,
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
    /// Plans a run: blocks from 1 on, in each one every chosen approach once, shuffled by the seed, its
    /// chain run as a whole. A chosen scenario brings along those that it builds on, back to the cold
    /// one before it.
    ///
    /// Each engine builds `reps` whole blocks. They come in rounds: in each, every engine has one block,
    /// in an order shuffled by the seed, so that whatever the machine does falls on all engines alike.
    ///
    /// # Errors
    /// When the options name what the study does not have, or the plan is empty or far too long.
    pub fn new(study: &Study, options: &PlanOptions) -> Result<Self, PlanErrors> {
        let chosen = choose(study, options)?;
        let mut plan = Self { seed: options.seed, chain: options.chain, chains: Vec::new(), further: Vec::new() };
        let mut position = 0;
        for (block, round, engine) in blocks(options) {
            let group = round.checked_sub(options.reps + 1).map(|more| (more / STEP) as usize);
            if group.is_some_and(|group| group == plan.further.len()) {
                plan.further.push(Vec::new());
            }
            for index in order(options.seed, block, chosen.approaches.len()) {
                let approach = chosen.approaches[index];
                // From checkpoints, one cold build serves all blocks of an engine.
                let again = options.chain == ChainKind::Checkpoint && round > 1;
                let builds = builds(block, approach, &chosen, again, &mut position);
                let chain = Chain { block, engine: engine.clone(), approach: approach.id.clone(), builds };
                match group {
                    None => plan.chains.push(chain),
                    Some(group) => plan.further[group].push(chain),
                }
            }
        }
        Ok(plan)
    }

    /// The names of the engines that build the blocks, where there are several.
    #[must_use]
    pub fn engines(&self) -> BTreeSet<&str> {
        self.chains.iter().filter_map(|chain| chain.engine.shown()).collect()
    }

    /// Blocks that are built in any case.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.chains.last().map_or(0, |chain| chain.block as usize)
    }

    /// All builds that are made in any case, in order.
    pub fn builds(&self) -> impl Iterator<Item = &PlannedBuild> {
        self.chains.iter().flat_map(|chain| &chain.builds)
    }
}

/// The blocks in order, each with its round and its engine.
fn blocks(options: &PlanOptions) -> impl Iterator<Item = (u32, u32, EngineId)> {
    let rounds = (1..=options.reps.max(options.most)).flat_map(|round| {
        let engines: Vec<EngineId> = match options.engines.len() {
            0 => vec![EngineId::only()],
            count => {
                order_of_round(options.seed, round, count).into_iter().map(|e| options.engines[e].clone()).collect()
            }
        };
        engines.into_iter().map(move |engine| (round, engine))
    });
    (1..).zip(rounds).map(|(block, (round, engine))| (block, round, engine))
}

/// The builds of an approach's chain; without its cold one when that was made before.
fn builds(
    block: u32,
    approach: &Approach,
    chosen: &Chosen<'_>,
    without_cold: bool,
    position: &mut u32,
) -> Vec<PlannedBuild> {
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
    builds
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
        let engines = self.engines();
        if !engines.is_empty() {
            let names = engines.iter().copied().collect::<Vec<_>>().join(", ");
            let each = counted(blocks as usize / engines.len(), "block", "blocks");
            writeln!(f, "{} ({names}), {each} on each, one at a time", counted(engines.len(), "engine", "engines"))?;
        }
        let set_up = self.builds().filter(|build| !build.measured).count();
        if set_up > 0 {
            writeln!(f, "{set_up} of them for set-up only: a later build needs the cache that they leave")?;
        }
        if let Some(last) = self.further.last().and_then(|group| group.last()) {
            writeln!(
                f,
                "more blocks may follow while medians are not precise enough, up to {} in all; they are marked (if needed)",
                last.block
            )?;
        }
        self.lines(f)
    }
}

impl Plan {
    fn lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let approach_width = |id: &ApproachId| id.as_str().len();
        let scenario_width = |id: &ScenarioId| id.as_str().len();
        let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0).max(8);
        let engines = self.engines().iter().map(|engine| engine.len() + 2).max().map(|width| width.max(8));
        let approaches = widest(&mut self.builds().map(|b| approach_width(&b.key.approach)));
        let scenarios = widest(&mut self.builds().map(|b| scenario_width(&b.key.scenario)));
        let engine = |name: &str| engines.map_or(String::new(), |width| format!("{name:width$}"));
        writeln!(f, "\nposition  block  {}{:approaches$}  scenario", engine("engine"), "approach")?;
        let sure = self.chains.iter().map(|chain| (chain, false));
        let further = self.further.iter().flatten().map(|chain| (chain, true));
        let builds = sure.chain(further).flat_map(|(chain, more)| chain.builds.iter().map(move |b| (chain, b, more)));
        for (chain, build, more) in builds {
            let key = &build.key;
            let engine = engine(chain.engine.shown().unwrap_or_default());
            write!(f, "{:8}  {:5}  {engine}{:approaches$}  ", key.position, key.block, key.approach)?;
            let remark = match (build.measured, more) {
                (true, false) => "",
                (true, true) => "(if needed)",
                (false, false) => "(set-up)",
                (false, true) => "(set-up, if needed)",
            };
            writeln!(f, "{}", format!("{:scenarios$}  {remark}", key.scenario).trim_end())?;
        }
        Ok(())
    }
}
