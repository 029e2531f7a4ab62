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

#[path = "support/commands.rs"]
mod commands;
#[path = "support/house.rs"]
mod house;
#[path = "support/made_up.rs"]
mod made_up;
#[path = "support/rules.rs"]
mod rules;

use house::House;
use rules::{Breach, Floors, Orders, Pairs, Shared};
use std::collections::BTreeMap;
use std::path::Path;

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
    ("engine", &["*", "wire", "machine", "contract", "fake", "kinds"]),
    ("app", &["*", "prepare", "read", "measure", "judge", "advise", "inspect", "author"]),
];

/// Base names that files of these rooms share, each with the reason. Commands and their use cases share theirs without it.
const SHARED: Shared = &[
    ("tests", &[], "the tests of the file above it"),
    ("author", &["app/author", "cli"], ARGUMENTS),
    ("inspect", &["app/inspect", "cli"], ARGUMENTS),
    ("judge", &["app/judge", "cli"], ARGUMENTS),
    ("measure", &["app/measure", "cli"], ARGUMENTS),
    ("prepare", &["app/prepare", "cli"], ARGUMENTS),
    ("read", &["app/read", "cli"], ARGUMENTS),
];

const ARGUMENTS: &str = "the arguments of the commands whose use cases are in that part of the app";

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
    let commands = commands::commands();
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let breaches: BTreeMap<String, String> =
        breaches(&house, &commands).into_iter().map(|breach| (breach.line, breach.why)).collect();
    let new = breaches.iter().filter(|(line, _)| !NOT_YET.contains(&line.as_str()));
    let new: Vec<String> = new.map(|(line, why)| format!("    {line:?}, // {why}")).collect();
    assert!(new.is_empty(), "{} new breaches of the rules:\n{}", new.len(), new.join("\n"));
    let stale: Vec<&&str> = NOT_YET.iter().filter(|line| !breaches.contains_key(**line)).collect();
    assert!(stale.is_empty(), "NOT_YET names what is in order by now; take it away: {stale:#?}");
}

/// What is not in order yet, a line a breach. A line that is in order by now fails the test.
const NOT_YET: &[&str] = &[];
