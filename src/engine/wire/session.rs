//! A BuildKit session of our own: the engine asks for files, credentials and secrets, and this answers.
//!
//! Works on any byte stream to the engine. It starts no build, keeps no copy of a context, and nothing of it is
//! left running once it is closed or dropped. Values of secrets never enter a message or a debug text.

mod diffcopy;
mod folder;
mod guard;
mod index;
mod packet;
mod service;
mod shared;
#[cfg(test)]
mod tests;
mod upgrade;
mod vault;

use crate::text::hex;
use bollard::health::health_server::HealthServer;
use bollard::moby::buildkit::secrets::v1::secrets_server::SecretsServer;
use bollard::moby::filesync::v1::auth_server::AuthServer;
pub use folder::{Folder, MemoryFolder};
use guard::Guarded;
use shared::Shared;
pub use shared::Transferred;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
pub use upgrade::SessionError;
pub use vault::{Credential, Credentials, Lookup, LookupError, Secrets};

/// What a session offers to the engine.
#[derive(Debug, Default)]
pub struct SessionOptions {
    /// A name for the engine's log.
    pub name: String,
    /// The same for every build of the same context: by it the engine finds the copy that it holds already.
    pub shared_key: String,
    /// Folders by the name that the engine asks for: `context`, `dockerfile`, or a named context.
    pub folders: Vec<(String, Folder)>,
    /// Registry credentials.
    pub credentials: Credentials,
    /// Build secrets by id.
    pub secrets: Secrets,
}

/// An open session. Dropping it ends it; `close` also waits until nothing of it runs any more.
#[derive(Debug)]
pub struct Session {
    id: String,
    shared: Arc<Shared>,
    /// Dropped to end the connection.
    stop: Option<oneshot::Sender<()>>,
    /// Ends when the last part of the session has.
    alive: mpsc::Receiver<()>,
    server: JoinHandle<()>,
}

/// The longest that `close` waits for a file that is being read.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// The connection's window, in bytes. Half of it is what the connection may spend on frames that wait to be read; an
/// engine that asks for 100,000 files sends as many small ones.
const WINDOW: u32 = 64 << 20;

impl Session {
    /// Asks the engine at the other end of `stream` for a session, and serves it in the background.
    ///
    /// Must be called inside a tokio runtime; one thread is enough. There is no time limit in here.
    ///
    /// # Errors
    /// When the engine refuses, the connection fails, or a name cannot be put into a header.
    pub async fn open<S>(stream: S, options: SessionOptions) -> Result<Self, SessionError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let id = new_id()?;
        let (stream, early) = upgrade::upgrade(stream, &id, &options.name, &options.shared_key).await?;
        Ok(Self::serve(stream, early, id, options))
    }

    /// Serves a stream that already speaks HTTP/2.
    fn serve<S>(stream: S, early: bytes::Bytes, id: String, options: SessionOptions) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let (token, alive) = mpsc::channel(1);
        let shared = Arc::new(Shared::new(options.folders, token.clone()));
        let io = Guarded::new(stream, early, stopped, token);
        let router = tonic::transport::Server::builder()
            .initial_connection_window_size(WINDOW)
            .add_service(HealthServer::new(service::Health))
            .add_service(service::FileSync::new(&shared))
            .add_service(AuthServer::new(options.credentials))
            .add_service(SecretsServer::new(options.secrets));
        let incoming = tokio_stream::once(Ok::<_, io::Error>(io));
        let server = tokio::spawn(async move {
            // It ends when the connection does; what went wrong on it shows in the build that used it.
            let _ = router.serve_with_incoming(incoming).await;
        });
        Self { id, shared, stop: Some(stop), alive, server }
    }

    /// The id to name in the request of a build.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What went over the session so far.
    #[must_use]
    pub fn counters(&self) -> Transferred {
        self.shared.counters()
    }

    /// The first thing that could not be served, naming the file; the engine's own message says less.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.failure()
    }

    /// Ends the session and waits until its tasks, threads and files are gone. Returns the final counters.
    pub async fn close(mut self) -> Transferred {
        self.end();
        let shared = std::mem::replace(&mut self.shared, Arc::new(Shared::closed()));
        let weak = Arc::downgrade(&shared);
        let counters = shared.counters();
        drop(shared);
        // A read on a stalled disk cannot be interrupted; it ends on its own, later.
        let _ = tokio::time::timeout(CLOSE_LIMIT, self.alive.recv()).await;
        weak.upgrade().map_or(counters, |shared| shared.counters())
    }

    fn end(&mut self) {
        self.stop = None;
        self.server.abort();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

/// An id that cannot be guessed: whoever knows it can ask for the session's files. No other session has it.
pub(super) fn new_id() -> io::Result<String> {
    let mut random = [0_u8; 16];
    io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut random)?;
    Ok(hex(&random))
}
