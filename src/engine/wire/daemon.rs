//! Questions to a running engine, outside any clock: what it is, what it holds, what an image is made of;
//! and the removal of single things by their ids. Nothing here prunes by any other rule, but for engines that may be
//! emptied. The files beside this one add to [`Daemon`], which knows none of them.

pub mod containers;
pub mod holdings;
mod image_run;

use super::control;
use super::endpoint::{Endpoint, runtime};
use crate::engine::engine_error::EngineError;
use crate::model::{Fingerprint, ImageStore, Property};
use bollard::Docker;
use bollard::errors::Error;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long an engine that is well may take to say that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

/// How long an answer may take: that on what everything takes of the disk looks at all volumes on older engines.
const ANSWER_LIMIT: Duration = Duration::from_secs(600);

/// Where an engine says that it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// The machine's own name.
    pub machine: Option<String>,
    /// The folder on that machine in which it keeps everything.
    pub data_root: Option<PathBuf>,
}

/// How an engine keeps images, from its description of itself.
fn image_store_in(info: &Value) -> ImageStore {
    match info["DriverStatus"].to_string().contains("io.containerd.snapshotter") {
        true => ImageStore::Containerd,
        false => ImageStore::GraphDriver,
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
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
        let mut facts = Fingerprint::default();
        let mut put = |property, value: &Value| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => return,
                other => other.to_string(),
            };
            facts.insert(property, text);
        };
        put(Property::EngineVersion, &version["Version"]);
        put(Property::Api, &version["ApiVersion"]);
        put(Property::Architecture, &version["Arch"]);
        put(Property::Kernel, &version["KernelVersion"]);
        for component in version["Components"].as_array().into_iter().flatten() {
            match component["Name"].as_str() {
                Some("containerd") => put(Property::Containerd, &component["Version"]),
                Some("runc") => put(Property::Runc, &component["Version"]),
                _ => {}
            }
        }
        put(Property::StorageDriver, &info["Driver"]);
        // Not every storage driver names it.
        let mut status = info["DriverStatus"].as_array().into_iter().flatten();
        let backing = status.find(|pair| pair[0] == "Backing Filesystem");
        put(Property::BackingFilesystem, backing.map_or(&Value::Null, |pair| &pair[1]));
        put(Property::OperatingSystem, &info["OperatingSystem"]);
        put(Property::Cpus, &info["NCPU"]);
        put(Property::Memory, &info["MemTotal"]);
        put(Property::CgroupDriver, &info["CgroupDriver"]);
        put(Property::CgroupVersion, &info["CgroupVersion"]);
        let buildkit = self.runtime.block_on(control::buildkit_version(&self.endpoint));
        put(Property::BuildKit, &buildkit.map_or(Value::Null, Value::from));
        put(Property::ImageStore, &Value::from(image_store_in(&info).as_str()));
        Ok(facts)
    }

    /// Where the engine says that it runs; nothing from one that does not answer.
    #[must_use]
    pub fn whereabouts(&self) -> Whereabouts {
        let info = self.get("/info").unwrap_or_default();
        let text = |key: &str| info[key].as_str().map(str::to_owned);
        Whereabouts { machine: text("Name"), data_root: text("DockerRootDir").map(PathBuf::from) }
    }

    /// How it keeps images.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn image_store(&self) -> Result<ImageStore, EngineError> {
        Ok(image_store_in(&self.get("/info")?))
    }
}
