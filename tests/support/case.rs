//! A run that something happens to: a study that builds in seconds, the moments at which it can be struck, and what is
//! around it on the machine. Only for a sandbox with namespaces of its own (`sandboxed`), where nothing else runs.

use crate::own_engine::OwnEngine;
use crate::registry::{Answer, Registry, Server, faulty_gate, own_address, store};
use crate::tiny::{program, tiny_study};
use layerbench::store::{RunFolder, StoredRun};
use rustix::fs::{FallocateFlags, fallocate};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Steps of each Dockerfile, and how many of them come from the cache in each scenario.
pub const STEPS: u32 = 5;
pub const CACHED: [(&str, u32); 3] = [("cold", 0), ("warm", 5), ("sources-changed", 3)];

/// The step during which most faults happen.
const STEP: &[u8] = b"sleep\x000.613\0";

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(240);
const POLL: Duration = Duration::from_millis(5);

/// Where a study's Dockerfiles begin, and what their last step fetches.
pub enum Needs {
    Nothing,
    /// More time, during which something is done to the machine.
    Time,
    Registry,
    Index,
}

/// What happens to a registry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Slow,
    TooMany,
    Error,
    /// One layer once.
    Cut,
    /// Each time.
    CutAgain,
    /// So slow that there is time to cut the network.
    Drag,
}

pub struct Case {
    pub dir: PathBuf,
    folder: Option<tempfile::TempDir>,
    child: Option<Child>,
    /// Names of the private engines that were seen.
    engines: BTreeSet<String>,
    mounts: Vec<PathBuf>,
    registry: Option<Registry>,
    pub server: Option<Server>,
    trouble: Arc<AtomicU8>,
    begun: Arc<AtomicBool>,
    pub approaches: usize,
    pub own: Option<OwnEngine>,
}

impl Case {
    /// A study of some approaches and three scenarios.
    pub fn new(approaches: &[&str], needs: &Needs) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().canonicalize().unwrap();
        fs::create_dir(dir.join("tmp")).unwrap();
        let mut case = Self {
            dir,
            folder: Some(folder),
            child: None,
            engines: BTreeSet::new(),
            mounts: Vec::new(),
            registry: None,
            server: None,
            trouble: Arc::default(),
            begun: Arc::default(),
            approaches: approaches.len(),
            own: None,
        };
        let (mut from, mut first) = ("scratch".to_owned(), "sleep 0.613".to_owned());
        match needs {
            Needs::Nothing => {}
            Needs::Time => first += " && sleep 1.5",
            Needs::Registry => from = case.serve_registry(),
            Needs::Index => first = case.serve_index(),
        }
        let dockerfile = format!(
            "FROM {from}\nCOPY busybox /bin/sh\nWORKDIR /srv\nRUN --mount=type=cache,target=/cache echo x >>/cache/x\n\
             COPY main.txt ./\nRUN {first} && dd if=/dev/zero of=much bs=1M count=4 && echo built >>main.txt\n\
             CMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n"
        );
        let all: Vec<(&str, &str)> = approaches.iter().map(|name| (*name, dockerfile.as_str())).collect();
        tiny_study(&case.dir, &all);
        case
    }

    /// A registry with the base image, behind a gate at which trouble can be made.
    fn serve_registry(&mut self) -> String {
        let storage = self.dir.join("upstream");
        store(&storage, "lib/base", "1", "one");
        let registry = Registry::serve(&storage, &self.dir);
        let (trouble, begun) = (Arc::clone(&self.trouble), Arc::clone(&self.begun));
        let gate = faulty_gate(registry.port, &self.dir, move |request| {
            let layers = request.contains("/blobs/");
            match trouble.load(Ordering::SeqCst) {
                t if t == Trouble::TooMany as u8 + 1 => Answer::Refuse("retry-after: 1s".to_owned()),
                t if t == Trouble::Error as u8 + 1 => Answer::Fail,
                t if t == Trouble::Slow as u8 + 1 && layers => Answer::Slowly(20_000),
                t if t == Trouble::Drag as u8 + 1 && layers => {
                    begun.store(true, Ordering::SeqCst);
                    Answer::Slowly(200_000)
                }
                t if t == Trouble::Cut as u8 + 1 && layers && !begun.swap(true, Ordering::SeqCst) => {
                    Answer::Cut(300_000)
                }
                // An engine asks for the rest: if it got any of it each time, it would have all in the end.
                t if t == Trouble::CutAgain as u8 + 1 && layers => {
                    Answer::Cut(if begun.swap(true, Ordering::SeqCst) { 0 } else { 300_000 })
                }
                _ => Answer::Pass,
            }
        });
        let name = format!("{}:{}/lib/base:1", own_address(), gate.port);
        (self.registry, self.server) = (Some(registry), Some(gate));
        name
    }

    /// A package index with one package: any request is answered with it.
    fn serve_index(&mut self) -> String {
        let server = Server::new(|mut stream| {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\npackage\n");
        });
        let fetch = format!("wget -q -O package http://{}:{}/simple/package", own_address(), server.port);
        self.server = Some(server);
        format!("sleep 0.613 && {fetch}")
    }

    pub fn make_trouble(&self, trouble: Option<Trouble>) {
        self.trouble.store(trouble.map_or(0, |trouble| trouble as u8 + 1), Ordering::SeqCst);
    }

    /// Whether the trouble has met a layer.
    pub fn begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    /// Another disk at a folder of the case: of memory, so that it is full when that is said.
    pub fn mount(&mut self, name: &str, what: &[&str]) {
        let place = self.dir.join(name);
        fs::create_dir_all(&place).unwrap();
        assert!(Command::new("mount").args(what).arg(&place).status().unwrap().success());
        self.mounts.push(place);
    }

    /// Takes all room on the disk of a folder.
    pub fn fill(&self, name: &str) {
        let place = self.dir.join(name);
        let file = fs::File::create(place.join("filler")).unwrap();
        // Fast: a build is under way, which takes some of it too.
        let mut length = 0;
        for piece in [8 << 20, 64 << 10, 4 << 10] {
            while fallocate(&file, FallocateFlags::empty(), length, piece).is_ok() {
                length += piece;
            }
        }
    }

    fn program(&self, args: &[&str]) -> Command {
        let mut command = program(&self.dir, args);
        command.env("TMPDIR", self.dir.join("tmp")).env("SSL_CERT_FILE", self.dir.join("gate.pem"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts a run of the study.
    pub fn start(&mut self, more: &[&str]) {
        let own = self.own.as_ref().map(OwnEngine::address);
        let engine = own.as_deref().unwrap_or("private");
        let args = [&["run", ".", "--engine", engine, "--reps=1", "--seed=3", "--out=results"], more].concat();
        self.spawn(&args);
    }

    pub fn spawn(&mut self, args: &[&str]) {
        let out = fs::File::create(self.dir.join("said")).unwrap();
        self.child = Some(self.program(args).stderr(out).spawn().unwrap());
    }

    /// What the program said.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("said")).unwrap_or_default()).into_owned()
    }

    fn look(&mut self) {
        let engines = fs::read_dir(self.dir.join("home/engines")).into_iter().flatten().flatten();
        self.engines.extend(engines.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    }

    /// Whether the run has ended, and with which code (-1 for a signal).
    pub fn ended(&mut self) -> Option<i32> {
        self.look();
        let status = self.child.as_mut().unwrap().try_wait().unwrap()?;
        Some(status.code().unwrap_or(-1))
    }

    /// Waits for a moment of the run; it must not end before.
    pub fn until(&mut self, what: &str, mut seen: impl FnMut(&Self) -> bool) {
        let since = Instant::now();
        while !seen(self) {
            let ended = self.ended();
            assert!(ended.is_none(), "it ended with {ended:?} before {what}:\n{}", self.said());
            assert!(since.elapsed() < LIMIT, "{what} was not seen:\n{}", self.said());
            sleep(POLL);
        }
    }

    /// Waits until the slow step runs for the `count`-th time, from 1.
    pub fn until_step(&mut self, count: usize) {
        let mut seen = BTreeSet::new();
        self.until("the slow step", |_| {
            seen.extend(processes(|line| line == STEP));
            seen.len() >= count
        });
    }

    pub fn until_rows(&mut self, count: usize) {
        self.until("the row", |case| case.rows() >= count);
    }

    pub fn rows(&self) -> usize {
        let text = fs::read_to_string(self.dir.join("results/latest/samples.csv")).unwrap_or_default();
        text.lines().count().saturating_sub(1)
    }

    /// Waits for the end of the run; `None` when it does not come.
    pub fn end(&mut self) -> Option<i32> {
        let since = Instant::now();
        loop {
            if let Some(code) = self.ended() {
                return Some(code);
            }
            if since.elapsed() > LIMIT {
                self.kill();
                return None;
            }
            sleep(POLL);
        }
    }

    /// Kills it; `false` if it had just ended.
    pub fn kill(&mut self) -> bool {
        let child = self.child.as_mut().unwrap();
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap().code().is_none()
    }

    /// The private engine's process, and the folder of the engine.
    pub fn dockerd(&self) -> u32 {
        let home = self.dir.join("home").to_string_lossy().into_owned();
        let found = processes(|line| {
            let line = String::from_utf8_lossy(line);
            line.starts_with("dockerd\0") && line.contains(&home)
        });
        *found.first().expect("no private engine runs")
    }

    pub fn stored(&self) -> Option<Result<StoredRun, String>> {
        let latest = self.dir.join("results/latest");
        latest.join("run.json").is_file().then(|| RunFolder::open(&latest).map_err(|e| e.to_string()))
    }

    /// Everything that is on the machine, a line each; and of the case, what a run may not leave.
    pub fn inventory(&self) -> BTreeMap<String, usize> {
        let mut lines = Vec::new();
        for (what, command) in [
            ("link", "ip -brief link | awk '{print $1}' | sed 's/@.*//'"),
            ("rule", "nft list ruleset; iptables-save | sed 's/\\[[0-9]*:[0-9]*\\]//; /^#/d'"),
            ("forwarding", "cat /proc/sys/net/ipv4/ip_forward"),
            ("mount", "cut -d' ' -f2,3 /proc/mounts"),
        ] {
            let output = Command::new("sh").args(["-c", command]).output().unwrap();
            lines.extend(String::from_utf8_lossy(&output.stdout).lines().map(|line| format!("{what} {line}")));
        }
        lines.extend(living().into_iter().map(|name| format!("process {name}")));
        lines.extend(loops(&self.dir));
        for name in self.engines.iter().map(|name| format!("layerbench-{name}")) {
            let top = Path::new("/sys/fs/cgroup");
            let below = fs::read_dir(top).into_iter().flatten().flatten().map(|entry| entry.path());
            let all = below.chain([top.to_path_buf()]).map(|place| place.join(&name));
            lines.extend(all.filter(|place| place.is_dir()).map(|place| format!("cgroup {}", place.display())));
        }
        for folder in ["home", "tmp"] {
            lines.extend(files(&self.dir.join(folder)).into_iter().map(|file| format!("file {}", file.display())));
        }
        let unfinished = |file: &PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with('.') || name.ends_with(".new")
        };
        let results = files(&self.dir.join("results")).into_iter().filter(unfinished);
        lines.extend(results.map(|file| format!("unfinished {}", file.display())));
        lines.extend(self.own.as_ref().map(OwnEngine::inventory).into_iter().flatten());
        let mut counted = BTreeMap::new();
        for line in lines {
            *counted.entry(line).or_default() += 1;
        }
        counted
    }

    /// Without what changes from one case to the next.
    pub fn plain(&self, line: &str) -> String {
        let mut text = line.trim().replace(&format!("{}/", self.dir.display()), "");
        if let Some(server) = &self.server {
            text = text.replace(&format!("{}:{}", own_address(), server.port), "SERVER");
        }
        let run = fs::read_link(self.dir.join("results/latest")).unwrap_or_default();
        if !run.as_os_str().is_empty() {
            text = text.replace(&*run.to_string_lossy(), "tiny/RUN");
        }
        for name in &self.engines {
            text = text.replace(name, "NAME");
        }
        text
    }

    /// Takes a mounted disk away and gives it back, as it is after it was checked.
    pub fn remount(&mut self, name: &str, image: &str, what: &[&str]) {
        let place = self.dir.join(name);
        assert!(Command::new("umount").arg(&place).status().unwrap().success());
        self.mounts.retain(|mounted| *mounted != place);
        // 1 is for errors that were found and mended.
        let checked = Command::new("e2fsck").args(["-fy", image]).current_dir(&self.dir).output().unwrap();
        assert!(checked.status.code().is_some_and(|code| code <= 1), "{checked:?}");
        self.mount(name, what);
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.own = None;
        for place in &self.mounts {
            let _ = Command::new("umount").arg("-l").arg(place).status();
        }
        self.folder = None;
    }
}

/// Processes whose command line, with zeros between the words, is wanted.
pub fn processes(wanted: impl Fn(&[u8]) -> bool) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let numbered = all.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    numbered
        .filter(|(_, path): &(u32, PathBuf)| fs::read(path.join("cmdline")).is_ok_and(|line| wanted(&line)))
        .map(|(number, _)| number)
        .collect()
}

/// Names of all processes of the sandbox but those that are only waited for, and the way into namespaces.
fn living() -> Vec<String> {
    let stats = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        entry.file_name().to_str()?.parse::<u32>().ok()?;
        fs::read_to_string(entry.path().join("stat")).ok()
    });
    let names = stats.filter_map(|stat| {
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        (!rest.starts_with(" Z") && name != "nsenter").then(|| name.to_owned())
    });
    names.collect()
}

/// Loop devices of files below a folder.
fn loops(dir: &Path) -> Vec<String> {
    let output = Command::new("losetup").args(["--list", "--noheadings", "--output", "BACK-FILE"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter(|file| file.contains(&*dir.to_string_lossy())).map(|file| format!("loop {file}")).collect()
}

/// All files below a folder, and the folders among them.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            all.extend(files(&entry.path()));
        }
        all.push(entry.path());
    }
    all
}
