//! The first process inside a private engine's namespaces (`init.sh`): it is started with them, gets its orders through a
//! pipe, and takes everything in them with it when it ends.

use super::configuration::not_written;
use crate::engine::engine_error::EngineError;
use crate::engine::machine::traces::INIT_NAME;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the namespaces may take to die after their first process was told to end.
const END_LIMIT: Duration = Duration::from_secs(30);
/// How long one order may take: a plain copy of a large data-root is the longest.
const ORDER_LIMIT: Duration = Duration::from_secs(600);
/// How often the answer to an order is looked for.
const POLL: Duration = Duration::from_millis(2);

/// Where its answers to orders go, in the engine's folder.
const ANSWERS: &str = "init.log";

/// What the first process can be told to do. The data-root is changed only while the engine is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order<'a> {
    /// Stop the engine.
    Stop,
    /// Start it.
    Start,
    /// Give it an empty data-root.
    Fresh,
    /// Keep its data-root under a name.
    Save(&'a str),
    /// Put the data-root of a name in the place of its own.
    Restore(&'a str),
}

impl fmt::Display for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stop => f.write_str("stop"),
            Self::Start => f.write_str("start"),
            Self::Fresh => f.write_str("fresh"),
            Self::Save(name) => write!(f, "save checkpoint-{name}"),
            Self::Restore(name) => write!(f, "restore checkpoint-{name}"),
        }
    }
}

/// The first process, which ends with the value.
pub(super) struct InitProcess {
    child: Child,
    /// `None` once it was told to end.
    orders: Option<ChildStdin>,
    dir: PathBuf,
}

impl InitProcess {
    /// Starts it in namespaces of its own. It waits for its network before it starts the engine.
    pub(super) fn start(dir: &Path) -> Result<Self, EngineError> {
        let log = |name: &str| fs::File::create(dir.join(name)).map_err(|e| not_written(dir, &e));
        let mut child = Command::new("unshare")
            .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"])
            .args(["sh", "-c", include_str!("init.sh"), INIT_NAME])
            .arg(dir)
            .current_dir("/")
            // Ctrl-C in a terminal goes to a whole process group; the engine must outlive it until its build is cancelled.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log(ANSWERS)?)
            .stderr(log("init.err")?)
            .spawn()
            .map_err(|e| {
                let remedy = "see to it, or use --engine host";
                EngineError::new("starting a private engine", format!("unshare: {e}"), remedy)
            })?;
        Ok(Self { orders: child.stdin.take(), child, dir: dir.to_path_buf() })
    }

    /// Its id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells it its network, upon which it starts the engine.
    pub(super) fn greet(&mut self, network: &str) {
        let _ = self.tell(network); // of one that has ended, what follows tells
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?, "{line}")
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Gives it an order, and waits until that is done.
    pub(super) fn obey(&mut self, order: Order<'_>) -> Result<(), EngineError> {
        let words = order.to_string();
        let failed = |found: &str| {
            EngineError::new(
                format!("the private engine's order {words:?}"),
                found,
                "see to that, or leave out --chain checkpoint",
            )
        };
        let (answers, log) = (self.dir.join(ANSWERS), self.dir.join("orders.log"));
        let read = || fs::read_to_string(&answers).unwrap_or_default();
        let before = read().len();
        let told = self.tell(&words);
        let since = Instant::now();
        loop {
            match read().get(before..).and_then(|text| text.strip_suffix('\n')) {
                Some("done") => return Ok(()),
                Some(other) if !other.is_empty() => {
                    let log = fs::read_to_string(&log).unwrap_or_default();
                    return Err(failed(log.lines().last().unwrap_or("no reason was given")));
                }
                _ if told.is_err() || self.has_ended() => return Err(failed("its first process has ended")),
                _ if since.elapsed() > ORDER_LIMIT => return Err(failed("no answer")),
                _ => std::thread::sleep(POLL),
            }
        }
    }

    /// Closes its input, upon which it ends, and waits for the namespaces to die; then insists. Gives whether it had
    /// failed by itself.
    pub(super) fn end(&mut self) -> bool {
        drop(self.orders.take());
        let since = Instant::now();
        while since.elapsed() < END_LIMIT {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                ended => return ended.is_ok_and(|status| status.is_some_and(|status| !status.success())),
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        false
    }
}

impl Drop for InitProcess {
    fn drop(&mut self) {
        self.end();
    }
}
