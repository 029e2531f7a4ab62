//! The import rule of the architecture: a module of `src` imports only from layers below its own.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, bottom up. Within a layer, none imports another.
const LAYERS: [&[&str]; 7] = [
    &["model", "text", "stats", "files"],
    &["study", "project", "store"],
    &["plan", "engine", "analysis"],
    &["runner", "audit"],
    &["progress", "chart", "report"],
    &["app"],
    &["cli"],
];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Modules of this crate that a text names, by `crate::NAME` or `crate::{NAME, …}`.
fn imports(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let names_here = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        };
        for name in names_here {
            let end = |c: char| !c.is_ascii_lowercase() && c != '_';
            names.push(name.trim().split(end).next().unwrap_or_default().to_owned());
        }
    }
    names
}

#[test]
fn a_module_imports_only_from_layers_below() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for file in &files {
        let place = file.strip_prefix(&src).unwrap();
        let module = place.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let layer = layer_of(&module).unwrap_or_else(|| panic!("{module} stands in no layer"));
        *seen.entry(module.clone()).or_default() += 1;
        for name in imports(&fs::read_to_string(file).unwrap()) {
            if name != module && layer_of(&name).is_some_and(|other| other >= layer) {
                wrong.push(format!("{}: imports crate::{name}", place.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen.len() >= 10, "only these modules were found: {seen:?}");
}

#[test]
fn the_rule_sees_every_way_to_name_a_module() {
    assert_eq!(imports("use crate::store::X; crate::{cli, plan::Y}"), ["store", "cli", "plan"]);
}

#[test]
fn files_and_functions_stay_short() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let long: Vec<String> = files
        .iter()
        .map(|file| (file, fs::read_to_string(file).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
