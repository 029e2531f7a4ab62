//! The name of a step on its way from the runner to the display.

use crate::model::Progress;
use std::sync::{Mutex, TryLockError};

/// The name of the step that started last, passed on without ever waiting.
#[derive(Default)]
pub(super) struct Slot(pub(super) Mutex<String>);

impl Progress for Slot {
    fn step(&self, name: &str) {
        // While the display looks at it, the name is dropped: the next step brings another.
        let mut slot = match self.0.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        slot.clear();
        slot.push_str(name);
    }
}

impl Slot {
    pub fn clear(&self) {
        self.step("");
    }

    pub fn take(&self) -> String {
        match self.0.lock() {
            Ok(slot) => slot.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }
}
