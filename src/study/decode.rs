//! The tables of a study, one by one, to values with places. Types, names and paths are checked
//! here; whether the values fit each other is checked in `check`.
//! Goes on after every problem, so that all of them are found.

use super::comment::{GIVE_WHOLE, has_comments};
use super::definition::{Append, Audit, Base, Check, Demands, Derived, Fetch, Registry, SCHEMA};
use super::fields::{At, Fields};
use super::paths::{PathKind, Root, relative};
use super::problem::{Problems, quoted};
use super::raw::{RawApproach, RawScenario, RawState, RawStudy};
use super::{approach_settings, finding, matrix, project_table};
use crate::model::{ApproachId, Bytes, CacheState, ScenarioId, StateId};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use toml::Spanned;
use toml::de::DeTable;

pub(super) fn study(
    table: &Spanned<DeTable<'_>>,
    root: &Root,
    fetch: Fetch<'_>,
    problems: &mut Problems<'_>,
) -> RawStudy {
    const KNOWN: &[&str] = &[
        "schema",
        "name",
        "title",
        "published",
        "project",
        "state",
        "scenario",
        "approach",
        "check",
        "registry",
        "base",
        "finding",
        "audit",
    ];
    let top = Fields::open("the study", 0..0, table.get_ref(), KNOWN, problems);
    schema(&top, problems);
    // A study's name follows the rules of all names, but has no type of its own in the model.
    let name = top.need_id("name", "name = \"my-study\"", StateId::new, problems);
    let published = top.id("published", StateId::new, problems);
    let project = project_table::project(&top, root, fetch, problems);
    let places = project.as_ref().map_or(&[][..], |project| &project.roots);
    RawStudy {
        name: name.map(|name| name.value.as_str().to_owned()),
        title: top.line("title", problems).map(|title| title.value),
        published: published.map(|name| name.value.as_str().to_owned()),
        states: states(&top, root, problems),
        scenarios: scenarios(&top, problems),
        approaches: approaches(&top, root, places, problems),
        check: check(&top, problems),
        registry: registry(&top, root, problems),
        bases: bases(&top, problems),
        findings: finding::all(&top, problems),
        project,
        audit: audit(&top, problems),
    }
}

fn schema(top: &Fields<'_, '_>, problems: &mut Problems<'_>) {
    let example = format!("schema = \"{SCHEMA}\"");
    let Some(found) = top.need_text("schema", &example, problems) else {
        return;
    };
    if found.value != SCHEMA {
        problems.add(
            &found.span,
            format!("the schema {}", quoted(&found.value)),
            format!("\"{SCHEMA}\""),
            "correct it, or use the version of Layerbench that knows this schema",
        );
    }
}

/// The tables of a list of which at least one must be there.
fn some_tables<'t, 'i>(
    top: &Fields<'t, 'i>,
    key: &str,
    label: &'static str,
    known: &'static [&'static str],
    problems: &mut Problems<'_>,
) -> Vec<Fields<'t, 'i>> {
    let tables = top.tables(key, label, known, problems);
    let empty_list = top.get(key).is_none_or(|v| v.get_ref().as_array().is_some_and(|a| a.is_empty()));
    if empty_list {
        top.missing(key, &format!("a table headed {label}"), problems);
    }
    tables
}

fn states(top: &Fields<'_, '_>, root: &Root, problems: &mut Problems<'_>) -> Vec<RawState> {
    const KNOWN: &[&str] = &["id", "after", "overlay", "remove", "append", "comment", "ref", "patch", "run"];
    some_tables(top, "state", "[[state]]", KNOWN, problems)
        .into_iter()
        .map(|table| RawState {
            id: table.need_id("id", "id = \"base\"", StateId::new, problems),
            after: table.id("after", StateId::new, problems),
            overlay: table
                .text("overlay", problems)
                .and_then(|path| root.find(&path, PathKind::Folder, "an overlay", problems)),
            derived: derived(&table, root, problems),
            remove: removals(&table, problems),
            append: additions(&table, problems),
            comment: comments(&table, problems),
        })
        .collect()
}

/// A path of a file or folder inside the project.
fn inside_project(path: &At<String>, problems: &mut Problems<'_>) -> Option<At<PathBuf>> {
    let value = relative(path, "a file of the project", problems)?;
    if value.as_os_str().is_empty() {
        problems.add(
            &path.span,
            "the project's folder itself",
            "a file or folder in it",
            "name one of its files or folders",
        );
        return None;
    }
    Some(At { value, span: path.span.clone() })
}

fn removals(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Vec<At<PathBuf>> {
    table.texts("remove", problems).iter().filter_map(|path| inside_project(path, problems)).collect()
}

/// A change that has to be worked out; at most one, for each starts from all files.
fn derived(table: &Fields<'_, '_>, root: &Root, problems: &mut Problems<'_>) -> Option<Derived> {
    let given: Vec<&str> = ["ref", "patch", "run"].into_iter().filter(|key| table.get(key).is_some()).collect();
    if given.len() > 1 {
        problems.add(
            table.span(),
            format!("a state with {}", given.join(" and ")),
            "at most one of ref, patch and run",
            "write one state for each, and put the later one after the earlier one",
        );
    }
    let text = table.line(given.first()?, problems)?;
    match *given.first()? {
        "ref" => Some(Derived::Reference(text.value)),
        "run" => Some(Derived::Run(text.value)),
        _ => root.find(&text, PathKind::File, "a patch", problems).map(Derived::Patch),
    }
}

fn comments(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Vec<At<PathBuf>> {
    let files: Vec<At<PathBuf>> =
        table.texts("comment", problems).iter().filter_map(|path| inside_project(path, problems)).collect();
    let (fine, without): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| has_comments(&file.value));
    for file in without {
        problems.add(
            &file.span,
            format!("{}, a file that takes no comment", quoted(&file.value.to_string_lossy())),
            "a file whose syntax has comments, such as \"src/main.py\"",
            GIVE_WHOLE,
        );
    }
    fine
}

fn additions(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Vec<At<Append>> {
    let mut additions = Vec::new();
    for entry in table.tables("append", "append", &["file", "text"], problems) {
        let file = entry.need_text("file", "file = \"src/main.py\"", problems);
        let text = entry.need_text("text", "text = \"# changed\\n\"", problems);
        let file = file.and_then(|file| inside_project(&file, problems));
        if text.as_ref().is_some_and(|text| text.value.is_empty()) {
            problems.add(
                entry.span(),
                "an empty text to append",
                "a text that changes the file",
                "write one, or remove the entry",
            );
        }
        if let (Some(file), Some(text)) = (file, text) {
            additions.push(At { value: Append { file: file.value, text: text.value }, span: file.span });
        }
    }
    additions
}

fn scenarios(top: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Vec<RawScenario> {
    const KNOWN: &[&str] = &["id", "title", "cache", "state"];
    some_tables(top, "scenario", "[[scenario]]", KNOWN, problems)
        .into_iter()
        .map(|table| RawScenario {
            id: table.need_id("id", "id = \"cold\"", ScenarioId::new, problems),
            title: table.line("title", problems).map(|title| title.value),
            cache: cache(&table, problems),
            state: table.need_id("state", "state = \"base\"", StateId::new, problems),
        })
        .collect()
}

fn cache(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<At<CacheState>> {
    let word = table.need_text("cache", "cache = \"cold\"", problems)?;
    match CacheState::parse(&word.value) {
        Some(value) => Some(At { value, span: word.span }),
        None => {
            problems.add(
                &word.span,
                format!("the cache condition {}", quoted(&word.value)),
                "\"cold\", \"warm\" or \"changed\"",
                "choose one of them",
            );
            None
        }
    }
}

fn approaches(top: &Fields<'_, '_>, root: &Root, places: &[PathBuf], problems: &mut Problems<'_>) -> Vec<RawApproach> {
    const KNOWN: &[&str] = &[
        "id",
        "title",
        "dockerfile",
        "target",
        "needs",
        "args",
        "labels",
        "platform",
        "network",
        "hosts",
        "secrets",
        "contexts",
    ];
    some_tables(top, "approach", "[[approach]]", KNOWN, problems)
        .into_iter()
        .flat_map(|table| {
            let (settings, varied) = approach_settings::settings(&table, root, problems);
            let approach = RawApproach {
                id: table.need_id("id", "id = \"01-simple\"", ApproachId::new, problems),
                title: table.line("title", problems).map(|title| title.value),
                dockerfile: table
                    .need_text("dockerfile", "dockerfile = \"Dockerfile\"", problems)
                    .and_then(|path| root.find_in(places, &path, PathKind::File, "a Dockerfile", problems)),
                target: table.id("target", StateId::new, problems).map(|stage| stage.value.as_str().to_owned()),
                needs: table.line("needs", problems).map(|needs| needs.value),
                settings,
            };
            matrix::rows(approach, &varied, problems)
        })
        .collect()
}

fn check(top: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<Check> {
    let table = top.table("check", "[check]", &["stdout"], problems)?;
    let stdout = table.need_text("stdout", "stdout = \"Hello, World!\\n\"", problems)?;
    Some(Check { stdout: stdout.value })
}

fn registry(top: &Fields<'_, '_>, root: &Root, problems: &mut Problems<'_>) -> Option<Registry> {
    let table = top.table("registry", "[registry]", &["storage", "address"], problems)?;
    let storage = table.need_text("storage", "storage = \"registry\"", problems);
    let storage = storage.and_then(|path| root.find(&path, PathKind::Folder, "a registry's storage", problems));
    let address = match table.text("address", problems) {
        None => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 5000))),
        Some(text) => match text.value.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() && address.port() != 0 => Some(address),
            _ => {
                // Docker speaks plain HTTP to loopback addresses only.
                problems.add(
                    &text.span,
                    format!("the address {}", quoted(&text.value)),
                    "a loopback address with a port, such as \"127.0.0.1:5000\"",
                    "choose such an address",
                );
                None
            }
        },
    };
    Some(Registry { storage: storage?, address: address? })
}

fn bases(top: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Vec<At<Base>> {
    let mut bases = Vec::new();
    for table in top.tables("base", "[[base]]", &["from", "to", "stand_in"], problems) {
        let from = image(&table, "from", "from = \"python:3.12\"", problems);
        let to = image(&table, "to", "to = \"python:3.12-slim\"", problems);
        let stand_in = table.boolean("stand_in", false, problems);
        if let (Some(from), Some(to)) = (from, to) {
            bases.push(At { value: Base { from: from.value, to: to.value, stand_in }, span: from.span });
        }
    }
    bases
}

fn image(table: &Fields<'_, '_>, key: &str, example: &str, problems: &mut Problems<'_>) -> Option<At<String>> {
    let text = table.need_text(key, example, problems)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    let starts = |c: char| c.is_ascii_alphanumeric();
    if text.value.len() <= 512 && text.value.starts_with(starts) && text.value.chars().all(allowed) {
        return Some(text);
    }
    problems.add(
        &text.span,
        format!("{} as an image", quoted(&text.value)),
        "a reference such as \"registry.example/python:3.12\"",
        "write the image as a Dockerfile would",
    );
    None
}

fn audit(top: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Audit {
    const KNOWN: &[&str] = &["root", "max_bytes", "writable_paths", "lock"];
    let Some(table) = top.table("audit", "[audit]", KNOWN, problems) else { return Audit::default() };
    let root = table.get("root").map(|_| table.boolean("root", true, problems));
    let lock = table.text("lock", problems).and_then(|path| inside_project(&path, problems)).map(|path| path.value);
    let max_bytes = max_bytes(&table, problems);
    Audit { demands: Demands { root, max_bytes, writable_paths: count(&table, problems) }, lock }
}

fn max_bytes(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<u64> {
    let text = table.text("max_bytes", problems)?;
    let bytes = Bytes::parse(&text.value);
    if bytes.is_none() {
        problems.add(
            &text.span,
            format!("the size {}", quoted(&text.value)),
            "a size such as \"200MB\", \"1.5GB\" or \"190MiB\"",
            "write it so",
        );
    }
    bytes.map(|bytes| bytes.0)
}

fn count(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<u64> {
    let number = table.number("writable_paths", problems)?;
    let whole = format!("{}", number.value).parse::<u64>().ok();
    if whole.is_none() {
        problems.add(
            &number.span,
            format!("{} for writable_paths", number.value),
            "a number of paths, 0 or more",
            "write a whole number",
        );
    }
    whole
}
