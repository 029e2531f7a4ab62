//! `[project]`: a folder of the study, a folder that the study lies in, or a git repository at a revision.
//! It alone may lie outside of the study's folder: what is built is a copy, and nothing is written into it.
//! How a repository is fetched is not known here.

use super::definition::{Fetch, GitSource, Source};
use super::fields::{At, Fields};
use super::paths::{PathKind, Root, fits, relative};
use super::problem::{Problems, quoted};
use super::raw::RawProject;
use std::path::{Component, Path, PathBuf};

pub(super) fn project(
    top: &Fields<'_, '_>,
    root: &Root,
    fetch: Fetch<'_>,
    problems: &mut Problems<'_>,
) -> Option<RawProject> {
    if top.get("project").is_none() {
        top.missing("project", "[project] with path = \"project\"", problems);
    }
    let table = top.table("project", "[project]", &["path", "git", "ref"], problems)?;
    if table.get("git").is_some() {
        return from_git(&table, root, fetch, problems);
    }
    if table.get("ref").is_some() {
        problems.add(
            table.span(),
            "ref without git",
            "a repository that the ref belongs to",
            "add git = \"..\" or the repository's URL, or remove ref",
        );
    }
    let path = table.need_text("path", "path = \"project\"", problems)?;
    if !leads_up(&path.value) {
        let folder = root.find(&path, PathKind::Folder, "the project", problems)?;
        return Some(RawProject { folder, source: Source::Study, roots: Vec::new() });
    }
    let folder = above(&path, root, problems)?;
    Some(RawProject { source: Source::Folder(folder.clone()), roots: vec![folder.clone()], folder })
}

/// Whether a path begins by going up. Elsewhere in a path `..` is refused.
fn leads_up(path: &str) -> bool {
    Path::new(path).components().next() == Some(Component::ParentDir)
}

fn above(path: &At<String>, root: &Root, problems: &mut Problems<'_>) -> Option<PathBuf> {
    let down: PathBuf = Path::new(&path.value).components().skip_while(|c| *c == Component::ParentDir).collect();
    let rest = At { value: down.display().to_string(), span: path.span.clone() };
    if !down.as_os_str().is_empty() {
        relative(&rest, "the project", problems)?;
    }
    match root.0.join(&path.value).canonicalize() {
        Ok(real) => fits(&real, PathKind::Folder, path, "the project", problems).then_some(real),
        Err(error) => {
            problems.add(
                &path.span,
                format!("nothing at {} ({error})", quoted(&path.value)),
                "a folder for the project",
                "correct the path; it starts at the study's folder",
            );
            None
        }
    }
}

fn from_git(table: &Fields<'_, '_>, root: &Root, fetch: Fetch<'_>, problems: &mut Problems<'_>) -> Option<RawProject> {
    let address = table.need_text("git", "git = \"..\"", problems)?;
    let reference = table.line("ref", problems).map(|text| text.value);
    let folder = match table.text("path", problems) {
        None => None,
        Some(path) => Some(relative(&path, "the project", problems)?),
    };
    if address.value.trim().is_empty() || address.value.starts_with('-') {
        let found = format!("the repository {}", quoted(&address.value));
        problems.add(&address.span, found, "a path or URL", "write the repository as git clone takes it");
        return None;
    }
    // A path starts at the study's folder, wherever the program is called from.
    let local = root.0.join(&address.value);
    let address_value = if local.exists() { local.display().to_string() } else { address.value };
    let source = GitSource { address: address_value, reference, folder };
    match fetch(&source) {
        Ok(folder) => Some(RawProject { roots: vec![folder.clone()], folder, source: Source::Git(source) }),
        Err(why) => {
            problems.add(
                &address.span,
                why.to_string(),
                "a git repository and a revision that it has",
                "correct git or ref",
            );
            None
        }
    }
}
