//! What a use case is carried out in: who watches, and where engines come from.

use super::engine_source::EngineSource;
use super::watcher::Watcher;

/// The world around a use case. Tests give it a fake one.
#[derive(Clone, Copy)]
pub struct World<'w> {
    /// Who watches.
    pub watcher: &'w dyn Watcher,
    /// Where engines come from.
    pub engines: &'w dyn EngineSource,
}

impl World<'_> {
    /// Tells whoever watches.
    pub fn say(&self, text: impl AsRef<str>) {
        self.watcher.say(text.as_ref());
    }
}
