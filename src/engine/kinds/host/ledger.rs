//! What a run makes on a user's engine, on the disk: a ledger that is kept up as it is made, so that whoever comes later
//! can take it away. How that is done is not known in here.

use crate::engine::answers::CacheContents;
use crate::engine::engine_error::EngineError;
use crate::engine::wire::endpoint::Endpoint;
use crate::files::{Lock, replace};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rights of the file that is locked.
const LOCK_RIGHTS: u32 = 0o600;

/// Things that a run made on a user's engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Made {
    pub(super) tags: BTreeSet<String>,
    pub(super) images: BTreeSet<String>,
    pub(super) records: BTreeSet<String>,
}

/// What a run made, as written to disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) run: String,
    pub(super) owner: u32,
    pub(super) engine: String,
    pub(super) chain: Made,
    pub(super) whole_run: Made,
    /// What the engine held when the build began that is under way.
    pub(super) in_flight: Option<CacheContents>,
    /// Seconds after which that build broke off, where its run was there to see it.
    #[serde(default)]
    pub(super) broke_after: Option<f64>,
}

/// A ledger that was found.
pub(super) enum Found {
    /// Nobody holds it: it is ours now.
    Free(Box<Ledger>),
    /// The process of this id holds it.
    InUse(u32),
}

/// The entry and its file, locked as long as the run lives.
pub(super) struct Ledger {
    path: PathBuf,
    pub(super) entry: Entry,
    pub(super) closed: bool,
    /// Held, never read.
    _lock: Lock,
}

impl Ledger {
    pub(super) fn open(home: &Path, run: &str, endpoint: &Endpoint) -> Result<Self, EngineError> {
        let dir = home.join("hosts");
        let path = dir.join(format!("{run}.json"));
        let failed = |e: &dyn std::fmt::Display| {
            EngineError::new(format!("making {}", path.display()), e, "LAYERBENCH_HOME names another folder")
        };
        fs::create_dir_all(&dir).map_err(|e| failed(&e))?;
        let lock = Lock::on_file(&path.with_extension("lock"), LOCK_RIGHTS).map_err(|e| failed(&e))?;
        if !lock.take().map_err(|e| failed(&e))? {
            return Err(failed(&std::io::Error::from(Errno::WOULDBLOCK)));
        }
        let entry = Entry {
            run: run.to_owned(),
            owner: std::process::id(),
            engine: endpoint.given().to_owned(),
            chain: Made::default(),
            whole_run: Made::default(),
            in_flight: None,
            broke_after: None,
        };
        let ledger = Self { path, entry, closed: false, _lock: lock };
        ledger.save()?;
        Ok(ledger)
    }

    /// Takes hold of a ledger whose run is gone.
    pub(super) fn again(path: &Path) -> Result<Found, EngineError> {
        let failed = |e: &dyn std::fmt::Display| EngineError::new(format!("reading {}", path.display()), e, "");
        let lock = Lock::on_file(&path.with_extension("lock"), LOCK_RIGHTS).map_err(|e| failed(&e))?;
        let text = fs::read(path).map_err(|e| failed(&e))?;
        let entry: Entry = serde_json::from_slice(&text).map_err(|e| failed(&e))?;
        if !lock.take().is_ok_and(|taken| taken) {
            return Ok(Found::InUse(entry.owner));
        }
        Ok(Found::Free(Box::new(Self { path: path.to_path_buf(), entry, closed: false, _lock: lock })))
    }

    /// What was made for this chain, or for the whole run.
    pub(super) fn made(&mut self, whole_run: bool) -> &mut Made {
        if whole_run { &mut self.entry.whole_run } else { &mut self.entry.chain }
    }

    pub(super) fn save(&self) -> Result<(), EngineError> {
        let written = serde_json::to_vec(&self.entry).map_err(Into::into);
        let written = written.and_then(|text: Vec<u8>| replace(&self.path, &text));
        written.map_err(|e| EngineError::new(format!("writing {}", self.path.display()), e, ""))
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.path.with_extension("lock"));
        for dir in self.path.ancestors().skip(1).take(2) {
            let _ = fs::remove_dir(dir);
        }
    }
}
