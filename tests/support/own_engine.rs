//! An engine as a user has it, with an image, a container and a volume on it, that can be killed and started again. It
//! is one that `layerbench engine` keeps, in namespaces of its own.

use crate::case::processes;
use crate::tiny::{busybox, messages, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub struct OwnEngine {
    keeper: Child,
    /// Its folder, with the socket and the configuration.
    dir: PathBuf,
    /// The first process of its namespaces.
    init: u32,
    /// It was started again.
    again: Vec<Child>,
}

impl OwnEngine {
    pub fn start(dir: &Path) -> Self {
        let keeper = program(dir, &["engine", "--", "sleep", "86399"])
            .env("LAYERBENCH_HOME", dir.join("own"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        wait("the user's engine", || !processes(|line| line == b"sleep\x0086399\0").is_empty());
        let engines = fs::read_dir(dir.join("own/engines")).unwrap().flatten().map(|entry| entry.path());
        let folder = engines.into_iter().find(|path| path.join("engine.sock").exists()).unwrap();
        let mut engine = Self { keeper, dir: folder, init: 0, again: Vec::new() };
        let status = fs::read_to_string(format!("/proc/{}/status", engine.processes("dockerd")[0])).unwrap();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
        engine.init = parent.trim().parse().unwrap();
        engine.fill(dir);
        engine
    }

    fn fill(&self, dir: &Path) {
        let mine = dir.join("mine");
        fs::create_dir(&mine).unwrap();
        fs::copy(busybox(), mine.join("busybox")).unwrap();
        fs::write(mine.join("Dockerfile"), "FROM scratch\nCOPY busybox /bin/sh\nRUN echo mine >/mine\n").unwrap();
        let build = program(&mine, &["build", "-q", "-t", "mine:1", "."]).env("DOCKER_HOST", self.address()).output();
        let build = build.unwrap();
        assert!(build.status.success(), "{}", messages(&build));
        for args in [&["create", "--name", "mine", "mine:1", "/bin/sh"][..], &["volume", "create", "treasure"]] {
            assert!(!self.docker(args).is_empty(), "{args:?}");
        }
    }

    pub fn address(&self) -> String {
        format!("unix://{}/engine.sock", self.dir.display())
    }

    fn docker(&self, args: &[&str]) -> String {
        let output = Command::new("docker").args(args).env("DOCKER_HOST", self.address()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Processes of the engine that are called so.
    fn processes(&self, name: &str) -> Vec<u32> {
        let folder = self.dir.to_string_lossy().into_owned();
        processes(|line| {
            let line = String::from_utf8_lossy(line);
            let (program, rest) = line.split_once('\0').unwrap_or_default();
            program.rsplit('/').next() == Some(name) && rest.contains(&folder)
        })
    }

    /// SIGKILL for the engine and its containerd; what runs in containers lives on.
    pub fn kill(&self) {
        for process in ["dockerd", "containerd"].iter().flat_map(|name| self.processes(name)) {
            let _ = Command::new("kill").args(["-KILL", &process.to_string()]).status();
        }
        wait("the engine's death", || self.processes("dockerd").is_empty() && self.processes("containerd").is_empty());
    }

    /// Starts it again, as the machine's service manager would.
    pub fn restart(&mut self) {
        let file = |name: &str| self.dir.join(name);
        // Nobody waits for the dead in there: they would be taken for the living.
        for stale in ["docker.pid", "exec/containerd/containerd.pid"] {
            let _ = fs::remove_file(file(stale));
        }
        let log = fs::File::options().create(true).append(true).open(file("dockerd.log")).unwrap();
        let again = Command::new("nsenter")
            .args(["--mount", "--net", "--pid", "--target", &self.init.to_string(), "dockerd", "--config-file"])
            .args([file("daemon.json").as_os_str(), "--pidfile".as_ref(), file("docker.pid").as_os_str()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.again.push(again);
        let since = Instant::now();
        while self.docker(&["info", "--format", "{{.ID}}"]).trim().is_empty() {
            let log = || fs::read_to_string(file("dockerd.log")).unwrap_or_default();
            let last = || log().lines().next_back().unwrap_or_default().to_owned();
            assert!(since.elapsed() < Duration::from_secs(60), "the engine does not start again: {}", last());
            sleep(Duration::from_millis(50));
        }
    }

    /// Everything that a user has on it, a line each.
    pub fn inventory(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for args in [
            &["images", "-a", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"][..],
            &["ps", "-a", "--no-trunc", "--format", "container {{.ID}} {{.Names}} {{.State}}"],
            &["volume", "ls", "--format", "volume {{.Name}}"],
            &["network", "ls", "--format", "network {{.Name}}"],
            &["system", "df", "-v", "--format", "{{range .BuildCache}}{{println .ID .CacheType .Description}}{{end}}"],
        ] {
            let text = self.docker(args);
            lines.extend(text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("user's {line}")));
        }
        lines
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.keeper.id().to_string()]).status();
        let _ = self.keeper.wait();
        for engine in &mut self.again {
            let _ = engine.wait(); // it went with the namespaces
        }
    }
}

fn wait(what: &str, seen: impl Fn() -> bool) {
    let since = Instant::now();
    while !seen() {
        assert!(since.elapsed() < Duration::from_secs(60), "{what}: not seen");
        sleep(Duration::from_millis(10));
    }
}
