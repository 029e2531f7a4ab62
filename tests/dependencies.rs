//! What the program is made of: crates of one registry, each with its checksum, under licences that `deny.toml` allows,
//! none twice but for those named there; no unsafe code of its own; and a package that holds nothing but the program.
//! `scripts/test --deny` asks more of the same file: known vulnerabilities, versions that were taken back.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use toml::{Table, Value};

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn table(name: &str) -> Table {
    fs::read_to_string(here(name)).unwrap().parse().unwrap()
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// Packages of a lock file: name, version, the whole entry.
fn locked(name: &str) -> Vec<(String, String, Table)> {
    let lock = table(name);
    let packages = lock["package"].as_array().unwrap().iter().map(|package| package.as_table().unwrap().clone());
    packages.map(|p| (p["name"].as_str().unwrap().to_owned(), p["version"].as_str().unwrap().to_owned(), p)).collect()
}

#[test]
fn every_crate_comes_from_the_registry_with_its_checksum() {
    for file in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let mut sources = BTreeSet::new();
        for (name, _, package) in locked(file) {
            let Some(source) = package.get("source") else {
                assert!(
                    name.starts_with("layerbench") || name == "xtask",
                    "{file}: {name} is a folder of somebody's machine"
                );
                continue;
            };
            assert!(package.contains_key("checksum"), "{file}: {name} has no checksum");
            sources.insert(source.as_str().unwrap().to_owned());
        }
        assert_eq!(sources.len(), 1, "{file}: crates of several sources: {sources:?}");
        assert!(sources.iter().all(|source| source.starts_with("registry+")), "{file}: {sources:?}");
    }
}

#[test]
fn no_crate_is_there_twice_but_those_that_deny_toml_names() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, version, _) in locked("Cargo.lock") {
        versions.entry(name).or_default().push(version);
    }
    let named: BTreeSet<String> = table("deny.toml")["bans"]["skip"]
        .as_array()
        .unwrap()
        .iter()
        .map(|skipped| skipped["crate"].as_str().unwrap().to_owned())
        .collect();
    let spare = |(name, all): &(String, Vec<String>)| -> Vec<String> {
        let known: Vec<String> = all.iter().map(|version| format!("{name}@{version}")).collect();
        // Of two versions, one has to be named.
        let unnamed = known.iter().filter(|version| !named.contains(*version)).count();
        if unnamed > 1 { known } else { Vec::new() }
    };
    let twice: Vec<String> = versions.clone().into_iter().flat_map(|all| spare(&all)).collect();
    assert!(twice.is_empty(), "name one of each with its reason in deny.toml, or get rid of it: {twice:?}");
    for name in named {
        let (krate, version) = name.split_once('@').unwrap();
        let all = versions.get(krate).cloned().unwrap_or_default();
        assert!(all.len() > 1 && all.iter().any(|v| v == version), "deny.toml names {name} for nothing");
    }
}

/// What `cargo metadata` says of every package, without other systems' crates, which need not have been downloaded.
fn packages() -> Vec<serde_json::Value> {
    let host = Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    packages.clone()
}

#[test]
fn every_licence_is_one_that_deny_toml_allows() {
    let allowed = texts(&table("deny.toml")["licenses"]["allow"]);
    let packages = packages();
    let wrong = packages.iter().filter_map(|package| {
        let licence = package["license"].as_str().unwrap_or("none that is named");
        (!fits(licence, &allowed)).then(|| format!("{}: {licence}", package["name"]))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Whether a licence expression can be met with allowed licences alone. `/` is an old way to write OR.
fn fits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = text.split_whitespace().peekable();
    any(&mut words, allowed)
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let word = words.next().unwrap_or_default();
    if word == "(" {
        let met = any(words, allowed);
        return words.next() == Some(")") && met;
    }
    // An exception gives leave for more, so that the licence itself decides.
    while words.next_if_eq(&"WITH").is_some() {
        words.next();
    }
    allowed.contains(word)
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    let allowed = ["MIT", "ISC"].map(str::to_owned).into();
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND ISC", true),
        ("MIT AND (GPL-3.0 OR Zlib)", false),
        ("MIT OR ISC AND GPL-3.0", true),
        ("MIT WITH x-exception OR GPL-3.0", true),
        ("none that is named", false),
        ("", false),
    ] {
        assert_eq!(fits(expression, &allowed), met, "{expression}");
    }
}

/// Rust versions are two or three numbers.
fn rust_version(text: &str) -> [u32; 3] {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap());
    [0; 3].map(|absent| numbers.next().unwrap_or(absent))
}

#[test]
fn the_rust_version_is_the_largest_of_all_crates() {
    assert!(rust_version("1.89") > rust_version("1.9") && rust_version("1.63") < rust_version("1.63.1"));
    let ours = table("Cargo.toml")["package"]["rust-version"].as_str().unwrap().to_owned();
    let versions = packages().into_iter().filter(|package| !package["source"].is_null()).filter_map(|package| {
        let version = package["rust_version"].as_str()?.to_owned();
        Some((rust_version(&version), format!("{} {} needs Rust {version}", package["name"], package["version"])))
    });
    let (largest, named) = versions.max().unwrap();
    assert_eq!(rust_version(&ours), largest, "Cargo.toml says {ours}, and {named}");
}

/// `forbid` cannot be allowed again further down, and holds for the library, the program, its tests and the tasks.
#[test]
fn unsafe_code_is_forbidden() {
    assert_eq!(table("Cargo.toml")["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for member in ["Cargo.toml", "xtask/Cargo.toml"] {
        assert_eq!(table(member)["lints"]["workspace"].as_bool(), Some(true), "{member}");
    }
}

/// What is published: the program, and nothing that only its developers need.
#[test]
fn the_package_is_small() {
    let output = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline", "--locked", "--package", "layerbench"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = String::from_utf8(output.stdout).unwrap();
    // Cargo makes these itself; Cargo.lock is there too.
    let made = ["Cargo.toml.orig", ".cargo_vcs_info.json"];
    let tops: BTreeSet<&str> = files.lines().map(|file| file.split(['/', '\\']).next().unwrap()).collect();
    let wanted = ["CHANGELOG.md", "Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "src"];
    assert_eq!(tops.into_iter().filter(|top| !made.contains(top)).collect::<Vec<_>>(), wanted);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    files.lines().filter_map(|file| fs::read(here(file)).ok()).for_each(|text| packed.write_all(&text).unwrap());
    let bytes = packed.finish().unwrap().len();
    assert!((200_000..2_000_000).contains(&bytes), "{bytes} bytes");
}
