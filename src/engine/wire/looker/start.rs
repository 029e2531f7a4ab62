//! Images that are started under restrictions, each in a container without network, and what becomes of them.

use super::{Looker, remove};
use crate::engine::engine_error::EngineError;
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, ResourcesUlimits};
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptionsBuilder, LogsOptionsBuilder, WaitContainerOptions,
};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::time::Duration;

/// What a started container may use: bytes of memory, of one file, processes, billionths of a processor.
const MEMORY: i64 = 512 << 20;
const FILE: i64 = 256 << 20;
const PROCESSES: i64 = 128;
const PROCESSORS: i64 = 1_000_000_000;

/// What a started container may write into its root, in bytes; and how often it is looked at. Where the file system
/// cannot hold it to that, it is ended.
const ROOT: i64 = 256 << 20;
const LOOK: Duration = Duration::from_millis(250);

/// How a container is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// `UID:GID` in place of the image's user.
    pub user: Option<String>,
    /// Nothing of the root file system can be written.
    pub read_only: bool,
}

/// How a start went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The command ended with code 0.
    Ended,
    /// It still ran at the time limit.
    StillRunning,
    /// It could not be started, ended with another code, or took more than it may: why, in words for people.
    Failed(String),
}

/// What became of a started container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// How far it came.
    pub went: Start,
    /// Paths that it changed; empty under a read-only root.
    pub changes: Vec<String>,
}

impl Looker {
    /// Starts the image's own command in a container for each of the restrictions, all at the same time; each has no
    /// network, no capabilities, no new privileges, and limits on memory, processes and time. All are removed with their
    /// volumes, whatever happens.
    ///
    /// # Errors
    /// When the engine does not answer, a container cannot be removed, or the user wants to stop.
    pub fn start(
        &self,
        image: &str,
        restrictions: &[Restrictions],
        limit: Duration,
    ) -> Result<Vec<Started>, EngineError> {
        let (runtime, client) = self.call()?;
        let all = restrictions.iter().map(|restrictions| self.start_one(&client, image, restrictions, limit));
        let ended = runtime.block_on(futures_util::future::join_all(all));
        let ended: Result<Vec<Started>, EngineError> = ended.into_iter().collect();
        if self.interrupt.is_raised() {
            return Err(self.failed(&format!("starting {image}"), "stopped by the user"));
        }
        ended
    }

    async fn start_one(
        &self,
        client: &Docker,
        image: &str,
        restrictions: &Restrictions,
        limit: Duration,
    ) -> Result<Started, EngineError> {
        let body = self.restricted(image, restrictions);
        let created = client.create_container(None::<CreateContainerOptions>, body).await;
        let id = match created {
            Ok(created) => created.id,
            Err(e) => return Ok(Started { went: Start::Failed(e.to_string()), changes: Vec::new() }),
        };
        let went = self.watch(client, &id, restrictions, limit).await.unwrap_or_else(Start::Failed);
        let changes = match restrictions.read_only {
            true => Ok(None),
            false => client.container_changes(&id).await,
        };
        remove(client, &id).await.map_err(|e| self.failed("removing a container", e))?;
        let changes = changes.map_err(|e| self.failed("asking what a container changed", e))?.unwrap_or_default();
        Ok(Started { went, changes: changes.into_iter().map(|change| change.path).collect() })
    }

    fn restricted(&self, image: &str, restrictions: &Restrictions) -> ContainerCreateBody {
        let log = HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([("max-size".to_owned(), "256k".to_owned())])),
        };
        let files = ResourcesUlimits { name: Some("fsize".to_owned()), soft: Some(FILE), hard: Some(FILE) };
        ContainerCreateBody {
            user: restrictions.user.clone(),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                readonly_rootfs: Some(restrictions.read_only),
                cap_drop: Some(vec!["ALL".to_owned()]),
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                memory: Some(MEMORY),
                memory_swap: Some(MEMORY),
                pids_limit: Some(PROCESSES),
                nano_cpus: Some(PROCESSORS),
                ulimits: Some(vec![files]),
                log_config: Some(log),
                ..HostConfig::default()
            }),
            ..self.body(image)
        }
    }

    /// Starts a container and waits for its end, at most as long as the limit; why not, where it failed.
    async fn watch(
        &self,
        client: &Docker,
        id: &str,
        restrictions: &Restrictions,
        limit: Duration,
    ) -> Result<Start, String> {
        client.start_container(id, None).await.map_err(|e| e.to_string())?;
        let mut wait = std::pin::pin!(client.wait_container(id, None::<WaitContainerOptions>));
        let end = tokio::select! {
            end = tokio::time::timeout(limit, wait.next()) => end,
            () = self.interrupt.raised() => return Err("stopped by the user".to_owned()),
            () = root_filled(client, id), if !restrictions.read_only => return Err(format!("wrote more than {} MiB in its root", ROOT >> 20)),
        };
        let code = match end {
            Err(_) => return Ok(Start::StillRunning),
            Ok(Some(Ok(end))) => end.status_code,
            Ok(Some(Err(Error::DockerContainerWaitError { code, .. }))) => code,
            Ok(Some(Err(e))) => return Err(e.to_string()),
            Ok(None) => return Err("the engine did not say how it ended".to_owned()),
        };
        if code == 0 {
            Ok(Start::Ended)
        } else {
            Err(format!("ended with code {code}{}", last_words(client, id).await))
        }
    }
}

/// Ends when a container has written more into its root than it may.
async fn root_filled(client: &Docker, id: &str) {
    loop {
        tokio::time::sleep(LOOK).await;
        let options = InspectContainerOptionsBuilder::default().size(true).build();
        // One that cannot be looked at ends in other ways.
        let found = client.inspect_container(id, Some(options)).await.ok();
        if found.and_then(|found| found.size_rw).is_some_and(|bytes| bytes > ROOT) {
            return;
        }
    }
}

/// The last line that a container printed, for people.
async fn last_words(client: &Docker, id: &str) -> String {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail("3").build();
    let mut logs = std::pin::pin!(client.logs(id, Some(options)));
    let mut said = Vec::new();
    while let Some(Ok(chunk)) = logs.next().await {
        let bytes = match chunk {
            LogOutput::StdErr { message } => message,
            chunk => chunk.into_bytes(),
        };
        said.extend_from_slice(&bytes);
        if said.len() > 1 << 16 {
            break;
        }
    }
    let text = String::from_utf8_lossy(&said).into_owned();
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    let line: String = line.chars().take(200).collect();
    if line.is_empty() { line } else { format!(": {line}") }
}
