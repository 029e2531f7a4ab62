//! Looks into images: what they are, their files as streams, and what happens when they are started under restrictions.
//! Every container carries its run's label, so that whatever interrupts this, it can be found again and removed by id.

use super::daemon::Daemon;
use super::endpoint::{Endpoint, runtime};
use crate::engine::engine_error::EngineError;
use crate::engine::interrupt::Interrupt;
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, ResourcesUlimits};
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptionsBuilder, ListContainersOptionsBuilder, ListImagesOptions,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, WaitContainerOptions,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::collections::HashMap;
use std::io::{self, Read};
use std::pin::Pin;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The label of containers of a run; its value is the run's id.
const RUN_LABEL: &str = "org.layerbench.run";

/// What a started container may use: bytes of memory, of one file, processes, billionths of a processor.
const MEMORY: i64 = 512 << 20;
const FILE: i64 = 256 << 20;
const PROCESSES: i64 = 128;
const PROCESSORS: i64 = 1_000_000_000;

/// What a started container may write into its root, in bytes; and how often it is looked at. Where the file system
/// cannot hold it to that, it is ended.
const ROOT: i64 = 256 << 20;
const LOOK: Duration = Duration::from_millis(250);

/// How long an engine may be silent in the middle of a stream.
const SILENCE: Duration = Duration::from_secs(300);

/// A command that is never run: some engines refuse containers without one.
const DUMMY: &str = "/layerbench-look";

/// What an image says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSelf {
    /// Id on the engine.
    pub id: String,
    /// Size as the engine's inspect call gives it.
    pub inspected_bytes: u64,
    /// The user that it is run as; empty for root.
    pub user: String,
    /// Digests of its layers, base first.
    pub layers: Vec<String>,
    /// Paths that it declares as volumes.
    pub volumes: Vec<String>,
    /// It names a command.
    pub has_command: bool,
}

/// An image in an engine's list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Id on the engine.
    pub id: String,
    /// Its names; may be empty.
    pub names: Vec<String>,
    /// Size as the list gives it.
    pub bytes: u64,
    /// Digests of its layers, base first; empty for one without a name.
    pub layers: Vec<String>,
}

/// How a container is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// `UID:GID` in place of the image's user.
    pub user: Option<String>,
    /// Nothing of the root file system can be written.
    pub read_only: bool,
}

/// What became of a started container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// It ended with code 0, or still ran at the limit; otherwise why not.
    pub fine: Result<(), String>,
    /// It still ran at the limit.
    pub still_running: bool,
    /// Paths that it changed; empty under a read-only root.
    pub changes: Vec<String>,
}

/// Looks into the images of one engine.
pub struct Looker {
    run: String,
    endpoint: Endpoint,
    interrupt: Interrupt,
}

impl Looker {
    /// Whoever makes one sees to it that the run's id is written down before.
    pub(in crate::engine) fn new(run: &str, endpoint: &Endpoint, interrupt: &Interrupt) -> Self {
        Self { run: run.to_owned(), endpoint: endpoint.clone(), interrupt: interrupt.clone() }
    }

    fn failed(&self, what: &str, error: impl std::fmt::Display) -> EngineError {
        EngineError::new(format!("{what} on {}", self.endpoint), error, "")
    }

    fn call(&self) -> Result<(Runtime, Docker), EngineError> {
        Ok((runtime()?, self.endpoint.client()?))
    }

    /// What an image says of itself.
    ///
    /// # Errors
    /// When the engine has no such image.
    pub fn image(&self, image: &str) -> Result<ImageSelf, EngineError> {
        let (runtime, client) = self.call()?;
        let found = runtime.block_on(client.inspect_image(image)).map_err(|e| match e {
            Error::DockerResponseServerError { status_code: 404, .. } => EngineError::new(
                format!("looking at image {image} on {}", self.endpoint),
                "there is no such image",
                "pull or build it first, or name the engine that has it with --engine",
            ),
            e => self.failed(&format!("looking at image {image}"), e),
        })?;
        let config = found.config.unwrap_or_default();
        let words = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        Ok(ImageSelf {
            id: found.id.unwrap_or_default(),
            inspected_bytes: u64::try_from(found.size.unwrap_or(0)).unwrap_or(0),
            has_command: words(&config.entrypoint) || words(&config.cmd),
            user: config.user.unwrap_or_default(),
            layers: found.root_fs.and_then(|root| root.layers).unwrap_or_default(),
            volumes: config.volumes.unwrap_or_default().into_iter().collect(),
        })
    }

    /// All images that the engine lists.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn listed(&self) -> Result<Vec<Listed>, EngineError> {
        let (runtime, client) = self.call()?;
        let all = runtime
            .block_on(client.list_images(None::<ListImagesOptions>))
            .map_err(|e| self.failed("listing images", e))?;
        let mut listed = Vec::new();
        for image in all {
            // One that went away meanwhile is nobody's base.
            let found = runtime.block_on(client.inspect_image(&image.id)).ok().filter(|_| !image.repo_tags.is_empty());
            listed.push(Listed {
                layers: found.and_then(|found| found.root_fs?.layers).unwrap_or_default(),
                id: image.id,
                names: image.repo_tags,
                bytes: u64::try_from(image.size).unwrap_or(0),
            });
        }
        Ok(listed)
    }

    /// Gives the files of a container of the image, which is never started, to a reader as a tar stream.
    ///
    /// # Errors
    /// When the engine cannot export it, the reader fails, or the user wants to stop.
    pub fn export<T>(&self, image: &str, read: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> Result<T, EngineError> {
        let (runtime, client) = self.call()?;
        let failed = |e: &dyn std::fmt::Display| self.failed(&format!("exporting {image}"), e);
        let body = ContainerCreateBody { cmd: Some(vec![DUMMY.to_owned()]), ..self.body(image) };
        let created = runtime.block_on(client.create_container(None::<CreateContainerOptions>, body));
        let id = created.map_err(|e| failed(&e))?.id;
        let done = {
            let mut stream = self.stream(&runtime, Box::pin(client.export_container(&id)));
            read(&mut stream).and_then(|done| drain(&mut stream).map(|()| done))
        };
        let removed = runtime.block_on(remove(&client, &id));
        let done = done.map_err(|e| failed(&e))?;
        removed.map_err(|e| failed(&e))?;
        Ok(done)
    }

    /// Gives an image with its layers, as the engine saves it, to a reader as a tar stream.
    ///
    /// # Errors
    /// As for [`Looker::export`].
    pub fn save<T>(&self, image: &str, read: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> Result<T, EngineError> {
        let (runtime, client) = self.call()?;
        let mut stream = self.stream(&runtime, Box::pin(client.export_image(image)));
        let done = read(&mut stream).and_then(|done| drain(&mut stream).map(|()| done));
        done.map_err(|e| self.failed(&format!("saving {image}"), e))
    }

    fn stream<'a>(&'a self, runtime: &'a Runtime, chunks: Chunks<'a>) -> ChunkReader<'a> {
        ChunkReader { runtime, chunks, chunk: Bytes::new(), interrupt: &self.interrupt }
    }

    fn body(&self, image: &str) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(image.to_owned()),
            labels: Some(HashMap::from([(RUN_LABEL.to_owned(), self.run.clone())])),
            host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        }
    }

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
        let log = HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([("max-size".to_owned(), "256k".to_owned())])),
        };
        let body = ContainerCreateBody {
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
                ulimits: Some(vec![ResourcesUlimits {
                    name: Some("fsize".to_owned()),
                    soft: Some(FILE),
                    hard: Some(FILE),
                }]),
                log_config: Some(log),
                ..HostConfig::default()
            }),
            ..self.body(image)
        };
        let created = client.create_container(None::<CreateContainerOptions>, body).await;
        let id = match created {
            Ok(created) => created.id,
            Err(e) => return Ok(Started { fine: Err(e.to_string()), still_running: false, changes: Vec::new() }),
        };
        let ended = self.watch(client, &id, restrictions, limit).await;
        let changes = match restrictions.read_only {
            true => Ok(None),
            false => client.container_changes(&id).await,
        };
        remove(client, &id).await.map_err(|e| self.failed("removing a container", e))?;
        let changes = changes.map_err(|e| self.failed("asking what a container changed", e))?.unwrap_or_default();
        let paths = changes.into_iter().map(|change| change.path).collect();
        let (still_running, fine) = match ended {
            Ok(still_running) => (still_running, Ok(())),
            Err(why) => (false, Err(why)),
        };
        Ok(Started { fine, still_running, changes: paths })
    }

    /// Starts a container and waits for its end, at most as long as the limit. Gives whether it still runs.
    async fn watch(
        &self,
        client: &Docker,
        id: &str,
        restrictions: &Restrictions,
        limit: Duration,
    ) -> Result<bool, String> {
        client.start_container(id, None).await.map_err(|e| e.to_string())?;
        let mut wait = std::pin::pin!(client.wait_container(id, None::<WaitContainerOptions>));
        let end = tokio::select! {
            end = tokio::time::timeout(limit, wait.next()) => end,
            () = self.interrupt.raised() => return Err("stopped by the user".to_owned()),
            () = root_filled(client, id), if !restrictions.read_only => return Err(format!("wrote more than {} MiB in its root", ROOT >> 20)),
        };
        let code = match end {
            Err(_) => return Ok(true),
            Ok(Some(Ok(end))) => end.status_code,
            Ok(Some(Err(Error::DockerContainerWaitError { code, .. }))) => code,
            Ok(Some(Err(e))) => return Err(e.to_string()),
            Ok(None) => return Err("the engine did not say how it ended".to_owned()),
        };
        if code == 0 { Ok(false) } else { Err(format!("ended with code {code}{}", last_words(client, id).await)) }
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

async fn remove(client: &Docker, id: &str) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match client.remove_container(id, Some(options)).await {
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        other => other,
    }
}

/// Removes the containers of a run that was interrupted, with their volumes, by their ids.
pub(in crate::engine) fn remove_containers(daemon: &Daemon, run: &str) -> Result<(), EngineError> {
    let endpoint = daemon.endpoint();
    let failed = |e: Error| EngineError::new(format!("removing containers of run {run} on {endpoint}"), e, "");
    let runtime = runtime()?;
    let client = endpoint.client()?;
    let label = format!("{RUN_LABEL}={run}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    runtime.block_on(async {
        for container in client.list_containers(Some(options)).await.map_err(failed)? {
            if let Some(id) = container.id {
                remove(&client, &id).await.map_err(failed)?;
            }
        }
        Ok(())
    })
}

type Chunks<'a> = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + 'a>>;

/// A stream of chunks as a blocking reader.
struct ChunkReader<'a> {
    runtime: &'a Runtime,
    chunks: Chunks<'a>,
    chunk: Bytes,
    interrupt: &'a Interrupt,
}

impl Read for ChunkReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            let next = self.runtime.block_on(async {
                tokio::select! {
                    next = tokio::time::timeout(SILENCE, self.chunks.next()) => next.map_err(io::Error::other),
                    () = self.interrupt.raised() => Err(io::Error::other("stopped by the user")),
                }
            })?;
            match next {
                Some(chunk) => self.chunk = chunk.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = into.len().min(self.chunk.len());
        into[..length].copy_from_slice(&self.chunk.split_to(length));
        Ok(length)
    }
}

/// Reads a stream to its end: an engine may still write when a tar's end was reached.
fn drain(stream: &mut impl Read) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(|_| ())
}
