//! How long a run will still take, from the builds that are done.
//! Pure functions of the plan and of what the builds took.
//! No clock is read in here.

use crate::model::{BuildKey, ScenarioId, Seconds};
use std::collections::HashMap;

/// How long the builds of a plan from the index `from` on will take: the median of their scenario,
/// or the mean of all builds for a scenario that has none yet. `done` are the builds that ended well.
/// `None` before the first chain is over, since a cold build says nothing about a cached one, and
/// while nothing ended well.
#[must_use]
pub fn time_left(plan: &[BuildKey], from: usize, done: &[(ScenarioId, Seconds)]) -> Option<Seconds> {
    if done.is_empty() || from < first_chain(plan) {
        return None;
    }
    let mut took: HashMap<&ScenarioId, Vec<f64>> = HashMap::new();
    for (scenario, seconds) in done {
        took.entry(scenario).or_default().push(seconds.get());
    }
    #[allow(clippy::cast_precision_loss)] // counts of builds
    let mean = done.iter().map(|(_, s)| s.get()).sum::<f64>() / done.len() as f64;
    let medians: HashMap<&ScenarioId, f64> =
        took.into_iter().map(|(scenario, times)| (scenario, median(times))).collect();
    let left = plan.get(from..).unwrap_or(&[]).iter();
    let seconds = left.map(|key| medians.get(&key.scenario).copied().unwrap_or(mean));
    Seconds::new(seconds.sum::<f64>().abs())
}

fn first_chain(plan: &[BuildKey]) -> usize {
    let first = plan.first();
    let same = |key: &&BuildKey| first.is_some_and(|f| f.block == key.block && f.approach == key.approach);
    plan.iter().take_while(same).count()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    match times.get(middle) {
        Some(upper) if times.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(*upper, times[middle - 1]),
        None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ApproachId;

    fn plan(blocks: u32) -> Vec<BuildKey> {
        let mut plan = Vec::new();
        for block in 1..=blocks {
            for scenario in ["cold", "warm"] {
                plan.push(BuildKey {
                    block,
                    position: u32::try_from(plan.len()).unwrap() + 1,
                    approach: ApproachId::new("one").unwrap(),
                    scenario: ScenarioId::new(scenario).unwrap(),
                });
            }
        }
        plan
    }

    fn done(times: &[f64]) -> Vec<(ScenarioId, Seconds)> {
        let of = |(i, t): (usize, &f64)| {
            let scenario = if i % 2 == 0 { "cold" } else { "warm" };
            (ScenarioId::new(scenario).unwrap(), Seconds::new(*t).unwrap())
        };
        times.iter().enumerate().map(of).collect()
    }

    fn left(blocks: u32, times: &[f64]) -> Option<f64> {
        time_left(&plan(blocks), times.len(), &done(times)).map(Seconds::get)
    }

    #[test]
    fn medians_of_each_scenario_make_up_what_is_left() {
        assert_eq!(left(3, &[]), None);
        assert_eq!(left(3, &[20.0]), None, "the first chain is not done");
        assert_eq!(left(3, &[20.0, 2.0]), Some(44.0));
        assert_eq!(left(3, &[20.0, 2.0, 30.0]), Some(2.0 + 25.0 + 2.0));
        assert_eq!(left(2, &[20.0, 2.0, 30.0, 1.0]), Some(0.0));
        assert_eq!(left(1, &[20.0, 2.0, 30.0, 1.0]), Some(0.0), "more than planned");
        assert_eq!(left(0, &[20.0]), Some(0.0));
        let all_failed = time_left(&plan(3), 4, &[]);
        assert_eq!(all_failed, None);
    }

    #[test]
    fn a_scenario_without_builds_takes_the_mean() {
        let mut plan = plan(2);
        plan[3].scenario = ScenarioId::new("new").unwrap();
        let left = time_left(&plan, 2, &done(&[20.0, 2.0]));
        assert_eq!(left.map(Seconds::get), Some(20.0 + 11.0));
    }
}
