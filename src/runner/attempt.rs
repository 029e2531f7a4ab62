//! One build: the engine and the machine are looked at before and after, and what a registry refused is tried again.

use super::ending::RunError;
use super::guards;
use super::under_way::Run;
use crate::engine::machine::look::Look;
use crate::engine::wire::refusal::{Patience, Refusal};
use crate::engine::{BuildRequest, CacheContents, EngineError};
use crate::model::{CacheState, ChainKind, ColdKind, Event, Outcome, StateId, Status};
use crate::plan::PlannedBuild;
use std::time::Duration;

/// How often, and after what pause, a busy engine is looked at again before somebody else is blamed.
const LET_GO_LOOKS: u32 = 60;
const LET_GO_PAUSE: Duration = Duration::from_millis(50);

impl Run<'_> {
    /// One build: request, outcome, judgement, event. What a registry refused is built again, from the same state.
    pub(super) fn one(
        &mut self,
        planned: &PlannedBuild,
        last: Option<&(StateId, Outcome)>,
    ) -> Result<Outcome, RunError> {
        let mut patience = Patience::default();
        loop {
            let mut outcome = self.attempt(planned, last)?;
            let Some(refusal) = Refusal::of(&outcome) else { return Ok(outcome) };
            if !self.wait_out(&mut patience, &refusal)? {
                outcome.result = Err((Status::Interrupted, "stopped by the user".to_owned()));
                return Ok(outcome);
            }
            match (planned.cache, self.chain) {
                (CacheState::Cold, _) => {
                    self.engine.end_chain()?;
                    self.engine.begin_chain()?;
                    self.left = None;
                }
                (_, ChainKind::Checkpoint) => self.engine.restore(planned.key.approach.as_str())?,
                (_, ChainKind::Article) => {}
            }
        }
    }

    fn attempt(&mut self, planned: &PlannedBuild, last: Option<&(StateId, Outcome)>) -> Result<Outcome, RunError> {
        let request = self.request(planned)?;
        let key = &planned.key;
        let mark = format!("{} block {}{} {}", self.materials.run, key.block, self.place(), key.approach);
        self.materials.marks.write(&planned.state, &mark).map_err(|error| RunError::Stopped(error.to_string()))?;
        let before = self.quiet_contents()?;
        let looked = self.look_before()?;
        self.emit(Event::BuildStarted { key: planned.key.clone() })?;
        let mut outcome = self.engine.build(&request, self.progress, self.interrupt);
        let looks = (looked, self.machine.look(&self.places()));
        if Refusal::of(&outcome).is_some() {
            return Ok(outcome);
        }
        let after = match self.quiet_contents() {
            Ok(after) => after,
            // An engine that died with the build, or right after it: the row first, then the end.
            Err(error) => {
                if outcome.result.is_ok() {
                    let why = format!("nobody can tell what the engine held afterwards: {error}");
                    outcome.result = Err((Status::Invalid, why));
                }
                self.judge(planned, last, (&before, &CacheContents::default()), &looks, &mut outcome)?;
                return Err(error.into());
            }
        };
        let reason = self.judge(planned, last, (&before, &after), &looks, &mut outcome)?;
        if outcome.result.is_err() && guards::filled_a_disk(&reason) {
            return Err(RunError::Stopped(format!("a disk is full: {reason}")));
        }
        if self.chain == ChainKind::Article {
            self.left = Some(after);
        }
        Ok(outcome)
    }

    /// Looks at the machine before a build; the run ends here when a disk is about to fill.
    fn look_before(&mut self) -> Result<Look, RunError> {
        let look = self.machine.look(&self.places());
        self.guard.room(&look)?;
        if let Some(text) = self.guard.jump_between(&look) {
            self.emit(Event::Warning { text })?;
        }
        Ok(look)
    }

    /// What the engine holds. An engine lets go of a build's records a moment after it has answered: only one that
    /// stays busy is used by somebody else.
    fn quiet_contents(&mut self) -> Result<CacheContents, EngineError> {
        let mut contents = self.engine.contents()?;
        for _ in 0..LET_GO_LOOKS {
            if !contents.busy {
                break;
            }
            std::thread::sleep(LET_GO_PAUSE);
            contents = self.engine.contents()?;
        }
        Ok(contents)
    }

    fn request(&self, planned: &PlannedBuild) -> Result<BuildRequest, RunError> {
        let key = &planned.key;
        let (recipes, contexts) = (&self.materials.recipes, &self.materials.contexts);
        let recipe = recipes.get(&key.approach).ok_or_else(|| RunError::not_prepared(&key.approach))?;
        let context = contexts.get(&planned.state).ok_or_else(|| RunError::not_prepared(&planned.state))?;
        Ok(BuildRequest {
            context: context.clone(),
            dockerfile: recipe.dockerfile.clone(),
            dockerfile_name: recipe.dockerfile_name.clone(),
            ignore: recipe.ignore.clone(),
            settings: recipe.settings.clone(),
            no_cache: planned.cache == CacheState::Cold && self.engine.cold_kind() == ColdKind::WarmBase,
            // A name of its own: one that takes another's lets containerd collect the layers that it is unpacked on.
            tag: format!("layerbench/{}:{}-{}", self.materials.run, key.block, key.position),
            context_key: format!("layerbench-{}-{}", self.materials.run, key.approach),
            timeout: self.materials.timeout,
            client: self.materials.client.clone(),
        })
    }
}
