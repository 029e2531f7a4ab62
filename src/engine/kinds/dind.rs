//! An engine inside the user's engine: a privileged container of `docker:dind` with a volume of its own, started empty
//! for each chain and removed with its volume after it. For machines where a private engine cannot be had, such as
//! those with Docker Desktop.
//!
//! It is reached over TLS at a port that the user's engine publishes on 127.0.0.1: the one way that works alike on
//! Linux and on Docker Desktop. A socket on a volume lies in Desktop's virtual machine, where no client reaches it; a
//! stream through `exec` starts a process for every connection, inside the measured time.

use crate::engine::answers::{CacheContents, ImageFacts, ImageSource, Resolved};
use crate::engine::contract::Engine;
use crate::engine::engine_error::EngineError;
use crate::engine::interrupt::Interrupt;
use crate::engine::machine::claimed::{Claim, Inner, Remains};
use crate::engine::machine::hardware;
use crate::engine::machine::places::Places;
use crate::engine::wire::build_request::BuildRequest;
use crate::engine::wire::daemon::Daemon;
use crate::engine::wire::endpoint::Endpoint;
use crate::engine::wire::looker::Looker;
use crate::engine::wire::outcomes::not_built;
use crate::engine::wire::timed_build::build;
use crate::model::{ColdKind, Fingerprint, ImageStore, Isolation, Outcome, Progress, Property};
use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType, PortBinding};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Moment};

/// The image that is used if nobody says otherwise.
pub const USUAL_IMAGE: &str = "docker:dind";

/// How long the inner engine may take until it answers: it makes its certificates first.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How often a starting engine is asked.
const POLL: Duration = Duration::from_millis(100);
/// Where the image's own start script has the inner engine listen with TLS, and leaves what a client needs for it.
const PORT: &str = "2376/tcp";
const CERTIFICATES: &str = "/certs";
const FOR_CLIENTS: &str = "/certs/client";

/// Engines inside the user's, one after the other.
pub struct DindEngine {
    run: String,
    home: PathBuf,
    user: Daemon,
    image: String,
    started: u32,
    current: Option<Instance>,
}

/// One running engine.
struct Instance {
    daemon: Daemon,
    /// Nothing was built on it yet.
    fresh: bool,
    remains: Claim,
}

impl DindEngine {
    /// Connects to the user's engine; what is made there is written down in a home. Nothing is started yet, but what is missing is said.
    ///
    /// # Errors
    /// When the engine does not answer, is on another machine, or has no such image.
    pub fn new(home: &Path, run: &str, endpoint: &Endpoint, image: &str) -> Result<Self, EngineError> {
        let failed = |found: String, remedy: String| EngineError::new("an engine inside Docker (dind)", found, remedy);
        if !endpoint.is_local() {
            return Err(failed(
                format!("{endpoint} is on another machine, where the port of an engine inside it cannot be reached"),
                "run this on that machine, or use --engine host".to_owned(),
            ));
        }
        let user = Daemon::new(endpoint)?;
        user.ping().map_err(|e| failed(e.to_string(), "start Docker, or set DOCKER_HOST".to_owned()))?;
        if user.image_id(image).is_none() {
            // Fetching it here would leave it on the user's engine, or fetch it again for every run.
            return Err(failed(
                format!("{endpoint} has no image {image}"),
                format!("docker pull {image}, or name one that is there with --dind-image"),
            ));
        }
        Ok(Self {
            run: run.to_owned(),
            home: home.to_owned(),
            user,
            image: image.to_owned(),
            started: 0,
            current: None,
        })
    }

    fn start(&mut self) -> Result<Instance, EngineError> {
        self.started += 1;
        let name = format!("{}-d{}", self.run, self.started);
        Instance::start(&self.home, &name, &self.user, &self.image)
    }

    fn instance(&mut self) -> Result<&mut Instance, EngineError> {
        let running = match self.current.take() {
            Some(running) => running,
            None => self.start()?,
        };
        Ok(self.current.insert(running))
    }
}

impl Instance {
    fn start(home: &Path, name: &str, user: &Daemon, image: &str) -> Result<Self, EngineError> {
        let inner = Inner { engine: user.endpoint().given().to_owned(), name: format!("layerbench-{name}") };
        let (settings, container) = (settings(user)?, container(image, &inner.name));
        // Whatever fails from here on: dropping the claim undoes what was done.
        let remains = Claim::make(home, Remains::of_inner(name, inner.clone()))?;
        user.make_volume(&inner.name)?;
        user.make_container(&inner.name, container)?;
        user.put_file(&inner.name, "etc/docker/daemon.json", settings.to_string().as_bytes())?;
        user.start_container(&inner.name)?;
        let daemon = wait_until_up(user, &inner.name, remains.dir())?;
        Ok(Self { daemon, fresh: true, remains })
    }

    fn stop(mut self) -> Result<(), EngineError> {
        self.remains.undo()
    }
}

/// The inner engine's configuration: it reaches the registries that the user's engine reaches, and keeps images in the
/// same kind of store. Like a private engine, it collects no garbage.
fn settings(user: &Daemon) -> Result<Value, EngineError> {
    let sources = user.image_sources()?;
    let mut settings = json!({
        "registry-mirrors": sources.mirrors,
        "insecure-registries": sources.insecure,
        "builder": { "gc": { "enabled": false } },
    });
    if user.image_store()? == ImageStore::Containerd {
        settings["features"] = json!({ "containerd-snapshotter": true });
    }
    Ok(settings)
}

fn container(image: &str, name: &str) -> ContainerCreateBody {
    let published = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(String::new()) };
    let data = Mount {
        typ: Some(MountType::VOLUME),
        source: Some(name.to_owned()),
        target: Some("/var/lib/docker".to_owned()),
        ..Mount::default()
    };
    ContainerCreateBody {
        image: Some(image.to_owned()),
        env: Some(vec![format!("DOCKER_TLS_CERTDIR={CERTIFICATES}")]),
        exposed_ports: Some(vec![PORT.to_owned()]),
        labels: Some(HashMap::from([("org.layerbench.engine".to_owned(), name.to_owned())])),
        host_config: Some(HostConfig {
            privileged: Some(true),
            mounts: Some(vec![data]),
            port_bindings: Some(HashMap::from([(PORT.to_owned(), Some(vec![published]))])),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

fn wait_until_up(user: &Daemon, name: &str, dir: &Path) -> Result<Daemon, EngineError> {
    let certificates = dir.join("certificates");
    let failed = |found: String| {
        let remedy = "see the lines above; --dind-image names another image, --engine host uses no engine inside";
        EngineError::new("starting an engine inside Docker", found, remedy)
    };
    fs::create_dir_all(&certificates).map_err(|e| failed(format!("{}: {e}", certificates.display())))?;
    let since = Moment::now();
    loop {
        let last = match connect(user, name, &certificates) {
            Ok(daemon) => return Ok(daemon),
            Err(error) => error,
        };
        let gone = !user.is_running(name)?;
        if gone || since.elapsed() > START_LIMIT {
            let how = if gone { "it ended".to_owned() } else { format!("no answer after {START_LIMIT:?} ({last})") };
            return Err(failed(format!("{how}; it said last:\n  {}", user.last_words(name, 6).join("\n  "))));
        }
        std::thread::sleep(POLL);
    }
}

/// A client of the inner engine, when that is as far.
fn connect(user: &Daemon, name: &str, certificates: &Path) -> Result<Daemon, EngineError> {
    let port = user.published_port(name, PORT)?;
    for file in ["ca.pem", "cert.pem", "key.pem"] {
        let to = certificates.join(file);
        let text = user.file(name, &format!("{FOR_CLIENTS}/{file}"))?;
        fs::write(&to, text).map_err(|e| EngineError::new(format!("writing {}", to.display()), e, ""))?;
    }
    let daemon = Daemon::new(&Endpoint::tls("127.0.0.1", port, certificates)?)?;
    daemon.ping()?;
    Ok(daemon)
}

impl Engine for DindEngine {
    fn describe(&self) -> String {
        format!(
            "an engine inside {} ({} with a volume of its own, empty for each chain, removed after it)",
            self.user.endpoint(),
            self.image
        )
    }

    fn endpoint(&mut self) -> Result<Endpoint, EngineError> {
        Ok(self.instance()?.daemon.endpoint().clone())
    }

    fn cold_kind(&self) -> ColdKind {
        ColdKind::Pristine
    }

    fn places(&self) -> Places {
        // Its volume lies where the user's engine keeps everything.
        Places::of(&self.user)
    }

    fn fingerprint(&mut self) -> Result<Fingerprint, EngineError> {
        let image = self.user.image_id(&self.image).unwrap_or_default();
        let places = self.places();
        let instance = self.instance()?;
        instance.daemon.require_buildkit()?;
        let mut facts = hardware::fingerprint(&places);
        facts.extend(instance.daemon.fingerprint()?);
        facts.insert(Property::Isolation, Isolation::Dind);
        facts.insert(Property::DindImage, image);
        Ok(facts)
    }

    fn resolve(&mut self, reference: &str, limit: Duration) -> Result<Resolved, EngineError> {
        let digest = self.instance()?.daemon.registry_digest(reference, limit)?;
        Ok(Resolved { digest, source: ImageSource::Registry })
    }

    fn fetch_bases(&mut self, _: &BTreeSet<String>, _: &Interrupt) -> Result<(), EngineError> {
        Ok(())
    }

    fn begin_chain(&mut self) -> Result<(), EngineError> {
        match &self.current {
            Some(instance) if instance.fresh => Ok(()),
            _ => {
                self.finish()?;
                self.current = Some(self.start()?);
                Ok(())
            }
        }
    }

    fn contents(&mut self) -> Result<CacheContents, EngineError> {
        self.instance()?.daemon.contents()
    }

    fn build(&mut self, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
        match self.instance() {
            Ok(instance) => {
                instance.fresh = false;
                build(instance.daemon.endpoint(), request, progress, interrupt)
            }
            Err(e) => not_built(&e),
        }
    }

    fn image(&mut self, id: &str) -> Result<ImageFacts, EngineError> {
        self.instance()?.daemon.image(id)
    }

    fn run_image(&mut self, id: &str, limit: Duration) -> Result<String, EngineError> {
        let run = self.run.clone();
        self.instance()?.daemon.run_image(&run, id, limit)
    }

    fn looker(&mut self, interrupt: &Interrupt) -> Result<Looker, EngineError> {
        let run = self.run.clone();
        Ok(Looker::new(&run, self.instance()?.daemon.endpoint(), interrupt))
    }

    fn end_chain(&mut self) -> Result<(), EngineError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        self.current.take().map_or(Ok(()), Instance::stop)
    }
}
