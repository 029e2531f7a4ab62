//! Ctrl-C and termination: the first asks the run to stop, cancel its build (or finish it, where the call says so) and
//! clean up; the second ends the program at once, and leaves the cleaning to a process of its own.

use super::out::say;
use crate::app::InFlight;
use crate::engine::Interrupt;
use std::process::{Command, Stdio, exit};
use tokio::signal::unix::{SignalKind, signal};

/// Watches for signals on a thread of its own, from the moment that this returns.
pub fn watch(interrupt: &Interrupt, in_flight: InFlight) {
    let interrupt = interrupt.clone();
    let (watching, ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let signals =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
            let (Ok(mut int), Ok(mut term), Ok(mut hup)) = signals else { return };
            let _ = watching.send(());
            loop {
                tokio::select! {
                    _ = int.recv() => {}
                    _ = term.recv() => {}
                    _ = hup.recv() => {}
                }
                if interrupt.is_raised() {
                    leave();
                }
                let fate = match in_flight {
                    InFlight::Cancelled => {
                        interrupt.raise();
                        "is cancelled"
                    }
                    InFlight::Finished => {
                        interrupt.raise_after_build();
                        "comes to its end"
                    }
                };
                say(&format!(
                    "stopping: what is under way {fate}, and everything is cleaned up; once more to stop at once"
                ));
            }
        });
    });
    // A signal that comes before is lost where it was ignored, as in a job that a script has in the background.
    let _ = ready.recv();
}

/// Ends now. What this process holds is released by the kernel, and then removed by a `clean` that waits for it.
fn leave() -> ! {
    if let Ok(program) = std::env::current_exe() {
        let _ = Command::new(program)
            .args(["clean", "--wait", "30"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
    exit(130)
}
