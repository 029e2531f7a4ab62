//! What a run leaves on a machine, written down before it is made, and how each of it is undone.
//! A folder `HOME/engines/NAME` with `remains.json` in it exists exactly as long as something may be left:
//! a private engine with its network, or just the files that a run works on.

use crate::engine::EngineError;
use crate::engine::machine::network::{FORWARDING, Network, forward_rules, run};
use crate::engine::wire::daemon::Daemon;
use crate::engine::wire::endpoint::Endpoint;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name under which the first process of a private engine appears, and is recognised.
pub(in crate::engine) const INIT_NAME: &str = "layerbench-init";

/// What helps where nothing can be written.
pub(in crate::engine) const ANOTHER_HOME: &str =
    "LAYERBENCH_HOME names another folder, on a file system with enough room";

/// Where private engines live: `LAYERBENCH_HOME`, or `/var/lib/layerbench`; for others than root a folder of theirs.
#[must_use]
pub fn home() -> PathBuf {
    let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(home) = given("LAYERBENCH_HOME") {
        return home;
    }
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/layerbench");
    }
    let state = given("XDG_STATE_HOME").or_else(|| given("HOME").map(|home| home.join(".local/state")));
    state.unwrap_or_else(std::env::temp_dir).join("layerbench")
}

/// Name of an engine's control group.
pub(in crate::engine) fn cgroup_name(engine: &str) -> String {
    format!("layerbench-{engine}")
}

/// The record of what may have to be undone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::engine) struct Remains {
    name: String,
    owner: u32,
    process: Option<u32>,
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
pub(in crate::engine) struct Inner {
    /// The engine's address, as it was given.
    pub(in crate::engine) engine: String,
    /// The name of both.
    pub(in crate::engine) name: String,
}

impl Remains {
    /// Nothing but a folder.
    fn folder(name: &str) -> Self {
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

    pub(in crate::engine) fn of_inner(name: &str, inner: Inner) -> Self {
        Self { inner: Some(inner), ..Self::folder(name) }
    }

    pub(in crate::engine) fn new(name: &str, network: &Network) -> Self {
        Self { link: network.link.clone(), table: network.table.clone(), ..Self::folder(name) }
    }
}

/// A folder for the files that a run works on; gone with the value, or with `layerbench clean`.
pub struct Workspace(Claim);

impl Workspace {
    /// Makes the folder of a run.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(run: &str) -> Result<Self, EngineError> {
        Claim::make(&home(), Remains::folder(run)).map(Self)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.dir()
    }
}

/// A folder of remains that this program holds, locked against others.
pub(in crate::engine) struct Claim {
    dir: PathBuf,
    remains: Remains,
    /// Locked as long as the owner lives; the kernel lets go of it however the owner ends.
    lock: File,
    undone: bool,
}

impl Claim {
    /// Makes the folder of a new engine and locks it.
    pub(in crate::engine) fn make(home: &Path, remains: Remains) -> Result<Self, EngineError> {
        let dir = home.join("engines").join(&remains.name);
        let failed = |e: &dyn std::fmt::Display| EngineError::new(format!("making {}", dir.display()), e, ANOTHER_HOME);
        fs::create_dir_all(&dir).map_err(|e| failed(&e))?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).map_err(|e| failed(&e))?;
        let dir = dir.canonicalize().map_err(|e| failed(&e))?;
        let lock = File::create(dir.join("lock")).map_err(|e| failed(&e))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|e| failed(&e))?;
        let claim = Self { dir, remains, lock, undone: false };
        claim.save()?;
        Ok(claim)
    }

    pub(in crate::engine) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(in crate::engine) fn name(&self) -> &str {
        &self.remains.name
    }

    /// Writes down the process that holds the namespaces.
    pub(in crate::engine) fn note_process(&mut self, process: u32) -> Result<(), EngineError> {
        self.remains.process = Some(process);
        self.save()
    }

    /// Writes down that IP forwarding is about to be switched on.
    pub(in crate::engine) fn note_forwarding(&mut self) -> Result<(), EngineError> {
        self.remains.forwarding_was_off = true;
        self.save()
    }

    /// Writes down that rules are about to be put into the FORWARD chain.
    pub(in crate::engine) fn note_forward_rules(&mut self) -> Result<(), EngineError> {
        self.remains.forward_rules = true;
        self.save()
    }

    fn save(&self) -> Result<(), EngineError> {
        let path = self.dir.join("remains.json");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(self.dir.join("remains.new"))?;
            file.write_all(&serde_json::to_vec_pretty(&self.remains)?)?;
            file.sync_all()?;
            fs::rename(self.dir.join("remains.new"), &path)
        };
        write().map_err(|e| EngineError::new(format!("writing {}", path.display()), e, ANOTHER_HOME))
    }

    /// Undoes everything, each part whatever became of the others. Does nothing the second time.
    pub(in crate::engine) fn undo(&mut self) -> Result<(), EngineError> {
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
        let _ = flock(&self.lock, FlockOperation::Unlock);
        remove_empty_parents(&self.dir);
        removed
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = self.undo();
    }
}

/// Ends, by id, the processes whose command line says that they are the first process of this folder's engine.
/// They end by themselves when their owner is gone; this is for one that did not.
fn end_processes(dir: &Path) {
    let marked = |pid: u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            let mut words = line.split(|byte| *byte == 0);
            words.any(|word| word == INIT_NAME.as_bytes())
                && words.any(|word| word == dir.as_os_str().as_encoded_bytes())
        })
    };
    let pids = || -> Vec<u32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).filter(|&pid| marked(pid)).collect()
    };
    for _ in 0..500 {
        let alive = pids();
        if alive.is_empty() {
            return;
        }
        for pid in alive.into_iter().filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether forwarding is needed by others now: another engine of any kind runs.
fn somebody_forwards(dir: &Path) -> bool {
    let others = dir.parent().and_then(|engines| fs::read_dir(engines).ok()).into_iter().flatten().flatten();
    let engine_runs = fs::read_dir("/proc").into_iter().flatten().flatten().any(|entry| {
        fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| matches!(name.trim(), "dockerd" | "podman"))
    });
    engine_runs || others.filter(|entry| entry.path() != dir).any(|entry| entry.path().join("remains.json").exists())
}

/// Removes the empty control groups of an engine, the innermost first.
fn remove_cgroups(name: &str) {
    let remove = |root: &Path| {
        let mut folders = vec![root.to_path_buf()];
        let mut next = 0;
        while let Some(folder) = folders.get(next).cloned() {
            let inside = fs::read_dir(&folder).into_iter().flatten().flatten();
            folders.extend(inside.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()));
            next += 1;
        }
        for folder in folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    };
    let top = Path::new("/sys/fs/cgroup");
    remove(&top.join(name));
    for hierarchy in fs::read_dir(top).into_iter().flatten().flatten() {
        if hierarchy.path().join(name).is_dir() {
            remove(&hierarchy.path().join(name));
        }
    }
}

fn remove_folder(dir: &Path) -> Result<(), EngineError> {
    // The record goes last: a removal that is cut short can be taken up again.
    let failed = |e: &dyn std::fmt::Display| {
        EngineError::new(
            format!("removing {}", dir.display()),
            e,
            "when that is mended, `layerbench clean` removes what is left",
        )
    };
    for entry in fs::read_dir(dir).map_err(|e| failed(&e))?.flatten() {
        let path = entry.path();
        if entry.file_name() == "remains.json" {
            continue;
        }
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|e| failed(&e))?;
    }
    fs::remove_dir_all(dir).map_err(|e| failed(&e))
}

/// `engines` and the home itself go when nothing is in them any more.
fn remove_empty_parents(dir: &Path) {
    for parent in dir.ancestors().skip(1).take(2) {
        let _ = fs::remove_dir(parent);
    }
}

/// What became of one folder of remains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleaned {
    /// Its owner was gone; it was undone.
    Undone(String),
    /// Its owner still runs: (name, process id).
    InUse(String, u32),
    /// It could not be undone.
    Failed(String, EngineError),
}

/// Undoes what runs left whose owners are gone, waiting up to `patience` for owners that are just ending.
///
/// # Errors
/// When the folder cannot be read. That it does not exist is no error.
pub fn clean(home: &Path, patience: Duration) -> Result<Vec<Cleaned>, EngineError> {
    let engines = home.join("engines");
    let entries = match fs::read_dir(&engines) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => {
            return Err(EngineError::new(
                format!("reading {}", engines.display()),
                e,
                "run it as the user who made the folder, or as root",
            ));
        }
    };
    let mut dirs: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|path| path.is_dir()).collect();
    dirs.sort();
    let since = Instant::now();
    Ok(dirs
        .iter()
        .map(|dir| {
            loop {
                match clean_one(dir) {
                    Cleaned::InUse(..) if since.elapsed() < patience => std::thread::sleep(Duration::from_millis(20)),
                    done => return done,
                }
            }
        })
        .collect())
}

fn clean_one(dir: &Path) -> Cleaned {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let read = || -> Result<Claim, EngineError> {
        let failed = |e: &dyn std::fmt::Display| {
            EngineError::new(format!("reading {}", dir.join("remains.json").display()), e, "remove the folder by hand")
        };
        let lock = File::options().create(true).append(true).open(dir.join("lock")).map_err(|e| failed(&e))?;
        let text = fs::read(dir.join("remains.json"));
        let text = match text {
            Ok(text) => text,
            // Cut short before the record was written: nothing but the folder exists.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(bare(dir, &name, lock)),
            Err(e) => return Err(failed(&e)),
        };
        let remains: Remains = serde_json::from_slice(&text).map_err(|e| failed(&e))?;
        Ok(Claim { dir: dir.to_path_buf(), remains, lock, undone: false })
    };
    match read() {
        Err(error) => Cleaned::Failed(name, error),
        Ok(mut claim) => {
            if flock(&claim.lock, FlockOperation::NonBlockingLockExclusive).is_err() {
                // It is somebody else's: dropping this claim must not undo it.
                claim.undone = true;
                return Cleaned::InUse(name, claim.remains.owner);
            }
            match claim.undo() {
                Ok(()) => Cleaned::Undone(name),
                Err(error) => Cleaned::Failed(name, error),
            }
        }
    }
}

/// A claim on a folder without a record.
fn bare(dir: &Path, name: &str, lock: File) -> Claim {
    Claim { dir: dir.to_path_buf(), remains: Remains { owner: 0, ..Remains::folder(name) }, lock, undone: false }
}
