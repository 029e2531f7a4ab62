//! The gRPC services of a session that have no data of their own: health, and the entrance to file sync.
//!
//! Requests are taken apart here and handed on; how folders are sent is `diffcopy`'s.

use super::diffcopy::{self, Packets, Patterns};
use super::packet::{Incoming, Outgoing, PacketCodec};
use super::shared::Shared;
use bollard::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::{Request, Response, Status, Streaming};

/// Answers that the session is alive.
#[derive(Debug)]
pub(super) struct Health;

#[tonic::async_trait]
impl bollard::health::health_server::Health for Health {
    type WatchStream = tokio_stream::Once<Result<HealthCheckResponse, Status>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: 1 }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("list"))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("watch"))
    }
}

/// `moby.filesync.v1.FileSync` with packets of our own. Holds the session's folders only as long as it is open.
#[derive(Clone, Debug)]
pub(super) struct FileSync {
    shared: Weak<Shared>,
}

impl FileSync {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::downgrade(shared) }
    }
}

impl NamedService for FileSync {
    const NAME: &'static str = "moby.filesync.v1.FileSync";
}

impl Service<http::Request<Body>> for FileSync {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            if request.uri().path() != "/moby.filesync.v1.FileSync/DiffCopy" {
                return Ok(Status::unimplemented("only DiffCopy is served").into_http());
            }
            Ok(Grpc::new(PacketCodec).streaming(service, request).await)
        })
    }
}

impl StreamingService<Incoming> for FileSync {
    type Response = Outgoing;
    type ResponseStream = Packets;
    type Future = BoxFuture<Response<Packets>, Status>;

    fn call(&mut self, request: Request<Streaming<Incoming>>) -> Self::Future {
        let shared = self.shared.upgrade();
        Box::pin(async move {
            let shared = shared.ok_or_else(|| Status::unavailable("the session is closed"))?;
            let metadata = request.metadata();
            let name = values(metadata, "dir-name").pop().unwrap_or_default();
            let patterns = Patterns {
                excludes: values(metadata, "exclude-patterns"),
                includes: values(metadata, "include-patterns"),
                follow: values(metadata, "followpaths"),
            };
            let packets = diffcopy::start(&shared, &name, patterns, request.into_inner())?;
            Ok(Response::new(packets))
        })
    }
}

/// All values of a key. BuildKit escapes them, and says so, when one is not plain ASCII.
fn values(metadata: &MetadataMap, key: &str) -> Vec<Vec<u8>> {
    let escaped = metadata
        .get(format!("{key}-encoded"))
        .is_some_and(|v| matches!(v.as_bytes(), b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True"));
    metadata
        .get_all(key)
        .iter()
        .map(|value| if escaped { unescape(value.as_bytes()) } else { value.as_bytes().to_vec() })
        .collect()
}

/// `url.QueryUnescape`; empty for what is no escaped text, as BuildKit takes it.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || char::from(*bytes.next()?).to_digit(16);
                match digit().zip(digit()) {
                    Some((high, low)) => out.push((high * 16 + low) as u8),
                    None => return Vec::new(),
                }
            }
            _ => out.push(*byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_patterns_are_read_as_go_reads_them() {
        for (from, to) in [("a%2Fb+c", "a/b c"), ("%C3%A9", "é"), ("plain", "plain"), ("%zz", ""), ("%4", "")] {
            assert_eq!(unescape(from.as_bytes()), to.as_bytes(), "{from}");
        }
    }
}
