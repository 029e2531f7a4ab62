//! What is known of an engine and its machine, as far as it can change the time of a build or what sizes mean.

use super::isolation::Isolation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What stands in a fingerprint, and for people, in place of something that could not be found out.
pub const UNKNOWN: &str = "unknown";

/// What a fingerprint calls the client if this program made the builds itself.
pub const OWN_CLIENT: &str = "layerbench";

/// Something that a fingerprint tells of an engine or its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// Version of the engine's API.
    Api,
    /// Architecture of the machine, in Go's words.
    Architecture,
    /// File system that the engine's files lie on.
    BackingFilesystem,
    /// Version of BuildKit.
    BuildKit,
    /// Driver of the engine's control groups.
    CgroupDriver,
    /// Version of the machine's control groups.
    CgroupVersion,
    /// How checkpoints are kept, where there are some.
    Checkpoints,
    /// What asked the engine for builds; [`OWN_CLIENT`] without a client's process.
    Client,
    /// Version of containerd.
    Containerd,
    /// Number of processors that the engine may use.
    Cpus,
    /// Id of the image that an engine in a container was started from.
    DindImage,
    /// Version of the engine itself.
    EngineVersion,
    /// What decides the frequency of the processors.
    Governor,
    /// How the engine keeps images: see [`Fingerprint::image_store`].
    ImageStore,
    /// How it is kept apart: see [`Fingerprint::isolation`].
    Isolation,
    /// Version of the kernel.
    Kernel,
    /// Bytes of memory.
    Memory,
    /// Name of the operating system.
    OperatingSystem,
    /// Model of the processors.
    Processor,
    /// The registry that a pull-through cache of the run stands before.
    RegistryCache,
    /// Version of runc.
    Runc,
    /// Storage driver, or the snapshotter in place of one.
    StorageDriver,
}

impl Property {
    /// Its key in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Architecture => "architecture",
            Self::BackingFilesystem => "backing_filesystem",
            Self::BuildKit => "buildkit",
            Self::CgroupDriver => "cgroup_driver",
            Self::CgroupVersion => "cgroup_version",
            Self::Checkpoints => "checkpoints",
            Self::Client => "client",
            Self::Containerd => "containerd",
            Self::Cpus => "cpus",
            Self::DindImage => "dind_image",
            Self::EngineVersion => "engine",
            Self::Governor => "governor",
            Self::ImageStore => "image_store",
            Self::Isolation => "isolation",
            Self::Kernel => "kernel",
            Self::Memory => "memory_bytes",
            Self::OperatingSystem => "operating_system",
            Self::Processor => "processor",
            Self::RegistryCache => "registry_cache",
            Self::Runc => "runc",
            Self::StorageDriver => "storage_driver",
        }
    }
}

/// How an engine keeps images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageStore {
    /// In that of containerd: what builds share is kept by digest, in one driver everywhere.
    Containerd,
    /// In the engine's own storage driver.
    GraphDriver,
}

impl ImageStore {
    /// The word for records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::GraphDriver => "graphdriver",
        }
    }
}

/// Properties of an engine and its machine, each as text.
///
/// Written and shown in the order of their keys. What another version recorded besides, or as something else than text,
/// is kept and written back, and answers no question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Map<String, Value>);

impl Fingerprint {
    /// What is known of a property.
    #[must_use]
    pub fn get(&self, property: Property) -> Option<&str> {
        self.0.get(property.as_str()).and_then(Value::as_str)
    }

    /// What is known of a property, for people.
    #[must_use]
    pub fn shown(&self, property: Property) -> &str {
        self.get(property).unwrap_or(UNKNOWN)
    }

    /// Adds what is known of a property, in place of what was.
    pub fn insert(&mut self, property: Property, text: impl Into<String>) {
        self.0.insert(property.as_str().to_owned(), Value::String(text.into()));
    }

    /// Adds all that another one knows, in place of what was.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How the engine is kept apart.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.get(Property::Isolation).unwrap_or_default().into()
    }

    /// How the engine keeps images, if this version knows the way.
    #[must_use]
    pub fn image_store(&self) -> Option<ImageStore> {
        let word = self.get(Property::ImageStore)?;
        [ImageStore::Containerd, ImageStore::GraphDriver].into_iter().find(|store| store.as_str() == word)
    }

    /// The installed client that made the builds; nothing if this program made them itself.
    #[must_use]
    pub fn installed_client(&self) -> Option<&str> {
        self.get(Property::Client).filter(|client| ![UNKNOWN, OWN_CLIENT].contains(client))
    }
}

impl<T: Into<String>> FromIterator<(Property, T)> for Fingerprint {
    fn from_iter<I: IntoIterator<Item = (Property, T)>>(properties: I) -> Self {
        let mut all = Self::default();
        properties.into_iter().for_each(|(property, text)| all.insert(property, text));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_version_recorded_is_written_back_and_answers_nothing() {
        let text = r#"{"a_new_one":"x","cpus":2,"engine":"28.5","image_store":"attic","isolation":"jail","zeal":null}"#;
        let read: Fingerprint = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!((read.get(Property::EngineVersion), read.get(Property::Cpus)), (Some("28.5"), None));
        assert_eq!(read.shown(Property::Cpus), "unknown");
        assert_eq!((read.image_store(), read.isolation()), (None, Isolation::Other("jail".to_owned())));
        assert!(serde_json::from_str::<Fingerprint>(r#""engine""#).is_err());
    }

    #[test]
    fn properties_are_written_in_the_order_of_their_keys() {
        let mut all = Fingerprint::from_iter([(Property::StorageDriver, "overlay2"), (Property::EngineVersion, "1")]);
        all.extend(Fingerprint::from_iter([(Property::Client, "docker 28"), (Property::EngineVersion, "2")]));
        let text = r#"{"client":"docker 28","engine":"2","storage_driver":"overlay2"}"#;
        assert_eq!(serde_json::to_string(&all).unwrap(), text);
    }

    #[test]
    fn only_another_program_is_an_installed_client() {
        let built_by = |client: &str| Fingerprint::from_iter([(Property::Client, client)]);
        assert_eq!(built_by("docker 28.5").installed_client(), Some("docker 28.5"));
        for none in [built_by("layerbench"), built_by("unknown"), Fingerprint::default()] {
            assert_eq!(none.installed_client(), None);
        }
    }
}
