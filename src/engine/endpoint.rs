//! Where an engine listens, and raw requests to it. Only for what bollard has no call for: the upgrade of a
//! connection to a session, and answers whose shape changed between engine versions.

use super::EngineError;
use bollard::{API_DEFAULT_VERSION, Docker};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;

/// Seconds that an ordinary request may take to its answer's head. Builds have their own limit.
const REQUEST_LIMIT_S: u64 = 120;

/// The address of a Docker Engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    socket: PathBuf,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix://{}", self.socket.display())
    }
}

impl Endpoint {
    /// A unix socket.
    #[must_use]
    pub fn unix(socket: &Path) -> Self {
        Self { socket: socket.to_path_buf() }
    }

    /// Reads an address as `DOCKER_HOST` has it.
    ///
    /// # Errors
    /// For any other scheme than `unix://`.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        match text.strip_prefix("unix://") {
            Some(path) if path.starts_with('/') => Ok(Self { socket: PathBuf::from(path) }),
            _ => Err(EngineError::new(
                format!("engine address {text:?}"),
                "not an address that can be used",
                "give unix:///path/to/docker.sock",
            )),
        }
    }

    /// The engine that the docker client would use: `DOCKER_HOST`, or the usual socket.
    ///
    /// # Errors
    /// When `DOCKER_HOST` cannot be used.
    pub fn from_environment() -> Result<Self, EngineError> {
        match std::env::var("DOCKER_HOST") {
            Ok(host) if !host.is_empty() => Self::parse(&host),
            _ => Ok(Self::unix(Path::new("/var/run/docker.sock"))),
        }
    }

    /// A bollard client for this address. Nothing is sent yet.
    ///
    /// # Errors
    /// When the socket does not exist.
    pub fn client(&self) -> Result<Docker, EngineError> {
        Docker::connect_with_unix(&self.socket.to_string_lossy(), REQUEST_LIMIT_S, API_DEFAULT_VERSION).map_err(|e| {
            EngineError::new(
                format!("connecting to {self}"),
                e,
                "start Docker, or name another engine with --engine or DOCKER_HOST",
            )
        })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When nobody listens or the rights are missing.
    pub async fn connect(&self) -> std::io::Result<UnixStream> {
        UnixStream::connect(&self.socket).await
    }

    /// Asks for a JSON document.
    ///
    /// # Errors
    /// When the engine does not answer, answers with an error, or not with JSON.
    pub async fn get_json(&self, path: &str) -> Result<serde_json::Value, EngineError> {
        let failed = |e: &dyn fmt::Display| EngineError::new(format!("GET {path} on {self}"), e, "");
        let stream = self.connect().await.map_err(|e| failed(&e))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| failed(&e))?;
        let driver = tokio::spawn(connection);
        let request = hyper::Request::get(path)
            .header("Host", "docker")
            .body(Full::<Bytes>::default())
            .map_err(|e| failed(&e))?;
        let response = sender.send_request(request).await.map_err(|e| failed(&e))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|e| failed(&e))?.to_bytes();
        drop(sender);
        driver.abort();
        if !status.is_success() {
            return Err(failed(&format!("{status}: {}", String::from_utf8_lossy(&body).trim())));
        }
        serde_json::from_slice(&body).map_err(|e| failed(&e))
    }
}
