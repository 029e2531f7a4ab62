//! Faults that happen to whole runs on real engines: whatever it is, no sample is lost, doubled or wrongly marked, the run
//! can be brought to its end, and nothing is left behind. Needs root and Docker Engine; each test has namespaces of its
//! own. `scripts/bench --faults` makes every fault happen many times; without it, the cheapest happen once.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing
#![allow(clippy::print_stderr)]

#[path = "support/case.rs"]
mod case;
#[path = "support/fault.rs"]
mod fault;
#[path = "support/golden.rs"]
mod golden;
#[path = "support/own_engine.rs"]
mod own_engine;
#[path = "support/registry.rs"]
mod registry;
#[path = "support/tiny.rs"]
mod tiny;

use case::{CACHED, Case, Needs, STEPS};
use fault::{DISKS, ENGINE_KILLED, ENGINES, Ends, Fault, RESULTS_MOVED, SOURCES};
use layerbench::model::{Sample, Status};
use layerbench::store::{RunStatus, StoredRun};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::fs;
use std::io::Write;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What came of a fault, a line for each.
#[derive(Default)]
struct Found {
    lost: Vec<String>,
    wrong: Vec<String>,
    left: Vec<String>,
    said: String,
    /// Others on the machine spoiled a sample: the fault has to happen once more.
    disturbed: bool,
}

/// Lets a fault happen to a run, brings the run to its end, and looks at everything.
fn inject(fault: &Fault, approaches: &[&str], number: usize) -> Found {
    let mut found = Found::default();
    let mut case = Case::new(approaches, &fault.needs);
    (fault.prepare)(&mut case);
    let inventory = case.inventory();
    case.start(fault.args);
    let struck = (fault.strike)(&mut case, number);
    let code = case.end();
    let said = case.said();
    let line = said.lines().rfind(|line| fault.says.iter().any(|part| line.contains(part)));
    found.said = line.map_or(String::new(), |line| case.plain(line));
    let expected = i32::from(fault.ends != Ends::Healed);
    if code != Some(expected) || line.is_none() || said.contains("panicked") {
        found.wrong.push(format!("it ended with {code:?}, not {expected}, or without its reason:\n{said}"));
    }
    (fault.mend)(&mut case);
    let before: Vec<StoredRun> = case.stored().and_then(Result::ok).into_iter().collect();
    let whole = before.iter().any(|run| run.record.status == RunStatus::Finished);
    if whole == matches!(fault.ends, Ends::Broken | Ends::Gone) {
        found.wrong.push(format!("the run's record says {:?}", before.iter().map(|run| run.record.status)));
    }
    match fault.ends {
        Ends::Gone => case.start(fault.args),
        _ => case.spawn(&["run", "--resume", "results/latest"]),
    }
    let code = case.end();
    let after = match case.stored() {
        Some(Ok(after)) => after,
        other => {
            found.wrong.push(format!("no run that can be read: {other:?}\n{}", case.said()));
            return found;
        }
    };
    let good = whole || after.samples.iter().all(|(s, _)| matches!(s.status, Status::Ok | Status::Interrupted));
    if code != Some(i32::from(!good)) {
        found.wrong.push(format!("resumed, it ended with {code:?}:\n{}", case.said()));
    }
    compare(&case, &before, &after, Struck { build: Some(struck), marks: fault.marks, whole }, &mut found);
    left(&case, &inventory, &mut found);
    found
}

/// A build that something happened to.
struct Struck {
    build: Option<usize>,
    marks: &'static [Status],
    /// The run went on after it.
    whole: bool,
}

/// Holds a run against what was stored of it before, and against its plan.
fn compare(case: &Case, before: &[StoredRun], after: &StoredRun, struck: Struck, found: &mut Found) {
    if after.record.status != RunStatus::Finished || !after.warnings.is_empty() {
        found.wrong.push(format!("{:?} {:?}", after.record.status, after.warnings));
    }
    // What was on the disk is there as it was, but for the mark of a chain that was cut.
    for (sample, steps) in before.iter().flat_map(|run| &run.samples) {
        match after.samples.iter().find(|(kept, _)| kept.key == sample.key) {
            None => found.lost.push(format!("{:?}", sample.key)),
            Some((kept, kept_steps)) => {
                let marked = Sample { status: kept.status, reason: kept.reason.clone(), ..sample.clone() };
                let cut = kept.status == Status::Interrupted
                    || (kept.status, &kept.reason) == (sample.status, &sample.reason);
                if !cut || marked != *kept || kept_steps != steps {
                    found.wrong.push(format!("{sample:?} became {kept:?}"));
                }
            }
        }
    }
    let plan = &after.record.plan;
    let of = |run: &StoredRun, place: usize| -> Vec<Sample> {
        let (block, approach, scenario) = &plan[place];
        let rows = run.samples.iter().map(|(sample, _)| sample).filter(|sample| {
            let key = &sample.key;
            (key.block, key.approach.as_str(), key.scenario.as_str()) == (*block, approach, scenario)
        });
        rows.filter(|sample| sample.status != Status::Interrupted).cloned().collect()
    };
    if plan.len() != 3 * case.approaches {
        found.lost.push(format!("of the plan: {plan:?}"));
    }
    let due = before.last().zip(struck.build).map(|(run, build)| of(run, build)).unwrap_or_default();
    if !struck.marks.is_empty() {
        match due.as_slice() {
            [] => found.lost.push("the row of the build that it happened to".to_owned()),
            [row] if struck.marks.contains(&row.status) => {}
            rows => found.wrong.push(format!("not marked {:?}: {rows:?}", struck.marks)),
        }
    }
    for (place, cell) in plan.iter().enumerate() {
        let rows = of(after, place);
        let [row] = rows.as_slice() else {
            let list = if rows.is_empty() { &mut found.lost } else { &mut found.wrong };
            list.push(format!("{cell:?}: {} rows: {rows:?}", rows.len()));
            continue;
        };
        found.disturbed |= row.reason.contains("held the processor back");
        // A cut run makes the builds of the struck chain again, but for one whose chain was whole with it.
        let its_own = due.iter().any(|due| due.key == row.key);
        let follows = struck.whole && struck.build.is_some_and(|build| place > build && place / 3 == build / 3);
        let cached = CACHED.iter().find(|(name, _)| *name == cell.2).map(|(_, cached)| *cached);
        let right = (row.steps, Some(row.steps_cached)) == (STEPS, cached);
        if if row.status == Status::Ok { !right } else { !its_own && !follows } {
            found.wrong.push(format!("{cell:?}: {row:?}"));
        }
    }
    let images = fs::read_to_string(after.path.join("images.csv")).unwrap_or_default();
    let wanted =
        (0..case.approaches).filter(|chain| of(after, 3 * chain + 2).iter().any(|row| !row.image_id.is_empty()));
    if images.lines().count().saturating_sub(1) < wanted.count() || !after.path.join("report.md").is_file() {
        found.lost.push(format!("an image or the report: {images}"));
    }
}

/// What is on the machine that was not there before, or the other way round.
fn left(case: &Case, before: &std::collections::BTreeMap<String, usize>, found: &mut Found) {
    // Processes and control groups that were ended need a moment.
    let since = Instant::now();
    let mut after = case.inventory();
    while after != *before && since.elapsed() < Duration::from_secs(10) {
        sleep(Duration::from_millis(100));
        after = case.inventory();
    }
    found
        .left
        .extend(after.iter().filter(|(line, count)| before.get(*line) < Some(count)).map(|(line, _)| line.clone()));
    let missing = before.iter().filter(|(line, count)| after.get(*line) < Some(count));
    found.wrong.extend(missing.map(|(line, _)| format!("not there any more: {line}")));
}

/// Kills a run at random moments, up to ten times before it may come to its end; gives how often. What is left of it
/// takes less and less time, so the moments lie in the first half of that of the whole.
fn inject_kills(dice: &mut ChaCha8Rng, takes: Duration) -> (usize, Found) {
    let (mut found, mut before, mut kills) = (Found::default(), Vec::new(), 0);
    let mut case = Case::new(&["one", "two"], &Needs::Nothing);
    let inventory = case.inventory();
    let go_on = |case: &mut Case| {
        // Before its folder was there, nothing can go on: the run begins.
        if case.stored().is_some() { case.spawn(&["run", "--resume", "results/latest"]) } else { case.start(&[]) }
    };
    go_on(&mut case);
    while kills < 10 {
        let (since, moment) = (Instant::now(), takes.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX) / 2.0));
        while since.elapsed() < moment && case.ended().is_none() {
            sleep(Duration::from_millis(2));
        }
        if case.ended().is_some() {
            break;
        }
        kills += usize::from(case.kill());
        match case.stored() {
            Some(Ok(run)) => before.push(run),
            Some(Err(error)) => found.wrong.push(error),
            None => {}
        }
        go_on(&mut case);
    }
    let code = case.end();
    if code != Some(0) {
        found.wrong.push(format!("resumed, it ended with {code:?}:\n{}", case.said()));
    }
    found.said = case.said().lines().next().map_or(String::new(), |line| case.plain(line));
    match case.stored() {
        Some(Ok(after)) => {
            compare(&case, &before, &after, Struck { build: None, marks: &[], whole: false }, &mut found);
        }
        other => found.wrong.push(format!("no run that can be read: {other:?}")),
    }
    case.spawn(&["clean", "--wait", "10"]);
    found.wrong.extend((case.end() != Some(0)).then(|| format!("clean: {}", case.said())));
    left(&case, &inventory, &mut found);
    (kills, found)
}

/// Tells what came of a fault that happened so often, with a row of the table if one is wanted (name, times, lost, wrong,
/// left, said); `true` when all is as it should be.
fn keep(name: &str, times: usize, found: &Found) -> bool {
    for (what, lines) in [("lost", &found.lost), ("wrong", &found.wrong), ("left behind", &found.left)] {
        lines.iter().for_each(|line| eprintln!("{name}: {what}: {line}"));
    }
    let (lost, wrong, left) = (found.lost.len(), found.wrong.len(), found.left.len());
    let said = found.said.replace('\t', " ");
    let row = format!("{name}\t{times}\t{lost}\t{wrong}\t{left}\t{said}\n");
    eprint!("{row}");
    if let Ok(table) = std::env::var("LAYERBENCH_FAULTS_TABLE") {
        let mut file = fs::File::options().create(true).append(true).open(table).unwrap();
        file.write_all(row.as_bytes()).unwrap();
    }
    lost + wrong + left == 0
}

/// Lets a fault happen: whether all is as it should be, and what was said. What the machine's other guests spoiled does
/// not count.
fn once(fault: &Fault, approaches: &[&str], number: usize) -> (bool, String) {
    let attempt = || {
        let outcome = std::panic::catch_unwind(|| inject(fault, approaches, number));
        outcome.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map_or("an assertion", String::as_str);
            Found { wrong: vec![text.to_owned()], ..Found::default() }
        })
    };
    let mut found = attempt();
    for _ in 0..5 {
        if found.disturbed {
            found = attempt();
        }
    }
    (keep(fault.name, 1, &found), found.said)
}

fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Whether there is time for more of them, of as many seconds as LAYERBENCH_FAULTS_LIMIT says.
fn in_time(since: Instant) -> bool {
    since.elapsed() < Duration::from_secs(number("LAYERBENCH_FAULTS_LIMIT", usize::MAX) as u64)
}

/// Calls a test again in namespaces of its own, with a way out that leads nowhere: the tests need none.
fn sandboxed(test: &str, inside: impl FnOnce()) {
    if std::env::var_os("LAYERBENCH_SANDBOX").is_some() {
        return inside();
    }
    let script = "mount -t tmpfs tmpfs /run && ip link set lo up && ip link add up0 type veth peer name up1 && \
        ip address add 192.0.2.2/24 dev up0 && ip link set up0 up && ip link set up1 up && \
        ip route add default via 192.0.2.1 || exit 1; \"$@\"; exit $?";
    let status = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"])
        .args(["sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--include-ignored", "--nocapture", "--quiet"])
        .env("LAYERBENCH_SANDBOX", "yes")
        .env("RUST_BACKTRACE", "0")
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_lost_engine_and_a_lost_folder_lose_no_sample() {
    sandboxed("a_lost_engine_and_a_lost_folder_lose_no_sample", || {
        // What is said of an engine that was killed depends on the moment.
        let [(killed, _), (moved, said)] = [ENGINE_KILLED, RESULTS_MOVED].map(|fault| once(&fault, &["one"], 0));
        assert!(killed && moved);
        golden::messages("Faults", &format!("## {}\n{said}", RESULTS_MOVED.name));
    });
}

/// LAYERBENCH_FAULTS=N lets each happen N times, LAYERBENCH_FAULTS_ONLY=WORDS only those with these words in their name;
/// LAYERBENCH_FAULTS_TABLE=FILE takes a row of each.
fn all_of(test: &str, faults: &[Fault]) {
    sandboxed(test, || {
        let only = std::env::var("LAYERBENCH_FAULTS_ONLY").unwrap_or_default();
        let (since, mut bad) = (Instant::now(), Vec::new());
        for number in 0..number("LAYERBENCH_FAULTS", 1) {
            let wanted = faults.iter().filter(|fault| fault.name.contains(&only) && in_time(since));
            bad.extend(wanted.filter(|fault| !once(fault, &["one", "two"], number).0).map(|fault| fault.name));
        }
        assert_eq!(bad, [""; 0]);
    });
}

#[test]
#[ignore = "takes minutes: scripts/bench --faults"]
fn no_fault_of_an_engine_loses_a_sample_or_leaves_anything() {
    all_of("no_fault_of_an_engine_loses_a_sample_or_leaves_anything", ENGINES);
}

#[test]
#[ignore = "takes minutes: scripts/bench --faults"]
fn no_fault_of_a_source_loses_a_sample_or_leaves_anything() {
    all_of("no_fault_of_a_source_loses_a_sample_or_leaves_anything", SOURCES);
}

#[test]
#[ignore = "takes minutes: scripts/bench --faults"]
fn no_fault_of_a_disk_loses_a_sample_or_leaves_anything() {
    all_of("no_fault_of_a_disk_loses_a_sample_or_leaves_anything", DISKS);
}

/// LAYERBENCH_KILLS=N kills N times.
fn kills(test: &str, seed: u64, count: usize) {
    sandboxed(test, || {
        let since = Instant::now();
        let mut case = Case::new(&["one", "two"], &Needs::Nothing);
        case.start(&[]);
        assert_eq!(case.end(), Some(0), "{}", case.said());
        drop(case);
        let (takes, mut dice, mut killed, mut good) = (since.elapsed(), ChaCha8Rng::seed_from_u64(seed), 0, true);
        while killed < count && in_time(since) {
            let (kills, found) = inject_kills(&mut dice, takes);
            if !found.disturbed {
                killed += kills;
                good &= keep("program killed (SIGKILL) at a random moment", kills, &found);
            }
        }
        assert!(good);
    });
}

#[test]
#[ignore = "takes minutes: scripts/bench --faults"]
fn no_moment_of_death_loses_or_doubles_a_sample() {
    kills("no_moment_of_death_loses_or_doubles_a_sample", 9, number("LAYERBENCH_KILLS", 1).div_ceil(2));
}

/// The other half of them, at the same time.
#[test]
#[ignore = "takes minutes: scripts/bench --faults"]
fn no_other_moment_of_death_loses_or_doubles_a_sample() {
    kills("no_other_moment_of_death_loses_or_doubles_a_sample", 10, number("LAYERBENCH_KILLS", 1) / 2);
}
