//! What a run leaves on a machine, written down before it is made, and how each of it is undone.
//! A folder `HOME/engines/NAME` with `remains.json` in it exists exactly as long as something may be left:
//! a private engine with its network, or just the files that a run works on.

use super::forwarding::{FORWARDING, forward_rules};
use super::home::ANOTHER_HOME;
use super::system::run;
use super::traces::{
    RECORD, cgroup_name, end_processes, remove_cgroups, remove_empty_parents, remove_folder, somebody_forwards,
};
use crate::engine::engine_error::EngineError;
use crate::engine::wire::daemon::Daemon;
use crate::engine::wire::endpoint::Endpoint;
use crate::files::{Lock, replace};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The record of what may have to be undone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remains {
    name: String,
    owner: u32,
    process: Option<u32>,
    /// Empty for an engine without a network, as is `table`.
    link: String,
    table: String,
    forwarding_was_off: bool,
    forward_rules: bool,
    /// A container and a volume on an engine of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inner: Option<Inner>,
}

/// A container and a volume of the same name on an engine of the user.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inner {
    /// The engine's address, as it was given.
    pub engine: String,
    /// The name of both.
    pub name: String,
}

impl Remains {
    /// Nothing but a folder.
    pub(super) fn folder(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            owner: std::process::id(),
            process: None,
            link: String::new(),
            table: String::new(),
            forwarding_was_off: false,
            forward_rules: false,
            inner: None,
        }
    }

    /// Of an engine inside the user's.
    pub fn of_inner(name: &str, inner: Inner) -> Self {
        Self { inner: Some(inner), ..Self::folder(name) }
    }

    /// Of a private engine; `link` and `table` are the names of its link and its firewall table, if it has any.
    pub fn of_private(name: &str, network: Option<(&str, &str)>) -> Self {
        let (link, table) = network.unwrap_or_default();
        Self { link: link.to_owned(), table: table.to_owned(), ..Self::folder(name) }
    }
}

/// Rights of the file that is locked.
const LOCK_RIGHTS: u32 = 0o600;

/// A folder of remains that was found.
pub enum Found {
    /// Nobody holds it: it is ours now.
    Free(Claim),
    /// The process of this id holds it.
    InUse(u32),
}

/// A folder of remains that this program holds, locked against others.
pub struct Claim {
    dir: PathBuf,
    remains: Remains,
    /// Locked as long as the owner lives; the kernel lets go of it however the owner ends.
    lock: Lock,
    undone: bool,
}

impl Claim {
    /// Makes the folder of a new engine and locks it.
    pub fn make(home: &Path, remains: Remains) -> Result<Self, EngineError> {
        let dir = home.join("engines").join(&remains.name);
        let failed = |e: &dyn std::fmt::Display| EngineError::new(format!("making {}", dir.display()), e, ANOTHER_HOME);
        fs::create_dir_all(&dir).map_err(|e| failed(&e))?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).map_err(|e| failed(&e))?;
        let dir = dir.canonicalize().map_err(|e| failed(&e))?;
        let lock = Lock::on_file(&dir.join("lock"), LOCK_RIGHTS).map_err(|e| failed(&e))?;
        if !lock.take().map_err(|e| failed(&e))? {
            return Err(failed(&std::io::Error::from(Errno::WOULDBLOCK)));
        }
        let claim = Self { dir, remains, lock, undone: false };
        claim.save()?;
        Ok(claim)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name of what is in it.
    pub fn name(&self) -> &str {
        &self.remains.name
    }

    /// Takes hold of a folder whose owner is gone.
    pub fn again(dir: &Path) -> Result<Found, EngineError> {
        let failed = |e: &dyn std::fmt::Display| {
            EngineError::new(format!("reading {}", dir.join(RECORD).display()), e, "remove the folder by hand")
        };
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let lock = Lock::on_file(&dir.join("lock"), LOCK_RIGHTS).map_err(|e| failed(&e))?;
        let remains = match fs::read(dir.join(RECORD)) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| failed(&e))?,
            // Cut short before the record was written: nothing but the folder exists.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Remains { owner: 0, ..Remains::folder(&name) },
            Err(e) => return Err(failed(&e)),
        };
        if !lock.take().is_ok_and(|taken| taken) {
            return Ok(Found::InUse(remains.owner));
        }
        Ok(Found::Free(Self { dir: dir.to_path_buf(), remains, lock, undone: false }))
    }

    /// Writes down the process that holds the namespaces.
    pub fn note_process(&mut self, process: u32) -> Result<(), EngineError> {
        self.remains.process = Some(process);
        self.save()
    }

    /// Writes down that IP forwarding is about to be switched on.
    pub fn note_forwarding(&mut self) -> Result<(), EngineError> {
        self.remains.forwarding_was_off = true;
        self.save()
    }

    /// Writes down that rules are about to be put into the FORWARD chain.
    pub fn note_forward_rules(&mut self) -> Result<(), EngineError> {
        self.remains.forward_rules = true;
        self.save()
    }

    fn save(&self) -> Result<(), EngineError> {
        let path = self.dir.join(RECORD);
        let written = serde_json::to_vec_pretty(&self.remains).map_err(Into::into);
        let written = written.and_then(|text: Vec<u8>| replace(&path, &text));
        written.map_err(|e| EngineError::new(format!("writing {}", path.display()), e, ANOTHER_HOME))
    }

    /// Undoes everything, each part whatever became of the others. Does nothing the second time.
    pub fn undo(&mut self) -> Result<(), EngineError> {
        if std::mem::replace(&mut self.undone, true) {
            return Ok(());
        }
        let remains = &self.remains;
        if let Some(inner) = &remains.inner {
            // If its engine cannot be reached now, the record must stay.
            Daemon::new(&Endpoint::parse(&inner.engine)?)?.remove_container_and_volume(&inner.name)?;
        }
        end_processes(&self.dir);
        if !remains.link.is_empty() {
            // The link goes with the namespace, but not at once; a table that was never made is no trouble either.
            let _ = run("ip", &["link", "delete", &remains.link], "");
            let _ = run("nft", &["delete", "table", "ip", &remains.table], "");
        }
        if remains.forward_rules {
            for rule in forward_rules(&remains.link) {
                let rule: Vec<&str> = rule.iter().map(String::as_str).collect();
                let _ = run("iptables", &[&["-w", "-D", "FORWARD"], rule.as_slice()].concat(), "");
            }
        }
        if remains.forwarding_was_off && !somebody_forwards(&self.dir) {
            let _ = fs::write(FORWARDING, "0");
        }
        remove_cgroups(&cgroup_name(&remains.name));
        let removed = remove_folder(&self.dir);
        self.lock.release();
        remove_empty_parents(&self.dir);
        removed
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = self.undo();
    }
}
