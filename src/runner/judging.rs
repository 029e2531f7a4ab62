//! From an outcome to a row: what speaks against it is looked for, and the row is emitted before anything ends.

use super::ending::RunError;
use super::under_way::Run;
use super::validity::{self, Expected};
use crate::engine::CacheContents;
use crate::engine::machine::look::Look;
use crate::model::{Bytes, Event, Outcome, Sample, StateId, Status, StepKind};
use crate::plan::PlannedBuild;

impl Run<'_> {
    /// Judges, emits, and gives the reason why the sample is not `ok`.
    pub(super) fn judge(
        &mut self,
        planned: &PlannedBuild,
        last: Option<&(StateId, Outcome)>,
        (before, after): (&CacheContents, &CacheContents),
        looks: &(Look, Look),
        outcome: &mut Outcome,
    ) -> Result<String, RunError> {
        let digest = |state: &StateId| {
            self.materials.context_digests.get(&(planned.key.approach.clone(), state.clone())).map(String::as_str)
        };
        let machine = self.guard.objections(&looks.0, &looks.1);
        let expected = Expected {
            cache: planned.cache,
            cold: self.engine.cold_kind(),
            left: self.left.as_ref(),
            before,
            after,
            bases: &self.bases,
            context_changed: last.map(|(state, _)| digest(state) != digest(&planned.state)),
            broken: last.is_some_and(|(_, outcome)| outcome.result.is_err()),
            machine: &machine,
        };
        let mut verdict = validity::check(&expected, outcome);
        for (reference, digest) in &outcome.bases {
            self.bases.entry(reference.clone()).or_insert_with(|| digest.clone());
        }
        let image = match &outcome.image_id {
            Some(id) if outcome.result.is_ok() => self.engine.image(id).map(|facts| facts.bytes),
            _ => Ok(Bytes(0)),
        };
        if let Err(error) = &image {
            verdict = (Status::Invalid, format!("nobody can tell what came out: {error}"));
        }
        let image_bytes = image.clone().unwrap_or(Bytes(0));
        let sample = self.sample(planned, outcome, verdict, image_bytes);
        let reason = sample.reason.clone();
        if planned.measured {
            self.emit(Event::BuildFinished { sample: Box::new(sample), steps: outcome.steps.clone() })?;
        } else if sample.status != Status::Ok {
            let text = format!("{} {} (not measured): {}", planned.key.approach, planned.key.scenario, sample.reason);
            self.emit(Event::Warning { text })?;
        }
        // The row first, then the end.
        image?;
        Ok(reason)
    }

    /// Puts a judged outcome into the form of a row.
    pub(super) fn sample(
        &self,
        planned: &PlannedBuild,
        outcome: &Outcome,
        verdict: (Status, String),
        image_bytes: Bytes,
    ) -> Sample {
        let work = || outcome.steps.iter().filter(|step| step.kind == StepKind::Work);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Sample {
            key: planned.key.clone(),
            engine: self.name.clone(),
            status: verdict.0,
            reason: verdict.1,
            seconds: outcome.seconds,
            engine_seconds: outcome.engine_seconds,
            pull_seconds: outcome.pull_seconds,
            context_bytes: outcome.context_bytes,
            pulled_bytes: outcome.pulled_bytes,
            steps: count(work().count()),
            steps_cached: count(work().filter(|step| step.cached).count()),
            image_id: outcome.image_id.clone().unwrap_or_default(),
            image_bytes,
            started_at: outcome.started_at.clone(),
        }
    }
}
