//! What an engine holds: images and the records of its build cache, listed, looked at, and removed by their ids.

use super::Daemon;
use crate::engine::answers::{CacheContents, ImageFacts};
use crate::engine::engine_error::EngineError;
use crate::engine::wire::registry_login::RegistryLogin;
use crate::model::Bytes;
use crate::text::time::parse_rfc3339;
use bollard::query_parameters::{
    ListImagesOptionsBuilder, PruneBuildOptionsBuilder, PruneImagesOptionsBuilder, RemoveImageOptionsBuilder,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use time::OffsetDateTime;

/// Rounds of removing cache records: a record can go only after those that build on it.
const REMOVAL_ROUNDS: usize = 50;

/// What a build cache record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A cache mount of RUN steps. An engine that is asked for its size counts that as use.
    CacheMount,
    /// Anything else: a layer, a copy of a context, a source.
    Other,
}

/// A build cache record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheRecord {
    /// Id.
    pub id: String,
    /// What it holds.
    pub kind: RecordKind,
    /// When it was made, on the engine's clock.
    pub created_at: Option<OffsetDateTime>,
    /// When a build let go of it last, on the engine's clock.
    pub last_used_at: Option<OffsetDateTime>,
    /// A build uses it now.
    pub in_use: bool,
}

impl Daemon {
    /// All build cache records, cache mounts among them.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn cache_records(&self) -> Result<Vec<CacheRecord>, EngineError> {
        let usage = self.get("/system/df?type=build-cache")?;
        // Engines since API 1.52 answer {BuildCacheUsage: {Items}}, older ones {BuildCache}.
        let items = usage["BuildCacheUsage"]["Items"].as_array().or_else(|| usage["BuildCache"].as_array());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = |value: &Value| if value == "exec.cachemount" { RecordKind::CacheMount } else { RecordKind::Other };
        let moment = |value: &Value| parse_rfc3339(value.as_str()?);
        Ok(items
            .into_iter()
            .flatten()
            .map(|item| CacheRecord {
                id: text(&item["ID"]),
                kind: kind(&item["Type"]),
                created_at: moment(&item["CreatedAt"]),
                last_used_at: moment(&item["LastUsedAt"]),
                in_use: item["InUse"].as_bool().unwrap_or(false),
            })
            .collect())
    }

    /// Ids of all images and build cache records.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn contents(&self) -> Result<CacheContents, EngineError> {
        self.lives()?;
        let options = ListImagesOptionsBuilder::default().all(true).build();
        let images = self
            .runtime
            .block_on(self.client.list_images(Some(options)))
            .map_err(|e| self.failed("listing images", e))?;
        let records = self.cache_records()?;
        Ok(CacheContents {
            images: images.into_iter().map(|image| image.id).collect(),
            busy: records.iter().any(|record| record.in_use),
            records: records.into_iter().map(|record| record.id).collect(),
        })
    }

    /// Removes the build cache records with these ids, and no other.
    ///
    /// # Errors
    /// When some are still there afterwards; they are named.
    pub fn remove_records(&self, ids: &BTreeSet<String>) -> Result<(), EngineError> {
        let mut left = ids.clone();
        for _ in 0..REMOVAL_ROUNDS {
            let present: BTreeSet<String> = self.cache_records()?.into_iter().map(|r| r.id).collect();
            let before = left.len();
            left = left.intersection(&present).cloned().collect();
            if left.is_empty() {
                return Ok(());
            }
            for id in &left {
                let filters = HashMap::from([("id", vec![id.as_str()])]);
                let options = PruneBuildOptionsBuilder::default().all(true).filters(&filters).build();
                self.runtime
                    .block_on(self.client.prune_build(Some(options)))
                    .map_err(|e| self.failed("removing a build cache record of this run", e))?;
            }
            if left.len() == before {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Err(self.failed(
            "removing build cache records of this run",
            format!("{} are still in use: {}", left.len(), left.iter().cloned().collect::<Vec<_>>().join(" ")),
        ))
    }

    /// Removes all images that no container uses, and the whole build cache: for engines that may be emptied only.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn remove_images_and_cache(&self) -> Result<(), EngineError> {
        let failed = |e| self.failed("removing all images and the build cache", e);
        let filters = HashMap::from([("dangling", vec!["false"])]);
        // Images hold cache records and the other way round: the second round takes what the first one let go of.
        for _ in 0..2 {
            let options = PruneImagesOptionsBuilder::default().filters(&filters).build();
            self.runtime.block_on(self.client.prune_images(Some(options))).map_err(failed)?;
            let options = PruneBuildOptionsBuilder::default().all(true).build();
            self.runtime.block_on(self.client.prune_build(Some(options))).map_err(failed)?;
        }
        Ok(())
    }

    /// Removes one image by id or name, with its name and untagged parents. An image that is not there is no error.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove_image(&self, image: &str) -> Result<(), EngineError> {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        match self.runtime.block_on(self.client.remove_image(image, Some(options), None)) {
            Ok(_) => Ok(()),
            Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(e) => Err(self.failed(&format!("removing image {image}"), e)),
        }
    }

    /// Ids of the images without a name.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn nameless_images(&self) -> Result<BTreeSet<String>, EngineError> {
        let options = ListImagesOptionsBuilder::default().all(true).build();
        let images = self.runtime.block_on(self.client.list_images(Some(options)));
        let mut images = images.map_err(|e| self.failed("listing images", e))?;
        // Engines up to 28 give an image without a name this one.
        images.retain(|image| image.repo_tags.iter().all(|tag| tag == "<none>:<none>"));
        Ok(images.into_iter().map(|image| image.id).collect())
    }

    /// Id of an image that the engine holds under a name.
    #[must_use]
    pub fn image_id(&self, reference: &str) -> Option<String> {
        self.runtime.block_on(self.client.inspect_image(reference)).ok()?.id
    }

    /// Size and layers of an image.
    ///
    /// # Errors
    /// When there is no such image.
    pub fn image(&self, id: &str) -> Result<ImageFacts, EngineError> {
        let failed = |e| self.failed(&format!("looking at image {id}"), e);
        let inspect = self.runtime.block_on(self.client.inspect_image(id)).map_err(failed)?;
        let history = self.runtime.block_on(self.client.image_history(id)).map_err(failed)?;
        let number = |n: i64| u64::try_from(n).unwrap_or(0);
        let mut layers: Vec<(String, u64)> =
            history.into_iter().map(|layer| (layer.created_by, number(layer.size))).collect();
        layers.reverse();
        Ok(ImageFacts { bytes: Bytes(number(inspect.size.unwrap_or(0))), layers })
    }

    /// Whether a registry that the engine can reach has an image, by its manifest's digest.
    ///
    /// # Errors
    /// With the engine's reason when it has not.
    pub fn registry_digest(&self, reference: &str, limit: Duration) -> Result<String, EngineError> {
        let failed = |e: String| self.failed(&format!("asking a registry for {reference}"), e);
        let ask = async {
            let login = RegistryLogin::of_user().for_image(reference).await.map_err(|e| e.to_string())?;
            self.client.inspect_registry_image(reference, login).await.map_err(|e| e.to_string())
        };
        match self.runtime.block_on(async { tokio::time::timeout(limit, ask).await }) {
            Ok(Ok(found)) => Ok(found.descriptor.digest.unwrap_or_default()),
            Ok(Err(e)) => Err(failed(e)),
            Err(_) => Err(failed(format!("no answer after {} s", limit.as_secs()))),
        }
    }
}
