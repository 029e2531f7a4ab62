//! What a private engine is configured with: its own places, and what it takes over from the machine's own engine.

use super::registry::Registries;
use crate::engine::engine_error::EngineError;
use crate::engine::machine::home::ANOTHER_HOME;
use crate::engine::machine::network::Network;
use crate::engine::machine::traces::cgroup_name;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;

/// Where the engine sees its folder `exec` (see `init.sh`).
const EXEC_ROOT: &str = "/run/layerbench";
/// Where it listens, in its folder.
pub(super) const SOCKET: &str = "engine.sock";

/// Keys of the machine's own `/etc/docker/daemon.json` that a private engine takes over: they decide what it can
/// reach and how it stores, not where.
const INHERITED: [&str; 8] = [
    "registry-mirrors",
    "insecure-registries",
    "dns",
    "dns-opts",
    "dns-search",
    "proxies",
    "storage-driver",
    "features",
];

/// Writes the configuration files of the engine and its registries. `stored`: its data-root is one that can be kept.
pub(super) fn configure(
    dir: &Path,
    name: &str,
    network: &Network,
    registries: &Registries,
    stored: bool,
) -> Result<(), EngineError> {
    let mut config: Map<String, Value> = fs::read_to_string("/etc/docker/daemon.json")
        .ok()
        .and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok())
        .unwrap_or_default();
    config.retain(|key, _| INHERITED.contains(&key.as_str()));
    let own = json!({
        "data-root": dir.join(if stored { "store/data" } else { "data" }),
        "exec-root": EXEC_ROOT,
        "hosts": [format!("unix://{}", dir.join(SOCKET).display())],
        "group": "root",
        "mtu": network.mtu,
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "cgroup-parent": format!("/{}", cgroup_name(name)),
        "builder": { "gc": { "enabled": false } },
    });
    if let Value::Object(own) = own {
        config.extend(own);
    }
    if let Some(mirror) = registries.mirror() {
        config.insert("registry-mirrors".to_owned(), json!([mirror]));
    }
    let containerd = config.get("features").and_then(|features| features.get("containerd-snapshotter"));
    if stored && containerd != Some(&Value::Bool(true)) {
        // On btrfs the engine would choose a driver of its own, and build differently. The containerd image store has
        // one driver everywhere, by another name.
        config.entry("storage-driver").or_insert_with(|| Value::from("overlay2"));
    }
    let text = serde_json::to_string_pretty(&config).map_err(|e| not_written(dir, &e))?;
    fs::write(dir.join("daemon.json"), text).map_err(|e| not_written(dir, &e))?;
    registries.configure(dir)
}

/// A file in the engine's folder that could not be written.
pub(super) fn not_written(dir: &Path, found: &dyn std::fmt::Display) -> EngineError {
    EngineError::new(format!("writing into {}", dir.display()), found, ANOTHER_HOME)
}
