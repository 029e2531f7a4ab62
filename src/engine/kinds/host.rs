//! The user's own engine. Cold is of kind *warm base*: the layer cache is bypassed, and cache mounts have a namespace
//! of their own. What the run made is removed afterwards, by id; what was there before is never touched.
//!
//! What the run makes is written down as it is made, so that an interrupted run can be cleaned up later.

mod ledger;
mod removal;

use super::base_images;
use crate::engine::answers::{CacheContents, ImageFacts, ImageSource, Resolved};
use crate::engine::contract::Engine;
use crate::engine::engine_error::EngineError;
use crate::engine::interrupt::Interrupt;
use crate::engine::machine::hardware;
use crate::engine::machine::places::Places;
use crate::engine::wire::build_request::BuildRequest;
use crate::engine::wire::daemon::Daemon;
use crate::engine::wire::endpoint::Endpoint;
use crate::engine::wire::looker::{Looker, remove_containers};
use crate::engine::wire::outcomes::not_built;
use crate::engine::wire::timed_build::build;
use crate::model::{ColdKind, Fingerprint, Isolation, NoProgress, Outcome, Progress, Property};
use ledger::Ledger;
pub use removal::clean;
use removal::{LET_GO, POLL, records_of_broken_build, remove_made};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// The build argument by which BuildKit's Dockerfile frontend gives cache mounts a namespace.
const MOUNT_NAMESPACE: &str = "BUILDKIT_CACHE_MOUNT_NS";

/// How long an engine's contents must stay the same for a broken build to count as over.
const SETTLE: Duration = Duration::from_millis(500);

/// After this long, what is still in use is used by other clients.
const OTHERS: Duration = Duration::from_secs(1);

/// An engine that belongs to the user.
pub struct HostEngine {
    run: String,
    daemon: Daemon,
    chain: u32,
    ledger: Ledger,
    places: Places,
    /// Everything on it may be removed: only a remote engine, and only when that was said of its very address.
    may_empty: bool,
    /// Images were looked into: containers of the run may be left.
    looked: bool,
}

impl HostEngine {
    /// Connects, and looks at what is there. What the run makes is written down in a home.
    ///
    /// # Errors
    /// When nobody answers, the engine is too old, or what the run makes could not be written down.
    pub fn new(home: &Path, run: &str, endpoint: &Endpoint) -> Result<Self, EngineError> {
        let daemon = Daemon::new(endpoint)?;
        daemon.ping().map_err(|e| EngineError { remedy: remedy(&e.found).to_owned(), ..e })?;
        daemon.require_buildkit()?;
        let ledger = Ledger::open(home, run, endpoint)?;
        let places = Places::of(&daemon);
        Ok(Self { run: run.to_owned(), daemon, chain: 0, ledger, places, may_empty: false, looked: false })
    }

    /// Takes the engine for one that may be emptied: before each chain all its images and its whole build cache are
    /// removed, whoever made them. Gives how many of each there are now. Containers, volumes and networks are never
    /// touched: an engine that holds a container is in use, and refused.
    ///
    /// # Errors
    /// When it holds a container, or is the machine's own engine under another address.
    pub fn let_it_be_emptied(&mut self) -> Result<(usize, usize), EngineError> {
        let refused = |found: &str, remedy: &str| {
            let what = format!("the engine at {}, which may be emptied", self.daemon.endpoint());
            EngineError::new(what, found, remedy)
        };
        // What the docker client uses without being told otherwise, as far as it is reached by a socket of this machine.
        let usual = [Ok(Endpoint::unix(Path::new("/var/run/docker.sock"))), Endpoint::from_environment()];
        let sockets = usual.into_iter().flatten().filter(|endpoint| endpoint.to_string().starts_with("unix://"));
        let mut own = sockets.filter_map(|endpoint| Daemon::new(&endpoint).ok()?.id());
        let id = self.daemon.id();
        if own.any(|own| Some(own) == id) {
            return Err(refused(
                "it is this machine's own engine",
                "leave out --may-empty: the machine's own engine is never emptied",
            ));
        }
        self.refuse_containers()?;
        let contents = self.daemon.contents()?;
        self.may_empty = true;
        Ok((contents.images.len(), contents.records.len()))
    }

    fn refuse_containers(&self) -> Result<(), EngineError> {
        let containers = self.daemon.count_containers()?;
        if containers == 0 {
            return Ok(());
        }
        Err(EngineError::new(
            format!("the engine at {}, which may be emptied", self.daemon.endpoint()),
            format!("it holds containers ({containers}), so it is in use"),
            "remove them yourself if nobody needs them, or leave out --may-empty",
        ))
    }

    /// Removes all images and the whole build cache.
    fn empty(&mut self) -> Result<(), EngineError> {
        self.refuse_containers()?;
        self.daemon.remove_images_and_cache()?;
        let left = self.daemon.contents()?;
        if left.images.is_empty() && left.records.is_empty() {
            return Ok(());
        }
        Err(EngineError::new(
            format!("emptying the engine at {}", self.daemon.endpoint()),
            format!("{} images and {} build cache records are still there", left.images.len(), left.records.len()),
            "somebody else uses it; leave out --may-empty",
        ))
    }

    /// What the engine calls itself, if it says: the same under all its addresses.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.daemon.id()
    }

    /// Builds, and writes down what that made, for this chain or for the whole run.
    fn build_noting(
        &mut self,
        request: &BuildRequest,
        progress: &dyn Progress,
        interrupt: &Interrupt,
        whole_run: bool,
    ) -> Outcome {
        let before = match self.note_broken().and_then(|()| self.daemon.contents()) {
            Ok(before) => before,
            Err(e) => return not_built(&e),
        };
        self.ledger.entry.in_flight = Some(before.clone());
        self.ledger.made(whole_run).tags.insert(request.tag.clone());
        if let Err(e) = self.ledger.save() {
            self.ledger.entry.in_flight = None;
            return not_built(&e);
        }
        let outcome = build(self.daemon.endpoint(), request, progress, interrupt);
        if outcome.result.is_err() {
            // An engine that dies in the middle of a build lets go of nothing: that is all that is known of its end.
            self.ledger.entry.broke_after = Some(outcome.seconds.get());
            self.settle();
        }
        match self.note(&before, &outcome, whole_run) {
            Ok(()) => outcome,
            // It is no sample anyway, and has its own reason. What it made is for `clean` to find.
            Err(_) if outcome.result.is_err() => {
                let _ = self.ledger.save();
                outcome
            }
            // Without knowing what was made, the sample is worth nothing.
            Err(e) => not_built(&e),
        }
    }

    /// A build that broke off goes on in the engine for a moment: waits until what it holds does not change any more.
    fn settle(&self) {
        let since = Instant::now();
        let mut last = None;
        while since.elapsed() < LET_GO {
            let now = self.daemon.contents().ok();
            if now.as_ref().is_some_and(|now| !now.busy) && now == last {
                return;
            }
            last = now;
            std::thread::sleep(SETTLE);
        }
    }

    /// Writes down what a build made whose engine could not be asked when it broke off.
    fn note_broken(&mut self) -> Result<(), EngineError> {
        let Some(before) = &self.ledger.entry.in_flight else { return Ok(()) };
        let records = records_of_broken_build(&self.daemon, before, self.ledger.entry.broke_after)?;
        self.ledger.made(false).records.extend(records);
        (self.ledger.entry.in_flight, self.ledger.entry.broke_after) = (None, None);
        Ok(())
    }

    /// Records that were not there before and that no build uses any more.
    fn let_go(&self, before: &CacheContents) -> Result<Vec<String>, EngineError> {
        self.daemon.lives()?;
        let since = Instant::now();
        loop {
            let mut new = self.daemon.cache_records()?;
            new.retain(|record| !before.records.contains(&record.id));
            if new.iter().all(|record| !record.in_use) || since.elapsed() > OTHERS {
                return Ok(new.into_iter().filter(|record| !record.in_use).map(|record| record.id).collect());
            }
            std::thread::sleep(POLL);
        }
    }

    /// Other clients may have built meanwhile: the image is the one that the build gave, and records that are still in use
    /// are theirs. Which of the others are theirs cannot be seen.
    fn note(&mut self, before: &CacheContents, outcome: &Outcome, whole_run: bool) -> Result<(), EngineError> {
        let new = self.let_go(before)?;
        let made = self.ledger.made(whole_run);
        made.records.extend(new);
        made.images.extend(outcome.image_id.iter().filter(|image| !before.images.contains(*image)).cloned());
        (self.ledger.entry.in_flight, self.ledger.entry.broke_after) = (None, None);
        self.ledger.save()
    }
}

/// What helps with an engine that cannot be asked.
fn remedy(found: &str) -> &'static str {
    let found = found.to_lowercase();
    if found.contains("permission denied") {
        "this user may not use that socket: become a member of the group that may (docker), or run this as root"
    } else if found.contains("certificate") {
        "DOCKER_CERT_PATH must hold the ca.pem that the engine's certificate was made with, and cert.pem and key.pem for it"
    } else {
        "start Docker, or name another engine with --engine or DOCKER_HOST"
    }
}

impl Engine for HostEngine {
    fn describe(&self) -> String {
        let removed = if self.may_empty { "ALL its images and build cache are" } else { "only what this run makes is" };
        format!("the engine at {} ({removed} removed)", self.daemon.endpoint())
    }

    fn endpoint(&mut self) -> Result<Endpoint, EngineError> {
        Ok(self.daemon.endpoint().clone())
    }

    fn cold_kind(&self) -> ColdKind {
        if self.may_empty { ColdKind::Pristine } else { ColdKind::WarmBase }
    }

    fn fingerprint(&mut self) -> Result<Fingerprint, EngineError> {
        // Of an engine elsewhere, this machine says nothing.
        let here = self.daemon.endpoint().is_local();
        let mut facts = if here { hardware::fingerprint(&self.places) } else { Fingerprint::default() };
        facts.extend(self.daemon.fingerprint()?);
        let isolation = if self.may_empty { Isolation::Emptied } else { Isolation::Host };
        facts.insert(Property::Isolation, isolation);
        Ok(facts)
    }

    fn resolve(&mut self, reference: &str, limit: Duration) -> Result<Resolved, EngineError> {
        match self.daemon.registry_digest(reference, limit) {
            Ok(digest) => Ok(Resolved { digest, source: ImageSource::Registry }),
            Err(error) => {
                let digest = self.daemon.image_id(reference).ok_or(error)?;
                Ok(Resolved { digest, source: ImageSource::Local })
            }
        }
    }

    fn places(&self) -> Places {
        self.places.clone()
    }

    fn fetch_bases(&mut self, references: &BTreeSet<String>, interrupt: &Interrupt) -> Result<(), EngineError> {
        for (number, reference) in references.iter().enumerate() {
            let request = base_images::request(&self.run, number, reference);
            let outcome = self.build_noting(&request, &NoProgress, interrupt, true);
            base_images::fetched(reference, outcome)?;
        }
        Ok(())
    }

    fn begin_chain(&mut self) -> Result<(), EngineError> {
        self.chain += 1;
        if self.may_empty { self.empty() } else { Ok(()) }
    }

    fn contents(&mut self) -> Result<CacheContents, EngineError> {
        self.daemon.contents()
    }

    fn build(&mut self, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
        if self.may_empty {
            return self.build_noting(request, progress, interrupt, false);
        }
        let mut request = request.clone();
        request.settings.args.insert(MOUNT_NAMESPACE.to_owned(), format!("layerbench-{}-{}", self.run, self.chain));
        self.build_noting(&request, progress, interrupt, false)
    }

    fn image(&mut self, id: &str) -> Result<ImageFacts, EngineError> {
        self.daemon.image(id)
    }

    fn run_image(&mut self, id: &str, limit: Duration) -> Result<String, EngineError> {
        self.daemon.run_image(&self.run, id, limit)
    }

    fn looker(&mut self, interrupt: &Interrupt) -> Result<Looker, EngineError> {
        // The ledger names this run, and its containers carry the name.
        self.looked = true;
        Ok(Looker::new(&self.run, self.daemon.endpoint(), interrupt))
    }

    fn end_chain(&mut self) -> Result<(), EngineError> {
        let made = std::mem::take(self.ledger.made(false));
        let removed = remove_made(&self.daemon, &made);
        if removed.is_err() {
            *self.ledger.made(false) = made;
        }
        self.ledger.save()?;
        removed
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        self.note_broken()?;
        if self.looked {
            self.daemon.lives()?;
            remove_containers(&self.daemon, &self.run)?;
        }
        self.end_chain()?;
        remove_made(&self.daemon, self.ledger.made(true))?;
        self.ledger.close();
        Ok(())
    }
}

impl Drop for HostEngine {
    fn drop(&mut self) {
        if !self.ledger.closed {
            let _ = self.finish();
        }
    }
}
