//! One run at a time on a machine: two at once would measure each other. The second waits, and says for what by name.
//!
//! Files are locked as long as a run builds; the kernel lets go of them however the run ends. They are the same for the
//! whole machine, whoever runs and whatever `LAYERBENCH_HOME` says, because all share one processor and one disk.

use crate::app::{Failure, MachineLock, World};
use crate::engine::Interrupt;
use crate::files::Lock;
use crate::text::visible;
use std::path::Path;
use std::time::Duration;

/// Names the file that is locked; `none` for none at all.
pub(super) const VARIABLE: &str = "LAYERBENCH_LOCK";
/// Without it: all of these that can be locked, since not every user may write everywhere.
const PLACES: [&str; 2] = ["/run/lock/layerbench.lock", "/tmp/layerbench.lock"];
/// How often it is looked whether the other run has ended.
const POLL: Duration = Duration::from_millis(200);
/// What the name of a run begins with. A file with anything else in it is not written to.
const MARK: &str = "the run ";
/// Rights of the files: every user of the machine locks them.
const FOR_ALL: u32 = 0o666;
/// The longest name of a run, in bytes.
const NAME_LIMIT: usize = 1000;

/// Nobody else builds as long as this value lives.
#[derive(Debug)]
pub struct Alone(Vec<Lock>);

/// What a run is called towards those that wait for it.
pub fn name(id: &str, what: &str, results: &Path) -> String {
    let folder = std::path::absolute(results).unwrap_or_else(|_| results.to_owned());
    let name = format!("{MARK}{id} of {what} (process {}, results in {})", std::process::id(), folder.display());
    let end = (0..=NAME_LIMIT).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    visible(name.get(..end).unwrap_or(&name))
}

impl Alone {
    /// Waits until no other run builds on this machine, or refuses to. What `check` finds wrong with a call that has to
    /// wait is told at once.
    ///
    /// # Errors
    /// When the user wants to stop meanwhile or does not want to wait, or the file that was asked for cannot be used.
    pub fn wait(
        world: World<'_>,
        name: &str,
        no_wait: bool,
        interrupt: &Interrupt,
        check: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let files = files(world)?;
        let mut other = match locked(&files, name) {
            Ok(()) => return Ok(Self(files)),
            Err(other) => other,
        };
        if no_wait {
            return Err(Failure::failed(format!(
                "found {other} on this machine; expected none, since two runs at once would measure each other; wait for its end, or leave out --no-wait"
            )));
        }
        check()?;
        world.say(format!("waiting for {other}: two runs at once on one machine would measure each other"));
        while !interrupt.is_raised() {
            std::thread::sleep(POLL);
            match locked(&files, name) {
                Ok(()) => {
                    world.say("going on");
                    return Ok(Self(files));
                }
                Err(now) if now == other => {}
                Err(now) => {
                    world.say(format!("waiting for {now}"));
                    other = now;
                }
            }
        }
        Err(Failure::interrupted(format!("stopped while waiting for {other}")))
    }

    /// Does not wait.
    ///
    /// # Errors
    /// With the name of the run that builds, or when the file that was asked for cannot be used.
    pub fn now(world: World<'_>, name: &str) -> Result<Self, Failure> {
        let files = files(world)?;
        locked(&files, name).map(|()| Self(files)).map_err(Failure::failed)
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Who comes later must not be told of a run that has ended. The locks go with the files.
        self.0.iter().for_each(|file| file.unsign(MARK));
    }
}

/// The files to be locked, none if that is not wanted. Where none can be had of those that are usual, the run goes on,
/// and says what that means.
fn files(world: World<'_>) -> Result<Vec<Lock>, Failure> {
    match world.lock {
        MachineLock::None => Ok(Vec::new()),
        MachineLock::File(path) => Lock::on_file(path, FOR_ALL).map(|file| vec![file]).map_err(|error| {
            Failure::wrong(format!(
                "{VARIABLE}: found {}, which cannot be locked ({error}); expected a file that can be, or none",
                path.display()
            ))
        }),
        MachineLock::Usual => Ok(usual_files(world)),
    }
}

/// Those of the usual files that can be had.
fn usual_files(world: World<'_>) -> Vec<Lock> {
    let (files, errors): (Vec<_>, Vec<_>) =
        PLACES.map(|place| Lock::on_file(Path::new(place), FOR_ALL)).into_iter().partition(Result::is_ok);
    let files: Vec<Lock> = files.into_iter().flatten().collect();
    if files.is_empty() {
        let why: Vec<String> =
            PLACES.iter().zip(errors).filter_map(|(place, e)| Some(format!("{place}: {}", e.err()?))).collect();
        world.say(format!(
            "warning: no lock can be had ({}), so another run beside this one will not be noticed; {VARIABLE} names another file",
            why.join("; ")
        ));
    }
    files
}

/// Locks all files and writes the name into them, or none; then the answer is who has locked one.
fn locked(files: &[Lock], name: &str) -> Result<(), String> {
    for (place, file) in files.iter().enumerate() {
        if !file.take().unwrap_or(true) {
            for held in files.iter().take(place) {
                held.unsign(MARK);
                held.release();
            }
            return Err(holder(file));
        }
        // What is in it was left by a run that was killed.
        file.sign(MARK, name);
    }
    Ok(())
}

/// The name of the run that holds the lock. Any user can have written it.
fn holder(file: &Lock) -> String {
    file.holder(MARK).map_or_else(|| "another run".to_owned(), |text| visible(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_lock_is_for_all_users_and_holds_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Alone(vec![Lock::on_file(&path, FOR_ALL).unwrap()]);
        locked(&first.0, "the run a (process 1)").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o666);
        let others =
            vec![Lock::on_file(&dir.path().join("other"), FOR_ALL).unwrap(), Lock::on_file(&path, FOR_ALL).unwrap()];
        assert_eq!(locked(&others, "the run b"), Err("the run a (process 1)".to_owned()));
        assert_eq!(fs::read_to_string(dir.path().join("other")).unwrap(), "", "locked in part");
        drop(first);
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        locked(&others, "the run b").unwrap();
        drop(others); // killed: the name stays, the lock goes
        assert_eq!(fs::read_to_string(&path).unwrap(), "the run b");
        locked(&[Lock::on_file(&path, FOR_ALL).unwrap()], "the run c").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the run c");
    }

    #[test]
    fn a_file_of_somebody_else_is_locked_and_never_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("precious");
        fs::write(&path, "gold").unwrap();
        let held = Alone(vec![Lock::on_file(&path, FOR_ALL).unwrap()]);
        locked(&held.0, "the run a").unwrap();
        assert_eq!(locked(&[Lock::on_file(&path, FOR_ALL).unwrap()], "the run b"), Err("another run".to_owned()));
        drop(held);
        assert_eq!(fs::read_to_string(&path).unwrap(), "gold");
    }

    #[test]
    fn names_are_plain_and_short() {
        let name = name("1a2b", "a\u{1b}[2Jstudy", Path::new(&"ä".repeat(2000)));
        assert!(name.starts_with("the run 1a2b of a␛[2Jstudy (process ") && name.len() <= NAME_LIMIT + 2, "{name}");
    }
}
