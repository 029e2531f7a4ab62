//! What an engine answers when it is asked what it is, what it holds, and what an image is made of. Values only.

use crate::model::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What an image is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// Size as the engine's inspect call gives it.
    pub bytes: Bytes,
    /// Creating command and size in bytes of each layer, base first.
    pub layers: Vec<(String, u64)>,
}

/// What an engine holds, as far as it can change a build's time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheContents {
    /// Ids of images.
    pub images: BTreeSet<String>,
    /// Ids of build cache records, cache mounts among them.
    pub records: BTreeSet<String>,
    /// A record is in use at this moment: somebody is building.
    pub busy: bool,
}

/// Where a base image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// In a registry, under the name that was asked for.
    Registry,
    /// On the engine, which will not ask a registry.
    Local,
}

/// A base image that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Digest of its manifest, or the image's id when it is only on the engine.
    pub digest: String,
    /// Where it is.
    pub source: ImageSource,
}
