//! Registries inside a private engine's network namespace: one that serves a study's own base images, and a
//! pull-through cache, which asks its upstream once for what all the run's engines pull. Both are the distribution's
//! `docker-registry`; here are their configurations and the signs that they are up or gave up.

use super::logs::tail;
use crate::engine::engine_error::EngineError;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The registry that is asked for images without a registry in their name, when no other upstream is named.
pub const DOCKER_HUB: &str = "https://registry-1.docker.io";

/// Where the cache listens, or the next port if something of the study listens there.
const CACHE_PORT: u16 = 5001;

/// How long the cache may take to store what it has passed on.
const STORE_LIMIT: Duration = Duration::from_secs(600);
const STORE_POLL: Duration = Duration::from_millis(100);

/// A local registry to be served to the engine, inside its network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRegistry {
    /// Storage folder of a distribution registry; never written to.
    pub storage: PathBuf,
    /// Where it listens, e.g. `127.0.0.1:5000`.
    pub address: String,
}

/// A pull-through cache of a registry, for as long as a run lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryCache {
    /// Address of the registry that it asks, with `http://` or `https://`.
    pub upstream: String,
    /// Its storage folder, kept from one engine of the run to the next.
    pub storage: PathBuf,
}

/// The registries of an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registries {
    /// With a study's own base images.
    pub local: Option<LocalRegistry>,
    /// Of a registry elsewhere.
    pub cache: Option<RegistryCache>,
}

impl Registries {
    /// Whether the program `docker-registry` is needed.
    #[must_use]
    pub fn any(&self) -> bool {
        self.local.is_some() || self.cache.is_some()
    }

    /// Where the cache listens.
    fn cache_address(&self) -> String {
        let taken = self.local.as_ref().is_some_and(|local| local.address.ends_with(&format!(":{CACHE_PORT}")));
        format!("127.0.0.1:{}", if taken { CACHE_PORT + 1 } else { CACHE_PORT })
    }

    /// The mirror that the engine is to ask first.
    pub(super) fn mirror(&self) -> Option<String> {
        self.cache.as_ref().map(|_| format!("http://{}", self.cache_address()))
    }

    /// Writes the configuration files that `init.sh` looks for.
    pub(super) fn configure(&self, dir: &Path) -> Result<(), EngineError> {
        // Strings of YAML are those of JSON.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let write = |name: &str, storage: &Path, address: &str, more: &str, rest: &str| {
            let text = format!(
                "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}{more}}}\nhttp: {{addr: {}}}\n{rest}",
                quoted(&storage.to_string_lossy()),
                quoted(address)
            );
            let path = dir.join(name);
            fs::write(&path, text).map_err(|e| EngineError::new(format!("writing {}", path.display()), e, ""))
        };
        if let Some(local) = &self.local {
            let read_only = ", maintenance: {readonly: {enabled: true}}";
            write("registry.yml", &local.storage, &local.address, read_only, "")?;
        }
        if let Some(cache) = &self.cache {
            let proxy = format!("proxy: {{remoteurl: {}}}\n", quoted(&cache.upstream));
            write("registry-cache.yml", &cache.storage, &self.cache_address(), "", &proxy)?;
        }
        Ok(())
    }

    /// Whether all of them listen.
    ///
    /// # Errors
    /// With the last words of one that has given up.
    pub(super) fn up(&self, dir: &Path) -> Result<bool, EngineError> {
        let wanted = [
            self.local.as_ref().map(|local| {
                let what = format!("a local registry of {}", local.storage.display());
                ("registry.log", what, "make its folder anew, or name another one in the study")
            }),
            self.cache.as_ref().map(|cache| {
                let what = format!("a registry cache of {}", cache.upstream);
                ("registry-cache.log", what, "check its address, and that this machine reaches it")
            }),
        ];
        for (log, what, remedy) in wanted.into_iter().flatten() {
            let text = fs::read_to_string(dir.join(log)).unwrap_or_default();
            if text.contains("panic: ") || text.contains("level=fatal") || text.contains("level=panic") {
                let line = text.lines().rfind(|line| line.contains("panic") || line.contains("level=fatal"));
                return Err(EngineError::new(
                    format!("starting {what}"),
                    line.map_or_else(|| tail(&dir.join(log), 1).concat(), str::to_owned),
                    remedy,
                ));
            }
            if !text.contains("listening on ") {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Waits until a cache has stored all that it passed on: it does so beside the answer, and would be cut short.
pub(super) fn wait_until_stored(cache: &RegistryCache) {
    let (since, mut calm) = (Instant::now(), 0);
    while calm < 3 && since.elapsed() < STORE_LIMIT {
        calm = if uploads(&cache.storage.join("docker/registry/v2/repositories")) { 0 } else { calm + 1 };
        std::thread::sleep(STORE_POLL);
    }
}

/// Whether something is being stored in a folder of repositories.
fn uploads(dir: &Path) -> bool {
    let folders = fs::read_dir(dir).into_iter().flatten().flatten();
    folders.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).any(|entry| {
        if entry.file_name() == "_uploads" {
            fs::read_dir(entry.path()).is_ok_and(|mut inside| inside.next().is_some())
        } else {
            !entry.file_name().to_string_lossy().starts_with('_') && uploads(&entry.path())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(address: &str) -> Registries {
        Registries {
            local: Some(LocalRegistry { storage: "/a \"b\"".into(), address: address.to_owned() }),
            cache: Some(RegistryCache { upstream: "http://192.0.2.1:5000".to_owned(), storage: "/c".into() }),
        }
    }

    #[test]
    fn configurations_hold_what_was_given_and_ports_do_not_meet() {
        let dir = tempfile::tempdir().unwrap();
        both("127.0.0.1:5000").configure(dir.path()).unwrap();
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(read("registry.yml").contains(r#"rootdirectory: "/a \"b\""}, maintenance: {readonly"#));
        assert!(read("registry-cache.yml").contains(r#"proxy: {remoteurl: "http://192.0.2.1:5000"}"#));
        assert_eq!(both("127.0.0.1:5000").mirror().unwrap(), "http://127.0.0.1:5001");
        assert_eq!(both("127.0.0.1:5001").mirror().unwrap(), "http://127.0.0.1:5002");
        assert_eq!(Registries::default().mirror(), None);
    }

    #[test]
    fn a_registry_is_up_when_it_says_so_and_its_last_words_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let registries = both("127.0.0.1:5000");
        let say = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        assert!(Registries::default().up(dir.path()).unwrap());
        assert!(!registries.up(dir.path()).unwrap());
        say("registry.log", "level=info msg=\"listening on 127.0.0.1:5000\"\n");
        assert!(!registries.up(dir.path()).unwrap());
        say("registry-cache.log", "level=info msg=\"listening on 127.0.0.1:5001\"\n");
        assert!(registries.up(dir.path()).unwrap());
        say("registry-cache.log", "panic: no route to host\n\ngoroutine 1\n");
        let error = registries.up(dir.path()).unwrap_err().to_string();
        assert!(error.contains("a registry cache of http://192.0.2.1:5000: panic: no route to host"), "{error}");
    }

    #[test]
    fn what_is_being_stored_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join("library/busybox");
        fs::create_dir_all(repository.join("_layers/sha256")).unwrap();
        fs::create_dir_all(repository.join("_uploads")).unwrap();
        assert!(!uploads(dir.path()) && !uploads(Path::new("/nowhere/at/all")));
        fs::create_dir(repository.join("_uploads/1")).unwrap();
        assert!(uploads(dir.path()));
    }
}
