//! The call that asks an engine for a build: the request, and its answer message by message.
//!
//! Not bollard's: it cannot name a session that it did not open, and its reader of lines now and then takes the end of
//! an answer for a broken connection, when a line's end comes apart from the line.

use super::build_request::BuildRequest;
use super::endpoint::Endpoint;
use bollard::models::BuildInfo;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// The longest line and the longest refusal that are read; a layer's log is cut into far shorter ones.
const LINE_LIMIT: usize = 64 << 20;

/// An answer under way. Dropping it cancels the build.
pub(super) struct Answer {
    body: Incoming,
    lines: Lines,
    driver: tokio::task::JoinHandle<()>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why an engine's answer did not come, or not to its end; in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoAnswer(String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn broken(e: &dyn fmt::Display) -> NoAnswer {
    NoAnswer(format!("the connection to the engine broke: {e}"))
}

impl Answer {
    /// Asks for a build whose files come over a session.
    pub(super) async fn ask(endpoint: &Endpoint, query: &str) -> Result<Self, NoAnswer> {
        let failed = |e| NoAnswer(format!("cannot reach the engine at {endpoint}: {e}"));
        let stream = endpoint.connect().await.map_err(failed)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        let driver = tokio::spawn(async move {
            // What goes wrong on it shows in the answer.
            let _ = connection.await;
        });
        let request = hyper::Request::post(format!("/build?{query}"))
            .header("Host", "docker")
            .body(Full::<Bytes>::default())
            .map_err(|e| broken(&e))?;
        let response = sender.send_request(request).await.map_err(|e| broken(&e))?;
        let status = response.status();
        let mut answer = Self { body: response.into_body(), lines: Lines::default(), driver };
        if status.is_success() { Ok(answer) } else { Err(answer.refusal(&status.to_string()).await) }
    }

    /// The engine's reason for not building at all.
    async fn refusal(&mut self, status: &str) -> NoAnswer {
        let mut text = BytesMut::new();
        while let Some(Ok(frame)) = self.body.frame().await {
            text.extend_from_slice(frame.data_ref().map_or(&[], |data| data.as_ref()));
            if text.len() > LINE_LIMIT {
                break;
            }
        }
        let said = serde_json::from_slice::<serde_json::Value>(&text).ok();
        let said = said.and_then(|answer| answer["message"].as_str().map(str::to_owned));
        NoAnswer(said.unwrap_or_else(|| format!("the engine answered {status}")))
    }

    /// The next message; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<BuildInfo>, NoAnswer> {
        loop {
            if let Some(line) = self.lines.next() {
                return read(&line).map(Some);
            }
            match self.body.frame().await {
                None => {
                    let rest = self.lines.rest();
                    return if rest.trim_ascii().is_empty() { Ok(None) } else { read(&rest).map(Some) };
                }
                Some(Err(e)) => return Err(broken(&e)),
                Some(Ok(frame)) => self.lines.push(frame.data_ref().map_or(&[], |data| data.as_ref()))?,
            }
        }
    }
}

fn read(line: &[u8]) -> Result<BuildInfo, NoAnswer> {
    serde_json::from_slice(line).map_err(|e| NoAnswer(format!("the engine sent a line that cannot be read: {e}")))
}

/// Cuts a stream of bytes into lines, leaving empty ones out.
#[derive(Default)]
struct Lines {
    buffer: BytesMut,
    /// So far no line ends.
    searched: usize,
}

impl Lines {
    fn push(&mut self, data: &[u8]) -> Result<(), NoAnswer> {
        if self.buffer.len() + data.len() > LINE_LIMIT {
            return Err(NoAnswer("the engine sent a line that does not end".to_owned()));
        }
        self.buffer.extend_from_slice(data);
        Ok(())
    }

    fn next(&mut self) -> Option<BytesMut> {
        loop {
            let unseen = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(at) = unseen.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                return None;
            };
            let line = self.buffer.split_to(self.searched + at + 1);
            self.searched = 0;
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }

    fn rest(&mut self) -> BytesMut {
        std::mem::take(&mut self.buffer)
    }
}

/// The query of a request, but for the session.
pub(super) fn query(request: &BuildRequest) -> String {
    let settings = &request.settings;
    let mut query = Query("version=2&remote=client-session&dockerfile=Dockerfile&rm=1&forcerm=1".to_owned());
    if request.no_cache {
        query.add("nocache", "1");
    }
    if !request.tag.is_empty() {
        query.add("t", &request.tag);
    }
    query.add_map("buildargs", &settings.args);
    query.add_map("labels", &settings.labels);
    for (key, value) in
        [("target", &settings.target), ("platform", &settings.platform), ("networkmode", &settings.network)]
    {
        if let Some(value) = value {
            query.add(key, value);
        }
    }
    for (name, address) in &settings.hosts {
        query.add("extrahosts", &format!("{name}:{address}"));
    }
    query.0
}

struct Query(String);

impl Query {
    fn add(&mut self, key: &str, value: &str) {
        self.0 += &format!("&{key}=");
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => self.0.push(char::from(byte)),
                other => {
                    let _ = write!(self.0, "%{other:02X}"); // writing to a String cannot fail
                }
            }
        }
    }

    fn add_map(&mut self, key: &str, map: &BTreeMap<String, String>) {
        if !map.is_empty() {
            self.add(key, &serde_json::json!(map).to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::wire::build_request::Client;
    use crate::engine::wire::build_settings::BuildSettings;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn lines_are_cut_wherever_the_pieces_end() {
        let text = b"{\"a\":1}\r\n\r\n{\"b\":2}\r\nlast";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece).unwrap();
                while let Some(line) = lines.next() {
                    found.push(line.trim_ascii().to_vec());
                }
            }
            assert_eq!(found, [b"{\"a\":1}", b"{\"b\":2}"], "{size}");
            assert_eq!(lines.rest(), &b"last"[..]);
        }
    }

    #[test]
    fn every_option_has_its_place_in_the_query() {
        let request = BuildRequest {
            context: "/c".into(),
            dockerfile: Arc::default(),
            dockerfile_name: String::new(),
            ignore: None,
            settings: BuildSettings {
                args: BTreeMap::from([("A".into(), "é&".into())]),
                target: Some("last".into()),
                labels: BTreeMap::from([("l".into(), "1".into())]),
                platform: Some("linux/arm64".into()),
                network: Some("none".into()),
                hosts: vec![("a".into(), "10.0.0.1".into()), ("b".into(), "::1".into())],
                secrets: [("id".to_owned(), b"hunter2".to_vec())].into_iter().collect(),
            },
            no_cache: true,
            tag: "a/b:c".into(),
            context_key: String::new(),
            timeout: Duration::from_secs(1),
            client: Client::default(),
        };
        assert_eq!(
            query(&request),
            "version=2&remote=client-session&dockerfile=Dockerfile&rm=1&forcerm=1&nocache=1&t=a%2Fb%3Ac\
             &buildargs=%7B%22A%22%3A%22%C3%A9%26%22%7D&labels=%7B%22l%22%3A%221%22%7D&target=last\
             &platform=linux%2Farm64&networkmode=none&extrahosts=a%3A10.0.0.1&extrahosts=b%3A%3A%3A1"
        );
    }
}
