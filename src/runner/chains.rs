//! A chain on one engine: its builds in order, each from the state that the one before left, or from a checkpoint.

use super::ending::{End, RunError};
use super::under_way::Run;
use crate::engine::wire::outcomes::not_built;
use crate::engine::wire::refusal::{Patience, Refusal};
use crate::model::{Bytes, CacheState, ChainKind, Event, Outcome, StateId, Status};
use crate::plan::{Chain, Plan, PlannedBuild};
use std::collections::BTreeSet;

impl Run<'_> {
    /// Base images that cold builds of kind *warm base* must find, or that a registry cache is to hold.
    pub(super) fn fetch_bases(&mut self, plan: &Plan) -> Result<End, RunError> {
        if !self.engine.wants_bases() {
            return Ok(End::Complete);
        }
        let chains = plan.chains.iter().chain(plan.further.iter().flatten());
        let used = chains.map(|chain| &chain.approach).collect::<BTreeSet<_>>();
        let recipes = used.into_iter().filter_map(|approach| self.materials.recipes.get(approach));
        let references: BTreeSet<String> = recipes.flat_map(|recipe| recipe.bases.iter().cloned()).collect();
        self.emit(Event::Preparing { what: format!("fetching base images{}", self.place()) })?;
        let mut patience = Patience::default();
        loop {
            let Err(error) = self.engine.fetch_bases(&references, self.interrupt) else { return Ok(End::Complete) };
            if self.interrupt.is_raised() {
                return Ok(End::Interrupted);
            }
            let refusal = Refusal::find(&error.found).ok_or(error)?;
            if !self.wait_out(&mut patience, &refusal)? {
                return Ok(End::Interrupted);
            }
        }
    }

    /// A chain from its beginning to its end.
    pub(super) fn whole_chain(&mut self, kind: ChainKind, chain: &Chain) -> Result<End, RunError> {
        let what = format!("block {}{}, {}: making the engine ready", chain.block, self.place(), chain.approach);
        self.emit(Event::Preparing { what })?;
        let end = match kind {
            ChainKind::Article => {
                self.engine.begin_chain()?;
                self.chain(chain)?
            }
            ChainKind::Checkpoint => self.chain_of_restores(chain)?,
        };
        self.engine.end_chain()?;
        Ok(end)
    }

    fn chain(&mut self, chain: &Chain) -> Result<End, RunError> {
        let mut last: Option<(StateId, Outcome)> = None;
        self.left = None;
        for planned in &chain.builds {
            if self.interrupt.is_raised() {
                return Ok(End::Interrupted);
            }
            let outcome = self.one(planned, last.as_ref())?;
            if matches!(outcome.result, Err((Status::Interrupted, _))) {
                return Ok(End::Interrupted);
            }
            last = Some((planned.state.clone(), outcome));
        }
        if let (Some(planned), Some((_, outcome))) = (chain.builds.last(), &last) {
            self.look_at_image(&planned.key, outcome)?;
            self.audit(planned, outcome)?;
        }
        Ok(End::Complete)
    }

    /// A chain whose scenarios all start from the cache that the approach's cold build left.
    fn chain_of_restores(&mut self, chain: &Chain) -> Result<End, RunError> {
        for planned in &chain.builds {
            if self.interrupt.is_raised() {
                return Ok(End::Interrupted);
            }
            let approach = &planned.key.approach;
            let cold = planned.cache == CacheState::Cold;
            let kept = self.kept.get(approach).cloned();
            let outcome = match (cold, &kept) {
                (true, _) => {
                    self.engine.begin_chain()?;
                    self.one(planned, None)?
                }
                (false, Some(kept)) => {
                    self.engine.restore(approach.as_str())?;
                    self.one(planned, Some(kept))?
                }
                (false, None) => {
                    self.give_up(planned)?;
                    continue;
                }
            };
            match (&outcome.result, cold) {
                (Err((Status::Interrupted, _)), _) => return Ok(End::Interrupted),
                (Ok(()), true) => {
                    self.look_at_image(&planned.key, &outcome)?;
                    self.engine.save(approach.as_str())?;
                    // After the checkpoint: no sample starts from what an audit leaves.
                    self.audit(planned, &outcome)?;
                    self.kept.insert(approach.clone(), (planned.state.clone(), outcome));
                }
                _ => {}
            }
        }
        Ok(End::Complete)
    }

    /// A build that cannot be made, because there is no cache to start from.
    fn give_up(&mut self, planned: &PlannedBuild) -> Result<(), RunError> {
        let why = "there is no checkpoint to start from: the cold build of this approach did not end well";
        let outcome = not_built(&why);
        let sample = Box::new(self.sample(planned, &outcome, (Status::Failed, why.to_owned()), Bytes(0)));
        self.emit(Event::BuildFinished { sample, steps: Vec::new() })
    }
}
