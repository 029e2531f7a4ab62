//! A single container with a volume on a running engine, by its name: made, started, asked, removed.
//! What the container is for is not known in here.

use super::{Daemon, is_missing};
use crate::engine::engine_error::EngineError;
use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder, ListContainersOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions, UploadToContainerOptionsBuilder,
};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::io::Read;

/// Largest file that is read out of a container, in bytes.
const FILE_LIMIT: usize = 1 << 20;

/// Where an engine gets images from beside the usual registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSources {
    /// Addresses of mirrors.
    pub mirrors: Vec<String>,
    /// Registries and networks of such that are asked without TLS, as a configuration has them.
    pub insecure: Vec<String>,
}

impl Daemon {
    /// How many containers the engine holds, running or not.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn count_containers(&self) -> Result<usize, EngineError> {
        let options = ListContainersOptionsBuilder::default().all(true).build();
        let all = self.runtime.block_on(self.client.list_containers(Some(options)));
        all.map(|all| all.len()).map_err(|e| self.failed("listing containers", e))
    }

    /// Mirrors and insecure registries as the engine was configured.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn image_sources(&self) -> Result<ImageSources, EngineError> {
        let info = self.get("/info")?;
        let config = &info["RegistryConfig"];
        let texts = |list: &serde_json::Value| -> Vec<String> {
            let texts = list.as_array().into_iter().flatten();
            texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let mut insecure = texts(&config["InsecureRegistryCIDRs"]);
        let indexes = config["IndexConfigs"].as_object().into_iter().flatten();
        let unsafe_ones = indexes.filter(|(_, index)| index["Secure"] == false);
        // The engine tells them without a scheme; BuildKit of 20.10 asks without TLS only where there is one.
        insecure.extend(unsafe_ones.map(|(name, _)| format!("http://{name}")));
        Ok(ImageSources { mirrors: texts(&config["Mirrors"]), insecure })
    }

    /// Makes an empty volume of a name that nothing has.
    ///
    /// # Errors
    /// When there is one already: it would be used as it is.
    pub fn make_volume(&self, name: &str) -> Result<(), EngineError> {
        let what = format!("making the volume {name}");
        if self.runtime.block_on(self.client.inspect_volume(name)).is_ok() {
            return Err(self.failed(&what, "there is one already"));
        }
        let labels = HashMap::from([("org.layerbench.engine".to_owned(), name.to_owned())]);
        let request = VolumeCreateRequest { name: Some(name.to_owned()), labels: Some(labels), ..Default::default() };
        self.runtime.block_on(self.client.create_volume(request)).map(drop).map_err(|e| self.failed(&what, e))
    }

    /// Makes a container of a name that nothing has, and does not start it.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn make_container(&self, name: &str, body: ContainerCreateBody) -> Result<(), EngineError> {
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        let made = self.runtime.block_on(self.client.create_container(Some(options), body));
        made.map(drop).map_err(|e| self.failed(&format!("making the container {name}"), e))
    }

    /// Starts a container.
    ///
    /// # Errors
    /// When the engine cannot.
    pub fn start_container(&self, name: &str) -> Result<(), EngineError> {
        let started = self.runtime.block_on(self.client.start_container(name, None));
        started.map_err(|e| self.failed(&format!("starting the container {name}"), e))
    }

    /// Whether a container runs.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn is_running(&self, name: &str) -> Result<bool, EngineError> {
        let found = self.runtime.block_on(self.client.inspect_container(name, None));
        let found = found.map_err(|e| self.failed(&format!("looking at the container {name}"), e))?;
        Ok(found.state.and_then(|state| state.running).unwrap_or(false))
    }

    /// The port of the engine's machine at which a container's port is published.
    ///
    /// # Errors
    /// When it is not, or not yet.
    pub fn published_port(&self, name: &str, port: &str) -> Result<u16, EngineError> {
        let what = format!("looking at the container {name}");
        let found = self.runtime.block_on(self.client.inspect_container(name, None));
        let ports = found.map_err(|e| self.failed(&what, e))?.network_settings.and_then(|network| network.ports);
        let bindings = ports.and_then(|ports| ports.get(port).cloned().flatten()).unwrap_or_default();
        let number = bindings.iter().find_map(|binding| binding.host_port.as_ref()?.parse().ok());
        number.ok_or_else(|| self.failed(&what, format!("its port {port} is not published")))
    }

    /// Writes a file into a container, at a path from its root. Folders above it are made.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub fn put_file(&self, name: &str, path: &str, content: &[u8]) -> Result<(), EngineError> {
        let failed = |e: &dyn std::fmt::Display| self.failed(&format!("writing {path} into the container {name}"), e);
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content).map_err(|e| failed(&e))?;
        let bytes = archive.into_inner().map_err(|e| failed(&e))?;
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        let upload = self.client.upload_to_container(name, Some(options), bollard::body_full(bytes.into()));
        self.runtime.block_on(upload).map_err(|e| failed(&e))
    }

    /// Reads a file out of a container.
    ///
    /// # Errors
    /// When it is not there, not yet there, or larger than 1 MiB.
    pub fn file(&self, name: &str, path: &str) -> Result<Vec<u8>, EngineError> {
        let failed = |e: &dyn std::fmt::Display| self.failed(&format!("reading {path} of the container {name}"), e);
        let archive = self.runtime.block_on(async {
            let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
            let mut chunks = std::pin::pin!(self.client.download_from_container(name, Some(options)));
            let mut bytes = Vec::new();
            while let Some(chunk) = chunks.next().await {
                bytes.extend_from_slice(&chunk.map_err(|e| failed(&e))?);
                if bytes.len() > FILE_LIMIT {
                    return Err(failed(&"it is larger than 1 MiB"));
                }
            }
            Ok(bytes)
        })?;
        let mut archive = tar::Archive::new(archive.as_slice());
        for entry in archive.entries().map_err(|e| failed(&e))? {
            let mut entry = entry.map_err(|e| failed(&e))?;
            if entry.header().entry_type().is_file() {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(|e| failed(&e))?;
                return Ok(content);
            }
        }
        Err(failed(&"it is no file"))
    }

    /// The last lines that a container printed.
    #[must_use]
    pub fn last_words(&self, name: &str, lines: usize) -> Vec<String> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(&lines.to_string()).build();
        let text = self.runtime.block_on(async {
            let mut chunks = std::pin::pin!(self.client.logs(name, Some(options)));
            let mut text = String::new();
            while let Some(Ok(chunk)) = chunks.next().await {
                let chunk: LogOutput = chunk;
                text.push_str(&String::from_utf8_lossy(&chunk.into_bytes()));
            }
            text
        });
        text.lines().map(str::to_owned).collect()
    }

    /// Removes the container and the volume of a name, with all that is in them. What is not there is no error.
    ///
    /// # Errors
    /// When one is there and cannot be removed.
    pub fn remove_container_and_volume(&self, name: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.runtime.block_on(self.client.remove_container(name, Some(options))) {
            Err(e) if !is_missing(&e) => return Err(self.failed(&format!("removing the container {name}"), e)),
            _ => {}
        }
        match self.runtime.block_on(self.client.remove_volume(name, None::<RemoveVolumeOptions>)) {
            Err(e) if !is_missing(&e) => Err(self.failed(&format!("removing the volume {name}"), e)),
            _ => Ok(()),
        }
    }
}
