//! The course of a run: which chain comes next, on which engine, and whether more of them are wanted.
//! What happens inside a chain is not known in here.

use super::ending::{End, RunError};
use super::under_way::Run;
use crate::engine::Interrupt;
use crate::model::ChainKind;
use crate::plan::{Chain, Plan};

/// What is built in any case, and further groups of blocks as long as they are wanted.
pub(super) fn whole(
    plan: &Plan,
    runs: &mut [Run<'_>],
    interrupt: &Interrupt,
    wanted: &dyn Fn(&[Chain]) -> Result<bool, RunError>,
) -> Result<End, RunError> {
    for run in runs.iter_mut() {
        if run.fetch_bases(plan)? == End::Interrupted {
            return Ok(End::Interrupted);
        }
    }
    let mut end = chains(plan.chain, &plan.chains, runs, interrupt)?;
    for group in &plan.further {
        if end == End::Interrupted || interrupt.is_raised() || !wanted(group)? {
            break;
        }
        end = chains(plan.chain, group, runs, interrupt)?;
    }
    Ok(end)
}

/// Each chain on its engine, one after the other.
fn chains(kind: ChainKind, chains: &[Chain], runs: &mut [Run<'_>], interrupt: &Interrupt) -> Result<End, RunError> {
    for chain in chains {
        if interrupt.is_raised() {
            return Ok(End::Interrupted);
        }
        let run = runs
            .iter_mut()
            .find(|run| run.name == chain.engine)
            .ok_or_else(|| RunError::not_prepared(&chain.engine.shown().unwrap_or("an engine")))?;
        if run.whole_chain(kind, chain)? == End::Interrupted {
            return Ok(End::Interrupted);
        }
    }
    Ok(End::Complete)
}
