//! An image that is run for what it prints, in a container without network, capabilities and privileges.

use super::{Daemon, is_missing};
use crate::engine::engine_error::EngineError;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptions, ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    WaitContainerOptions,
};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::time::Duration;

/// Memory, in bytes, and processes that a container may use when an image is run for its output.
const RUN_MEMORY: i64 = 512 << 20;
const RUN_PROCESSES: i64 = 256;

/// The label of a container in which an image is run; its value is the run's name.
const CHECK: &str = "org.layerbench.check";

impl Daemon {
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
        let text = |e: Error| e.to_string();
        self.client.start_container(container, None).await.map_err(text)?;
        let mut wait = std::pin::pin!(self.client.wait_container(container, None::<WaitContainerOptions>));
        let code = match wait.next().await {
            Some(Ok(end)) => end.status_code,
            Some(Err(Error::DockerContainerWaitError { code, .. })) => code,
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

    /// Removes the containers in which a run that is gone has run images.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn remove_checks(&self, run: &str) -> Result<(), EngineError> {
        let failed = |e| self.failed("removing containers of this run", e);
        let filters = HashMap::from([("label", vec![format!("{CHECK}={run}")])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self.runtime.block_on(self.client.list_containers(Some(options))).map_err(failed)?;
        for id in found.into_iter().filter_map(|container| container.id) {
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            match self.runtime.block_on(self.client.remove_container(&id, Some(options))) {
                Err(e) if !is_missing(&e) => return Err(failed(e)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn container_for(run: &str, image: &str) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.to_owned()),
        labels: Some(HashMap::from([(CHECK.to_owned(), run.to_owned())])),
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
