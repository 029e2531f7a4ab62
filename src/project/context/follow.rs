//! Follow paths: what a `COPY` names, and everything that the links on the way to it lead to.
//!
//! The rules are those of fsutil's `FollowLinks`, oddities included: a link that was followed once is not followed
//! again for another path behind it. Links are resolved by text inside the root; nothing outside is looked at.

use super::context_error::ContextError;
use crate::project::ignore::{clean, match_name};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Cleans a path as seen from the root, without the leading slash; empty for the root itself.
fn inside(path: &[u8]) -> Vec<u8> {
    let mut rooted = vec![b'/'];
    rooted.extend_from_slice(path);
    let mut cleaned = clean(&rooted);
    cleaned.remove(0);
    cleaned
}

/// The paths to include, sorted; `.` stands for the root.
pub(super) fn resolve<P: AsRef<[u8]>>(root: &Path, paths: &[P]) -> Result<Vec<Vec<u8>>, ContextError> {
    let mut resolved = BTreeSet::new();
    for path in paths {
        let mut waiting = vec![inside(path.as_ref())];
        while let Some(path) = waiting.pop() {
            // Depth first and in order, without recursion: a chain of links may be long.
            let mut targets = follow(root, &path, &mut resolved)?;
            targets.reverse();
            waiting.append(&mut targets);
        }
    }
    Ok(resolved.into_iter().collect())
}

/// The same for a folder that holds no links.
pub(super) fn plain<P: AsRef<[u8]>>(paths: &[P]) -> Vec<Vec<u8>> {
    let all: BTreeSet<Vec<u8>> = paths.iter().map(|p| or_dot(&inside(p.as_ref()))).collect();
    all.into_iter().collect()
}

fn or_dot(path: &[u8]) -> Vec<u8> {
    if path.is_empty() { b".".to_vec() } else { path.to_vec() }
}

/// Walks along one path up to the first link; returns where that leads.
fn follow(root: &Path, path: &[u8], resolved: &mut BTreeSet<Vec<u8>>) -> Result<Vec<Vec<u8>>, ContextError> {
    let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at).chain([path.len()]);
    for end in ends {
        let current = path.get(..end).unwrap_or_default();
        let rest = path.get(end..).unwrap_or_default();
        let targets = links(root, current).map_err(|e| {
            let place = root.join(OsStr::from_bytes(current));
            ContextError::Unreadable(place, e)
        })?;
        if targets.is_empty() && !rest.is_empty() {
            continue;
        }
        if !resolved.insert(or_dot(current)) {
            return Ok(Vec::new());
        }
        return Ok(targets.into_iter().map(|target| inside(&[target.as_slice(), rest].concat())).collect());
    }
    Ok(Vec::new())
}

/// Where the link at `path` leads; for a wildcard, where all links lead that match it; empty when there is none.
fn links(root: &Path, path: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let (folder, base) = match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default()),
        None => (&b""[..], path),
    };
    if !has_wildcard(base) {
        return link(root, folder, base).map(|target| target.into_iter().collect());
    }
    let entries = match std::fs::read_dir(root.join(OsStr::from_bytes(folder))) {
        Ok(entries) => entries,
        Err(error) if absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().into_vec();
        if match_name(base, &name) {
            names.push(name);
        }
    }
    names.sort();
    let mut targets = Vec::new();
    for name in names {
        targets.extend(link(root, folder, &name)?);
    }
    Ok(targets)
}

fn link(root: &Path, folder: &[u8], name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let place = root.join(OsStr::from_bytes(folder)).join(OsStr::from_bytes(name));
    let target = match place.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => std::fs::read_link(&place)?.into_os_string().into_vec(),
        Ok(_) => return Ok(None),
        Err(error) if absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    if target.first() == Some(&b'/') {
        return Ok(Some(inside(&target)));
    }
    Ok(Some(inside(&[folder, b"/", &target].concat())))
}

fn absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn has_wildcard(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'*' | b'?' | b'[' => return true,
            _ => {}
        }
    }
    false
}

/// Drops paths that lie inside the one before; `None` when the root is among them, which means everything.
pub(super) fn without_nested(paths: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let mut kept: Vec<Vec<u8>> = Vec::with_capacity(paths.len());
    for path in paths {
        if path == b"." {
            return None;
        }
        let last = kept.last().map(Vec::as_slice).unwrap_or_default();
        if !path.strip_prefix(last).is_some_and(|rest| rest.starts_with(b"/")) {
            kept.push(path);
        }
    }
    Some(kept)
}
