//! One build as it is asked for: its files, its settings, and who asks. How it is carried out is not known in here.

use super::build_settings::BuildSettings;
use super::docker_client::DockerClient;
use crate::model::OWN_CLIENT;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Who asks the engine for a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Client {
    /// Layerbench itself: only the call is timed.
    #[default]
    Layerbench,
    /// The installed docker client: its whole process is timed.
    Docker(DockerClient),
}

impl Client {
    /// The client in a few words, for records. Times of different clients are never compared.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Layerbench => OWN_CLIENT.to_owned(),
            Self::Docker(client) => client.describe(),
        }
    }
}

/// One build to be done.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// Folder of the build context.
    pub context: PathBuf,
    /// The Dockerfile's text, after base images were replaced.
    pub dockerfile: Arc<Vec<u8>>,
    /// The Dockerfile's path, for messages.
    pub dockerfile_name: String,
    /// A `NAME.dockerignore` that stands beside the Dockerfile, and its text.
    pub ignore: Option<Arc<Vec<u8>>>,
    /// What it is asked for beside its files.
    pub settings: BuildSettings,
    /// Bypass the layer cache.
    pub no_cache: bool,
    /// Name given to the image; empty for none.
    pub tag: String,
    /// Stable name of the context, by which BuildKit finds the copy it already holds.
    pub context_key: String,
    /// Time limit.
    pub timeout: Duration,
    /// Who asks for it.
    pub client: Client,
}
