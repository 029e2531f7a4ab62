//! Where an engine listens, and connections to it: a unix socket, TCP with or without TLS, or ssh, as the docker
//! client knows them. Every request of this program goes over [`Endpoint::connect`]; `find` reads addresses.

mod find;
mod ssh;
mod tls;

use crate::engine::engine_error::EngineError;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tls::Tls;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Runtime};

/// Seconds that an ordinary request may take to its answer's head. Builds have their own limit.
const REQUEST_LIMIT_S: u64 = 120;

/// The address of a Docker Engine.
#[derive(Clone)]
pub struct Endpoint {
    address: Arc<Address>,
    given: String,
}

enum Address {
    Unix(PathBuf),
    Tcp { host: String, port: u16, tls: Option<Tls> },
    Ssh { destination: String, port: Option<u16>, socket: Option<String> },
}

/// What waits for an engine: one thread, that of the caller.
pub(super) fn runtime() -> Result<Runtime, EngineError> {
    let remedy = "let it open more files at a time (ulimit -n), and end what the machine can do without";
    Builder::new_current_thread().enable_all().build().map_err(|e| EngineError::new("waiting for an engine", e, remedy))
}

/// A connection of any kind.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.address {
            Address::Unix(socket) => write!(f, "unix://{}", socket.display()),
            Address::Tcp { host, port, tls } => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                write!(f, "tcp://{host}:{port}{}", if tls.is_some() { " (TLS)" } else { "" })
            }
            Address::Ssh { destination, port, socket } => {
                write!(f, "ssh://{destination}")?;
                port.map_or(Ok(()), |port| write!(f, ":{port}"))?;
                socket.as_ref().map_or(Ok(()), |socket| f.write_str(socket))
            }
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Endpoint {
    fn of(address: Address, given: String) -> Self {
        Self { address: Arc::new(address), given }
    }

    /// The text that [`Endpoint::parse`] makes this endpoint of again, with the same variables and contexts.
    #[must_use]
    pub fn given(&self) -> &str {
        &self.given
    }

    /// A unix socket.
    #[must_use]
    pub fn unix(socket: &Path) -> Self {
        Self::of(Address::Unix(socket.to_path_buf()), format!("unix://{}", socket.display()))
    }

    /// Whether the engine runs on the machine that this program runs on.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match &*self.address {
            Address::Unix(_) => true,
            Address::Tcp { host, .. } => matches!(host.as_str(), "127.0.0.1" | "localhost" | "::1"),
            Address::Ssh { .. } => false,
        }
    }

    /// A bollard client for this address. Nothing is sent yet.
    ///
    /// # Errors
    /// When the library refuses to make one.
    pub fn client(&self) -> Result<Docker, EngineError> {
        let endpoint = self.clone();
        let transport = move |request: BollardRequest| {
            let endpoint = endpoint.clone();
            async move { endpoint.send(request).await.map_err(|err| bollard::errors::Error::IOError { err }) }
        };
        Docker::connect_with_custom_transport(transport, Some("http://docker"), REQUEST_LIMIT_S, API_DEFAULT_VERSION)
            .map_err(|e| EngineError::new(format!("asking the engine on {self}"), e, ""))
    }

    /// Opens a connection. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When nobody listens, the rights are missing, or the certificates do not fit.
    pub async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        match &*self.address {
            Address::Unix(socket) => Ok(Box::new(UnixStream::connect(socket).await?)),
            Address::Tcp { host, port, tls } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                match tls {
                    Some(tls) => Ok(Box::new(tls.connect(host, stream).await?)),
                    None => Ok(Box::new(stream)),
                }
            }
            Address::Ssh { destination, port, socket } => {
                Ok(Box::new(ssh::dial(destination, *port, socket.as_deref())?))
            }
        }
    }

    /// Sends one request on a connection of its own.
    async fn send<B>(&self, mut request: hyper::Request<B>) -> io::Result<Response<Incoming>>
    where
        B: hyper::body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stream = self.connect().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // Ends with the answer's body; `with_upgrades` keeps the connection open for `attach` and the like.
        tokio::spawn(connection.with_upgrades());
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).parse();
        *request.uri_mut() = path.map_err(io::Error::other)?;
        request.headers_mut().insert(hyper::header::HOST, hyper::header::HeaderValue::from_static("docker"));
        sender.send_request(request).await.map_err(io::Error::other)
    }

    /// Asks for a JSON document.
    ///
    /// # Errors
    /// When the engine does not answer, answers with an error, or not with JSON.
    pub async fn get_json(&self, path: &str) -> Result<serde_json::Value, EngineError> {
        let failed = |e: &dyn fmt::Display| EngineError::new(format!("GET {path} on {self}"), e, "");
        let request = hyper::Request::get(path).body(Full::<Bytes>::default()).map_err(|e| failed(&e))?;
        let response = self.send(request).await.map_err(|e| failed(&e))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|e| failed(&e))?.to_bytes();
        if !status.is_success() {
            return Err(failed(&format!("{status}: {}", String::from_utf8_lossy(&body).trim())));
        }
        serde_json::from_slice(&body).map_err(|e| failed(&e))
    }
}
