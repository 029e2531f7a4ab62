//! What a plan still asks for when part of it was built before, by a run that was broken off.
//!
//! A chain is whole or it is made again from its beginning: the cache that its next build would start from went with
//! the engine. Pure: what was stored is told, and nothing is read or written.

use super::{Chain, Plan, PlannedBuild};
use crate::model::{ApproachId, BuildKey, CacheState, ChainKind, EngineId, Status};
use std::collections::{BTreeMap, BTreeSet};

/// What remains of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// The chains that are to be built. Those that were begun before get positions that nothing had.
    pub plan: Plan,
    /// Builds of chains that were cut in the middle: kept, but of no use any more.
    pub cut: Vec<BuildKey>,
}

/// A block's approach: what tells the chains of a plan apart.
type Place = (u32, String);

/// What was built of each chain, and is of use if the chain is whole.
type Made<'a> = BTreeMap<Place, Vec<&'a BuildKey>>;

impl Plan {
    /// What is left to do after `stored` builds. Of the blocks that may follow, those up to `grown` were already asked
    /// for, and belong to the plan from now on. An approach whose image is still to be `looked_at` builds its last chain
    /// again, if no other is left: images are looked at when a chain ends.
    #[must_use]
    pub fn remaining(
        self,
        stored: &[(BuildKey, Status)],
        grown: u32,
        looked_at: &dyn Fn(&EngineId, &ApproachId) -> bool,
    ) -> Remaining {
        let mut made: Made<'_> = BTreeMap::new();
        for (key, _) in stored.iter().filter(|(_, status)| *status != Status::Interrupted) {
            made.entry((key.block, key.approach.to_string())).or_default().push(key);
        }
        let planned = self.chains.iter().chain(self.further.iter().flatten()).flat_map(|chain| &chain.builds);
        let last = planned.map(|build| build.key.position).chain(stored.iter().map(|(key, _)| key.position)).max();
        let mut left = Left {
            kind: self.chain,
            first: first_chains(&self),
            unlooked: unlooked(&self, &made, stored, looked_at),
            begun: stored.iter().map(|(key, _)| (key.block, key.approach.to_string())).collect(),
            engines: BTreeSet::new(),
            next: last.unwrap_or(0),
            cut: Vec::new(),
        };
        let chains: Vec<Chain> = self.chains.iter().filter_map(|chain| left.of(chain, &made)).collect();
        let mut remaining = Self { seed: self.seed, chain: self.chain, chains, further: Vec::new() };
        for group in &self.further {
            let asked = group.first().is_some_and(|chain| chain.block <= grown);
            let chains: Vec<Chain> = group.iter().filter_map(|chain| left.of(chain, &made)).collect();
            if asked {
                remaining.chains.extend(chains);
            } else {
                remaining.further.push(chains);
            }
        }
        Remaining { plan: remaining, cut: left.cut }
    }
}

/// The first chain of each approach on each engine: it has all builds, the cold one too.
fn first_chains(plan: &Plan) -> BTreeMap<(EngineId, String), Vec<PlannedBuild>> {
    let mut first = BTreeMap::new();
    for chain in &plan.chains {
        first.entry((chain.engine.clone(), chain.approach.to_string())).or_insert_with(|| chain.builds.clone());
    }
    first
}

/// Whether everything of a chain that is kept was built. Builds for set-up leave no sample.
fn whole(chain: &Chain, made: &Made<'_>) -> bool {
    let found = made.get(&(chain.block, chain.approach.to_string())).map(Vec::as_slice).unwrap_or_default();
    let mut wanted = chain.builds.iter().filter(|build| build.measured);
    wanted.all(|build| found.iter().any(|key| key.scenario == build.key.scenario))
}

/// The last chains of approaches that have no chain left, and whose image was never looked at although it was built.
fn unlooked(
    plan: &Plan,
    made: &Made<'_>,
    stored: &[(BuildKey, Status)],
    looked_at: &dyn Fn(&EngineId, &ApproachId) -> bool,
) -> BTreeSet<Place> {
    let mut last = BTreeMap::new();
    let further = plan.further.iter().flatten().filter(|c| made.contains_key(&(c.block, c.approach.to_string())));
    for chain in plan.chains.iter().chain(further) {
        last.insert((&chain.engine, &chain.approach), chain);
    }
    let built = |chain: &Chain| {
        let scenario = chain.builds.last().map(|build| &build.key.scenario);
        stored.iter().any(|(key, status)| {
            (key.block, &key.approach, Some(&key.scenario)) == (chain.block, &chain.approach, scenario)
                && *status == Status::Ok
        })
    };
    let places = last
        .into_values()
        .filter(|chain| whole(chain, made) && built(chain) && !looked_at(&chain.engine, &chain.approach));
    places.map(|chain| (chain.block, chain.approach.to_string())).collect()
}

/// Goes through the chains in order.
struct Left {
    kind: ChainKind,
    first: BTreeMap<(EngineId, String), Vec<PlannedBuild>>,
    /// Chains that are made again for their image alone.
    unlooked: BTreeSet<Place>,
    /// Chains of which anything is stored: their positions are taken.
    begun: BTreeSet<Place>,
    /// Approaches that have a cold build among what remains, by engine.
    engines: BTreeSet<(EngineId, String)>,
    /// The last position in use.
    next: u32,
    cut: Vec<BuildKey>,
}

impl Left {
    /// The chain as it is to be built, if it is.
    fn of(&mut self, chain: &Chain, made: &Made<'_>) -> Option<Chain> {
        let place = (chain.block, chain.approach.to_string());
        if whole(chain, made) && !self.unlooked.contains(&place) {
            return None;
        }
        let found = made.get(&place).map(Vec::as_slice).unwrap_or_default();
        self.cut.extend(found.iter().map(|key| (*key).clone()));
        let here = (chain.engine.clone(), chain.approach.to_string());
        let unkept = self.kind == ChainKind::Checkpoint && self.engines.insert(here.clone());
        let cold = chain.builds.iter().any(|build| build.cache == CacheState::Cold);
        let mut chain = chain.clone();
        if unkept && !cold {
            // Its checkpoint went with the engine.
            chain.builds = self.first.get(&here).cloned().unwrap_or(chain.builds);
        } else if !self.begun.contains(&place) {
            return Some(chain);
        }
        for build in &mut chain.builds {
            self.next = self.next.saturating_add(1);
            build.key.block = chain.block;
            build.key.position = self.next;
        }
        Some(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{options, study, study_with_one_cold};
    use super::*;

    fn stored(plan: &Plan, count: usize) -> Vec<(BuildKey, Status)> {
        plan.builds().take(count).map(|build| (build.key.clone(), Status::Ok)).collect()
    }

    fn places(plan: &Plan) -> Vec<(u32, String, usize)> {
        plan.chains.iter().map(|c| (c.block, c.approach.to_string(), c.builds.len())).collect()
    }

    #[test]
    fn nothing_built_leaves_everything_and_everything_built_leaves_nothing() {
        let plan = Plan::new(&study(), &options(3, &[], &[])).unwrap();
        let all = plan.clone().remaining(&[], 0, &|_, _| true);
        assert_eq!((all.plan, all.cut), (plan.clone(), Vec::new()));
        let done = plan.clone().remaining(&stored(&plan, 45), 3, &|_, _| true);
        assert_eq!((places(&done.plan), done.cut), (Vec::new(), Vec::new()));
    }

    #[test]
    fn wherever_it_was_cut_each_cell_gets_one_whole_sample_per_block() {
        let plan = Plan::new(&study(), &options(3, &[], &[])).unwrap();
        for count in 0..45 {
            let before = stored(&plan, count);
            let Remaining { plan: rest, cut } = plan.clone().remaining(&before, 0, &|_, _| true);
            assert_eq!(cut.len(), count % 5, "{count}: what a cut chain had is of no use");
            let kept = before.iter().map(|(key, _)| key).filter(|key| !cut.contains(key));
            let mut cells: Vec<_> = kept
                .chain(rest.builds().map(|build| &build.key))
                .map(|key| (key.block, key.approach.clone(), key.scenario.clone()))
                .collect();
            cells.sort();
            cells.dedup();
            assert_eq!(cells.len(), 45, "{count}");
            let mut positions: Vec<u32> = before.iter().map(|(key, _)| key.position).collect();
            positions.extend(rest.builds().map(|build| build.key.position));
            let all = positions.len();
            positions.sort_unstable();
            positions.dedup();
            assert_eq!(positions.len(), all, "{count}: no position twice");
        }
    }

    #[test]
    fn a_chain_cut_twice_is_made_a_third_time() {
        let plan = Plan::new(&study(), &options(1, &["01-simple"], &[])).unwrap();
        let mut before = stored(&plan, 2);
        before[0].1 = Status::Interrupted;
        before[1].1 = Status::Interrupted;
        let second = plan.clone().remaining(&before, 0, &|_, _| true).plan;
        before.extend(stored(&second, 3));
        let third = plan.remaining(&before, 0, &|_, _| true);
        assert_eq!(third.cut, before[2..].iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
        assert_eq!(third.plan.builds().map(|b| b.key.position).collect::<Vec<_>>(), [9, 10, 11, 12, 13]);
    }

    #[test]
    fn builds_for_set_up_leave_no_sample_and_are_not_missed() {
        let plan = Plan::new(&study(), &options(2, &[], &["warm"])).unwrap();
        let measured = plan.builds().filter(|build| build.measured).map(|build| (build.key.clone(), Status::Ok));
        let rest = plan.clone().remaining(&measured.collect::<Vec<_>>(), 2, &|_, _| true);
        assert_eq!((rest.plan.chains, rest.cut), (Vec::new(), Vec::new()));
    }

    #[test]
    fn an_image_that_was_not_looked_at_is_built_again_with_its_last_chain() {
        let plan = Plan::new(&study(), &options(2, &[], &[])).unwrap();
        let mut before = stored(&plan, 30);
        let unseen = |_: &EngineId, approach: &ApproachId| approach.as_str() != "02-slim";
        let rest = plan.clone().remaining(&before, 2, &unseen);
        assert_eq!(places(&rest.plan), [(2, "02-slim".to_owned(), 5)]);
        assert_eq!(rest.cut.len(), 5);
        // Where no image came out, there is none to look at.
        for (key, status) in &mut before {
            if key.block == 2 && key.approach.as_str() == "02-slim" && key.scenario.as_str() == "back" {
                *status = Status::Failed;
            }
        }
        assert_eq!(plan.remaining(&before, 2, &unseen).plan.chains, []);
    }

    #[test]
    fn a_build_that_failed_counts_as_made() {
        let plan = Plan::new(&study(), &options(1, &["01-simple"], &[])).unwrap();
        let mut before = stored(&plan, 5);
        before[2].1 = Status::Failed;
        assert_eq!(plan.remaining(&before, 0, &|_, _| true).plan.chains, []);
    }

    #[test]
    fn checkpoints_are_made_anew() {
        let mut asked = options(3, &["01-simple"], &[]);
        asked.chain = ChainKind::Checkpoint;
        let plan = Plan::new(&study_with_one_cold(), &asked).unwrap();
        assert_eq!(places(&plan).iter().map(|(_, _, n)| *n).collect::<Vec<_>>(), [2, 1, 1]);
        let rest = plan.clone().remaining(&stored(&plan, 2), 0, &|_, _| true).plan;
        let scenarios = |chain: &Chain| chain.builds.iter().map(|b| b.key.scenario.to_string()).collect::<Vec<_>>();
        assert_eq!(rest.chains.iter().map(scenarios).collect::<Vec<_>>(), [vec!["cold", "warm"], vec!["warm"]]);
        assert!(rest.builds().all(|build| build.key.block > 1));
    }

    #[test]
    fn blocks_that_were_asked_for_are_planned_and_others_may_follow() {
        let mut asked = options(1, &["01-simple"], &[]);
        asked.most = 5;
        let plan = Plan::new(&study(), &asked).unwrap();
        let rest = plan.clone().remaining(&stored(&plan, 5), 3, &|_, _| true).plan;
        assert_eq!(places(&rest).iter().map(|(block, ..)| *block).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(rest.further.iter().flatten().map(|chain| chain.block).collect::<Vec<_>>(), [4, 5]);
    }
}
