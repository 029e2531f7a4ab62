//! One transfer of a folder: entries out, requests in, contents out, as fsutil's sender does it.
//!
//! Files are read on threads of their own behind bounded channels, so memory does not grow with the context.
//! A file is opened only when the engine asks for it. Builds and patterns are not known here.

use super::folder::Folder;
use super::index::{Full, Index};
use super::packet::{Incoming, Outgoing};
use super::shared::{Shared, lock};
use crate::project::context::{Entry, GO_TYPE, Kind};
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, TryLockError};
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::{Status, Streaming};

/// Threads that read files, for one transfer.
const READERS: usize = 4;
/// Entries in one message between threads.
const STATS_AT_ONCE: usize = 64;
/// Content in one packet, as fsutil cuts it.
const PIECE: usize = 32 * 1024;
/// Content of small files that is handed on together.
const BATCH: usize = 64 * 1024;
/// Messages between threads that may wait.
const WAITING: usize = 4;
/// Packets that are handed on together.
const PACKETS: usize = 128;

type Batch = Result<Vec<Outgoing>, Status>;

/// The patterns of a request.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    pub excludes: Vec<Vec<u8>>,
    pub includes: Vec<Vec<u8>>,
    pub follow: Vec<Vec<u8>>,
}

/// The packets of one transfer. Dropping it ends the transfer.
#[derive(Debug)]
pub(super) struct Packets {
    batches: mpsc::Receiver<Batch>,
    current: std::vec::IntoIter<Outgoing>,
    task: tokio::task::AbortHandle,
}

impl Stream for Packets {
    type Item = Result<Outgoing, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(packet) = self.current.next() {
                return Poll::Ready(Some(Ok(packet)));
            }
            match std::task::ready!(self.batches.poll_recv(cx)) {
                Some(Ok(batch)) => self.current = batch.into_iter(),
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One transfer, as its threads see it.
struct Transfer {
    shared: Arc<Shared>,
    folder: Folder,
    index: Mutex<Index>,
    out: mpsc::Sender<Batch>,
    idle: AtomicUsize,
    _alive: Option<mpsc::Sender<()>>,
}

/// Starts sending a folder.
pub(super) fn start(
    shared: &Arc<Shared>,
    name: &[u8],
    patterns: Patterns,
    requests: Streaming<Incoming>,
) -> Result<Packets, Status> {
    shared.calls.fetch_add(1, Relaxed);
    let folder = shared.folders.get(name).cloned().ok_or_else(|| {
        let name = String::from_utf8_lossy(name);
        Status::not_found(format!("no access allowed to dir {name:?}"))
    })?;
    let (out, batches) = mpsc::channel(WAITING);
    let transfer = Arc::new(Transfer {
        shared: shared.clone(),
        folder,
        index: Mutex::default(),
        out,
        idle: AtomicUsize::new(0),
        _alive: shared.alive.clone(),
    });
    let walker = transfer.clone();
    tokio::task::spawn_blocking(move || walker.walk(&patterns));
    let task = tokio::spawn(answer(transfer, requests)).abort_handle();
    Ok(Packets { batches, current: Vec::new().into_iter(), task })
}

/// Takes the engine's requests until it has what it wants.
async fn answer(transfer: Arc<Transfer>, mut requests: Streaming<Incoming>) {
    // Without a bound: a waiting request costs a few bytes here, and far more in the connection's buffers, which end
    // the connection when they hold some thousands.
    let (jobs, queue) = mpsc::unbounded_channel();
    let queue = Arc::new(Mutex::new(queue));
    let mut readers = 0;
    let last = loop {
        match requests.message().await {
            Ok(Some(Incoming::Request(id))) => {
                if !lock(&transfer.index).claim(id) {
                    break Err(Status::unknown(format!("invalid file id {id}")));
                }
                if readers < READERS && transfer.idle.load(SeqCst) == 0 {
                    readers += 1;
                    let (transfer, queue) = (transfer.clone(), queue.clone());
                    tokio::task::spawn_blocking(move || transfer.read_files(&queue));
                }
                if jobs.send(id).is_err() {
                    return;
                }
            }
            Ok(Some(Incoming::Fin)) => break Ok(vec![Outgoing::Fin]),
            Ok(Some(Incoming::Error(text))) => {
                break Err(Status::unknown(format!("error from receiver: {text}")));
            }
            Ok(Some(Incoming::Other)) => {}
            // The engine hung up; nobody is left to tell.
            Ok(None) | Err(_) => return,
        }
    };
    if let Err(status) = &last {
        transfer.shared.fail(status.message());
    }
    let _ = transfer.out.send(last).await;
}

impl Transfer {
    /// Hands packets on; `false` when nobody wants them any more.
    fn send(&self, packets: Vec<Outgoing>) -> bool {
        packets.is_empty() || self.out.blocking_send(Ok(packets)).is_ok()
    }

    /// Tells the engine, as fsutil does, and ends the call.
    fn fail(&self, text: String) {
        self.shared.fail(&text);
        if self.send(vec![Outgoing::Error(text.clone())]) {
            let _ = self.out.blocking_send(Err(Status::unknown(text)));
        }
    }

    /// Sends all entries.
    fn walk(&self, patterns: &Patterns) {
        let walked = self.folder.walk(&patterns.excludes, &patterns.includes, &patterns.follow);
        let entries = match walked {
            Ok(entries) => entries,
            Err(error) => return self.fail(error.to_string()),
        };
        let mut batch = Vec::with_capacity(STATS_AT_ONCE);
        for entry in entries {
            match entry.map_err(|e| e.to_string()).and_then(|e| self.note(e)) {
                Ok(packet) => batch.push(packet),
                Err(text) => return self.fail(text),
            }
            if batch.len() == STATS_AT_ONCE
                && !self.send(std::mem::replace(&mut batch, Vec::with_capacity(STATS_AT_ONCE)))
            {
                return;
            }
        }
        batch.push(Outgoing::StatEnd);
        self.send(batch);
    }

    /// Numbers an entry, before the engine can ask for it.
    fn note(&self, entry: Entry) -> Result<Outgoing, String> {
        let requestable = entry.mode & GO_TYPE == 0;
        lock(&self.index)
            .push(&entry.path, entry.kind == Kind::Folder, requestable)
            .map_err(|Full| "the build context holds more entries than the protocol can number".to_owned())?;
        self.shared.stats.fetch_add(1, Relaxed);
        Ok(Outgoing::Stat(Box::new(entry)))
    }

    /// Sends the files that are asked for, until no more can be.
    fn read_files(&self, queue: &Mutex<mpsc::UnboundedReceiver<u32>>) {
        let mut buffer = vec![0; PIECE];
        let mut batch = Vec::new();
        loop {
            // Small files wait for the next one only if that is there already.
            let ready = match queue.try_lock() {
                Ok(mut queue) => queue.try_recv().ok(),
                Err(TryLockError::Poisoned(_) | TryLockError::WouldBlock) => None,
            };
            let job = ready.or_else(|| {
                if !self.send(std::mem::take(&mut batch)) {
                    return None;
                }
                self.idle.fetch_add(1, SeqCst);
                let job = lock(queue).blocking_recv();
                self.idle.fetch_sub(1, SeqCst);
                job
            });
            let Some(id) = job else { return };
            let Some(path) = lock(&self.index).path(id) else { return };
            match self.read_file(id, &path, &mut buffer, &mut batch) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    let path = String::from_utf8_lossy(&path).into_owned();
                    return self.fail(format!(
                        "cannot read {path:?} of the build context: {error}; change its permissions or exclude it in .dockerignore"
                    ));
                }
            }
        }
    }

    /// Sends one file: as much as is there when it is read, whatever its size was before.
    fn read_file(&self, id: u32, path: &[u8], buffer: &mut [u8], batch: &mut Vec<Outgoing>) -> io::Result<bool> {
        self.shared.files.fetch_add(1, Relaxed);
        let mut file = match self.folder.open(path) {
            Ok(file) => file,
            Err(error) if self.is_empty_instead(&error) => {
                batch.push(Outgoing::Data(id, Bytes::new()));
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let mut gathered: usize = batch.iter().map(size).sum();
        loop {
            let length = match file.read(buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let piece = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
            self.shared.bytes.fetch_add(length as u64, Relaxed);
            batch.push(Outgoing::Data(id, piece));
            gathered += length;
            if gathered >= BATCH || batch.len() >= PACKETS {
                gathered = 0;
                if !self.send(std::mem::take(batch)) {
                    return Ok(false);
                }
            }
            if length == 0 {
                return Ok(true);
            }
        }
    }

    /// fsutil sends a file that cannot be opened as an empty one. That is kept for what is gone, and for sockets,
    /// which are always sent so; what may not be read is an error here, because the image would lack its content.
    fn is_empty_instead(&self, error: &io::Error) -> bool {
        use rustix::io::Errno;
        match Errno::from_io_error(error) {
            Some(Errno::NXIO) => true,
            _ if error.kind() == io::ErrorKind::NotFound => {
                self.shared.vanished.fetch_add(1, Relaxed);
                true
            }
            Some(Errno::NOTDIR | Errno::LOOP) => {
                self.shared.vanished.fetch_add(1, Relaxed);
                true
            }
            _ => false,
        }
    }
}

fn size(packet: &Outgoing) -> usize {
    match packet {
        Outgoing::Data(_, data) => data.len(),
        _ => 0,
    }
}
