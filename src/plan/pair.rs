//! Two plans in one: the same cells of two studies, built in turns, so that whatever the machine does falls on both.
//! Nothing is chosen in here.

use super::shuffle::order;
use super::{Chain, Plan};
use crate::model::{ApproachId, Cell, IdError, ScenarioId, StateId};

/// What the names of the first study's approaches and states begin with.
pub const BASELINE: &str = "baseline.";
/// What the names of the second study's approaches and states begin with.
pub const CURRENT: &str = "current.";

/// An approach's name with a beginning.
///
/// # Errors
/// When it becomes too long.
pub fn approach(side: &str, id: &ApproachId) -> Result<ApproachId, IdError> {
    ApproachId::new(&format!("{side}{id}"))
}

/// A state's name with a beginning.
///
/// # Errors
/// When it becomes too long.
pub fn state(side: &str, id: &StateId) -> Result<StateId, IdError> {
    StateId::new(&format!("{side}{id}"))
}

impl Plan {
    /// Joins the plans of two studies block by block, each block in an order of its own, and measures nothing but the
    /// named cells. Chains end after the last of these; names begin with [`BASELINE`] and [`CURRENT`].
    ///
    /// # Errors
    /// When a name becomes too long.
    pub fn pair(baseline: &Plan, current: &Plan, cells: &[Cell]) -> Result<Plan, IdError> {
        let blocks = |plan: &Plan| plan.chains.last().map_or(0, |chain| chain.block);
        let mut joined = Plan { seed: current.seed, chain: current.chain, chains: Vec::new(), further: Vec::new() };
        let mut position = 0;
        for block in 1..=blocks(baseline).max(blocks(current)) {
            let of = |plan: &Plan, side| {
                let chains = plan.chains.iter().filter(|chain| chain.block == block);
                chains.map(|chain| rename(chain, side, cells)).collect::<Result<Vec<_>, _>>()
            };
            let mut chains = of(baseline, BASELINE)?;
            chains.extend(of(current, CURRENT)?);
            // By name first, so that the order does not depend on those of the two plans.
            chains.sort_by(|a, b| a.approach.cmp(&b.approach));
            for index in order(joined.seed, block, chains.len()) {
                let mut chain = chains[index].clone();
                for build in &mut chain.builds {
                    position += 1;
                    build.key.position = position;
                }
                joined.chains.push(chain);
            }
        }
        joined.chains.retain(|chain| !chain.builds.is_empty());
        Ok(joined)
    }
}

fn rename(chain: &Chain, side: &str, cells: &[Cell]) -> Result<Chain, IdError> {
    let wanted = |scenario: &ScenarioId| {
        let here =
            |cell: &Cell| (&cell.engine, &cell.approach, &cell.scenario) == (&chain.engine, &chain.approach, scenario);
        cells.iter().any(here)
    };
    let mut renamed = Chain { approach: approach(side, &chain.approach)?, ..chain.clone() };
    let last = renamed.builds.iter().rposition(|build| wanted(&build.key.scenario));
    renamed.builds.truncate(last.map_or(0, |last| last + 1));
    for build in &mut renamed.builds {
        build.measured = wanted(&build.key.scenario);
        build.key.approach = renamed.approach.clone();
        build.state = state(side, &build.state)?;
    }
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::super::PlannedBuild;
    use super::*;
    use crate::model::{BuildKey, CacheState, EngineId};

    fn plan(approaches: &[&str]) -> Plan {
        let build = |block, approach: &str, scenario: &str| PlannedBuild {
            key: BuildKey {
                block,
                position: 1,
                approach: ApproachId::new(approach).unwrap(),
                scenario: ScenarioId::new(scenario).unwrap(),
            },
            state: StateId::new("base").unwrap(),
            cache: CacheState::Cold,
            measured: true,
        };
        let chain = |block, name: &&str| Chain {
            block,
            engine: EngineId::only(),
            approach: ApproachId::new(name).unwrap(),
            builds: ["cold", "warm", "sources"].map(|s| build(block, name, s)).to_vec(),
        };
        let chains = (1..=3).flat_map(|block| approaches.iter().map(move |name| chain(block, name)));
        Plan { seed: 7, chain: crate::model::ChainKind::Article, chains: chains.collect(), further: Vec::new() }
    }

    #[test]
    fn both_sides_are_in_every_block_and_only_suspects_are_measured() {
        let (approach, scenario) = (ApproachId::new("slow").unwrap(), ScenarioId::new("warm").unwrap());
        let cells = [Cell { engine: EngineId::only(), approach, scenario }];
        let both = plan(&["slow", "quick"]);
        let got = Plan::pair(&both, &both, &cells).unwrap();
        assert_eq!(got.chains.len(), 6);
        for block in 1..=3 {
            let mut names: Vec<&str> =
                got.chains.iter().filter(|c| c.block == block).map(|c| c.approach.as_str()).collect();
            names.sort_unstable();
            assert_eq!(names, ["baseline.slow", "current.slow"]);
        }
        let measured: Vec<bool> = got.chains[0].builds.iter().map(|build| build.measured).collect();
        assert_eq!(measured, [false, true]);
        assert!(got.builds().enumerate().all(|(place, build)| build.key.position as usize == place + 1));
        let firsts: Vec<&str> = got.chains.iter().step_by(2).map(|c| c.approach.as_str()).collect();
        assert!(firsts.contains(&"baseline.slow") || firsts.contains(&"current.slow"));
        assert_eq!(got.builds().next().unwrap().state.as_str().split('.').next_back(), Some("base"));
    }
}
