//! A private engine: a `dockerd` of our own, with a data-root, a network and process namespaces of its own, started
//! empty for each chain and thrown away after it. Linux, as root.
//!
//! Everything it leaves on the machine is written down before it is made ([`remains`]), so that it can be undone by
//! whoever comes later; what lives inside the namespaces dies with their first process (`init.sh`).

mod checkpoints;
pub mod registry;

use crate::engine::machine::look::{Folder, Places};
use crate::engine::machine::network::Network;
use crate::engine::remains::{self, Claim, Remains};
use crate::engine::wire::daemon::Daemon;
use crate::engine::wire::endpoint::Endpoint;
use crate::engine::wire::looker::Looker;
use crate::engine::{
    BuildRequest, CacheContents, Engine, EngineError, Fingerprint, ImageFacts, Interrupt, Resolved, Source, build,
    machine_fingerprint,
};
use crate::model::{ChainKind, ColdKind, NoProgress, Outcome, Progress};
use crate::project::dockerfile::normalize;
use registry::{Registries, wait_until_stored};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a new engine may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long the namespaces may take to die after their first process was told to end.
const END_LIMIT: Duration = Duration::from_secs(30);
/// How often a starting engine is asked.
const POLL: Duration = Duration::from_millis(20);

/// Where the engine sees its folder `exec` (see `init.sh`).
const EXEC_ROOT: &str = "/run/layerbench";
/// Where it listens, in its folder.
const SOCKET: &str = "engine.sock";
/// The longest path of a socket, in bytes: `sun_path` of unix(7) without its end.
const LONGEST_SOCKET: usize = 107;

/// Keys of the machine's own `/etc/docker/daemon.json` that a private engine takes over: they decide what it can
/// reach and how it stores, not where.
const INHERITED: [&str; 8] = [
    "registry-mirrors",
    "insecure-registries",
    "dns",
    "dns-opts",
    "dns-search",
    "proxies",
    "storage-driver",
    "features",
];

/// Private engines, one after the other.
pub struct PrivateEngine {
    run: String,
    home: PathBuf,
    registries: Registries,
    chain: ChainKind,
    started: u32,
    current: Option<Instance>,
}

/// One running engine.
struct Instance {
    child: Child,
    stdin: Option<ChildStdin>,
    daemon: Daemon,
    /// Nothing was built on it yet.
    fresh: bool,
    /// How its state can be kept; `None` when it is thrown away after each chain.
    store: Option<&'static str>,
    /// Last, so that it is undone when everything above is gone.
    remains: Claim,
}

impl PrivateEngine {
    /// Prepares private engines for a run. Nothing is started yet, but what is missing is said.
    ///
    /// # Errors
    /// Without root, off Linux, or without the programs it needs: all that is missing is named at once.
    pub fn new(run: &str, registries: Registries, chain: ChainKind) -> Result<Self, EngineError> {
        let missing = missing(registries.any());
        if !missing.is_empty() {
            return Err(EngineError::new(
                "a private engine",
                format!("missing: {}", missing.join("; ")),
                "see to what is missing, or use --engine host",
            ));
        }
        let home = remains::home();
        short_enough(&home, run)?;
        Ok(Self { run: run.to_owned(), home, registries, chain, started: 0, current: None })
    }

    fn start(&mut self) -> Result<Instance, EngineError> {
        self.started += 1;
        let name = format!("{}-{}", self.run, self.started);
        Instance::start(&self.home, &name, &self.registries, self.chain)
    }

    /// The engine that runs now, or a new one.
    fn instance(&mut self) -> Result<&mut Instance, EngineError> {
        let instance = match self.current.take() {
            Some(instance) => instance,
            None => self.start()?,
        };
        Ok(self.current.insert(instance))
    }

    /// Where the engine that runs now listens, for other clients of the same engine.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn endpoint(&mut self) -> Result<Endpoint, EngineError> {
        Ok(self.instance()?.daemon.endpoint().clone())
    }
}

/// What a private engine needs and this machine lacks, a line each.
#[must_use]
pub fn missing(registry: bool) -> Vec<String> {
    let mut missing = Vec::new();
    if !cfg!(target_os = "linux") {
        missing.push("Linux".to_owned());
    }
    if !rustix::process::geteuid().is_root() {
        missing.push("root rights (run it with sudo)".to_owned());
    }
    let mut need = vec![
        ("dockerd", "Docker Engine, e.g. the package docker.io"),
        ("unshare", "the package util-linux"),
        ("ip", "the package iproute2"),
        ("nft", "the package nftables"),
    ];
    if registry {
        need.push(("docker-registry", "the package docker-registry"));
    }
    for (program, from) in need {
        if !on_path(program) {
            missing.push(format!("{program} ({from})"));
        }
    }
    missing
}

/// Engines of a run listen on sockets in `home`: whether their paths are not too long for that.
fn short_enough(home: &Path, run: &str) -> Result<(), EngineError> {
    let home = home.canonicalize().or_else(|_| std::path::absolute(home)).unwrap_or_else(|_| home.to_path_buf());
    let socket = home.join("engines").join(format!("{run}-0000")).join(SOCKET);
    let (found, more) = (home.as_os_str().len(), socket.as_os_str().len() - home.as_os_str().len());
    if found + more <= LONGEST_SOCKET {
        return Ok(());
    }
    Err(EngineError::new(
        format!("a private engine in {}", home.display()),
        format!(
            "a path of {found} bytes; expected at most {}, since that of a socket in it has at most {LONGEST_SOCKET}",
            LONGEST_SOCKET - more
        ),
        "name a folder with a shorter path by LAYERBENCH_HOME",
    ))
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

impl Instance {
    fn start(home: &Path, name: &str, registries: &Registries, chain: ChainKind) -> Result<Self, EngineError> {
        let network = Network::plan(name)?;
        // Whatever fails from here on: dropping the claim undoes what was done.
        let mut remains = Claim::make(home, Remains::new(name, &network))?;
        let dir = remains.dir().to_path_buf();
        let store = match chain {
            ChainKind::Article => None,
            ChainKind::Checkpoint => Some(checkpoints::prepare(&dir)?),
        };
        configure(&dir, remains.name(), &network, registries, store.is_some())?;
        let mut child = spawn(&dir)?;
        let mut stdin = child.stdin.take();
        let up = remains.note_process(child.id()).and_then(|()| network.up(child.id(), &mut remains)).and_then(|()| {
            let _ = tell(stdin.as_mut(), &network.greeting()); // of one that has ended, what follows tells
            wait_until_up(&mut child, &dir, registries)
        });
        match up {
            Ok(daemon) => Ok(Self { child, stdin, daemon, fresh: true, store, remains }),
            Err(error) => {
                drop(stdin);
                // What failed without it says less than what it said itself.
                Err(if end(&mut child) { not_started("it ended", &dir) } else { error })
            }
        }
    }

    /// Stops the engine, changes its data-root, and starts it again.
    fn with_engine_stopped(&mut self, orders: &[&str]) -> Result<(), EngineError> {
        let dir = self.remains.dir().to_path_buf();
        for words in [&["stop"], orders, &["start"]].concat() {
            checkpoints::order(&dir, &mut self.child, self.stdin.as_mut(), words)?;
        }
        self.daemon = wait_until_up(&mut self.child, &dir, &Registries::default())?;
        Ok(())
    }

    /// Ends every process of the engine and undoes all that it left.
    fn stop(mut self) -> Result<(), EngineError> {
        drop(self.stdin.take());
        end(&mut self.child);
        self.remains.undo()
    }
}

/// Writes the configuration files of the engine and its registry.
fn configure(
    dir: &Path,
    name: &str,
    network: &Network,
    registries: &Registries,
    stored: bool,
) -> Result<(), EngineError> {
    let mut config: Map<String, Value> = fs::read_to_string("/etc/docker/daemon.json")
        .ok()
        .and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok())
        .unwrap_or_default();
    config.retain(|key, _| INHERITED.contains(&key.as_str()));
    let own = json!({
        "data-root": dir.join(if stored { "store/data" } else { "data" }),
        "exec-root": EXEC_ROOT,
        "hosts": [format!("unix://{}", dir.join(SOCKET).display())],
        "group": "root",
        "mtu": network.mtu,
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "cgroup-parent": format!("/{}", remains::cgroup_name(name)),
        "builder": { "gc": { "enabled": false } },
    });
    if let Value::Object(own) = own {
        config.extend(own);
    }
    if let Some(mirror) = registries.mirror() {
        config.insert("registry-mirrors".to_owned(), json!([mirror]));
    }
    let containerd = config.get("features").and_then(|features| features.get("containerd-snapshotter"));
    if stored && containerd != Some(&Value::Bool(true)) {
        // On btrfs the engine would choose a driver of its own, and build differently. The containerd image store has
        // one driver everywhere, by another name.
        config.entry("storage-driver").or_insert_with(|| Value::from("overlay2"));
    }
    let text = serde_json::to_string_pretty(&config).map_err(|e| not_written(dir, &e))?;
    fs::write(dir.join("daemon.json"), text).map_err(|e| not_written(dir, &e))?;
    registries.configure(dir)
}

fn not_written(dir: &Path, found: &dyn std::fmt::Display) -> EngineError {
    EngineError::new(format!("writing into {}", dir.display()), found, remains::ANOTHER_HOME)
}

fn spawn(dir: &Path) -> Result<Child, EngineError> {
    let log = |name: &str| fs::File::create(dir.join(name)).map_err(|e| not_written(dir, &e));
    Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"])
        .args(["sh", "-c", include_str!("private/init.sh"), remains::INIT_NAME])
        .arg(dir)
        .current_dir("/")
        // Ctrl-C in a terminal goes to a whole process group; the engine must outlive it until its build is cancelled.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(log("init.log")?)
        .stderr(log("init.err")?)
        .spawn()
        .map_err(|e| {
            EngineError::new("starting a private engine", format!("unshare: {e}"), "see to it, or use --engine host")
        })
}

/// Tells the first process something: first its network, upon which it starts the engine, then its orders.
fn tell(stdin: Option<&mut ChildStdin>, line: &str) -> io::Result<()> {
    writeln!(stdin.ok_or(io::ErrorKind::BrokenPipe)?, "{line}")
}

fn wait_until_up(child: &mut Child, dir: &Path, registries: &Registries) -> Result<Daemon, EngineError> {
    let endpoint = Endpoint::unix(&dir.join(SOCKET));
    let since = Instant::now();
    loop {
        let ready = || Daemon::new(&endpoint).ok().filter(|daemon| daemon.ping().is_ok());
        if registries.up(dir)?
            && let Some(daemon) = ready()
        {
            return Ok(daemon);
        }
        let gone = matches!(child.try_wait(), Ok(Some(_)));
        if gone || since.elapsed() > START_LIMIT || engine_gave_up(dir) {
            let ended = gone || engine_gave_up(dir);
            let how = if ended { "it ended".to_owned() } else { format!("no answer after {START_LIMIT:?}") };
            return Err(not_started(&how, dir));
        }
        std::thread::sleep(POLL);
    }
}

/// An engine that did not come up, with the last words of all that it is made of.
fn not_started(how: &str, dir: &Path) -> EngineError {
    let logs = ["init.log", "init.err", "dockerd.log", "registry.log", "registry-cache.log"];
    let said = logs.map(|log| tail(&dir.join(log), 4)).concat().join("\n  ");
    EngineError::new(
        "starting a private engine",
        format!("{how}; it said last:\n  {}", if said.is_empty() { "nothing" } else { &said }),
        "see the lines above; --engine host uses an engine that runs already",
    )
}

/// The engine's own last words before it exits.
fn engine_gave_up(dir: &Path) -> bool {
    tail(&dir.join("dockerd.log"), 2)
        .iter()
        .any(|line| line.starts_with("failed to start") || line.contains("unable to configure the Docker daemon"))
}

fn tail(file: &Path, lines: usize) -> Vec<String> {
    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all.iter().skip(all.len().saturating_sub(lines)).map(|line| (*line).to_owned()).collect()
}

/// Waits for the namespaces to die (their first process ends when its input is closed), then insists. Gives whether it
/// had failed by itself.
fn end(child: &mut Child) -> bool {
    let since = Instant::now();
    while since.elapsed() < END_LIMIT {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            ended => return ended.is_ok_and(|status| status.is_some_and(|status| !status.success())),
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

impl Drop for Instance {
    fn drop(&mut self) {
        drop(self.stdin.take());
        end(&mut self.child);
    }
}

impl Engine for PrivateEngine {
    fn describe(&self) -> String {
        "private engine (own dockerd, empty for each chain, thrown away after it)".to_owned()
    }

    fn cold_kind(&self) -> ColdKind {
        ColdKind::Pristine
    }

    fn fingerprint(&mut self) -> Result<Fingerprint, EngineError> {
        self.instance()?;
        let mut facts = machine_fingerprint(&self.places());
        let instance = self.instance()?;
        instance.daemon.require_buildkit()?;
        facts.extend(instance.daemon.fingerprint()?);
        facts.insert("isolation".to_owned(), "private".to_owned());
        if let Some(store) = instance.store {
            facts.insert("checkpoints".to_owned(), store.to_owned());
        }
        if let Some(cache) = &self.registries.cache {
            facts.insert("registry_cache".to_owned(), cache.upstream.clone());
        }
        Ok(facts)
    }

    fn resolve(&mut self, reference: &str, limit: Duration) -> Result<Resolved, EngineError> {
        let digest = self.instance()?.daemon.registry_digest(reference, limit)?;
        Ok(Resolved { digest, source: Source::Registry })
    }

    fn places(&self) -> Places {
        let Some(instance) = &self.current else { return Places::default() };
        let dir = instance.remains.dir();
        let mut folders = vec![Folder::of_engine("the engine's data-root", dir)];
        if instance.store == Some(checkpoints::SNAPSHOTS) {
            // The image file is mounted inside the engine's namespace only.
            let inside = PathBuf::from(format!("/proc/{}/root", instance.child.id()));
            let store = dir.strip_prefix("/").unwrap_or(dir).join("store");
            folders.push(Folder::of_engine("the engine's checkpoints", inside.join(store)));
        }
        Places { folders, cgroups: vec![remains::cgroup_name(instance.remains.name())] }
    }

    fn wants_bases(&self) -> bool {
        self.registries.cache.is_some()
    }

    /// Into the registry cache: the engine that fetched them is not used for anything else.
    fn fetch_bases(&mut self, references: &BTreeSet<String>, interrupt: &Interrupt) -> Result<(), EngineError> {
        let Some(cache) = self.registries.cache.clone() else { return Ok(()) };
        let run = self.run.clone();
        let instance = self.instance()?;
        instance.fresh = false;
        let cached = references.iter().filter(|reference| normalize(reference).starts_with("docker.io/"));
        for (number, reference) in cached.enumerate() {
            let request = build::base_request(&run, number, reference);
            let outcome = build::build(instance.daemon.endpoint(), &request, &NoProgress, interrupt);
            build::fetched(reference, outcome)?;
        }
        wait_until_stored(&cache);
        Ok(())
    }

    fn begin_chain(&mut self) -> Result<(), EngineError> {
        match &mut self.current {
            Some(instance) if instance.fresh => Ok(()),
            Some(instance) if instance.store.is_some() => {
                instance.with_engine_stopped(&["fresh"])?;
                instance.fresh = true;
                Ok(())
            }
            _ => {
                self.end_chain()?;
                self.instance().map(drop)
            }
        }
    }

    fn save(&mut self, name: &str) -> Result<(), EngineError> {
        self.instance()?.with_engine_stopped(&[&format!("save checkpoint-{name}")])
    }

    fn restore(&mut self, name: &str) -> Result<(), EngineError> {
        self.instance()?.with_engine_stopped(&[&format!("restore checkpoint-{name}")])
    }

    fn contents(&mut self) -> Result<CacheContents, EngineError> {
        self.instance()?.daemon.contents()
    }

    fn build(&mut self, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
        match self.instance() {
            Ok(instance) => {
                instance.fresh = false;
                build::build(instance.daemon.endpoint(), request, progress, interrupt)
            }
            Err(e) => build::not_built(&e),
        }
    }

    fn image(&mut self, id: &str) -> Result<ImageFacts, EngineError> {
        self.instance()?.daemon.image(id)
    }

    fn run_image(&mut self, id: &str, limit: Duration) -> Result<String, EngineError> {
        let run = self.run.clone();
        self.instance()?.daemon.run_image(&run, id, limit)
    }

    fn looker(&mut self, interrupt: &Interrupt) -> Result<Looker, EngineError> {
        let run = self.run.clone();
        Ok(Looker::new(&run, self.instance()?.daemon.endpoint(), interrupt))
    }

    fn end_chain(&mut self) -> Result<(), EngineError> {
        // With checkpoints the engine lives as long as the run.
        if self.chain == ChainKind::Checkpoint { Ok(()) } else { self.finish() }
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        self.current.take().map_or(Ok(()), Instance::stop)
    }
}
