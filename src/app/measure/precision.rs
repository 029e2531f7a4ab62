//! `run --precision`: whether the medians are precise enough, and what is said of it. The rule is that of
//! `analysis::gate`: it looks at the width of the interval of the median, never at p.

use crate::analysis::gate::Precision;
use crate::analysis::table::LEVEL;
use crate::model::{Cell, Sample, Status};
use crate::plan::Plan;
use crate::stats;
use std::collections::BTreeMap;

/// What was measured so far of the cells that further blocks would measure again.
pub struct Demand {
    rule: Option<Precision>,
    cells: BTreeMap<Cell, Vec<f64>>,
    blocks: usize,
}

impl Demand {
    /// Nothing measured yet. Without a target, nothing is ever asked for.
    pub fn new(target: Option<f64>, plan: &Plan) -> Self {
        let chains = plan.further.iter().flatten();
        let cells = chains.flat_map(|chain| {
            let measured = chain.builds.iter().filter(|build| build.measured);
            measured.map(|build| Cell {
                engine: chain.engine.clone(),
                approach: build.key.approach.clone(),
                scenario: build.key.scenario.clone(),
            })
        });
        let cells = cells.map(|cell| (cell, Vec::new())).collect();
        Self { rule: target.map(|target| Precision { target }), cells, blocks: plan.blocks() }
    }

    /// Takes a sample into account.
    pub fn add(&mut self, sample: &Sample) {
        if let Some(seconds) = self.cells.get_mut(&sample.cell()).filter(|_| sample.status == Status::Ok) {
            seconds.push(sample.seconds.get());
        }
        self.blocks = self.blocks.max(sample.key.block as usize);
    }

    /// Whether any cell asks for more. One without a valid build so far does not: it may never have one.
    pub fn more(&self) -> bool {
        let wanting = |rule: &Precision| self.cells.values().any(|s| !s.is_empty() && rule.more(s) > 0);
        self.rule.as_ref().is_some_and(wanting)
    }

    /// How it went, as a sentence; `None` where nothing was asked for.
    pub fn note(&self) -> Option<String> {
        let rule = self.rule.as_ref()?;
        let percent = |part: f64| format!("{:.1} %", part * 100.0);
        let missed = self.cells.iter().filter_map(|(cell, seconds)| {
            let width = stats::half_width(seconds, LEVEL).ok().flatten();
            match width {
                Some(width) if width <= rule.target => None,
                Some(width) => Some(format!("{} ({})", cell.path(), percent(width))),
                None => Some(format!("{} (n = {})", cell.path(), seconds.len())),
            }
        });
        let missed: Vec<String> = missed.collect();
        let target = percent(rule.target);
        let after = format!("after {} blocks", self.blocks);
        Some(match missed.as_slice() {
            [] => format!("Precision: all medians are known to {target} or better {after}."),
            missed => format!("Precision: {after}, these medians are not known to {target}: {}.", missed.join(", ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{FakeEngine, FakeMachine, outcome};
    use crate::engine::{Client, Interrupt, Named};
    use crate::model::{ApproachId, CacheState, ChainKind, EngineId, Event};
    use crate::plan::PlanOptions;
    use crate::runner::{self, Around, Materials, Recipe};
    use crate::study::Study;
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;

    struct Silent;

    impl crate::model::Progress for Silent {
        fn step(&self, _: &str) {}
    }

    fn plan(reps: u32) -> (tempfile::TempDir, Plan) {
        let dir = tempfile::TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("project")).unwrap();
        std::fs::write(dir.path().join("Dockerfile"), "FROM scratch\n").unwrap();
        let text = "schema = \"layerbench.study/1\"\nname = \"small\"\nproject = { path = \"project\" }\n\
            [[state]]\nid = \"base\"\n[[scenario]]\nid = \"cold\"\ncache = \"cold\"\nstate = \"base\"\n\
            [[approach]]\nid = \"calm\"\ndockerfile = \"Dockerfile\"\n\
            [[approach]]\nid = \"wild\"\ndockerfile = \"Dockerfile\"\n";
        std::fs::write(dir.path().join("study.toml"), text).unwrap();
        let options = PlanOptions {
            reps,
            most: 30,
            engines: Vec::new(),
            approaches: Vec::new(),
            scenarios: Vec::new(),
            seed: 7,
            chain: ChainKind::Article,
        };
        let plan = Plan::new(&Study::load(dir.path()).unwrap(), &options).unwrap();
        (dir, plan)
    }

    /// Runs the plan on an engine whose builds of `wild` vary by this part, and those of `calm` by a hundredth of it.
    fn run(plan: &Plan, noise: f64) -> (Vec<Sample>, String) {
        let dir = tempfile::TempDir::new().unwrap();
        let recipe = |name: &str| Recipe {
            dockerfile: Arc::new(Vec::new()),
            dockerfile_name: name.to_owned(),
            ignore: None,
            settings: crate::engine::BuildSettings::default(),
            bases: BTreeSet::new(),
        };
        let approaches: BTreeSet<&ApproachId> = plan.chains.iter().map(|chain| &chain.approach).collect();
        let states: BTreeSet<_> = plan.builds().map(|build| build.state.clone()).collect();
        let materials = Materials {
            run: "test".to_owned(),
            recipes: approaches.into_iter().map(|id| (id.clone(), recipe(id.as_str()))).collect(),
            contexts: states.into_iter().map(|state| (state, dir.path().to_owned())).collect(),
            context_digests: BTreeMap::new(),
            timeout: Duration::from_secs(1),
            client: Client::Layerbench,
            bases: BTreeMap::new(),
            prints: None,
            audit: None,
            marks: crate::study::Marks::default(),
        };
        let mut number = 0_u32;
        let engine = FakeEngine::new(move |_, request| {
            number += 1;
            let part = if request.dockerfile_name == "wild" { noise } else { noise / 100.0 };
            // Known noise: evenly between -1 and 1, in an order that does not repeat.
            let dice = f64::from(number * 37 % 101) / 50.0 - 1.0;
            outcome(10.0 * (1.0 + part * dice), 2, 0)
        });
        let mut engines = [Named { name: EngineId::only(), engine: Box::new(engine) }];
        let demand = RefCell::new(Demand::new(Some(0.03), plan));
        let mut samples = Vec::new();
        let mut sink = |event: Event| {
            if let Event::BuildFinished { sample, .. } = event {
                demand.borrow_mut().add(&sample);
                samples.push(*sample);
            }
            Ok(())
        };
        let around = Around {
            machine: &FakeMachine::new([]),
            folders: &[],
            progress: &Silent,
            interrupt: &Interrupt::default(),
            more: &|| demand.borrow().more(),
        };
        let end = runner::run(plan, &materials, &mut engines, &around, &mut sink).unwrap();
        assert_eq!(end, runner::End::Complete);
        let note = demand.borrow().note().unwrap();
        (samples, note)
    }

    #[test]
    fn blocks_are_added_until_all_medians_are_precise_and_stay_complete() {
        let (_dir, plan) = plan(10);
        assert_eq!((plan.blocks(), plan.further.len()), (10, 10));
        let blocks = |samples: &[Sample]| samples.last().unwrap().key.block;
        for (noise, least, most) in [(0.001, 10, 10), (0.055, 12, 28), (0.9, 30, 30)] {
            let (samples, note) = run(&plan, noise);
            let count = blocks(&samples);
            assert!((least..=most).contains(&count) && count % 2 == 0, "{noise}: {count} blocks; {note}");
            assert_eq!(samples.len(), 2 * count as usize, "blocks are complete");
            for block in 1..=count {
                let of = samples.iter().filter(|s| s.key.block == block).map(|s| s.key.approach.as_str());
                assert_eq!(of.collect::<BTreeSet<_>>(), BTreeSet::from(["calm", "wild"]), "block {block}");
            }
            assert_eq!(note.contains("wild/cold"), noise > 0.5, "{note}");
            assert!(!note.contains("calm/cold"), "{note}");
            assert!(samples.iter().all(|s| s.status == Status::Ok));
        }
        // The blocks are those of a longer plan, in its order.
        let longer: Vec<_> = self::plan(30).1.builds().map(|build| build.key.clone()).collect();
        let (samples, _) = run(&plan, 0.9);
        assert_eq!(samples.iter().map(|s| s.key.clone()).collect::<Vec<_>>(), longer);
        assert!(plan.builds().all(|build| build.cache == CacheState::Cold));
    }
}
