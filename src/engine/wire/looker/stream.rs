//! What an engine streams, as a blocking reader.

use crate::engine::interrupt::Interrupt;
use bollard::errors::Error;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::io::{self, Read};
use std::pin::Pin;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long an engine may be silent in the middle of a stream.
const SILENCE: Duration = Duration::from_secs(300);

/// What an engine streams.
pub(super) type Chunks<'a> = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + 'a>>;

/// A stream of chunks as a blocking reader.
pub(super) struct ChunkReader<'a> {
    runtime: &'a Runtime,
    chunks: Chunks<'a>,
    chunk: Bytes,
    interrupt: &'a Interrupt,
}

impl<'a> ChunkReader<'a> {
    /// A reader that ends with an error when the user wants to stop.
    pub(super) fn new(runtime: &'a Runtime, chunks: Chunks<'a>, interrupt: &'a Interrupt) -> Self {
        Self { runtime, chunks, chunk: Bytes::new(), interrupt }
    }

    /// Gives it to another reader, and reads what that one leaves: an engine may still write when a tar's end was
    /// reached.
    pub(super) fn give_to<T>(mut self, read: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> io::Result<T> {
        let done = read(&mut self)?;
        io::copy(&mut self, &mut io::sink())?;
        Ok(done)
    }
}

impl Read for ChunkReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            let next = self.runtime.block_on(async {
                tokio::select! {
                    next = tokio::time::timeout(SILENCE, self.chunks.next()) => next.map_err(io::Error::other),
                    () = self.interrupt.raised() => Err(io::Error::other("stopped by the user")),
                }
            })?;
            match next {
                Some(chunk) => self.chunk = chunk.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let length = into.len().min(self.chunk.len());
        into[..length].copy_from_slice(&self.chunk.split_to(length));
        Ok(length)
    }
}
