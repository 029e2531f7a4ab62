//! Which engine the docker client would use, from its variables, its configuration and its contexts.

use super::tls::Tls;
use super::{Address, Endpoint};
use crate::engine::engine_error::EngineError;
use crate::text::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The socket that everything else falls back to.
const USUAL_SOCKET: &str = "/var/run/docker.sock";

/// Where certificates are, when an address of TCP is to be used with TLS.
enum TlsFiles {
    Unused,
    Folder(PathBuf),
}

impl TlsFiles {
    /// `DOCKER_TLS_VERIFY` switches TLS on; `DOCKER_CERT_PATH` says where the certificates are.
    fn from_environment() -> Self {
        if variable("DOCKER_TLS_VERIFY").is_none() {
            return Self::Unused;
        }
        Self::Folder(variable("DOCKER_CERT_PATH").map_or_else(configuration, PathBuf::from))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The docker client's folder: `DOCKER_CONFIG`, or `~/.docker`.
fn configuration() -> PathBuf {
    let home = || variable("HOME").map(|home| Path::new(&home).join(".docker"));
    variable("DOCKER_CONFIG").map(PathBuf::from).or_else(home).unwrap_or_else(|| PathBuf::from(".docker"))
}

impl Endpoint {
    /// An address of TCP, spoken to with the TLS of `ca.pem`, `cert.pem` and `key.pem` in a folder.
    ///
    /// # Errors
    /// When these cannot be read.
    pub fn tls(host: &str, port: u16, certificates: &Path) -> Result<Self, EngineError> {
        parse(&format!("tcp://{host}:{port}"), &TlsFiles::Folder(certificates.to_path_buf()))
    }

    /// Reads an address as `DOCKER_HOST` has it: `unix://`, `tcp://`, `ssh://`, or `context:NAME` for a context of the
    /// docker client. TLS is used with `tcp://` when `DOCKER_TLS_VERIFY` is set, as by the docker client.
    ///
    /// # Errors
    /// For anything else, and for certificates that cannot be read.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        parse(text, &TlsFiles::from_environment())
    }

    /// The engine that the docker client would use, in its order: `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context,
    /// or the usual socket.
    ///
    /// # Errors
    /// When what is set cannot be used.
    pub fn from_environment() -> Result<Self, EngineError> {
        if let Some(host) = variable("DOCKER_HOST") {
            return Self::parse(&host);
        }
        let folder = configuration();
        let current = || -> Option<String> {
            let text = fs::read_to_string(folder.join("config.json")).ok()?;
            let config: Value = serde_json::from_str(&text).ok()?;
            Some(config["currentContext"].as_str()?.to_owned())
        };
        match variable("DOCKER_CONTEXT").or_else(current) {
            Some(name) if name != "default" && !name.is_empty() => context(&folder, &name),
            _ => Ok(Self::unix(Path::new(USUAL_SOCKET))),
        }
    }
}

/// Reads an address, or the name of a context.
fn parse(text: &str, tls: &TlsFiles) -> Result<Endpoint, EngineError> {
    match text.strip_prefix("context:") {
        Some("default") => Ok(Endpoint::of(Address::Unix(PathBuf::from(USUAL_SOCKET)), text.to_owned())),
        Some(name) => context(&configuration(), name),
        None => address(text, tls),
    }
}

fn address(text: &str, tls: &TlsFiles) -> Result<Endpoint, EngineError> {
    let address = match text.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Some(Address::Unix(PathBuf::from(path))),
        Some(("tcp", rest)) => tcp(rest, tls)?,
        Some(("ssh", rest)) => ssh(rest),
        _ => None,
    };
    address.map(|address| Endpoint::of(address, text.to_owned())).ok_or_else(|| {
        EngineError::new(
            format!("engine address {text:?}"),
            "not an address that can be used",
            "give unix:///path/to/docker.sock, tcp://HOST:PORT, ssh://USER@HOST, or context:NAME",
        )
    })
}

fn tcp(rest: &str, tls: &TlsFiles) -> Result<Option<Address>, EngineError> {
    let rest = rest.trim_end_matches('/');
    let tls = match tls {
        TlsFiles::Unused => None,
        TlsFiles::Folder(folder) => Some(Tls::from_folder(folder)?),
    };
    let usual = if tls.is_some() { 2376 } else { 2375 };
    Ok(host_and_port(rest).map(|(host, port)| Address::Tcp { host, port: port.unwrap_or(usual), tls }))
}

/// `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT`.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':').or(if after.is_empty() { Some("") } else { None })?)
        }
        None => text.rsplit_once(':').unwrap_or((text, "")),
    };
    let port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
    let fits = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:%".contains(c));
    fits.then(|| (host.to_owned(), port))
}

/// `[USER@]HOST[:PORT][/SOCKET]`. Nothing that ssh could take for an option or a shell for a command.
fn ssh(rest: &str) -> Option<Address> {
    let (place, socket) = match rest.find('/') {
        Some(at) => (rest.get(..at)?, rest.get(at..).filter(|path| path.len() > 1).map(str::to_owned)),
        None => (rest, None),
    };
    let (user, host) = place.rsplit_once('@').map_or((None, place), |(user, host)| (Some(user), host));
    let (host, port) = host_and_port(host)?;
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let fits = !host.starts_with('-')
        && user.is_none_or(|user| !user.is_empty() && !user.starts_with('-') && plain(user))
        && socket.as_deref().is_none_or(plain);
    let destination = user.map_or_else(|| host.clone(), |user| format!("{user}@{host}"));
    fits.then_some(Address::Ssh { destination, port, socket })
}

/// A context of the docker client: its folder is named after the SHA-256 of the context's name.
fn context(folder: &Path, name: &str) -> Result<Endpoint, EngineError> {
    let digest: String = hex(&Sha256::digest(name.as_bytes()));
    let file = folder.join("contexts/meta").join(&digest).join("meta.json");
    let failed = |found: String, remedy: &str| EngineError::new(format!("the docker context {name:?}"), found, remedy);
    let broken = |found: &dyn std::fmt::Display| {
        failed(format!("{}: {found}", file.display()), "make it anew with `docker context create`")
    };
    let text = fs::read_to_string(&file).map_err(|e| match e.kind() {
        ErrorKind::NotFound => failed(
            format!("there is none of this name under {}", folder.join("contexts").display()),
            "`docker context ls` shows those that there are",
        ),
        _ => broken(&e),
    })?;
    let meta: Value = serde_json::from_str(&text).map_err(|e| broken(&e))?;
    let host = meta["Endpoints"]["docker"]["Host"].as_str().unwrap_or_default();
    let certificates = folder.join("contexts/tls").join(&digest).join("docker");
    let tls = if certificates.is_dir() { TlsFiles::Folder(certificates) } else { TlsFiles::Unused };
    let wrong = |e: EngineError| failed(format!("{}: {}", e.what, e.found), "`docker context update` corrects it");
    let endpoint = address(host, &tls).map_err(wrong)?;
    Ok(Endpoint { given: format!("context:{name}"), ..endpoint })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        parse(text, &TlsFiles::Unused).map_or_else(|e| format!("error: {}", e.found), |e| e.to_string())
    }

    #[test]
    fn addresses_are_read_as_the_docker_client_reads_them() {
        for (text, read) in [
            ("unix:///run/docker.sock", "unix:///run/docker.sock"),
            ("tcp://localhost", "tcp://localhost:2375"),
            ("tcp://10.0.0.1:1234/", "tcp://10.0.0.1:1234"),
            ("tcp://[::1]:2375", "tcp://[::1]:2375"),
            ("ssh://me@build.example.org", "ssh://me@build.example.org"),
            ("ssh://build:2222/run/user/1000/docker.sock", "ssh://build:2222/run/user/1000/docker.sock"),
        ] {
            assert_eq!(shown(text), read);
        }
    }

    #[test]
    fn addresses_that_hide_an_option_or_a_command_are_refused() {
        for text in [
            "",
            "unix://relative",
            "tcp://",
            "tcp://host:port",
            "tcp://a b",
            "ftp://x",
            "ssh://",
            "ssh://-oProxyCommand=x",
            "ssh://-u@host",
            "ssh://host/$(reboot)",
            "ssh://me;reboot@host",
            "ssh://host:99999",
            "/run/docker.sock",
        ] {
            assert_eq!(shown(text), "error: not an address that can be used", "{text}");
        }
    }

    #[test]
    fn a_context_is_found_by_the_digest_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        // What `printf prod | sha256sum` prints.
        let digest = "6754af9632a2745e85c293e5aac0863370d9bd3330b9938c00cadfd215227d77";
        let meta = dir.path().join("contexts/meta").join(digest);
        fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"prod","Metadata":{},"Endpoints":{"docker":{"Host":"ssh://ops@prod"}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();
        assert_eq!(context(dir.path(), "prod").unwrap().to_string(), "ssh://ops@prod");
        assert!(context(dir.path(), "gone").unwrap_err().to_string().contains("docker context ls"));
        fs::write(meta.join("meta.json"), text.replace("ssh://ops@prod", "context:prod")).unwrap();
        assert!(context(dir.path(), "prod").unwrap_err().to_string().contains("engine address \"context:prod\""));
    }
}
