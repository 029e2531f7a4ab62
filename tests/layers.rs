//! The rules of the house, strict and without exceptions but those that a table here names with their reason:
//!
//! - (a) a room of `src` imports only from floors below its own; within a floor none imports another;
//! - (b) inside of a room that has an order, a part imports only from parts before it;
//! - (c) no circle of files;
//! - (d) no file above 500 lines and no function above 60, unless its head has a line `//! Long: ` with the reason;
//! - (e) nothing in `app` names clap, prints, or ends the process;
//! - (f) `cli` has fewer than 3,000 lines, and the file of each command fewer than 100;
//! - (g) no base name of a file in two rooms;
//! - (h) no type name twice where both can be met in one file.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/house.rs"]
mod house;
#[path = "support/made_up.rs"]
mod made_up;
#[path = "support/rules.rs"]
mod rules;

use house::House;
use rules::{Breach, Floors, Orders, Pairs};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The rooms of `src`, bottom up.
const FLOORS: Floors = &[
    &["model", "text", "stats", "files"],
    &["study", "project", "store"],
    &["plan", "engine", "analysis"],
    &["runner", "audit"],
    &["progress", "chart", "report"],
    &["app"],
    &["cli"],
];

/// Of one floor, the first imports the second.
const PAIRS: Pairs = &[];

/// The parts of a room, bottom up: folders, or files beside them. `*` is all that is not named.
const ORDERS: Orders = &[
    ("engine", &["*", "wire", "machine", "kinds"]),
    ("app", &["*", "prepare", "read", "measure", "judge", "advise", "inspect", "author"]),
];

/// Base names that several rooms have, each with the reason. Commands and their use cases share theirs without it.
const SHARED: &[(&str, &str)] = &[("tests", "the tests of the file above it")];

/// Lines of `cli` as a whole, and of a command's file.
const CLI: (usize, usize) = (3_000, 100);

fn breaches(house: &House, commands: &[&str]) -> Vec<Breach> {
    [
        rules::floors(house, FLOORS, PAIRS),
        rules::orders(house, ORDERS),
        rules::circles(house),
        rules::lengths(house),
        rules::quiet(house, "app"),
        rules::commands(house, "cli", commands, CLI),
        rules::base_names(house, ORDERS, commands, SHARED),
        rules::types(house),
    ]
    .concat()
}

#[test]
fn the_house_keeps_its_rules() {
    let house = House::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mentions: usize = house.mentions.iter().map(Vec::len).sum();
    let found = house.mentions.iter().flatten().filter(|mention| house.target(mention).is_some()).count();
    assert!(house.files.len() > 200 && mentions > 20_000 && found > 8_000, "{mentions} names, {found} found");
    let commands = commands();
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    assert!(commands.len() >= 14, "{commands:?}");
    let breaches: BTreeMap<String, String> =
        breaches(&house, &commands).into_iter().map(|breach| (breach.line, breach.why)).collect();
    let new = breaches.iter().filter(|(line, _)| !NOT_YET.contains(&line.as_str()));
    let new: Vec<String> = new.map(|(line, why)| format!("    {line:?}, // {why}")).collect();
    assert!(new.is_empty(), "{} new breaches of the rules:\n{}", new.len(), new.join("\n"));
    let stale: Vec<&&str> = NOT_YET.iter().filter(|line| !breaches.contains_key(**line)).collect();
    assert!(stale.is_empty(), "NOT_YET names what is in order by now; take it away: {stale:#?}");
}

/// The commands of the program, as `--help` lists them.
fn commands() -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_layerbench")).arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let list = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// What is not in order yet, a line a breach. A line that is in order by now fails the test.
const NOT_YET: &[&str] = &[
    "b: engine.rs imports engine/machine.rs",
    "b: engine/daemon.rs imports engine/machine.rs",
    "b: engine/dind.rs imports engine/machine.rs",
    "b: engine/fake.rs imports engine/machine.rs",
    "b: engine/host.rs imports engine/machine.rs",
    "b: engine/private.rs imports engine/machine.rs",
    "c: chart.rs > chart/png.rs > chart.rs",
    "c: chart.rs > chart/svg.rs > chart.rs",
    "c: cli.rs > cli/audit.rs > cli.rs",
    "c: cli.rs > cli/clean.rs > cli.rs",
    "c: cli.rs > cli/compare.rs > cli.rs",
    "c: cli.rs > cli/doctor.rs > cli.rs",
    "c: cli.rs > cli/engine.rs > cli.rs",
    "c: cli.rs > cli/explain.rs > cli.rs",
    "c: cli.rs > cli/export.rs > cli.rs",
    "c: cli.rs > cli/gate.rs > cli.rs",
    "c: cli.rs > cli/history.rs > cli.rs",
    "c: cli.rs > cli/import.rs > cli.rs",
    "c: cli.rs > cli/init.rs > cli.rs",
    "c: cli.rs > cli/report.rs > cli.rs",
    "c: cli.rs > cli/run.rs > cli.rs",
    "c: cli.rs > cli/style.rs > cli.rs",
    "c: cli/audit.rs > cli/run.rs > cli/audit.rs",
    "c: cli/audit.rs > cli/run.rs > cli/keeper.rs > cli/audit.rs",
    "c: cli/audit.rs > cli/run.rs > cli/keeper.rs > cli/report.rs > cli/audit.rs",
    "c: cli/audit.rs > cli/run.rs > cli/resume.rs > cli/audit.rs",
    "c: cli/call.rs > cli/source.rs > cli/call.rs",
    "c: engine.rs > engine/docker_client.rs > engine.rs",
    "c: engine.rs > engine/look.rs > engine.rs",
    "c: engine/build.rs > engine/docker_client.rs > engine/build.rs",
    "c: engine/daemon.rs > engine/daemon/containers.rs > engine/daemon.rs",
    "c: engine/endpoint.rs > engine/endpoint/find.rs > engine/endpoint.rs",
    "c: engine/network.rs > engine/remains.rs > engine/network.rs",
    "c: engine/private.rs > engine/private/registry.rs > engine/private.rs",
    "c: engine/private.rs > engine/private/store.rs > engine/private.rs",
    "c: engine/session.rs > engine/session/diffcopy.rs > engine/session.rs",
    "c: engine/session.rs > engine/session/service.rs > engine/session/diffcopy.rs > engine/session.rs",
    "c: engine/session.rs > engine/session/upgrade.rs > engine/session.rs",
    "c: plan.rs > plan/choose.rs > plan.rs",
    "c: progress.rs > progress/bar.rs > progress.rs",
    "c: project/context.rs > project/context/follow.rs > project/context.rs",
    "c: project/context.rs > project/context/stat.rs > project/context.rs",
    "c: project/dockerfile.rs > project/dockerfile/scan.rs > project/dockerfile.rs",
    "c: report/export.rs > report/export/bencher.rs > report/export.rs",
    "c: report/export.rs > report/export/hyperfine.rs > report/export.rs",
    "c: report/export.rs > report/export/junit.rs > report/export.rs",
    "c: report/export.rs > report/export/openmetrics.rs > report/export.rs",
    "c: report/export.rs > report/export/otava.rs > report/export.rs",
    "c: report/export.rs > report/export/smaller.rs > report/export.rs",
    "c: report/html.rs > report/html/charts.rs > report/html.rs",
    "c: report/html.rs > report/html/scorecard.rs > report/html.rs",
    "c: report/html.rs > report/html/sections.rs > report/html.rs",
    "c: report/html.rs > report/html/table.rs > report/html.rs",
    "c: report/scorecard.rs > report/text.rs > report/scorecard.rs",
    "c: runner.rs > runner/course.rs > runner.rs",
    "c: runner.rs > runner/images.rs > runner.rs",
    "c: store.rs > store/error.rs > store.rs",
    "c: store.rs > store/files.rs > store/error.rs > store.rs",
    "c: store.rs > store/record.rs > store.rs",
    "c: store.rs > store/samples.rs > store/error.rs > store.rs",
    "c: store.rs > store/steps.rs > store/error.rs > store.rs",
    "c: store.rs > store/table.rs > store/error.rs > store.rs",
    "c: study.rs > study/hash.rs > study.rs",
    "c: study.rs > study/load.rs > study.rs",
    "c: study/decode.rs > study/matrix.rs > study/decode.rs",
    "d: fn engine of cli/doctor.rs is too long",
    "d: fn fill of store/nights.rs is too long",
    "d: fn head of cli/report.rs is too long",
    "d: fn printed of cli/hostile.rs is too long",
    "f: cli is too long",
    "f: cli/audit.rs is too long for a command",
    "f: cli/build.rs is too long for a command",
    "f: cli/compare.rs is too long for a command",
    "f: cli/doctor.rs is too long for a command",
    "f: cli/gate.rs is too long for a command",
    "f: cli/history.rs is too long for a command",
    "f: cli/import.rs is too long for a command",
    "f: cli/init.rs is too long for a command",
    "f: cli/report.rs is too long for a command",
    "f: cli/run.rs is too long for a command",
    "g: call.rs is in cli, study",
    "g: change.rs is in analysis, stats",
    "g: charts.rs is in cli, report",
    "g: error.rs is in stats, store",
    "g: images.rs is in runner, store",
    "g: lines.rs is in progress, project",
    "g: load.rs is in cli, study",
    "g: marks.rs is in analysis, study",
    "g: nights.rs is in analysis, chart, cli, store",
    "g: png.rs is in chart, cli",
    "g: project.rs is in project, study",
    "g: published.rs is in analysis, cli",
    "g: record.rs is in cli, store",
    "g: samples.rs is in chart, store",
    "g: settings.rs is in cli, engine, study",
    "g: steps.rs is in chart, store",
    "g: store.rs is in engine, store",
    "g: table.rs is in analysis, report, store",
    "h: End is in cli.rs, runner.rs",
    "h: Source is in project/git.rs, study.rs",
];
