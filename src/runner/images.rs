//! What is looked at of an image when the builds of its chain are done, outside any clock: what it is made of, whether it
//! does what it should, and, once for each approach, its scorecard.

use super::ending::RunError;
use super::materials::Auditor;
use super::under_way::Run;
use crate::engine::ImageFacts;
use crate::model::{BuildKey, CheckError, Event, Outcome};
use crate::plan::PlannedBuild;
use std::time::Duration;

/// How long an image's own command may take.
const RUN_LIMIT: Duration = Duration::from_secs(60);

impl Run<'_> {
    /// After a chain: what the image is made of, and whether it does what it should.
    pub(super) fn look_at_image(&mut self, key: &BuildKey, outcome: &Outcome) -> Result<(), RunError> {
        let (Ok(()), Some(id)) = (&outcome.result, &outcome.image_id) else { return Ok(()) };
        let facts = self.engine.image(id)?;
        let check = self.materials.prints.as_ref().map(|expected| match self.engine.run_image(id, RUN_LIMIT) {
            Ok(printed) if &printed == expected => Ok(()),
            Ok(printed) => Err(CheckError(format!("it printed {printed:?}, expected {expected:?}"))),
            Err(error) => Err(CheckError(error.to_string())),
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
        match audit(self.engine, &self.name, planned, id) {
            Ok(None) => Ok(()),
            Ok(Some(card)) => self.emit(Event::ImageAudited { card }),
            // The run is stopped: what is said of it says enough.
            Err(_) if self.interrupt.is_raised() => Ok(()),
            Err(why) => self.emit(Event::Warning { text: format!("the image of {approach} was not audited: {why}") }),
        }
    }
}
