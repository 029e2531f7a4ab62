//! A whole run, from its first event to its last: all engines are told to clean up, however it ends.

use super::course;
use super::ending::{End, RunError, SinkError};
use super::guards::Guard;
use super::materials::Materials;
use super::under_way::Run;
use crate::engine::machine::look::Machine;
use crate::engine::machine::places::Folder;
use crate::engine::{EngineError, Interrupt, Named};
use crate::model::{Event, Progress, Seconds};
use crate::plan::{Chain, Plan};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Takes events; its refusal stops the run.
pub type Sink<'a> = &'a mut dyn FnMut(Event) -> Result<(), SinkError>;

/// What a run is watched and steered by.
pub struct Around<'a> {
    /// The machine that the run is made on.
    pub machine: &'a dyn Machine,
    /// Folders of the run itself, whose disks must keep room.
    pub folders: &'a [Folder],
    /// Gets the name of the step that started last.
    pub progress: &'a dyn Progress,
    /// Stops the run.
    pub interrupt: &'a Interrupt,
    /// Asked before each further group of blocks of the plan, after everything that was built was emitted.
    pub more: &'a dyn Fn() -> bool,
}

/// Carries out a plan. One engine builds at a time, the others stand still. Whatever happens, all engines are told to
/// clean up.
///
/// # Errors
/// When an engine cannot be used any more, or the sink refuses an event. Builds that fail are events.
pub fn run(
    plan: &Plan,
    materials: &Materials,
    engines: &mut [Named],
    around: &Around<'_>,
    sink: Sink<'_>,
) -> Result<End, RunError> {
    let Around { machine, folders, progress, interrupt, more } = *around;
    let start = machine.now();
    let builds = plan.chains.iter().map(|chain| chain.builds.len()).sum::<usize>();
    let sink = RefCell::new(sink);
    let emit = |event: Event| (sink.borrow_mut())(event).map_err(RunError::Sink);
    let mut runs: Vec<Run<'_>> = engines
        .iter_mut()
        .map(|named| Run {
            materials,
            name: named.name.clone(),
            engine: named.engine.as_mut(),
            emit: &emit,
            progress,
            interrupt,
            machine,
            folders,
            guard: Guard::default(),
            chain: plan.chain,
            bases: materials.bases.get(&named.name).cloned().unwrap_or_default(),
            left: None,
            kept: BTreeMap::new(),
            audited: BTreeSet::new(),
        })
        .collect();
    emit(Event::RunStarted { builds: u32::try_from(builds).unwrap_or(u32::MAX) })?;
    let done = course::whole(plan, &mut runs, interrupt, &|chains: &[Chain]| {
        let wanted = more();
        let keys = chains.iter().flat_map(|chain| chain.builds.iter().map(|build| build.key.clone()));
        if wanted { emit(Event::PlanGrew { builds: keys.collect() }).map(|()| true) } else { Ok(false) }
    });
    let finished: Vec<EngineError> = runs.iter_mut().filter_map(|run| run.engine.finish().err()).collect();
    let end = done?;
    for error in finished {
        emit(Event::Warning { text: format!("cleaning up: {error}") })?;
    }
    let elapsed = Seconds::from(machine.now().duration_since(start));
    emit(Event::RunFinished { elapsed, interrupted: end == End::Interrupted })?;
    Ok(end)
}
