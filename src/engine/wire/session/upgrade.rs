//! Turns a fresh connection to the engine into one on which the engine speaks HTTP/2 to us.
//!
//! One request and one answer of HTTP/1.1, and why a session could not be opened. What is served afterwards is only listed here, for the headers.

use bytes::{Bytes, BytesMut};
use std::fmt;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Why a session could not be opened.
#[derive(Debug)]
pub enum SessionError {
    /// The engine refused, with its answer.
    Refused(String),
    /// The connection failed.
    Io(io::Error),
    /// A name or key that cannot be put into a header.
    Header(&'static str),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(answer) => {
                write!(f, "the engine refused a BuildKit session: {answer}; Docker Engine 20.10 or newer is needed")
            }
            Self::Io(error) => write!(f, "the connection to the engine failed while a session was opened: {error}"),
            Self::Header(what) => write!(f, "the session's {what} must be printable ASCII of at most 1,000 bytes"),
        }
    }
}

impl std::error::Error for SessionError {}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Everything that a session answers to.
const METHODS: [&str; 7] = [
    "/grpc.health.v1.Health/Check",
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.filesync.v1.Auth/FetchToken",
    "/moby.filesync.v1.Auth/GetTokenAuthority",
    "/moby.filesync.v1.Auth/VerifyTokenAuthority",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
];

/// The longest answer that is read.
const ANSWER_LIMIT: usize = 16 * 1024;

/// Sends the request and reads the answer's head; returns what was read beyond it.
pub(super) async fn upgrade<S>(mut stream: S, id: &str, name: &str, key: &str) -> Result<(S, Bytes), SessionError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = String::from(
        "POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n",
    );
    for (header, value, what) in [("Uuid", id, "id"), ("Name", name, "name"), ("Sharedkey", key, "shared key")] {
        if value.len() > 1_000 || !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(SessionError::Header(what));
        }
        request += &format!("X-Docker-Expose-Session-{header}: {value}\r\n");
    }
    for method in METHODS {
        request += &format!("X-Docker-Expose-Session-Grpc-Method: {method}\r\n");
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;

    let mut answer = BytesMut::with_capacity(1024);
    let end = loop {
        if let Some(at) = answer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if answer.len() > ANSWER_LIMIT {
            return Err(SessionError::Refused("an answer that is not HTTP".into()));
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    };
    let head = answer.split_to(end);
    let status = head.as_ref().split(|b| *b == b' ').nth(1).unwrap_or_default();
    if status == b"101" {
        return Ok((stream, answer.freeze()));
    }
    let body = rest_of_answer(&mut stream, answer).await;
    let first = head.as_ref().split(|b| *b == b'\r').next().unwrap_or_default();
    Err(SessionError::Refused(describe(first, &body)))
}

/// What the engine says about a refusal, as far as it comes at once.
async fn rest_of_answer<S: AsyncRead + Unpin>(stream: &mut S, mut body: BytesMut) -> BytesMut {
    let limit = std::time::Duration::from_millis(200);
    while body.len() < ANSWER_LIMIT && !body.contains(&b'}') {
        match tokio::time::timeout(limit, stream.read_buf(&mut body)).await {
            Ok(Ok(length)) if length > 0 => {}
            _ => break,
        }
    }
    body
}

fn describe(status_line: &[u8], body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let message = text
        .find('{')
        .zip(text.rfind('}'))
        .and_then(|(from, to)| text.get(from..=to))
        .and_then(|json| serde_json::from_str::<serde_json::Value>(json).ok())
        .and_then(|value| value.get("message")?.as_str().map(str::to_owned));
    let status = String::from_utf8_lossy(status_line);
    let detail = message.unwrap_or_else(|| text.lines().next().unwrap_or_default().to_owned());
    let detail: String = detail.chars().filter(|c| !c.is_control()).take(300).collect();
    format!("{} {detail}", status.trim_start_matches("HTTP/1.1 ")).trim().to_owned()
}
