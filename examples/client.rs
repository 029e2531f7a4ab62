//! Times `layerbench build` beside `docker build -q` on the same private engine, in turns; called by
//! `scripts/bench --client`. Prints a table, appends rows to the CSV file given, and ends with 1 where a target is
//! missed. Arguments: the program, the docker client, the CSV file; then, if wanted, `quick` for few runs.
#![allow(clippy::print_stdout, clippy::print_stderr)]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a figure that could not be taken ends it all

use layerbench::engine::kinds::private::PrivateEngine;
use layerbench::engine::machine::home::home;
use layerbench::engine::wire::endpoint::Endpoint;
use layerbench::engine::wire::timed_build::build;
use layerbench::engine::{BuildRequest, BuildSettings, Engine, Interrupt};
use layerbench::model::{Progress, Property};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Memory that a build of ours may take at most, in MB.
const PEAK_MB: f64 = 32.0;
/// Builds of each client per case, and of those that take long and have no target.
const RUNS: usize = 20;
const LONG_RUNS: usize = 5;

const FIVE_STEPS: &str =
    "FROM scratch\nCOPY busybox /bin/sh\nWORKDIR /x\nCOPY f1 f2 /x/\nRUN echo x >y\nCOPY . /all/\n";
const COPY_ALL: &str = "FROM scratch\nCOPY . /\n";
// The context as a mount: the engine receives and digests it, but copies nothing.
const MOUNT_ALL: &str = "FROM shell\nRUN --mount=type=bind,target=/context true\n";

struct Silent;
impl Progress for Silent {
    fn step(&self, _: &str) {}
}

/// What happens before each build.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    /// The engine is replaced by an empty one. Pruning would not do: a build right after it fails now and then.
    Forget,
    /// One file gets another content.
    Change,
}

struct Case {
    name: &'static str,
    folder: PathBuf,
    before: Before,
    runs: usize,
    /// The largest ratio of ours to docker's that is good enough.
    target: Option<f64>,
}

struct Bench {
    engine: PrivateEngine,
    version: String,
    program: PathBuf,
    docker: PathBuf,
    work: tempfile::TempDir,
    changes: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Client {
    Ours,
    Docker,
}

impl Bench {
    fn endpoint(&mut self) -> Endpoint {
        self.engine.endpoint().unwrap()
    }

    fn command(&mut self, client: Client, folder: &Path) -> (PathBuf, Vec<String>) {
        let folder = folder.display().to_string();
        match client {
            Client::Ours => (self.program.clone(), vec!["build".into(), "-q".into(), folder]),
            Client::Docker => (self.docker.clone(), vec!["build".into(), "-q".into(), folder]),
        }
    }

    fn run(&mut self, program: &Path, arguments: &[String]) {
        let host = self.endpoint().to_string();
        let output = Command::new(program)
            .args(arguments)
            .env("DOCKER_HOST", host)
            .env("DOCKER_BUILDKIT", "1")
            .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{program:?} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts an empty engine, with nothing but the shell that some cases build on.
    fn renew(&mut self) {
        self.engine.end_chain().unwrap();
        self.engine.begin_chain().unwrap();
        let program = self.program.clone();
        let shell = self.work.path().join("shell").display().to_string();
        self.run(&program, &["build".to_owned(), "-q".to_owned(), "-t".to_owned(), "shell".to_owned(), shell]);
    }

    fn prepare(&mut self, case: &Case) {
        match case.before {
            Before::Nothing => {}
            Before::Forget => self.renew(),
            Before::Change => {
                self.changes += 1;
                fs::write(case.folder.join("d50/f500"), format!("changed {}", self.changes)).unwrap();
            }
        }
    }

    /// Seconds of a whole process.
    fn time(&mut self, client: Client, case: &Case) -> f64 {
        self.prepare(case);
        let (program, arguments) = self.command(client, &case.folder);
        let clock = Instant::now();
        self.run(&program, &arguments);
        clock.elapsed().as_secs_f64()
    }

    /// Peak memory of a client, or of the largest of its processes, in MB. Such builds are not timed.
    fn peak(&mut self, client: Client, case: &Case) -> f64 {
        self.prepare(case);
        let (program, arguments) = self.command(client, &case.folder);
        let out = self.work.path().join("peak");
        let mut all = vec!["-f".to_owned(), "%M".to_owned(), "-o".to_owned(), out.display().to_string()];
        all.push(program.display().to_string());
        all.extend(arguments);
        self.run(Path::new("/usr/bin/time"), &all);
        let text = fs::read_to_string(out).unwrap();
        text.lines().last().unwrap().trim().parse::<f64>().unwrap() / 1024.0
    }

    /// Seconds of the call alone, as `layerbench run` times it.
    fn call(&mut self, folder: &Path) -> f64 {
        let request = BuildRequest {
            context: folder.to_owned(),
            dockerfile: Arc::new(fs::read(folder.join("Dockerfile")).unwrap()),
            dockerfile_name: "Dockerfile".into(),
            ignore: None,
            settings: BuildSettings::default(),
            no_cache: false,
            tag: String::new(),
            context_key: "bench-call".into(),
            timeout: Duration::from_secs(600),
            client: layerbench::engine::Client::default(),
        };
        let outcome = build(&self.endpoint(), &request, &Silent, &Interrupt::default());
        assert_eq!(outcome.result, Ok(()));
        outcome.seconds.get()
    }

    /// Measures a case: a row, and what missed its target.
    fn measure(&mut self, case: &Case) -> (String, Vec<String>) {
        let clients = [Client::Ours, Client::Docker];
        let peaks = clients.map(|client| (0..2).map(|_| self.peak(client, case)).fold(0.0, f64::max));
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..case.runs {
            for place in 0..2 {
                // Each client goes first in every other round.
                let which = (round + place) % 2;
                times[which].push(self.time(clients[which], case));
            }
        }
        let [ours, docker] = times.map(median);
        let ratio = ours / docker;
        let mut missed = Vec::new();
        if case.target.is_some_and(|target| ratio > target) {
            missed.push(format!("{}: ratio {ratio:.2}, target {:.2}", case.name, case.target.unwrap()));
        }
        if peaks[0] >= PEAK_MB {
            missed.push(format!("{}: {:.1} MB, target below {PEAK_MB}", case.name, peaks[0]));
        }
        (row(case.name, &self.version, ours, docker, peaks, case.runs), missed)
    }
}

fn row(case: &str, engine: &str, ours: f64, docker: f64, peaks: [f64; 2], runs: usize) -> String {
    println!(
        "{case:38} {engine:10} {ours:8.3} {docker:8.3} {:6.2} {:7.1} {:7.1} {runs:5}",
        ours / docker,
        peaks[0],
        peaks[1]
    );
    let ratio = ours / docker;
    format!("{case},{engine},{ours:.4},{docker:.4},{ratio:.3},{:.1},{:.1},{runs}\n", peaks[0], peaks[1])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) }
}

/// The contexts: small files, 500 MB in 2,000 files, 100,000 files in 100 folders.
fn lay_out(work: &Path) -> [PathBuf; 3] {
    let folder = |name: &str, dockerfile: &str| {
        let folder = work.join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
        folder
    };
    let small = folder("small", FIVE_STEPS);
    fs::copy("/bin/busybox", small.join("busybox")).unwrap();
    (1..=9).for_each(|n| fs::write(small.join(format!("f{n}")), format!("{n}")).unwrap());
    let large = folder("large", COPY_ALL);
    let mut state = 7_u64;
    for n in 0..2_000 {
        // Content that no file system can shrink.
        let content: Vec<u8> = (0..31_250)
            .flat_map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state ^ (state >> 29)).to_le_bytes()
            })
            .collect();
        fs::write(large.join(format!("f{n}")), content).unwrap();
    }
    let many = folder("many", MOUNT_ALL);
    for d in 0..100 {
        fs::create_dir(many.join(format!("d{d}"))).unwrap();
        (0..1_000).for_each(|n| fs::write(many.join(format!("d{d}/f{n}")), format!("{d} {n}")).unwrap());
    }
    [small, large, many]
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let (runs, long) = if arguments.iter().any(|a| a == "quick") { (3, 1) } else { (RUNS, LONG_RUNS) };
    let work = tempfile::tempdir().unwrap();
    let mut engine = PrivateEngine::new(
        &home(),
        &format!("bench-{}", std::process::id()),
        Default::default(),
        layerbench::model::ChainKind::Article,
    )
    .unwrap();
    engine.begin_chain().unwrap();
    let version =
        engine.fingerprint().unwrap().shown(Property::EngineVersion).split('+').next().unwrap_or_default().to_owned();
    let (program, docker) = (PathBuf::from(&arguments[1]), PathBuf::from(&arguments[2]));
    let mut bench = Bench { engine, version, program, docker, work, changes: 0 };
    let [small, large, many] = lay_out(bench.work.path());
    let shell = bench.work.path().join("shell");
    fs::create_dir(&shell).unwrap();
    fs::copy("/bin/busybox", shell.join("busybox")).unwrap();
    fs::write(shell.join("Dockerfile"), "FROM scratch\nCOPY busybox /bin/sh\n").unwrap();
    bench.renew();

    let case =
        |name, folder: &PathBuf, before, runs, target| Case { name, folder: folder.clone(), before, runs, target };
    use Before::{Change, Forget, Nothing};
    let cases = [
        case("cached five steps", &small, Nothing, runs, Some(0.35)),
        case("500 MB in 2000 files, first", &large, Forget, runs, Some(1.0)),
        case("500 MB in 2000 files, unchanged", &large, Nothing, runs, Some(0.5)),
        case("100000 files, first", &many, Forget, long, None),
        case("100000 files, unchanged", &many, Nothing, runs, Some(0.5)),
        case("100000 files, one changed", &many, Change, runs, None),
    ];
    println!(
        "{:38} {:10} {:>8} {:>8} {:>6} {:>7} {:>7} {:>5}",
        "case", "engine", "ours s", "docker s", "ratio", "ours MB", "docker", "runs"
    );
    let mut rows = fs::OpenOptions::new().append(true).create(true).open(&arguments[3]).unwrap();
    let mut missed = Vec::new();
    for case in &cases {
        let (row, mut wrong) = bench.measure(case);
        rows.write_all(row.as_bytes()).unwrap();
        missed.append(&mut wrong);
        if case.name == "cached five steps" {
            let calls: Vec<f64> = (0..=case.runs).map(|_| bench.call(&small)).skip(1).collect();
            println!("{:38} {:10} {:8.3}", "  the call without its process", bench.version, median(calls));
        }
    }
    bench.engine.finish().unwrap();
    missed.iter().for_each(|line| eprintln!("missed: {line}"));
    ExitCode::from(u8::from(!missed.is_empty()))
}
