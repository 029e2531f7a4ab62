//! The wish to stop, shared by whoever has it and whatever is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Set when the user wants the run to stop; the build in flight is cancelled, or comes to its end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    stop: AtomicBool,
    cancel: AtomicBool,
    cancelled: Notify,
}

impl Interrupt {
    /// Asks for the stop, and for what is in flight to be cancelled.
    pub fn raise(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
        self.0.cancel.store(true, Ordering::SeqCst);
        self.0.cancelled.notify_waiters();
    }

    /// Asks for the stop as soon as the build in flight has come to its end.
    pub fn raise_after_build(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.stop.load(Ordering::SeqCst)
    }

    /// Ends when what is in flight is to be cancelled. Costs nothing until then.
    pub async fn raised(&self) {
        let woken = self.0.cancelled.notified();
        if !self.0.cancel.load(Ordering::SeqCst) {
            woken.await;
        }
    }
}
