//! Everything that speaks to Docker: where an engine is, what it is asked, what it answers.
//!
//! [`Engine`] is the boundary: the runner knows nothing else. Behind it stand a private engine that Layerbench
//! starts and throws away ([`private`]), one inside the user's own ([`dind`]), that one itself ([`host`]), and a fake for tests of plans and reports.

pub mod build;
mod build_call;
mod control;
pub mod daemon;
pub mod dind;
pub mod docker_client;
mod docker_output;
pub mod endpoint;
pub mod fake;
pub mod host;
pub mod look;
pub mod machine;
mod network;
pub mod private;
pub mod refusal;
pub mod registry_login;
pub mod remains;
pub mod session;
pub mod settings;
pub mod trace;

use docker_client::DockerClient;
use look::Looker;
use machine::Places;
pub use settings::BuildSettings;

use crate::model::{Bytes, ColdKind, EngineId, Outcome, Progress};
use crate::text::without_logins;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Why an engine could not do what it was asked: what was tried, what came back, what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineError {
    /// What was tried.
    pub what: String,
    /// What came back.
    pub found: String,
    /// What would help; may be empty.
    pub remedy: String,
}

impl EngineError {
    /// An error with a remedy. Logins in addresses are taken out.
    pub fn new(what: impl Into<String>, found: impl fmt::Display, remedy: impl Into<String>) -> Self {
        let remedy = remedy.into();
        Self { what: without_logins(&what.into()), found: without_logins(&found.to_string()), remedy }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.found.trim_end())?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.remedy) }
    }
}

impl std::error::Error for EngineError {}

/// Set when the user wants the run to stop; the build in flight is cancelled, or comes to its end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    stop: AtomicBool,
    cancel: AtomicBool,
    cancelled: Notify,
}

impl Interrupt {
    /// Asks for the stop, and for what is in flight to be cancelled.
    pub fn raise(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
        self.0.cancel.store(true, Ordering::SeqCst);
        self.0.cancelled.notify_waiters();
    }

    /// Asks for the stop as soon as the build in flight has come to its end.
    pub fn raise_after_build(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.stop.load(Ordering::SeqCst)
    }

    /// Ends when what is in flight is to be cancelled. Costs nothing until then.
    pub async fn raised(&self) {
        let woken = self.0.cancelled.notified();
        if !self.0.cancel.load(Ordering::SeqCst) {
            woken.await;
        }
    }
}

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
            Self::Layerbench => "layerbench".to_owned(),
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
pub enum Source {
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
    pub source: Source,
}

/// Facts about an engine and its machine, in the order in which they are shown.
pub type Fingerprint = BTreeMap<String, String>;

/// A Docker Engine as the runner sees it. All calls block; no clock runs but inside [`Engine::build`].
pub trait Engine {
    /// One line for people: which engine, and how it is isolated.
    fn describe(&self) -> String;

    /// What *cold* means on this engine.
    fn cold_kind(&self) -> ColdKind;

    /// Where its things are on the machine that this program runs on; nothing for an engine that is elsewhere.
    fn places(&self) -> Places {
        Places::default()
    }

    /// Whether [`Engine::fetch_bases`] has something to do before a run.
    fn wants_bases(&self) -> bool {
        self.cold_kind() == ColdKind::WarmBase
    }

    /// Version, storage driver, kernel, processor and the like.
    ///
    /// # Errors
    /// When the engine does not answer.
    fn fingerprint(&mut self) -> Result<Fingerprint, EngineError>;

    /// Finds a base image, without fetching it: its digest, and where it is.
    ///
    /// # Errors
    /// When neither the engine nor a registry has it.
    fn resolve(&mut self, reference: &str, limit: Duration) -> Result<Resolved, EngineError>;

    /// Fetches base images that a cold build of kind *warm base* must find, or that a registry cache is to hold.
    ///
    /// # Errors
    /// When one cannot be had.
    fn fetch_bases(&mut self, references: &BTreeSet<String>, interrupt: &Interrupt) -> Result<(), EngineError>;

    /// Makes the engine ready for an approach's chain: whatever its first, cold build must not find is out of reach.
    ///
    /// # Errors
    /// When the engine cannot be started or asked.
    fn begin_chain(&mut self) -> Result<(), EngineError>;

    /// What the engine holds now.
    ///
    /// # Errors
    /// When the engine does not answer.
    fn contents(&mut self) -> Result<CacheContents, EngineError>;

    /// Builds, and times it. A build that fails is an [`Outcome`], not an error.
    fn build(&mut self, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome;

    /// Size and layers of an image.
    ///
    /// # Errors
    /// When the engine does not answer or has no such image.
    fn image(&mut self, id: &str) -> Result<ImageFacts, EngineError>;

    /// Runs an image's own command, without network, and gives what it printed on standard output.
    ///
    /// # Errors
    /// When it cannot be run, ends with another code than 0, or is not done in time.
    fn run_image(&mut self, id: &str, limit: Duration) -> Result<String, EngineError>;

    /// Looks into images. Whatever containers that makes are removed with the run, even if it is interrupted.
    ///
    /// # Errors
    /// On an engine without real images.
    fn looker(&mut self, interrupt: &Interrupt) -> Result<Looker, EngineError>;

    /// Keeps the state of the engine under a name, so that [`Engine::restore`] finds it.
    ///
    /// # Errors
    /// On an engine that cannot be stopped and whose state cannot be copied.
    fn save(&mut self, name: &str) -> Result<(), EngineError> {
        Err(no_checkpoints(name))
    }

    /// Puts the engine into the state that was kept under a name: layers, cache mounts, base images.
    ///
    /// # Errors
    /// When there is no such state.
    fn restore(&mut self, name: &str) -> Result<(), EngineError> {
        Err(no_checkpoints(name))
    }

    /// Ends a chain: what it made is removed or forgotten.
    ///
    /// # Errors
    /// When something could not be removed; it is named.
    fn end_chain(&mut self) -> Result<(), EngineError>;

    /// Ends a run: whatever it still holds is removed.
    ///
    /// # Errors
    /// When something could not be removed; it is named.
    fn finish(&mut self) -> Result<(), EngineError>;
}

/// An engine of a run.
pub struct Named {
    /// The name that its samples carry, where the run has several.
    pub name: Option<EngineId>,
    /// The engine.
    pub engine: Box<dyn Engine>,
}

fn no_checkpoints(name: &str) -> EngineError {
    EngineError::new(
        format!("a checkpoint of {name}"),
        "this engine is not one that can be stopped and copied",
        "use --engine private, or leave out --chain checkpoint",
    )
}

/// Facts about the machine that this program runs on, read from the kernel; `places` are those of an engine on it.
fn machine_fingerprint(places: &Places) -> Fingerprint {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let mut facts = Fingerprint::new();
    if let Some((_, model)) =
        read("/proc/cpuinfo").lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'))
    {
        facts.insert("processor".to_owned(), model.trim().to_owned());
    }
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    let governor = if governor.is_empty() { "unknown" } else { governor.trim() };
    facts.insert("governor".to_owned(), governor.to_owned());
    if let Some(filesystem) = places.filesystem() {
        facts.insert("backing_filesystem".to_owned(), filesystem.to_owned());
    }
    facts
}
