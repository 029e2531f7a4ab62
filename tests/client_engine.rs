//! The build client against real private engines: options, bad input, time limits, cancellation, a lost engine, and
//! what a thousand builds leave behind. Needs root and Docker Engine (the `dockerd` on the `PATH`).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

use layerbench::engine::kinds::private::PrivateEngine;
use layerbench::engine::kinds::private::registry::Registries;
use layerbench::engine::machine::home::home;
use layerbench::engine::wire::docker_client::DockerClient;
use layerbench::engine::{BuildRequest, BuildSettings, Client, Engine, Interrupt};
use layerbench::model::{NoProgress, Outcome, Progress, Status, StepKind};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a build may take to end once its end was decided.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Counts the steps that were started.
struct Started(AtomicU32);
impl Progress for Started {
    fn step(&self, name: &str) {
        self.0.fetch_add(u32::from(name.contains("] RUN")), Ordering::SeqCst);
    }
}

/// An engine with a context that holds a shell. One at a time, so that processes can be told apart.
struct Bench {
    engine: PrivateEngine,
    context: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Bench {
    fn new(name: &str) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut engine = PrivateEngine::new(
            &home(),
            &format!("test-{name}-{}", std::process::id()),
            Registries::default(),
            layerbench::model::ChainKind::Article,
        )
        .unwrap();
        engine.begin_chain().unwrap();
        let context = tempfile::tempdir().unwrap();
        fs::copy("/bin/busybox", context.path().join("busybox")).unwrap();
        Self { engine, context, _alone: alone }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.context.path().join(name)
    }

    fn request(&self, steps: &str) -> BuildRequest {
        BuildRequest {
            context: self.context.path().into(),
            dockerfile: Arc::new(format!("FROM scratch\nCOPY busybox /bin/sh\n{steps}\n").into_bytes()),
            dockerfile_name: "some/Dockerfile".into(),
            ignore: None,
            settings: BuildSettings::default(),
            no_cache: false,
            tag: "test/client:1".into(),
            context_key: "test".into(),
            timeout: Duration::from_secs(60),
            client: Client::default(),
        }
    }

    fn build(&mut self, request: &BuildRequest) -> Outcome {
        self.engine.build(request, &NoProgress, &Interrupt::default())
    }

    /// Host's process id of the engine.
    fn dockerd(&mut self) -> u32 {
        let socket = self.engine.endpoint().unwrap().to_string();
        let config = socket.trim_start_matches("unix://").replace("engine.sock", "daemon.json");
        processes(&["dockerd", &config])[0]
    }
}

/// Processes whose command line holds all of these.
fn processes(parts: &[&str]) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        // The shell that starts an engine holds the same words further back.
        if line.starts_with(parts[0]) && parts.iter().all(|part| line.contains(part)) {
            found.push(pid);
        }
    }
    found
}

/// Waits until no process runs the command any more.
fn gone_at_once(command: &str) {
    let since = Instant::now();
    while !processes(&[command]).is_empty() {
        assert!(since.elapsed() < AT_ONCE, "{command} still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a step runs the command.
fn wait_for(command: &str) {
    let since = Instant::now();
    while processes(&[command]).is_empty() {
        assert!(since.elapsed() < Duration::from_secs(20), "{command} was not started");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn status(outcome: &Outcome) -> (Status, &str) {
    outcome.result.as_ref().map_or_else(|(status, text)| (*status, text.as_str()), |()| (Status::Ok, ""))
}

#[test]
fn options_reach_the_build() {
    let mut bench = Bench::new("options");
    let mut request = bench.request(
        "FROM scratch AS wanted\nCOPY --from=0 /bin/sh /bin/sh\nARG WORD\n\
         RUN --mount=type=secret,id=token,required=true echo \"$WORD $(sha256sum </run/secrets/token)\" >/out && \
         grep 'db.example' /etc/hosts >>/out; test $(grep -c : /proc/net/dev) = 1 && echo alone >>/out; true\n\
         CMD [\"/bin/sh\", \"-c\", \"cat /out\"]\nFROM scratch AS last\nCOPY nothing /",
    );
    request.settings = BuildSettings {
        args: BTreeMap::from([("WORD".into(), "spoken".into())]),
        target: Some("wanted".into()),
        labels: BTreeMap::from([("org.example.team".into(), "web".into())]),
        platform: Some("linux/amd64".into()),
        network: Some("none".into()),
        hosts: vec![("db.example".into(), "10.0.0.7".into())],
        secrets: [("token".to_owned(), b"s3cret".to_vec())].into_iter().collect(),
    };
    let outcome = bench.build(&request);
    assert_eq!(status(&outcome), (Status::Ok, ""));
    let printed = bench.engine.run_image(&outcome.image_id.unwrap(), Duration::from_secs(20)).unwrap();
    let digest = "1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0";
    assert!(printed.starts_with(&format!("spoken {digest}")), "{printed}");
    assert!(printed.contains("10.0.0.7") && printed.contains("alone"), "{printed}");

    let labels = Command::new("curl")
        .args(["-s", "--unix-socket"])
        .arg(bench.engine.endpoint().unwrap().to_string().trim_start_matches("unix://"))
        .arg("http://docker/images/test/client:1/json")
        .output()
        .unwrap();
    let labels = String::from_utf8_lossy(&labels.stdout).into_owned();
    assert!(labels.contains(r#""org.example.team":"web""#), "{labels}");
    assert!(!labels.contains("s3cret"));
}

#[test]
fn a_secret_that_a_failing_step_prints_is_not_kept() {
    let mut bench = Bench::new("secret");
    let mut request = bench.request("RUN --mount=type=secret,id=token cat /run/secrets/token && echo && exit 7");
    request.settings.secrets = [("token".to_owned(), b"hunter2\n".to_vec())].into_iter().collect();
    let outcome = bench.build(&request);
    assert_eq!(status(&outcome).0, Status::Failed);
    assert!(outcome.log_tail.iter().any(|line| line.contains("***")), "{outcome:?}");
    assert!(!format!("{request:?} {outcome:?}").contains("hunter2"), "{outcome:?}");
}

#[test]
fn a_build_that_takes_too_long_is_stopped() {
    let mut bench = Bench::new("timeout");
    assert_eq!(status(&bench.build(&bench.request("RUN true"))), (Status::Ok, ""));
    let mut request = bench.request("RUN sleep 98761");
    request.timeout = Duration::from_secs(2);
    let since = Instant::now();
    let outcome = bench.build(&request);
    assert_eq!(status(&outcome), (Status::Timeout, "not done after 2 s"));
    assert!(since.elapsed() < request.timeout + AT_ONCE, "{:?}", since.elapsed());
    gone_at_once("sleep 98761");
    assert_eq!(status(&bench.build(&bench.request("RUN true"))), (Status::Ok, ""));
}

#[test]
fn a_cancelled_build_ends_at_once() {
    let mut bench = Bench::new("cancel");
    let interrupt = Interrupt::default();
    let canceller = interrupt.clone();
    let thread = std::thread::spawn(move || {
        wait_for("sleep 98762");
        canceller.raise();
        Instant::now()
    });
    let started = Started(AtomicU32::new(0));
    let outcome = bench.engine.build(&bench.request("RUN sleep 98762"), &started, &interrupt);
    let took = thread.join().unwrap().elapsed();
    assert_eq!(status(&outcome), (Status::Interrupted, "stopped by the user"));
    assert!(took < AT_ONCE, "{took:?}");
    gone_at_once("sleep 98762");
    assert!(started.0.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_lost_engine_is_noticed_at_once() {
    let mut bench = Bench::new("lost");
    let dockerd = bench.dockerd();
    let thread = std::thread::spawn(move || {
        wait_for("sleep 98763");
        let killed = Command::new("kill").args(["-9", &dockerd.to_string()]).status().unwrap();
        assert!(killed.success());
        Instant::now()
    });
    let outcome = bench.build(&bench.request("RUN sleep 98763"));
    let took = thread.join().unwrap().elapsed();
    let (status, why) = status(&outcome);
    assert_eq!(status, Status::Failed);
    assert!(why.contains("the connection to the engine broke"), "{why}");
    assert!(took < AT_ONCE, "{took:?}");
    bench.engine.finish().unwrap();
    gone_at_once("sleep 98763");
}

/// What a process holds: descriptors, threads, memory in kB.
fn holdings(pid: u32) -> (usize, u64, u64) {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let number = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    (fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(), number("Threads:"), number("VmRSS:"))
}

/// What a Go program holds on to, in bytes, after a collection: its memory as the kernel sees it is mostly what it did
/// not give back yet.
fn live_heap(socket: &str) -> u64 {
    let output = Command::new("curl")
        .args(["-s", "--unix-socket", socket.trim_start_matches("unix://")])
        .arg("http://docker/debug/pprof/heap?gc=1&debug=1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("# HeapAlloc = "));
    line.unwrap_or_else(|| panic!("{text}")).trim().parse().unwrap()
}

/// `LAYERBENCH_TEST_BUILDS` says how many.
#[test]
fn many_builds_leave_nothing_behind() {
    let mut bench = Bench::new("many");
    let request = bench.request("RUN echo x >/x\nCOPY . /all/");
    let count: usize = std::env::var("LAYERBENCH_TEST_BUILDS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let (own, dockerd) = (std::process::id(), bench.dockerd());
    let socket = bench.engine.endpoint().unwrap().to_string();
    let mut tenth = None;
    for number in 1..=count {
        let outcome = bench.build(&request);
        assert_eq!(status(&outcome), (Status::Ok, ""), "build {number}");
        if number == 10 {
            tenth = Some((holdings(own), holdings(dockerd), live_heap(&socket)));
        }
    }
    // What an engine holds for a build that just ended goes with a moment's delay.
    std::thread::sleep(Duration::from_secs(2));
    let (own_then, engine_then, heap_then) = tenth.unwrap();
    let (own_now, engine_now, heap_now) = (holdings(own), holdings(dockerd), live_heap(&socket));
    println!(
        "after 10 of {count} builds: program {own_then:?}, engine {engine_then:?} (descriptors, threads, kB), heap {heap_then}"
    );
    println!("after all: program {own_now:?}, engine {engine_now:?}, heap {heap_now}");
    assert!(own_now.0 <= own_then.0 && own_now.1 <= own_then.1, "{own_then:?} {own_now:?}");
    assert!(own_now.2 <= own_then.2 + 4096, "memory of the program: {own_then:?} {own_now:?}");
    assert!(engine_now.0 <= engine_then.0 + 5, "descriptors of the engine: {engine_then:?} {engine_now:?}");
    // Newer engines keep the spans of recent builds for BuildKit's history: of the first 200 builds up to 60 kB each,
    // of 2,000 as fast as they come 16 kB each; one of the docker client's takes 90 kB.
    let spans = u64::try_from(count).unwrap() * 90_000;
    assert!(heap_now <= heap_then + 2_000_000 + spans, "heap of the engine: {heap_then} {heap_now}");
    // Its threads and memory are Go's to keep: bounded, not equal.
    assert!(engine_now.1 <= engine_then.1 + 20, "threads of the engine: {engine_then:?} {engine_now:?}");
    assert!(engine_now.2 <= engine_then.2 * 2, "memory of the engine: {engine_then:?} {engine_now:?}");
}

#[test]
fn what_cannot_be_built_is_said_with_its_place() {
    let mut bench = Bench::new("bad");
    let mut broken = bench.request("RUN true\nFRO scratch");
    let why = |outcome: &Outcome| status(outcome).1.to_owned();
    let text = why(&bench.build(&broken));
    assert!(text.starts_with("some/Dockerfile:4: ") && text.contains("unknown instruction"), "{text}");
    for (context, expected) in [
        (bench.at("nowhere"), "does not exist"),
        (bench.at("busybox"), "is not a folder"),
        (bench.at("loop"), "leads back"),
    ] {
        symlink("loop", bench.at("loop")).ok();
        broken.context = context;
        let text = why(&bench.build(&broken));
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn odd_files_of_a_context_are_built_as_docker_builds_them() {
    let mut bench = Bench::new("odd");
    let _socket = std::os::unix::net::UnixListener::bind(bench.at("socket")).unwrap();
    symlink("round2", bench.at("round1")).unwrap();
    symlink("round1", bench.at("round2")).unwrap();
    symlink("/etc/passwd", bench.at("outside")).unwrap();
    let request = bench.request(
        "COPY . /all/\nRUN cd /all && for f in *; do stat -c '%F %n' $f; done >/out\nCMD [\"/bin/sh\",\"-c\",\"cat /out\"]",
    );
    let outcome = bench.build(&request);
    assert_eq!(status(&outcome), (Status::Ok, ""));
    let printed = bench.engine.run_image(&outcome.image_id.unwrap(), Duration::from_secs(20)).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    for expected in ["regular empty file socket", "symbolic link round1", "symbolic link outside"] {
        assert!(lines.contains(&expected), "{expected} is not in {printed}");
    }
}

/// An engine asks for them faster than they can be read.
#[test]
fn a_great_many_small_files_are_sent() {
    let mut bench = Bench::new("small");
    for folder in 0..20 {
        fs::create_dir(bench.at(&format!("d{folder}"))).unwrap();
        (0..1000).for_each(|n| fs::write(bench.at(&format!("d{folder}/f{n}")), format!("{n}")).unwrap());
    }
    let outcome = bench.build(&bench.request("RUN --mount=type=bind,target=/all test $(ls /all/d19 | wc -l) = 1000"));
    assert_eq!(status(&outcome), (Status::Ok, ""));
    assert!(outcome.context_bytes.0 > 20 * 2890);
}

/// The docker client on the `PATH`, if it can build, gives the same proof of the cache as our own.
#[test]
fn the_docker_client_is_timed_as_a_whole_process() {
    let place = tempfile::tempdir().unwrap();
    let client = match DockerClient::find(&place.path().join("context")) {
        Ok(client) => client,
        Err(why) => {
            eprintln!("skipped: {why}");
            return;
        }
    };
    let mut bench = Bench::new("docker");
    let mut request = bench.request("RUN --mount=type=secret,id=token test -s /run/secrets/token\nCOPY . /all/");
    request.settings.secrets = [("token".to_owned(), b"hunter2".to_vec())].into_iter().collect();
    request.client = Client::Docker(client);
    let executed: Vec<usize> = (0..2)
        .map(|_| {
            let outcome = bench.build(&request);
            assert_eq!(status(&outcome), (Status::Ok, ""));
            assert!(outcome.image_id.is_some() && outcome.seconds >= outcome.engine_seconds);
            outcome.steps.iter().filter(|step| step.kind == StepKind::Work && !step.cached).count()
        })
        .collect();
    assert_eq!(executed, [3, 0]);
    assert!(bench.at("busybox").exists(), "the context is where it was");

    request = BuildRequest { timeout: Duration::from_secs(2), ..request };
    request.dockerfile = bench.request("RUN sleep 98764").dockerfile;
    assert_eq!(status(&bench.build(&request)), (Status::Timeout, "not done after 2 s"));
    gone_at_once("sleep 98764");
    request.dockerfile =
        bench.request("RUN --mount=type=secret,id=token cat /run/secrets/token; echo; exit 3").dockerfile;
    let outcome = bench.build(&request);
    assert_eq!(status(&outcome).0, Status::Failed);
    assert!(status(&outcome).1.contains("exit code: 3"), "{outcome:?}");
    assert!(!format!("{request:?} {outcome:?}").contains("hunter2"), "{outcome:?}");
}

/// Root reads everything: what may not be read is shown by a program without that right.
#[test]
fn a_file_that_may_not_be_read_is_named() {
    let mut bench = Bench::new("unreadable");
    let socket = bench.engine.endpoint().unwrap().to_string();
    let path = socket.trim_start_matches("unix://").to_owned();
    fs::write(bench.at("Dockerfile"), "FROM scratch\nCOPY . /\n").unwrap();
    fs::write(bench.at("secret"), "x").unwrap();
    fs::set_permissions(bench.at("secret"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(bench.context.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // A copy that others may run, and a way to the socket.
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = place.path().join("layerbench");
    fs::copy(env!("CARGO_BIN_EXE_layerbench"), &program).unwrap();
    let folder = Path::new(&path).parent().unwrap();
    for open in [folder, folder.parent().unwrap(), folder.parent().unwrap().parent().unwrap()] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o711)).unwrap();
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["build", "-q"])
        .arg(bench.context.path())
        .env("DOCKER_HOST", &socket)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("secret") && said.contains(".dockerignore"), "{said}");
}

/// `layerbench build` with a bad call: exit code 2, and a message that names file, line and column.
#[test]
fn bad_calls_are_refused_before_anything_is_built() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("Dockerfile"), "FROM scratch\n").unwrap();
    fs::write(at(".dockerignore"), "*.md\n  a[b\n").unwrap();
    let call = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_layerbench"))
            .arg("build")
            .args(args)
            .current_dir(dir.path())
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (args, code, parts) in [
        (&["."][..], 2, &[".dockerignore: line 2, column 4", "syntax"][..]),
        (&["-f", "nothing", "."], 2, &["nothing", "expected a Dockerfile"]),
        (&["nowhere"], 2, &["nowhere/Dockerfile", "expected a Dockerfile"]),
        (&["--secret", "id=a,src=none", "."], 2, &[]),
        (&["--label", "x", "."], 2, &[]),
        (&["--build-context", "more=../more", "."], 2, &["more=../more", "takes one context"]),
    ] {
        let (got, said) = call(args);
        assert_eq!(got, Some(code), "{args:?}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{args:?}: {said}");
    }
    fs::remove_file(at(".dockerignore")).unwrap();
    let (code, said) = call(&["--secret", "id=a,src=none", "."]);
    assert!(code == Some(2) && said.contains("secret a: none"), "{said}");
    let (code, said) = call(&["."]);
    assert!(code == Some(1) && said.contains("/nowhere/docker.sock"), "{said}");
}

/// A registry that asks for a login, which stands in `config.json`, or comes from a helper.
#[test]
fn registry_logins_are_taken_from_where_docker_login_left_them() {
    for program in ["docker-registry", "nsenter", "docker"] {
        if Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().stdout.is_empty() {
            eprintln!("skipped: no {program} here");
            return;
        }
    }
    let bench = Bench::new("login");
    let mut engine = bench.engine;
    let output = Command::new("bash")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/login.sh"))
        .arg(env!("CARGO_BIN_EXE_layerbench"))
        .env("DOCKER_HOST", engine.endpoint().unwrap().to_string())
        .output()
        .unwrap();
    engine.finish().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
}
