//! The rules of the house on small sources that break them, so that no rule is kept by reading nothing.

use crate::house::House;
use crate::rules::{self, Breach};

fn lines(breaches: Vec<Breach>) -> Vec<String> {
    breaches.into_iter().map(|breach| breach.line).collect()
}

/// A crate of two floors: `low` and `side`, and `high` on them.
fn floors(high: &str, low: &str, side: &str, pairs: rules::Pairs) -> Vec<String> {
    let root = "pub mod high; pub mod low; pub mod side;";
    let house = House::of(&[("lib.rs", root), ("high.rs", high), ("low.rs", low), ("side.rs", side)]);
    lines(rules::floors(&house, &[&["low", "side"], &["high"]], pairs))
}

#[test]
fn a_room_imports_only_from_below() {
    let (high, low) = ("use crate::low::X; pub struct Y; fn f(_: X) -> crate::side::Z {}", "pub struct X;");
    assert_eq!(floors(high, low, "pub struct Z;", &[]), [""; 0]);
    for upward in [
        "use crate::high::Y;",
        "use crate::{high, side as _};",
        "use super::high::{self};",
        "fn f() -> crate::high::Y { todo!() }",
        "fn f() { println!(\"{}\", crate::high::Y) }",
        "#[cfg(test)] mod tests { use super::super::high::*; }",
        "pub use crate::high::Y;",
        "macro_rules! m { () => { $crate::high::Y }; }",
        "#[arg(default_value_t = crate::high::LEAST)] struct S;",
    ] {
        let found = floors(high, &format!("{upward} pub struct X;"), "pub struct Z;", &[]);
        assert!(found.contains(&"a: low.rs imports high".to_owned()), "{upward}: {found:?}");
    }
    let (beside, pair) = ("use crate::low::X;", ("side", "low", "a reason"));
    assert_eq!(floors(high, low, beside, &[]), ["a: side.rs imports low"]);
    assert_eq!(floors(high, low, beside, &[pair]), [""; 0]);
    assert_eq!(floors(high, low, "", &[pair]), ["a: side may import low, and does not"]);
    let pair = ("high", "low", "a reason");
    assert_eq!(floors(high, low, "", &[pair]), ["a: high and low are no pair of one floor"]);
    let house = House::of(&[("lib.rs", "mod attic;"), ("attic.rs", ""), ("attic/box.rs", "")]);
    assert_eq!(lines(rules::floors(&house, &[&["low"]], &[])), ["a: attic stands on no floor"]);
}

#[test]
fn the_parts_of_a_room_have_an_order() {
    let house = House::of(&[
        ("lib.rs", "mod app;"),
        ("app.rs", "mod read; mod judge; mod end; pub struct End; fn f() { judge::f() }"),
        ("app/end.rs", "fn f() { super::read::f() }"),
        ("app/read.rs", "pub fn f() {} use super::judge::one::g;"),
        ("app/judge.rs", "pub mod one; pub fn f() -> super::End { super::read::f() }"),
        ("app/judge/one.rs", "pub fn g() { super::f() }"),
    ]);
    assert_eq!(
        lines(rules::orders(&house, &[("app", &["*", "read", "judge"])])),
        [
            "b: app.rs imports app/judge.rs",
            "b: app/end.rs imports app/read.rs",
            "b: app/read.rs imports app/judge/one.rs",
        ]
    );
    let without_rest = lines(rules::orders(&house, &[("app", &["judge", "read"])]));
    assert_eq!(without_rest.len(), 4, "{without_rest:?}");
}

fn circles(texts: &[(&str, &str)]) -> Vec<String> {
    lines(rules::circles(&House::of(texts)))
}

#[test]
fn files_stand_in_no_circle() {
    let root = ("lib.rs", "pub mod a; pub mod b; pub mod c;");
    let c = ("c.rs", "use crate::a::X; pub fn c() {}");
    // A module that hands on what its child has, and a child that uses its module, are no circle.
    let handing_on = ("a.rs", "mod deep; pub use deep::Y; pub use self::deep::*; pub struct X;");
    let deep = ("a/deep.rs", "use super::X; pub struct Y(X);");
    let tests = "#[cfg(test)] mod tests { use super::*; fn t(_: crate::c::C) {} }";
    assert_eq!(circles(&[root, handing_on, deep, ("b.rs", "use crate::a::Y; fn f(_: Y) {}"), c]), [""; 0]);
    assert_eq!(circles(&[root, ("a.rs", &format!("pub struct X; {tests}")), c]), [""; 0]);
    assert_eq!(
        circles(&[root, ("a.rs", "#[cfg(test)] mod t; pub struct X;"), ("a/t.rs", "use crate::c::c;"), c]),
        [""; 0]
    );
    // The name of a variable is none of a function.
    let function = ("a/deep.rs", "use super::X; pub fn deep(_: X) {}");
    let variable = ("a.rs", "mod deep; pub use deep::deep; pub struct X; fn f(deep: u8) { g(deep) }");
    assert_eq!(circles(&[root, variable, function]), [""; 0]);
    let its_name = ("a.rs", "mod deep; pub use deep::deep; pub struct X; fn f() { g(deep) }");
    assert_eq!(circles(&[root, its_name, function]), ["c: a.rs > a/deep.rs > a.rs"]);

    // Through a name that is handed on, a glob, an alias, a module's name, and the words of a macro.
    for (own, of_b) in [
        ("use crate::b::B;", "use crate::a::X;"),
        ("use crate::b::*; fn f(_: B) {}", "use super::a as other; fn f(_: other::X) {}"),
        ("fn f() { vec![crate::b::B] }", "use crate::a::{self, *}; pub struct Z(X);"),
        ("use crate::c::B; fn f(_: B) {}", "fn f() { use crate::a; a::X }"),
        ("fn f() { g(crate::b::B) }", "fn f() -> crate::c::X { todo!() }"),
    ] {
        let (a, b) = (format!("{own} pub struct X;"), format!("{of_b} pub struct B;"));
        let hub = ("c.rs", "pub use crate::b::B; pub use crate::a::X;");
        let found = circles(&[root, ("a.rs", &a), ("b.rs", &b), hub]);
        assert!(found.contains(&"c: a.rs > b.rs > a.rs".to_owned()), "{own} {of_b}: {found:?}");
    }
    let own_use = ("a.rs", "mod deep; use deep::Y; pub struct X; fn f(_: Y) {}");
    assert_eq!(circles(&[root, own_use, deep]), ["c: a.rs > a/deep.rs > a.rs"]);
    let said = ("a.rs", "macro_rules! say { () => {}; } mod deep; fn f() { deep::g() }");
    assert_eq!(circles(&[root, said, ("a/deep.rs", "pub fn g() { say!() }")]), ["c: a.rs > a/deep.rs > a.rs"]);
}

#[test]
fn longer_circles_are_found_once_each() {
    let root = ("lib.rs", "mod a; mod b; mod c; mod d;");
    let (a, b) = (("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", "use crate::c::C; pub struct B;"));
    let c = ("c.rs", "use crate::a::A; use crate::d::D; pub struct C;");
    let d = ("d.rs", "use crate::c::C; pub struct D;");
    assert_eq!(circles(&[root, a, b, c, d]), ["c: a.rs > b.rs > c.rs > a.rs", "c: c.rs > d.rs > c.rs"]);
    assert_eq!(circles(&[root, a, b, ("c.rs", "pub struct C;"), d]), [""; 0]);
}

#[test]
fn files_and_functions_are_short_or_say_why_not() {
    let function =
        |lines: usize| format!("impl X {{\n    fn long() {{\n{}    }}\n}}\n", "        f();\n".repeat(lines));
    let lengths = |text: &str| lines(rules::lengths(&House::of(&[("x.rs", text)])));
    assert_eq!(lengths(&function(58)), [""; 0]);
    assert_eq!(lengths(&function(59)), ["d: fn long of x.rs is too long"]);
    assert_eq!(lengths(&format!("//! A file.\n//!\n//! Long: one table.\n\n{}", function(59))), [""; 0]);
    assert_eq!(lengths(&format!("//! A file.\n\n// Long: one table.\n{}", function(59))).len(), 1);
    assert_eq!(lengths(&"\n".repeat(500)), [""; 0]);
    assert_eq!(lengths(&"\n".repeat(501)), ["d: x.rs is too long"]);
}

#[test]
fn a_quiet_room_neither_prints_nor_ends() {
    let quiet =
        |text: &str| lines(rules::quiet(&House::of(&[("app/x.rs", text), ("cli.rs", "use clap::Args;")]), "app"));
    for (text, word) in [
        ("use clap::Args;", "clap"),
        ("#[derive(clap::Args)] struct X;", "clap"),
        ("fn f() { println!(); }", "println"),
        ("fn f() { g(|| eprint!(\"{}\", 1)); }", "eprint"),
        ("fn f() { std::process::exit(1) }", "process"),
        ("use std::process::{Command, exit};", "process"),
        ("fn f() -> std::process::ExitCode { todo!() }", "ExitCode"),
    ] {
        assert_eq!(quiet(text), [format!("e: app/x.rs names {word}")], "{text}");
    }
    let fine = "//! Without clap, and println!.\nuse std::process::Command; fn exit() {} fn f(print: u8) { write!(x, \"clap\") }";
    assert_eq!(quiet(fine), [""; 0]);
}

#[test]
fn commands_are_short_and_have_a_file_each() {
    let run = "\n".repeat(5);
    let house = House::of(&[
        ("cli.rs", "\n\n"),
        ("cli/run.rs", &run),
        ("cli/args/run.rs", &run),
        ("cli/other.rs", &run),
        ("app/run.rs", &run),
    ]);
    assert_eq!(lines(rules::commands(&house, "cli", &["run"], (18, 6))), [""; 0]);
    assert_eq!(
        lines(rules::commands(&house, "cli", &["run", "two-words"], (17, 5))),
        ["f: cli is too long", "f: cli/run.rs is too long for a command", "f: two-words has no file of its own"]
    );
}

#[test]
fn a_base_name_is_in_one_room() {
    let house = House::of(&[
        ("app/read/tests.rs", ""),
        ("app/read/nights.rs", ""),
        ("app/judge/nights.rs", ""),
        ("app/judge/gate.rs", ""),
        ("cli/gate.rs", ""),
        ("store/tests.rs", ""),
        ("store/a/same.rs", ""),
        ("store/b/same.rs", ""),
    ]);
    let orders: rules::Orders = &[("app", &["*", "read", "judge"])];
    let names = |commands: &[&str], shared: rules::Shared| lines(rules::base_names(&house, orders, commands, shared));
    let tests: (&str, &[&str], &str) = ("tests", &[], "why");
    assert_eq!(names(&["gate"], &[tests]), ["g: nights.rs is in app/judge, app/read"]);
    let nights: (&str, &[&str], &str) = ("nights", &["app/read", "app/judge"], "why");
    assert_eq!(names(&[], &[tests, nights]), ["g: gate.rs is in app/judge, cli"]);
    for stale in
        [("same", &["store", "app/read"][..], "why"), ("none", &[], "why"), ("gate", &["app/judge", "cli"], "why")]
    {
        let found = names(&["gate"], &[tests, nights, stale]);
        assert_eq!(found, [format!("g: {}.rs is shared by no rooms", stale.0)]);
    }
    let others: (&str, &[&str], &str) = ("nights", &["app/read", "store"], "why");
    assert!(names(&["gate"], &[tests, others]).contains(&"g: nights.rs is in app/judge, app/read".to_owned()));
}

#[test]
fn a_type_that_can_be_met_has_a_name_of_its_own() {
    let types = |c: &str| {
        let root = ("lib.rs", "mod a; mod b; mod c; mod d;");
        let (a, b) = (("a.rs", "pub struct Cell; pub enum Own {}"), ("b.rs", "pub type Cell = u8; struct Own;"));
        let hub = ("d.rs", "pub use crate::a::Cell;");
        lines(rules::types(&House::of(&[root, a, b, hub, ("c.rs", c)])))
    };
    for met in [
        "use crate::a::Cell; use crate::b::Cell as Other;",
        "use crate::d::Cell; fn f(_: Cell, _: crate::b::Cell) {}",
        "use crate::a::*; fn f(_: Cell) { use crate::b::Cell as C; }",
    ] {
        assert_eq!(types(met), ["h: Cell is in a.rs, b.rs"], "{met}");
    }
    assert_eq!(types("use crate::b::Cell; trait Cell2 {} struct Own;"), [""; 0]);
    assert_eq!(types("use crate::b; struct Cell; fn f(_: b::Cell) {}"), ["h: Cell is in b.rs, c.rs"]);
}
