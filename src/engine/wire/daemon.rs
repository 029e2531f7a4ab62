//! Questions to a running engine, outside any clock: what it is, what it holds, what an image is made of;
//! and the removal of single things by their ids. Nothing here prunes by any other rule, but for engines that may be
//! emptied.

mod containers;

pub use containers::Registries;

use crate::engine::machine::look::{Folder, Places};
use crate::engine::wire::control;
use crate::engine::wire::endpoint::{Endpoint, runtime};
use crate::engine::wire::registry_login::RegistryLogin;
use crate::engine::{CacheContents, EngineError, Fingerprint, ImageFacts};
use crate::model::Bytes;
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptions, ListImagesOptionsBuilder, LogsOptionsBuilder, PruneBuildOptionsBuilder,
    PruneImagesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, WaitContainerOptions,
};
use futures_util::StreamExt;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::runtime::Runtime;

/// Rounds of removing cache records: a record can go only after those that build on it.
const REMOVAL_ROUNDS: usize = 50;

/// How long an engine that is well may take to say that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

/// How long an answer may take: that on what everything takes of the disk looks at all volumes on older engines.
const ANSWER_LIMIT: Duration = Duration::from_secs(600);

/// Memory, in bytes, and processes that a container may use when an image is run for its output.
const RUN_MEMORY: i64 = 512 << 20;
const RUN_PROCESSES: i64 = 256;

/// A build cache record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheRecord {
    /// Id.
    pub id: String,
    /// What it holds, e.g. `regular`, `source.local`, `exec.cachemount`.
    pub kind: String,
    /// What made it, e.g. `mount / from exec /bin/sh -c …`.
    pub description: String,
    /// When it was made, on the engine's clock.
    pub created_at: Option<OffsetDateTime>,
    /// When a build let go of it last, on the engine's clock.
    pub last_used_at: Option<OffsetDateTime>,
    /// A build uses it now.
    pub in_use: bool,
}

/// A blocking client for everything but builds.
pub struct Daemon {
    endpoint: Endpoint,
    runtime: Runtime,
    client: Docker,
}

impl Daemon {
    /// A client for an engine. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(endpoint: &Endpoint) -> Result<Self, EngineError> {
        let runtime = runtime()?;
        Ok(Self { endpoint: endpoint.clone(), client: endpoint.client()?, runtime })
    }

    /// Where the engine is.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn failed(&self, what: &str, error: impl std::fmt::Display) -> EngineError {
        EngineError::new(format!("{what} on {}", self.endpoint), error, "")
    }

    fn get(&self, path: &str) -> Result<Value, EngineError> {
        let asked = async { tokio::time::timeout(ANSWER_LIMIT, self.endpoint.get_json(path)).await };
        self.runtime.block_on(asked).unwrap_or_else(|_| Err(self.silent(&format!("GET {path}"), ANSWER_LIMIT)))
    }

    fn silent(&self, what: &str, limit: Duration) -> EngineError {
        self.failed(what, format!("no answer after {} s: it hangs", limit.as_secs()))
    }

    /// Whether the engine still lives. One that hangs takes requests and never answers: what is asked without a
    /// person waiting asks this first.
    ///
    /// # Errors
    /// With the reason when it does not answer soon.
    pub fn lives(&self) -> Result<(), EngineError> {
        let asked = async { tokio::time::timeout(SIGN_OF_LIFE, self.client.ping()).await };
        match self.runtime.block_on(asked) {
            Ok(answer) => answer.map(|_| ()).map_err(|e| self.failed("asking the engine", e)),
            Err(_) => Err(self.silent("asking the engine", SIGN_OF_LIFE)),
        }
    }

    /// Whether the engine answers.
    ///
    /// # Errors
    /// With the reason when it does not.
    pub fn ping(&self) -> Result<(), EngineError> {
        self.runtime.block_on(self.client.ping()).map(|_| ()).map_err(|e| self.failed("asking the engine", e))
    }

    /// What the engine calls itself, if it says: the same under all its addresses.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        let info = self.get("/info").ok()?;
        // Engines up to 20.10 on one machine share the file that their ID comes from, but never a data-root.
        let part = |key: &str| info[key].as_str().filter(|text| !text.is_empty());
        Some(format!("{} {}", part("ID")?, part("DockerRootDir")?))
    }

    /// Refuses an engine that cannot build with BuildKit.
    ///
    /// # Errors
    /// For engines before API 1.39 (Docker 18.09), and those that speak Docker's API but have no BuildKit.
    pub fn require_buildkit(&self) -> Result<(), EngineError> {
        let version = self.get("/version")?;
        let api = version["ApiVersion"].as_str().unwrap_or_default();
        let number = |text: &str| text.parse::<u32>().ok();
        match api.split_once('.').map(|(major, minor)| (number(major), number(minor))) {
            Some((Some(major), Some(minor))) if (major, minor) >= (1, 39) => {}
            _ => {
                return Err(EngineError::new(
                    format!("engine at {}", self.endpoint),
                    format!("API version {api:?}: too old for BuildKit"),
                    "use Docker Engine 18.09 (API 1.39) or newer",
                ));
            }
        }
        match self.runtime.block_on(control::refuses_sessions(&self.endpoint)) {
            None => Ok(()),
            Some(answer) => Err(EngineError::new(
                format!("engine at {}", self.endpoint),
                format!("it takes no session of BuildKit: {answer}"),
                "use Docker Engine on Linux: others that speak its API, such as Podman, do not build with BuildKit",
            )),
        }
    }

    /// Version, storage and the machine, as the engine itself tells them.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn fingerprint(&self) -> Result<Fingerprint, EngineError> {
        let version = self.get("/version")?;
        let info = self.get("/info")?;
        let mut facts = Fingerprint::new();
        let mut put = |key: &str, value: &Value| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => return,
                other => other.to_string(),
            };
            facts.insert(key.to_owned(), text);
        };
        put("engine", &version["Version"]);
        put("api", &version["ApiVersion"]);
        put("architecture", &version["Arch"]);
        put("kernel", &version["KernelVersion"]);
        for component in version["Components"].as_array().into_iter().flatten() {
            if let Some(name @ ("containerd" | "runc")) = component["Name"].as_str() {
                put(name, &component["Version"]);
            }
        }
        put("storage_driver", &info["Driver"]);
        // Not every storage driver names it.
        let mut status = info["DriverStatus"].as_array().into_iter().flatten();
        let backing = status.find(|pair| pair[0] == "Backing Filesystem");
        put("backing_filesystem", backing.map_or(&Value::Null, |pair| &pair[1]));
        put("operating_system", &info["OperatingSystem"]);
        put("cpus", &info["NCPU"]);
        put("memory_bytes", &info["MemTotal"]);
        put("cgroup_driver", &info["CgroupDriver"]);
        put("cgroup_version", &info["CgroupVersion"]);
        let buildkit = self.runtime.block_on(control::buildkit_version(&self.endpoint));
        put("buildkit", &buildkit.map_or(Value::Null, Value::from));
        let containerd_store = info["DriverStatus"].to_string().contains("io.containerd.snapshotter");
        put("image_store", &Value::from(if containerd_store { "containerd" } else { "graphdriver" }));
        Ok(facts)
    }

    /// Where its things are, if it runs on this machine: an address may lead elsewhere, so its name must be ours.
    #[must_use]
    pub fn places(&self) -> Places {
        let info = self.get("/info").unwrap_or_default();
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        if !self.endpoint.is_local() || info["Name"].as_str() != Some(name.as_str()) {
            return Places::default();
        }
        let folder = info["DockerRootDir"].as_str().map(|dir| Folder::of_engine("the engine's data-root", dir));
        // Its own group as a service, and the one of what it runs.
        let cgroups = ["system.slice/docker.service", "docker"].map(str::to_owned).to_vec();
        Places { folders: folder.into_iter().collect(), cgroups }
    }

    /// All build cache records, cache mounts among them.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn cache_records(&self) -> Result<Vec<CacheRecord>, EngineError> {
        let usage = self.get("/system/df?type=build-cache")?;
        // Engines since API 1.52 answer {BuildCacheUsage: {Items}}, older ones {BuildCache}.
        let items = usage["BuildCacheUsage"]["Items"].as_array().or_else(|| usage["BuildCache"].as_array());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let moment = |value: &Value| OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok();
        Ok(items
            .into_iter()
            .flatten()
            .map(|item| CacheRecord {
                id: text(&item["ID"]),
                kind: text(&item["Type"]),
                description: text(&item["Description"]),
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
            let login = RegistryLogin::of_user().for_image(reference).await?;
            self.client.inspect_registry_image(reference, login).await.map_err(|e| e.to_string())
        };
        match self.runtime.block_on(async { tokio::time::timeout(limit, ask).await }) {
            Ok(Ok(found)) => Ok(found.descriptor.digest.unwrap_or_default()),
            Ok(Err(e)) => Err(failed(e)),
            Err(_) => Err(failed(format!("no answer after {} s", limit.as_secs()))),
        }
    }

    /// Runs an image's own command without network, capabilities and privileges, and gives its standard output. The
    /// container bears the name of the run, so that it can be found if nobody is left to remove it.
    ///
    /// # Errors
    /// When it cannot be started, ends with another code than 0, or is not done in time.
    pub fn run_image(&self, run: &str, id: &str, limit: Duration) -> Result<String, EngineError> {
        self.runtime.block_on(async {
            let created = self
                .client
                .create_container(None::<CreateContainerOptions>, container_for(run, id))
                .await
                .map_err(|e| self.failed(&format!("making a container of {id}"), e))?;
            let ran = tokio::time::timeout(limit, self.output_of(&created.id)).await;
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            let removed = self.client.remove_container(&created.id, Some(options)).await;
            let output = ran
                .map_err(|_| self.failed(&format!("running image {id}"), format!("not done after {limit:?}")))?
                .map_err(|e| self.failed(&format!("running image {id}"), e))?;
            removed.map_err(|e| self.failed("removing the container", e))?;
            Ok(output)
        })
    }

    async fn output_of(&self, container: &str) -> Result<String, String> {
        let text = |e: bollard::errors::Error| e.to_string();
        self.client.start_container(container, None).await.map_err(text)?;
        let mut wait = std::pin::pin!(self.client.wait_container(container, None::<WaitContainerOptions>));
        let code = match wait.next().await {
            Some(Ok(end)) => end.status_code,
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
            Some(Err(e)) => return Err(text(e)),
            None => return Err("the engine did not say how the container ended".to_owned()),
        };
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        let mut logs = std::pin::pin!(self.client.logs(container, Some(options)));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while let Some(chunk) = logs.next().await {
            match chunk.map_err(text)? {
                LogOutput::StdErr { message } => err.extend_from_slice(&message),
                chunk => out.extend_from_slice(&chunk.into_bytes()),
            }
            if out.len() + err.len() > 1 << 20 {
                return Err("it printed more than 1 MiB".to_owned());
            }
        }
        if code == 0 {
            Ok(String::from_utf8_lossy(&out).into_owned())
        } else {
            Err(format!("it ended with code {code}: {}", String::from_utf8_lossy(&err).trim()))
        }
    }
}

fn container_for(run: &str, image: &str) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.to_owned()),
        labels: Some(HashMap::from([(containers::CHECK.to_owned(), run.to_owned())])),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            memory: Some(RUN_MEMORY),
            pids_limit: Some(RUN_PROCESSES),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}
