//! Criterion 6, from a run's samples: how much of a build is executed again, and what a better order would save.
//!
//! A `RUN` step that is executed although only sources changed stands after something that changed with them. An order
//! that puts it before would save its time, at most: the step may need the sources. So the seconds are an upper bound,
//! and the median of the samples of the first changed scenario, in the study's order, is what they are judged by.

use crate::model::{
    AuditEvidence, CacheState, Criterion, CriterionVerdict, Sample, ScenarioId, Status, Step, StepKind,
};
use serde_json::{Map, Value};

/// A step that takes less is not worth another order, in seconds: in all of a build together.
const WORTH: f64 = 0.1;

/// Judges one approach by its samples of a run, each with its steps; the scenarios in the study's order.
#[must_use]
pub fn cache_use(samples: &[(&Sample, &[Step])], scenarios: &[(ScenarioId, CacheState)]) -> Criterion {
    let mut criterion = Criterion::unknown(6, "");
    let of = |id: &ScenarioId| -> Vec<&(&Sample, &[Step])> {
        samples.iter().filter(|(s, _)| s.key.scenario == *id && s.status == Status::Ok).collect()
    };
    let mut shares = Map::new();
    for (id, _) in scenarios {
        let shown: Vec<f64> = of(id)
            .iter()
            .filter(|(sample, _)| sample.steps > 0)
            .map(|(sample, _)| {
                f64::from(sample.steps - sample.steps_cached.min(sample.steps)) / f64::from(sample.steps)
            })
            .collect();
        if let Some(share) = median(shown) {
            shares.insert(id.to_string(), Value::from((share * 1000.0).round() / 1000.0));
        }
    }
    criterion.figure("executed_share", shares);
    let changed = scenarios.iter().find(|(_, cache)| *cache == CacheState::Changed);
    let Some((id, _)) = changed else {
        return criterion.judged(CriterionVerdict::Unknown, "no scenario of the run changes anything");
    };
    let found = of(id);
    let Some(saved) =
        median(found.iter().map(|(_, steps)| avoidable(steps).map(seconds).fold(0.0, |all, one| all + one)).collect())
    else {
        return criterion.judged(CriterionVerdict::Unknown, format!("no sample of {id} can be used"));
    };
    criterion.figure("saved_by_order_at_most_s", (saved * 1000.0).round() / 1000.0);
    let names = found.iter().flat_map(|(_, steps)| avoidable(steps).map(|step| step.name.clone()));
    criterion.found(AuditEvidence::new("RUN steps that are executed again", names));
    let executed = found.iter().any(|(_, steps)| avoidable(steps).next().is_some());
    match executed && saved >= WORTH {
        false => {
            criterion.judged(CriterionVerdict::Pass, format!("with {id}, no RUN step worth the name is executed again"))
        }
        true => criterion.judged(
            CriterionVerdict::Fail,
            format!("with {id}, RUN steps are executed again; another order would save {saved:.1} s at most"),
        ),
    }
}

fn avoidable(steps: &[Step]) -> impl Iterator<Item = &Step> + Clone {
    let run = |step: &&Step| step.kind == StepKind::Work && !step.cached && step.name.contains("] RUN ");
    steps.iter().filter(run)
}

fn seconds(step: &Step) -> f64 {
    step.intervals.iter().map(|interval| interval.length().get()).sum()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => values.get(middle).copied(),
        _ => Some(f64::midpoint(*values.get(middle - 1)?, *values.get(middle)?)),
    }
}
