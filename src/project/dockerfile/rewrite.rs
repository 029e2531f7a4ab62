//! Puts other images in the place of those that a Dockerfile names, and leaves every other byte as it is.
//!
//! Works on what `Dockerfile::parse` found. Names of stages are never touched.

use super::parsed::{Dockerfile, Reference, Target};
use super::reference::same_image;

/// One replaced reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Line of the reference, from 1.
    pub line: usize,
    /// As it was written.
    pub from: String,
    /// What stands there now.
    pub to: String,
}

/// A Dockerfile with other images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The new content.
    pub text: Vec<u8>,
    /// What was replaced, in order.
    pub replaced: Vec<Replaced>,
}

/// Replaces every reference that names the image FROM of a rule by the rule's TO; the first rule that fits counts.
#[must_use]
pub fn rewrite(text: &[u8], build_args: &[(String, String)], rules: &[(String, String)]) -> Rewritten {
    let dockerfile = Dockerfile::parse(text, build_args);
    let mut references: Vec<&Reference> = dockerfile
        .stages
        .iter()
        .map(|stage| &stage.base)
        .chain(&dockerfile.sources)
        .filter(|reference| reference.target == Target::Image)
        .collect();
    references.sort_by_key(|reference| reference.place.start);
    let mut out = Vec::with_capacity(text.len());
    let mut replaced = Vec::new();
    let mut done = 0;
    for reference in references {
        let Some(name) = reference.expanded.as_deref() else {
            continue;
        };
        let Some((_, to)) = rules.iter().find(|(from, _)| same_image(from, name)) else {
            continue;
        };
        out.extend_from_slice(text.get(done..reference.place.start).unwrap_or_default());
        out.extend_from_slice(to.as_bytes());
        done = reference.place.end;
        replaced.push(Replaced { line: reference.line, from: reference.written.clone(), to: to.clone() });
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    Rewritten { text: out, replaced }
}
