//! What a build is asked for beside its files: the options of `docker build` that change what is built.
//!
//! No debug text shows a value of a build argument or a secret.

use super::session::Secrets;
use bollard::query_parameters::BuildImageOptionsBuilder;
use std::collections::{BTreeMap, HashMap};
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

impl BuildSettings {
    /// Puts all but the secrets, which go over the session, and the hosts into a request.
    pub(super) fn applied_to(&self, mut request: BuildImageOptionsBuilder) -> BuildImageOptionsBuilder {
        request = request.buildargs(&borrowed(&self.args));
        if !self.labels.is_empty() {
            request = request.labels(&borrowed(&self.labels));
        }
        if let Some(target) = &self.target {
            request = request.target(target);
        }
        if let Some(platform) = &self.platform {
            request = request.platform(platform);
        }
        if let Some(network) = &self.network {
            request = request.networkmode(network);
        }
        request
    }

    /// The hosts as a part of a query. The engine wants the key once for each, which bollard cannot write.
    pub(super) fn hosts_query(&self) -> String {
        let host =
            |(name, address): &(String, String)| format!("&extrahosts={}", escaped(&format!("{name}:{address}")));
        self.hosts.iter().map(host).collect()
    }
}

fn borrowed(map: &BTreeMap<String, String>) -> HashMap<&str, &str> {
    map.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()
}

/// Percent-encoded, but for what needs it nowhere.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
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

    #[test]
    fn hosts_are_written_one_by_one() {
        let hosts = vec![("a".to_owned(), "10.0.0.1".to_owned()), ("b.c".to_owned(), "::1".to_owned())];
        let settings = BuildSettings { hosts, ..BuildSettings::default() };
        assert_eq!(settings.hosts_query(), "&extrahosts=a%3A10.0.0.1&extrahosts=b.c%3A%3A%3A1");
    }
}
