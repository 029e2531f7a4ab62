//! Looks into images: what they are, and their files as streams; `start` adds what happens when they are started.
//! Every container carries its run's label, so that whatever interrupts this, it can be found again and removed by id.

pub mod start;
mod stream;

use super::daemon::Daemon;
use super::endpoint::{Endpoint, runtime};
use crate::engine::engine_error::EngineError;
use crate::engine::interrupt::Interrupt;
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptions, ListContainersOptionsBuilder, ListImagesOptions, RemoveContainerOptionsBuilder,
};
use std::collections::HashMap;
use std::io::{self, Read};
use stream::ChunkReader;
use tokio::runtime::Runtime;

/// The label of containers of a run; its value is the run's id.
const RUN_LABEL: &str = "org.layerbench.run";

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
        let files = Box::pin(client.export_container(&id));
        let done = ChunkReader::new(&runtime, files, &self.interrupt).give_to(read);
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
        let layers = Box::pin(client.export_image(image));
        let done = ChunkReader::new(&runtime, layers, &self.interrupt).give_to(read);
        done.map_err(|e| self.failed(&format!("saving {image}"), e))
    }

    fn body(&self, image: &str) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(image.to_owned()),
            labels: Some(HashMap::from([(RUN_LABEL.to_owned(), self.run.clone())])),
            host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        }
    }
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
