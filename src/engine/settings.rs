//! What a build is asked for beside its files: the options of `docker build` that change what is built.
//!
//! No debug text shows a value of a build argument or a secret.

use super::session::Secrets;
use std::collections::BTreeMap;
use std::fmt;

/// Options of a build.
#[derive(Clone, Default)]
pub struct BuildSettings {
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Stage to build; the last one if absent.
    pub target: Option<String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Platform to build for, e.g. `linux/arm64`; the engine's own if absent.
    pub platform: Option<String>,
    /// Network of RUN steps: `default`, `none` or `host`.
    pub network: Option<String>,
    /// Names that RUN steps know, each with its address.
    pub hosts: Vec<(String, String)>,
    /// Secrets that RUN steps may mount.
    pub secrets: Secrets,
}

impl fmt::Debug for BuildSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildSettings")
            .field("args", &self.args.keys())
            .field("target", &self.target)
            .field("labels", &self.labels)
            .field("platform", &self.platform)
            .field("network", &self.network)
            .field("hosts", &self.hosts)
            .field("secrets", &self.secrets)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_arguments_and_secrets_are_in_no_debug_text() {
        let settings = BuildSettings {
            args: BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]),
            secrets: [("npm".to_owned(), b"hunter3".to_vec())].into_iter().collect(),
            ..BuildSettings::default()
        };
        let text = format!("{settings:?}");
        assert!(text.contains("TOKEN") && text.contains("npm") && !text.contains("hunter"), "{text}");
    }
}
