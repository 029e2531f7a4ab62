//! What an engine says of its BuildKit: whether it has one (`POST /session`), and its version, asked of BuildKit's own
//! control API inside the engine (`POST /grpc`), which is the only one that tells. Older engines have that API, but do
//! not know the question.

use super::endpoint::{Connection, Endpoint};
use super::session;
use bollard::moby::buildkit::v1::InfoRequest;
use bollard::moby::buildkit::v1::control_client::ControlClient;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest answer to the upgrade that is read, in bytes.
const ANSWER_LIMIT: usize = 8 * 1024;

/// The version, e.g. `v0.12.5`; `None` from an engine that does not tell.
pub(super) async fn buildkit_version(endpoint: &Endpoint) -> Option<String> {
    let ask = async {
        let channel = tonic::transport::Endpoint::from_static("http://docker");
        let channel = channel.connect_with_connector(Connector(endpoint.clone())).await.ok()?;
        let answer = ControlClient::new(channel).info(InfoRequest {}).await.ok()?;
        answer.into_inner().buildkit_version.map(|known| known.version).filter(|version| !version.is_empty())
    };
    tokio::time::timeout(LIMIT, ask).await.ok().flatten()
}

/// What an engine answers that knows nothing of BuildKit's sessions; `None` from one that does.
pub(super) async fn refuses_sessions(endpoint: &Endpoint) -> Option<String> {
    let id = format!("X-Docker-Expose-Session-Uuid: {}\r\n", session::new_id().ok()?);
    let refusal = tokio::time::timeout(LIMIT, upgraded(endpoint, "/session", &id)).await.ok()?.err()?.to_string();
    // Whatever else is wrong, a build will say it better.
    ["404", "405", "501"].iter().any(|status| refusal.starts_with(status)).then_some(refusal)
}

/// Opens connections on which the engine speaks HTTP/2.
struct Connector(Endpoint);

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Connection>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let endpoint = self.0.clone();
        Box::pin(async move { upgraded(&endpoint, "/grpc", "").await.map(TokioIo::new) })
    }
}

async fn upgraded(endpoint: &Endpoint, path: &str, headers: &str) -> io::Result<Box<dyn Connection>> {
    let mut stream = endpoint.connect().await?;
    let upgrade = "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0";
    let request = format!("POST {path} HTTP/1.1\r\nHost: docker\r\n{headers}{upgrade}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    // Byte by byte: what comes behind the answer's head belongs to HTTP/2.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
        if head.len() > ANSWER_LIMIT {
            return Err(io::Error::other("an answer that is not HTTP"));
        }
    }
    let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    match line.split_once(' ') {
        Some((_, status)) if status.starts_with("101") => Ok(stream),
        Some((_, status)) => Err(io::Error::other(status)),
        None => Err(io::Error::other("an answer that is not HTTP")),
    }
}
