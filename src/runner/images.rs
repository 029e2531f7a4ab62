//! What is looked at of an image when the builds of its chain are done, outside any clock: what it is made of, whether it
//! does what it should, and, once for each approach, its scorecard.

use super::{RUN_LIMIT, Run, RunError};
use crate::engine::{Engine, EngineError, ImageFacts};
use crate::model::{BuildKey, EngineId, Event, Outcome, Scorecard};
use crate::plan::PlannedBuild;
use std::rc::Rc;

/// Called with the engine that holds an image, its name where there are several, what was built, and the image's id.
#[derive(Clone)]
pub struct Auditor(pub Rc<AuditFn>);

/// What an [`Auditor`] does; its error is a warning of the run. No scorecard comes of an image that has one.
pub type AuditFn =
    dyn Fn(&mut dyn Engine, Option<&EngineId>, &PlannedBuild, &str) -> Result<Option<Box<Scorecard>>, EngineError>;

impl std::fmt::Debug for Auditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auditor")
    }
}

impl Run<'_> {
    /// After a chain: what the image is made of, and whether it does what it should.
    pub(super) fn look_at_image(&mut self, key: &BuildKey, outcome: &Outcome) -> Result<(), RunError> {
        let (Ok(()), Some(id)) = (&outcome.result, &outcome.image_id) else { return Ok(()) };
        let facts = self.engine.image(id)?;
        let check = self.materials.prints.as_ref().map(|expected| match self.engine.run_image(id, RUN_LIMIT) {
            Ok(printed) if &printed == expected => Ok(()),
            Ok(printed) => Err(format!("it printed {printed:?}, expected {expected:?}")),
            Err(error) => Err(error.to_string()),
        });
        let (engine, ImageFacts { bytes, layers }) = (self.name.clone(), facts);
        self.emit(Event::ImageInspected { key: key.clone(), engine, bytes, layers, check })
    }

    /// One image of an approach stands for all: ten repetitions do not pay ten times.
    pub(super) fn audit(&mut self, planned: &PlannedBuild, outcome: &Outcome) -> Result<(), RunError> {
        let (Ok(()), Some(id)) = (&outcome.result, &outcome.image_id) else { return Ok(()) };
        let approach = &planned.key.approach;
        let Some(Auditor(audit)) = &self.materials.audit else { return Ok(()) };
        if !self.audited.insert(approach.clone()) {
            return Ok(());
        }
        self.emit(Event::Preparing { what: format!("auditing the image of {approach}") })?;
        match audit(self.engine, self.name.as_ref(), planned, id) {
            Ok(None) => Ok(()),
            Ok(Some(card)) => self.emit(Event::ImageAudited { card }),
            // The run is stopped: what is said of it says enough.
            Err(_) if self.interrupt.is_raised() => Ok(()),
            Err(why) => self.emit(Event::Warning { text: format!("the image of {approach} was not audited: {why}") }),
        }
    }
}
