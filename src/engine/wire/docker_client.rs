//! The installed docker client: which one it is, and what it can. `process` builds with it, `printed` reads what it says.

mod printed;
pub(super) mod process;

use crate::engine::engine_error::EngineError;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The first buildx that prints its trace as JSON.
const JSON_SINCE: (u32, u32) = (0, 13);
/// The first docker client that builds with nothing but buildx.
const BUILDX_SINCE: u32 = 23;

/// An installed docker client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerClient {
    version: String,
    buildx: Option<String>,
    json: bool,
    /// Where a context stands while it is built, so that to the client all states are one folder.
    place: PathBuf,
}

impl DockerClient {
    /// Looks at the docker client on the `PATH`. Contexts are moved to `place` while they are built.
    ///
    /// # Errors
    /// When there is none, or it cannot build with BuildKit.
    pub fn find(place: &Path) -> Result<Self, EngineError> {
        let said = |arguments: &[&str]| {
            let output = Command::new("docker").args(arguments).stdin(Stdio::null()).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let failed = |found: &str, remedy: &str| EngineError::new("the docker client", found, remedy);
        let line = said(&["--version"]).ok_or_else(|| failed("not on the PATH", "install the package docker-cli"))?;
        let version = number_in(&line).ok_or_else(|| failed(&format!("says {line:?}"), "is it Docker's?"))?;
        // Older clients build by themselves, even where they have the plugin.
        let with_buildx = leading(&version).0 >= BUILDX_SINCE;
        let buildx = if with_buildx { said(&["buildx", "version"]).and_then(|line| number_in(&line)) } else { None };
        if with_buildx && buildx.is_none() {
            let remedy = "install buildx (package docker-buildx), or use a client older than 23.0";
            return Err(failed(&format!("{version} has no buildx, without which it cannot use BuildKit"), remedy));
        }
        let json = buildx.as_deref().is_some_and(|version| leading(version) >= JSON_SINCE);
        Ok(Self { version, buildx, json, place: place.to_owned() })
    }

    /// One that nobody has installed, for engines that build nothing.
    pub(in crate::engine) fn made_up(place: &Path) -> Self {
        Self { version: "0.0.0".to_owned(), buildx: None, json: false, place: place.to_owned() }
    }

    /// The client in a few words, for records.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.buildx {
            Some(buildx) => format!("docker {} with buildx {buildx}", self.version),
            None => format!("docker {}", self.version),
        }
    }
}

/// `26.1.5` in `Docker version 26.1.5+dfsg1, build 411e817`.
fn number_in(line: &str) -> Option<String> {
    let word = line
        .split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))?;
    Some(word.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect())
}

fn leading(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_the_programs_say() {
        for (line, version) in [
            ("Docker version 26.1.5+dfsg1, build 411e817", Some("26.1.5")),
            ("github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3", Some("0.13.1")),
            ("github.com/docker/buildx v0.29.1 abc", Some("0.29.1")),
            ("no number", None),
        ] {
            assert_eq!(number_in(line).as_deref(), version, "{line}");
        }
        assert!(leading("0.13.1") >= JSON_SINCE && leading("0.12.9") < JSON_SINCE);
    }
}
