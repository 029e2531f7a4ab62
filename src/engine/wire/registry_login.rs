//! How the user logs in to registries, as `docker login` left it: `config.json` and credential helpers.
//!
//! Read only when an engine asks for a login, each time anew, as the docker client does. What is found is given to
//! that engine and to nobody else: no message and no debug text contains a value.

use super::session::{Credential, Lookup, LookupError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The name under which Docker Hub's login is kept.
const HUB: &str = "https://index.docker.io/v1/";

/// What a helper says when it knows no login; no error.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user's logins.
#[derive(Clone, Debug)]
pub struct RegistryLogin {
    file: PathBuf,
}

#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    auths: HashMap<String, Entry>,
    #[serde(default, rename = "credsStore")]
    store: String,
    #[serde(default, rename = "credHelpers")]
    helpers: HashMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Entry {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default, rename = "identitytoken")]
    identity_token: String,
}

/// A helper's answer.
#[derive(Deserialize)]
struct Answer {
    #[serde(default, rename = "Username")]
    username: String,
    #[serde(default, rename = "Secret")]
    secret: String,
}

impl RegistryLogin {
    /// Those of the user of this process: in `DOCKER_CONFIG`, or `~/.docker`.
    #[must_use]
    pub fn of_user() -> Self {
        let given = std::env::var_os("DOCKER_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker"));
        Self { file: given.or_else(home).unwrap_or_default().join("config.json") }
    }

    /// Those in a file.
    #[must_use]
    pub fn in_file(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }

    /// The login for an image's registry, in the form that bollard sends.
    ///
    /// # Errors
    /// As [`Lookup::find`].
    pub async fn for_image(&self, reference: &str) -> Result<Option<DockerCredentials>, LookupError> {
        let full = crate::project::dockerfile::normalize(reference);
        let host = full.split('/').next().unwrap_or_default();
        let found = self.find(if host == "docker.io" { HUB } else { host }).await?;
        let mut given = DockerCredentials { serveraddress: Some(host.to_owned()), ..DockerCredentials::default() };
        match found {
            None => return Ok(None),
            Some(Credential::Login { user, password }) => {
                given.username = Some(user);
                given.password = Some(password);
            }
            Some(Credential::IdentityToken(token)) => given.identitytoken = Some(token),
        }
        Ok(Some(given))
    }

    fn read(&self) -> Result<Config, LookupError> {
        let text = match std::fs::read(&self.file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
            Err(e) => return Err(LookupError(format!("{}: {e}", self.file.display()))),
        };
        // The parser's own words may quote what is in the file.
        serde_json::from_slice(&text).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            LookupError(format!(
                "{}:{line}:{column}: not as the docker client writes it; run docker login again",
                self.file.display()
            ))
        })
    }
}

#[tonic::async_trait]
impl Lookup for RegistryLogin {
    async fn find(&self, host: &str) -> Result<Option<Credential>, LookupError> {
        let key = if matches!(host, "registry-1.docker.io" | "docker.io" | "index.docker.io") { HUB } else { host };
        let config = self.read()?;
        let helper = config.helpers.get(key).unwrap_or(&config.store);
        if helper.is_empty() { stored(&config, key) } else { ask(helper, key).await }
    }
}

/// From the file itself, under the name or under an address of the same host.
fn stored(config: &Config, key: &str) -> Result<Option<Credential>, LookupError> {
    let same_host = || config.auths.iter().find(|(name, _)| host_of(name) == host_of(key)).map(|(_, entry)| entry);
    let Some(entry) = config.auths.get(key).or_else(same_host) else { return Ok(None) };
    if !entry.identity_token.is_empty() {
        return Ok(Some(Credential::IdentityToken(entry.identity_token.clone())));
    }
    if entry.auth.is_empty() {
        let login = Credential::Login { user: entry.username.clone(), password: entry.password.clone() };
        return Ok((!entry.username.is_empty()).then_some(login));
    }
    let wrong = || LookupError(format!("the login for {key} in config.json cannot be read; run docker login again"));
    let text = STANDARD.decode(&entry.auth).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(wrong)?;
    let (user, password) = text.split_once(':').ok_or_else(wrong)?;
    let password = password.trim_matches('\0').to_owned();
    Ok(Some(Credential::Login { user: user.to_owned(), password }))
}

/// As the docker client compares names: without a scheme, and without what follows the host.
fn host_of(name: &str) -> &str {
    let name = name.strip_prefix("http://").or_else(|| name.strip_prefix("https://")).unwrap_or(name);
    name.split('/').next().unwrap_or_default()
}

/// Asks a credential helper.
async fn ask(helper: &str, key: &str) -> Result<Option<Credential>, LookupError> {
    ask_program(&mut Command::new(format!("docker-credential-{helper}")), helper, key).await
}

async fn ask_program(program: &mut Command, helper: &str, key: &str) -> Result<Option<Credential>, LookupError> {
    let failed =
        |e: &dyn fmt::Display| LookupError(format!("asking docker-credential-{helper} for the login for {key}: {e}"));
    let mut child = program
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed(&e))?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read its input says why with its exit.
        let _ = input.write_all(key.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(|e| failed(&e))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return if said.trim() == NOT_FOUND { Ok(None) } else { Err(failed(&output.status)) };
    }
    let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|_| failed(&"its answer cannot be read"))?;
    Ok(match answer.username.as_str() {
        _ if answer.secret.is_empty() => None,
        "<token>" => Some(Credential::IdentityToken(answer.secret)),
        _ => Some(Credential::Login { user: answer.username, password: answer.secret }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    async fn found(config: &str, host: &str) -> Result<Option<Credential>, LookupError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        std::fs::write(&file, config).unwrap();
        RegistryLogin::in_file(&file).find(host).await
    }

    fn login(user: &str, password: &str) -> Option<Credential> {
        Some(Credential::Login { user: user.to_owned(), password: password.to_owned() })
    }

    #[tokio::test]
    async fn logins_are_found_as_the_docker_client_finds_them() {
        // me:pass:word
        let config = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "bWU6cGFzczp3b3Jk"},
            "https://quay.io/v2/": {"username": "q", "password": "p"},
            "ghcr.io": {"auth": "bWU6", "identitytoken": "tok"}}, "HttpHeaders": {"a": "b"}}"#;
        assert_eq!(found(config, "registry-1.docker.io").await, Ok(login("me", "pass:word")));
        assert_eq!(found(config, "quay.io").await, Ok(login("q", "p")));
        assert_eq!(found(config, "ghcr.io").await, Ok(Some(Credential::IdentityToken("tok".into()))));
        assert_eq!(found(config, "example.com").await, Ok(None));
        assert_eq!(RegistryLogin::in_file(Path::new("/nowhere/config.json")).find("ghcr.io").await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_file_is_said_without_its_values() {
        let wrong = found(r#"{"auths": {"ghcr.io": {"auth": ["hunter2"]}}}"#, "ghcr.io").await.unwrap_err();
        assert!(wrong.0.contains("config.json:1:") && !wrong.0.contains("hunter2"), "{wrong}");
        let wrong = found(r#"{"auths": {"ghcr.io": {"auth": "hunter2"}}}"#, "ghcr.io").await.unwrap_err();
        assert!(wrong.0.contains("docker login") && !wrong.0.contains("hunter2"), "{wrong}");
    }

    #[tokio::test]
    async fn helpers_are_asked_for_the_host() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, script: &str| {
            let file = dir.path().join(format!("docker-credential-{name}"));
            std::fs::write(&file, script).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        make("good", "#!/bin/sh\nread -r host\nprintf '{\"Username\":\"%s\",\"Secret\":\"s3cret\"}' \"$host-$1\"\n");
        make("token", "#!/bin/sh\nprintf '{\"Username\":\"<token>\",\"Secret\":\"tok\"}'\n");
        make("empty", "#!/bin/sh\necho 'credentials not found in native keychain'\nexit 1\n");
        make("bad", "#!/bin/sh\necho hunter2\nexit 3\n");
        let run = async |helper: &str| {
            let program = dir.path().join(format!("docker-credential-{helper}"));
            ask_program(&mut Command::new(program), helper, "r.example").await
        };
        assert_eq!(run("good").await, Ok(login("r.example-get", "s3cret")));
        assert_eq!(run("token").await, Ok(Some(Credential::IdentityToken("tok".into()))));
        assert_eq!(run("empty").await, Ok(None));
        let wrong = run("bad").await.unwrap_err();
        assert!(wrong.0.contains("docker-credential-bad") && !wrong.0.contains("hunter2"), "{wrong}");
        assert!(run("absent").await.unwrap_err().0.contains("docker-credential-absent"));
    }
}
