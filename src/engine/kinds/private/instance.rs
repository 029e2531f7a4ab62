//! One private engine from its start to its end, with all that it leaves on the machine.

use super::checkpoints::{self, Keeping};
use super::configuration::{SOCKET, configure};
use super::init_process::{InitProcess, Order};
use super::logs::tail;
use super::registry::Registries;
use crate::engine::engine_error::EngineError;
use crate::engine::machine::claimed::{Claim, Remains};
use crate::engine::machine::network::Network;
use crate::engine::machine::places::{Folder, Places};
use crate::engine::machine::traces::cgroup_name;
use crate::engine::wire::daemon::Daemon;
use crate::engine::wire::endpoint::Endpoint;
use crate::model::ChainKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Moment};

/// How long a new engine may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often a starting engine is asked.
const POLL: Duration = Duration::from_millis(20);

/// One running engine. What it is made of goes in this order.
pub(super) struct Instance {
    init: InitProcess,
    pub(super) daemon: Daemon,
    /// Nothing was built on it yet.
    pub(super) fresh: bool,
    /// How its state can be kept; `None` when it is thrown away after each chain.
    pub(super) keeping: Option<Keeping>,
    remains: Claim,
}

impl Instance {
    /// Starts an engine of this name, and waits until it answers.
    pub(super) fn start(
        home: &Path,
        name: &str,
        registries: &Registries,
        chain: ChainKind,
    ) -> Result<Self, EngineError> {
        let network = Network::plan(name)?;
        let link = network.link.as_ref().map(|link| (link.name.as_str(), link.table.as_str()));
        // Whatever fails from here on: dropping the claim undoes what was done.
        let mut remains = Claim::make(home, Remains::of_private(name, link))?;
        let dir = remains.dir().to_path_buf();
        let keeping = match chain {
            ChainKind::Article => None,
            ChainKind::Checkpoint => Some(checkpoints::prepare(&dir)?),
        };
        configure(&dir, remains.name(), &network, registries, keeping.is_some())?;
        let mut init = InitProcess::start(&dir)?;
        let up = remains.note_process(init.id()).and_then(|()| network.up(init.id(), &mut remains)).and_then(|()| {
            init.greet(&network.greeting());
            wait_until_up(&mut init, &dir, registries)
        });
        match up {
            Ok(daemon) => Ok(Self { init, daemon, fresh: true, keeping, remains }),
            // What failed without it says less than what it said itself.
            Err(error) => Err(if init.end() { not_started("it ended", &dir) } else { error }),
        }
    }

    /// Stops the engine, changes its data-root, and starts it again.
    pub(super) fn with_engine_stopped(&mut self, change: Order<'_>) -> Result<(), EngineError> {
        for order in [Order::Stop, change, Order::Start] {
            self.init.obey(order)?;
        }
        self.daemon = wait_until_up(&mut self.init, self.remains.dir(), &Registries::default())?;
        Ok(())
    }

    /// Where its things are on this machine.
    pub(super) fn places(&self) -> Places {
        let dir = self.remains.dir();
        let mut folders = vec![Folder::of_engine("the engine's data-root", dir)];
        if self.keeping == Some(Keeping::Snapshots) {
            // The image file is mounted inside the engine's namespace only.
            let inside = PathBuf::from(format!("/proc/{}/root", self.init.id()));
            let store = dir.strip_prefix("/").unwrap_or(dir).join("store");
            folders.push(Folder::of_engine("the engine's checkpoints", inside.join(store)));
        }
        Places { folders, cgroups: vec![cgroup_name(self.remains.name())] }
    }

    /// Ends every process of the engine and undoes all that it left.
    pub(super) fn stop(mut self) -> Result<(), EngineError> {
        self.init.end();
        self.remains.undo()
    }
}

fn wait_until_up(init: &mut InitProcess, dir: &Path, registries: &Registries) -> Result<Daemon, EngineError> {
    let endpoint = Endpoint::unix(&dir.join(SOCKET));
    let since = Moment::now();
    loop {
        let ready = || Daemon::new(&endpoint).ok().filter(|daemon| daemon.ping().is_ok());
        if registries.up(dir)?
            && let Some(daemon) = ready()
        {
            return Ok(daemon);
        }
        let gone = init.has_ended();
        if gone || since.elapsed() > START_LIMIT || engine_gave_up(dir) {
            let ended = gone || engine_gave_up(dir);
            let how = if ended { "it ended".to_owned() } else { format!("no answer after {START_LIMIT:?}") };
            return Err(not_started(&how, dir));
        }
        std::thread::sleep(POLL);
    }
}

/// An engine that did not come up, with the last words of all that it is made of.
fn not_started(how: &str, dir: &Path) -> EngineError {
    let logs = ["init.log", "init.err", "dockerd.log", "registry.log", "registry-cache.log"];
    let said = logs.map(|log| tail(&dir.join(log), 4)).concat().join("\n  ");
    EngineError::new(
        "starting a private engine",
        format!("{how}; it said last:\n  {}", if said.is_empty() { "nothing" } else { &said }),
        "see the lines above; --engine host uses an engine that runs already",
    )
}

/// The engine's own last words before it exits.
fn engine_gave_up(dir: &Path) -> bool {
    tail(&dir.join("dockerd.log"), 2)
        .iter()
        .any(|line| line.starts_with("failed to start") || line.contains("unable to configure the Docker daemon"))
}
