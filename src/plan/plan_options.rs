//! What a run may choose of a study.

use crate::model::{ChainKind, EngineId};

/// What a run may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// Blocks on each engine, at least one.
    pub reps: u32,
    /// Blocks on each engine that may be built at most: those above `reps` only if they are asked for.
    pub most: u32,
    /// The engines that the blocks are shared out among; none for the only one of a run.
    pub engines: Vec<EngineId>,
    /// Names of approaches, or patterns with `*` and `?`; empty for all.
    pub approaches: Vec<String>,
    /// Names of scenarios, or patterns with `*` and `?`; empty for all.
    pub scenarios: Vec<String>,
    /// What decides the order of the approaches in each block.
    pub seed: u64,
    /// Which cache state the scenarios start from.
    pub chain: ChainKind,
}
