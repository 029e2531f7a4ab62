//! What the docker client prints about a build, as the messages that an engine sends: from `--progress=rawjson`, or,
//! with less in it, from `--progress=plain`. Pure.

use crate::model::Bytes;
use crate::text::time::parse_rfc3339;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexLog, VertexStatus};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A line of `--progress=rawjson`; fields that are not needed are left out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    vertexes: Vec<JsonVertex>,
    statuses: Vec<JsonStatus>,
    logs: Vec<JsonLog>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonVertex {
    digest: String,
    inputs: Vec<String>,
    name: String,
    started: Option<String>,
    completed: Option<String>,
    cached: bool,
    error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonStatus {
    id: String,
    vertex: String,
    total: i64,
    current: i64,
    started: Option<String>,
    completed: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonLog {
    vertex: String,
    data: String,
}

/// Puts a time into a field whose type bollard does not export.
macro_rules! stamp {
    ($field:expr, $text:expr) => {
        if let Some(moment) = $text.as_deref().and_then(parse_rfc3339) {
            let stamp = $field.get_or_insert_default();
            stamp.seconds = moment.unix_timestamp();
            stamp.nanos = i32::try_from(moment.nanosecond()).unwrap_or_default();
        }
    };
}

/// Reads `--progress=rawjson`; also gives the lines between, which are for people. Older clients break an object into
/// many lines, newer ones do not.
pub(super) fn json(printed: &[u8]) -> (Vec<StatusResponse>, String) {
    let (mut messages, mut rest, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(left) = printed.get(at..).filter(|left| !left.is_empty()) {
        let mut values = serde_json::Deserializer::from_slice(left).into_iter::<Line>();
        if left.starts_with(b"{")
            && let Some(Ok(line)) = values.next()
        {
            messages.push(message(line));
            at += values.byte_offset();
            continue;
        }
        let line = left.iter().position(|byte| *byte == b'\n').map_or(left.len(), |end| end + 1);
        rest.extend_from_slice(left.get(..line).unwrap_or_default());
        at += line;
    }
    (messages, String::from_utf8_lossy(&rest).into_owned())
}

fn message(line: Line) -> StatusResponse {
    StatusResponse {
        vertexes: line.vertexes.into_iter().map(vertex).collect(),
        statuses: line.statuses.into_iter().map(status).collect(),
        logs: line.logs.into_iter().map(log).collect(),
        ..StatusResponse::default()
    }
}

fn vertex(from: JsonVertex) -> Vertex {
    let mut to = Vertex {
        digest: from.digest,
        inputs: from.inputs,
        name: from.name,
        cached: from.cached,
        error: from.error,
        ..Vertex::default()
    };
    stamp!(to.started, from.started);
    stamp!(to.completed, from.completed);
    to
}

fn status(from: JsonStatus) -> VertexStatus {
    let (id, vertex, total, current) = (from.id, from.vertex, from.total, from.current);
    let mut to = VertexStatus { id, vertex, total, current, ..VertexStatus::default() };
    stamp!(to.started, from.started);
    stamp!(to.completed, from.completed);
    to
}

fn log(from: JsonLog) -> VertexLog {
    VertexLog { vertex: from.vertex, msg: STANDARD.decode(from.data).unwrap_or_default(), ..VertexLog::default() }
}

/// Reads `--progress=plain`: names, what was cached, errors and logs; it says nothing of starts and ends.
pub(super) fn plain(printed: &[u8]) -> (Vec<StatusResponse>, String) {
    let text = String::from_utf8_lossy(printed);
    let mut message = StatusResponse::default();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        let Some((number, rest)) = line.strip_prefix('#').and_then(|rest| rest.split_once(' ')) else { continue };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let Some(at) = known.get(number) else {
            known.insert(number, message.vertexes.len());
            let name = rest.to_owned();
            message.vertexes.push(Vertex { digest: format!("#{number}"), name, ..Vertex::default() });
            continue;
        };
        let Some(vertex) = message.vertexes.get_mut(*at) else { continue };
        match rest.split_once(' ') {
            _ if rest == "CACHED" => vertex.cached = true,
            Some(("ERROR:" | "ERROR", error)) => error.trim_start_matches(": ").clone_into(&mut vertex.error),
            Some(("DONE", _)) => {}
            Some(("transferring", what)) => message.statuses.extend(transfer(what, number)),
            Some((time, words)) if time.parse::<f64>().is_ok() => {
                let msg = format!("{words}\n").into_bytes();
                message.logs.push(VertexLog { vertex: format!("#{number}"), msg, ..VertexLog::default() });
            }
            _ => {}
        }
    }
    (vec![message], text.into_owned())
}

/// `context: 1.98MB 0.0s done`.
fn transfer(what: &str, number: &str) -> Option<VertexStatus> {
    let (name, rest) = what.split_once(": ")?;
    let size = Bytes::parse_shown(rest.split_whitespace().next()?)?;
    let current = i64::try_from(size.0).ok()?;
    let id = format!("transferring {name}:");
    Some(VertexStatus { id, vertex: format!("#{number}"), current, ..VertexStatus::default() })
}

/// The client's own reason for an end without a failed step: its last line for people.
pub(super) fn last_words(said: &str, otherwise: &str) -> String {
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    last.map_or_else(|| otherwise.to_owned(), |line| line.trim_start_matches("ERROR: ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::wire::trace;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn plain_output_proves_what_was_cached() {
        let printed = b"#0 building with \"default\" instance using docker driver\n\n\
            #1 [internal] load build definition from Dockerfile\n#1 transferring dockerfile: 120B done\n#1 DONE 0.0s\n\n\
            #2 [internal] load build context\n#2 transferring context: 1.98MB 0.1s done\n#2 DONE 0.1s\n\n\
            #3 [1/2] COPY busybox /bin/sh\n#3 CACHED\n\n#4 [2/2] RUN echo CACHED\n#4 0.152 CACHED\n#4 DONE 0.2s\n";
        let trace = trace::decode(&plain(printed).0, UNIX_EPOCH);
        let steps: Vec<_> = trace.steps.iter().map(|step| (step.name.as_str(), step.cached, step.bytes.0)).collect();
        assert!(steps.contains(&("[1/2] COPY busybox /bin/sh", true, 0)), "{steps:?}");
        assert!(steps.contains(&("[2/2] RUN echo CACHED", false, 0)), "{steps:?}");
        assert!(steps.contains(&("[internal] load build context", false, 1_980_000)), "{steps:?}");
        assert!(trace.failure.is_none());
    }

    #[test]
    fn a_failed_step_is_found_in_both_forms() {
        let printed = b"#5 [2/2] RUN false\n#5 0.10 going down\n#5 ERROR: exit code: 1\n------\n";
        let failure = trace::decode(&plain(printed).0, UNIX_EPOCH).failure.unwrap();
        assert_eq!((failure.step.as_str(), failure.error.as_str()), ("[2/2] RUN false", "exit code: 1"));
        let printed = br#"{
  "vertexes":[
    {"digest":"sha256:a","name":"[2/2] RUN false","started":"2026-01-01T00:00:01Z"}
  ]
}
{"logs":[{"vertex":"sha256:a","stream":1,"data":"Z29pbmcgZG93bgo=","timestamp":"2026-01-01T00:00:01.2Z"}]}
{"vertexes":[{"digest":"sha256:a","name":"[2/2] RUN false","started":"2026-01-01T00:00:01Z","completed":"2026-01-01T00:00:01.5Z","error":"exit code: 1"}]}
ERROR: failed to solve: exit code: 1
"#;
        let begin = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let (messages, said) = json(printed);
        let trace = trace::decode(&messages, begin);
        let failure = trace.failure.unwrap();
        assert_eq!(
            (failure.step.as_str(), failure.log.as_slice()),
            ("[2/2] RUN false", &["going down".to_owned()][..])
        );
        assert!((trace.engine_seconds.get() - 0.5).abs() < 1e-6);
        assert_eq!(last_words(&said, ""), "failed to solve: exit code: 1");
    }
}
