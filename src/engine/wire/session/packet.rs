//! The packets of fsutil on the wire.
//!
//! Written by hand because the generated type keeps paths as UTF-8 text, which file names need not be, and copies
//! every piece of content once more. Only the fields and kinds of that protocol are known here.

use crate::project::context::Entry;
use bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// What is sent to the engine.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// An entry; the engine numbers them as they come.
    Stat(Box<Entry>),
    /// There are no more entries.
    StatEnd,
    /// A piece of a file, by the number of its entry; an empty one ends the file.
    Data(u32, Bytes),
    /// The engine has what it wants.
    Fin,
    /// The transfer failed.
    Error(String),
}

/// What the engine sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// The content of an entry is wanted.
    Request(u32),
    /// The engine has what it wants.
    Fin,
    /// The engine failed.
    Error(String),
    /// Something that a sender has no use for.
    Other,
}

const STAT: u64 = 0;
const REQUEST: u64 = 1;
const DATA: u64 = 2;
const FIN: u64 = 3;
const ERROR: u64 = 4;

fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

fn put_varint(out: &mut impl BufMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// A number, left out when it is zero as the format wants.
fn put_number(out: &mut impl BufMut, field: u8, value: u64) {
    if value != 0 {
        out.put_u8(field << 3);
        put_varint(out, value);
    }
}

fn put_bytes(out: &mut impl BufMut, field: u8, value: &[u8]) {
    out.put_u8(field << 3 | 2);
    put_varint(out, value.len() as u64);
    out.put_slice(value);
}

fn put_text(out: &mut impl BufMut, field: u8, value: &[u8]) {
    if !value.is_empty() {
        put_bytes(out, field, value);
    }
}

fn put_stat(out: &mut Vec<u8>, entry: &Entry) {
    put_text(out, 1, &entry.path);
    put_number(out, 2, u64::from(entry.mode));
    // Owner and group (3, 4) are those of root, as the docker client sets them.
    put_number(out, 5, entry.size);
    put_number(out, 6, entry.mtime_ns.cast_unsigned());
    put_text(out, 7, &entry.link);
    put_number(out, 8, u64::from(entry.device.0));
    put_number(out, 9, u64::from(entry.device.1));
    for (name, value) in &entry.xattrs {
        let mut pair = Vec::with_capacity(name.len() + value.len() + 8);
        put_bytes(&mut pair, 1, name);
        put_bytes(&mut pair, 2, value);
        put_bytes(out, 10, &pair);
    }
}

/// Encodes and decodes packets; one per stream.
#[derive(Debug, Default)]
pub(super) struct PacketCodec;

/// The sending half.
#[derive(Debug, Default)]
pub(super) struct PacketEncoder {
    scratch: Vec<u8>,
}

impl Codec for PacketCodec {
    type Encode = Outgoing;
    type Decode = Incoming;
    type Encoder = PacketEncoder;
    type Decoder = PacketDecoder;

    fn encoder(&mut self) -> Self::Encoder {
        PacketEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        PacketDecoder
    }
}

impl Encoder for PacketEncoder {
    type Item = Outgoing;
    type Error = Status;

    fn encode(&mut self, item: Outgoing, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        match item {
            Outgoing::Stat(entry) => {
                self.scratch.clear();
                put_stat(&mut self.scratch, &entry);
                out.reserve(self.scratch.len() + 8);
                put_number(out, 1, STAT);
                put_bytes(out, 2, &self.scratch);
            }
            Outgoing::StatEnd => {}
            Outgoing::Data(id, data) => {
                out.reserve(data.len() + varint_len(u64::from(id)) + 16);
                put_number(out, 1, DATA);
                put_number(out, 3, u64::from(id));
                put_text(out, 4, &data);
            }
            Outgoing::Fin => put_number(out, 1, FIN),
            Outgoing::Error(text) => {
                out.reserve(text.len() + 16);
                put_number(out, 1, ERROR);
                put_text(out, 4, text.as_bytes());
            }
        }
        Ok(())
    }
}

/// The receiving half.
#[derive(Debug)]
pub(super) struct PacketDecoder;

impl Decoder for PacketDecoder {
    type Item = Incoming;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Incoming>, Status> {
        let mut message = source.copy_to_bytes(source.remaining());
        incoming(&mut message).map(Some).ok_or_else(|| Status::internal("the engine sent a packet that cannot be read"))
    }
}

fn incoming(message: &mut Bytes) -> Option<Incoming> {
    let (mut kind, mut id, mut data) = (STAT, 0, Bytes::new());
    while message.has_remaining() {
        let key = get_varint(message)?;
        match (key >> 3, key & 7) {
            (1, 0) => kind = get_varint(message)?,
            (3, 0) => id = get_varint(message)?,
            (4, 2) => data = get_bytes(message)?,
            (_, 0) => drop(get_varint(message)?),
            (_, 1) => drop(take(message, 8)?),
            (_, 2) => drop(get_bytes(message)?),
            (_, 5) => drop(take(message, 4)?),
            _ => return None,
        }
    }
    Some(match kind {
        REQUEST => Incoming::Request(u32::try_from(id).ok()?),
        FIN => Incoming::Fin,
        ERROR => Incoming::Error(String::from_utf8_lossy(&data).into_owned()),
        _ => Incoming::Other,
    })
}

fn get_varint(message: &mut Bytes) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = message.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn get_bytes(message: &mut Bytes) -> Option<Bytes> {
    let length = get_varint(message)?;
    take(message, usize::try_from(length).ok()?)
}

fn take(message: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= message.len()).then(|| message.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_and_rubbish_is_refused() {
        for (bytes, expected) in [
            (&[8, 1, 24, 0xAC, 2][..], Some(Incoming::Request(300))),
            (&[8, 1], Some(Incoming::Request(0))),
            (&[8, 3], Some(Incoming::Fin)),
            (&[8, 4, 34, 2, b'n', b'o'], Some(Incoming::Error("no".into()))),
            (&[], Some(Incoming::Other)),
            (&[0x7A, 1, 0, 8, 3], Some(Incoming::Fin)),
            (&[8], None),
            (&[34, 200, 1], None),
            (&[0xFF; 12], None),
            (&[8, 1, 24, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], None),
            (&[3], None),
        ] {
            assert_eq!(incoming(&mut Bytes::copy_from_slice(bytes)), expected, "{bytes:?}");
        }
    }
}
