//! Image references with everything that Docker adds to short ones: `python:3.12` is `docker.io/library/python:3.12`.
//!
//! Text only; whether such an image exists is not asked.

/// A reference in full.
#[must_use]
pub fn normalize(reference: &str) -> String {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    let (domain, path) = match rest.split_once('/') {
        Some((first, path)) if is_domain(first) => (first, path),
        _ => ("docker.io", rest),
    };
    let domain = if domain == "index.docker.io" { "docker.io" } else { domain };
    let official = if domain == "docker.io" && !path.contains('/') { "library/" } else { "" };
    // A colon behind the last slash starts a tag.
    let name = path.rsplit('/').next().unwrap_or(path);
    let tag = if name.contains(':') || digest.is_some() { "" } else { ":latest" };
    let digest = digest.map(|d| format!("@{d}")).unwrap_or_default();
    format!("{domain}/{official}{path}{tag}{digest}")
}

fn is_domain(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.chars().any(|c| c.is_ascii_uppercase())
}

/// Whether two references name the same image.
#[must_use]
pub fn same_image(one: &str, other: &str) -> bool {
    one == other || normalize(one) == normalize(other)
}
