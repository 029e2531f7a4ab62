//! BuildKit's status stream, turned into steps. Pure: it gets messages that were collected while the clock ran,
//! and the wall-clock time at which the clock was started.
//!
//! A vertex is reported several times, on some engines in reverse order: its reports are merged by digest, and all
//! intervals are kept.

use crate::model::{Bytes, Interval, Seconds, Step, StepKind};
use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexStatus};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Lines kept of a failing step's log.
const TAIL_LINES: usize = 12;

/// What a trace tells about a build.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Steps in order of their start; those that never started last.
    pub steps: Vec<Step>,
    /// From the first step's start to the last step's end, on the engine's clock.
    pub engine_seconds: Seconds,
    /// Time in which a layer of a base image was downloaded or unpacked.
    pub pull_seconds: Seconds,
    /// Compressed bytes of those layers that were downloaded.
    pub pulled_bytes: Bytes,
    /// Base images: (reference as the frontend resolved it, digest).
    pub bases: Vec<(String, String)>,
    /// Name, error and last log lines of the step that failed.
    pub failure: Option<Failure>,
}

/// The step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its name.
    pub step: String,
    /// The engine's error.
    pub error: String,
    /// The last lines it printed.
    pub log: Vec<String>,
}

/// Decodes the messages of one build, whose clock was started at `begin`.
#[must_use]
pub fn decode(messages: &[StatusResponse], begin: SystemTime) -> Trace {
    let origin = begin.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
    let mut merged = Merged::default();
    for message in messages {
        message.vertexes.iter().for_each(|vertex| merged.vertex(vertex, origin));
        message.statuses.iter().for_each(|status| merged.status(status, origin));
        for log in &message.logs {
            merged.logs.entry(log.vertex.clone()).or_default().extend_from_slice(&log.msg);
        }
    }
    merged.finish()
}

#[derive(Default)]
struct Merged {
    order: Vec<String>,
    steps: HashMap<String, Step>,
    /// Transfers of a vertex by the id of their status: bytes seen so far.
    transfers: BTreeMap<(String, String), u64>,
    downloads: HashMap<String, u64>,
    pulls: Vec<Interval>,
    logs: HashMap<String, Vec<u8>>,
}

/// A protobuf timestamp in seconds after `$origin`. A macro, because bollard does not export the timestamp's type.
macro_rules! seconds {
    ($stamp:expr, $origin:expr) => {
        $stamp.as_ref().map(|t| relative(t.seconds, t.nanos, $origin))
    };
}

#[allow(clippy::cast_precision_loss)] // 2^53 seconds are enough
fn relative(seconds: i64, nanos: i32, origin: f64) -> f64 {
    // Never negative: a clock that was set back a little must not make a row that cannot be stored.
    (seconds as f64 - origin + f64::from(nanos) * 1e-9).max(0.0)
}

impl Merged {
    fn vertex(&mut self, vertex: &Vertex, origin: f64) {
        let step = self.steps.entry(vertex.digest.clone()).or_insert_with(|| {
            self.order.push(vertex.digest.clone());
            Step {
                name: String::new(),
                digest: vertex.digest.clone(),
                inputs: Vec::new(),
                kind: StepKind::Other,
                intervals: Vec::new(),
                cached: false,
                bytes: Bytes(0),
                error: None,
            }
        });
        if !vertex.name.is_empty() {
            step.name.clone_from(&vertex.name);
            step.kind = kind_of(&vertex.name);
        }
        if !vertex.inputs.is_empty() {
            step.inputs.clone_from(&vertex.inputs);
        }
        step.cached |= vertex.cached;
        if !vertex.error.is_empty() {
            step.error = Some(vertex.error.clone());
        }
        if let Some(start) = seconds!(vertex.started, origin) {
            let end = seconds!(vertex.completed, origin);
            add_interval(&mut step.intervals, start, end);
        }
    }

    fn status(&mut self, status: &VertexStatus, origin: f64) {
        let current = u64::try_from(status.current).unwrap_or(0);
        let layer = status.id.starts_with("sha256:");
        if layer || status.id.starts_with("transferring ") {
            let key = (status.vertex.clone(), status.id.clone());
            let seen = self.transfers.entry(key).or_default();
            *seen = (*seen).max(current);
        }
        if layer {
            let seen = self.downloads.entry(status.id.clone()).or_default();
            *seen = (*seen).max(current);
        }
        if (layer && status.total > 0) || status.id.starts_with("extracting sha256:") {
            let start = seconds!(status.started, origin);
            let end = seconds!(status.completed, origin);
            if let (Some(start), Some(end)) = (start, end) {
                self.pulls.push(Interval { start, end: end.max(start) });
            }
        }
    }

    fn finish(self) -> Trace {
        let Self { order, mut steps, transfers, downloads, pulls, logs } = self;
        for ((vertex, _), bytes) in transfers {
            if let Some(step) = steps.get_mut(&vertex) {
                step.bytes.0 = step.bytes.0.saturating_add(bytes);
            }
        }
        let mut steps: Vec<Step> = order.iter().filter_map(|digest| steps.remove(digest)).collect();
        for step in &mut steps {
            step.intervals = union(std::mem::take(&mut step.intervals));
        }
        let key = |step: &Step| step.start().unwrap_or(f64::INFINITY);
        steps.sort_by(|a, b| key(a).total_cmp(&key(b)));
        let first = steps.iter().filter_map(Step::start).fold(f64::INFINITY, f64::min);
        let last = steps.iter().filter_map(Step::end).fold(f64::NEG_INFINITY, f64::max);
        Trace {
            engine_seconds: Seconds::new(last - first).unwrap_or(Seconds::ZERO),
            pull_seconds: Seconds::new(union(pulls).iter().map(|i| i.end - i.start).sum()).unwrap_or(Seconds::ZERO),
            pulled_bytes: Bytes(downloads.values().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes))),
            bases: bases(&steps),
            failure: failure(&steps, &logs),
            steps,
        }
    }
}

/// Adds one report of a vertex. A report without an end is completed by a later one with the same start.
fn add_interval(intervals: &mut Vec<Interval>, start: f64, end: Option<f64>) {
    let end = end.map_or(start, |end| end.max(start));
    match intervals.iter_mut().find(|known| (known.start - start).abs() < 1e-9) {
        Some(known) => known.end = known.end.max(end),
        None => intervals.push(Interval { start, end }),
    }
}

/// Joins intervals that overlap or touch.
fn union(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut joined: Vec<Interval> = Vec::with_capacity(intervals.len());
    for next in intervals {
        match joined.last_mut() {
            Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
            _ => joined.push(next),
        }
    }
    joined
}

/// What a vertex is for, by its name: `[stage 2/5] RUN …`, `[internal] …`, `exporting to image`.
fn kind_of(name: &str) -> StepKind {
    if name.starts_with("[internal]") || name.starts_with("resolve image config for") {
        return StepKind::Internal;
    }
    if name.starts_with("exporting ") || name.starts_with("naming to ") || name.starts_with("unpacking to ") {
        return StepKind::Export;
    }
    let Some((_, rest)) = name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
        return StepKind::Other;
    };
    match rest.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
        "RUN" | "COPY" | "ADD" | "WORKDIR" => StepKind::Work,
        "FROM" => StepKind::Base,
        _ => StepKind::Other,
    }
}

/// Base images by the names of the `FROM` steps: `[build 1/5] FROM host/name:tag@sha256:…`.
fn bases(steps: &[Step]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = steps
        .iter()
        .filter(|step| step.kind == StepKind::Base)
        .filter_map(|step| step.name.split_once("] FROM ")?.1.split_once("@sha256:"))
        .map(|(reference, digest)| (reference.trim().to_owned(), format!("sha256:{}", digest.trim())))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn failure(steps: &[Step], logs: &HashMap<String, Vec<u8>>) -> Option<Failure> {
    // A step cancelled because another one failed has an error too: the cause is the one that ended first.
    let cancelled = |step: &Step| step.error.as_deref().is_some_and(|e| e.contains("context canceled"));
    let failed = steps.iter().filter(|step| step.error.is_some()).min_by(|a, b| {
        cancelled(a).cmp(&cancelled(b)).then(a.end().unwrap_or(0.0).total_cmp(&b.end().unwrap_or(0.0)))
    })?;
    let text = logs.get(&failed.digest).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    Some(Failure {
        step: failed.name.clone(),
        error: failed.error.clone().unwrap_or_default(),
        log: lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)).map(|line| (*line).to_owned()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::moby::buildkit::v1::VertexLog;

    macro_rules! set {
        ($slot:expr, $at:expr) => {
            let stamp = $slot.get_or_insert_default();
            stamp.seconds = 1_000 + $at as i64;
            stamp.nanos = ($at.fract() * 1e9) as i32;
        };
    }

    fn vertex(digest: &str, name: &str, start: Option<f64>, end: Option<f64>) -> Vertex {
        let mut vertex = Vertex { digest: digest.into(), name: name.into(), ..Vertex::default() };
        if let Some(start) = start {
            set!(vertex.started, start);
        }
        if let Some(end) = end {
            set!(vertex.completed, end);
        }
        vertex
    }

    fn begin() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000)
    }

    #[test]
    fn reports_of_a_vertex_are_merged_in_any_order() {
        let name = "[build 2/5] RUN pip install poetry";
        let reports = vec![
            vertex("a", name, Some(3.0), Some(4.0)),
            vertex("a", name, Some(1.0), None),
            vertex("a", name, Some(1.0), Some(2.0)),
            vertex("a", name, None, None),
        ];
        let mut backwards = reports.clone();
        backwards.reverse();
        for order in [reports, backwards] {
            let trace = decode(&[StatusResponse { vertexes: order, ..StatusResponse::default() }], begin());
            let step = &trace.steps[0];
            assert_eq!(step.intervals, [Interval { start: 1.0, end: 2.0 }, Interval { start: 3.0, end: 4.0 }]);
            assert_eq!(step.kind, StepKind::Work);
            assert_eq!(trace.engine_seconds, Seconds::new(3.0).unwrap());
        }
    }

    #[test]
    fn names_tell_what_a_step_is_for() {
        for (name, kind) in [
            ("[internal] load build context", StepKind::Internal),
            ("[internal] load metadata for docker.io/library/python:3.12", StepKind::Internal),
            ("[stage-1 1/4] FROM docker.io/library/python@sha256:aa", StepKind::Base),
            ("[1/5] FROM docker.io/library/python@sha256:aa", StepKind::Base),
            ("[runtime 2/6] COPY --from=build /a /a", StepKind::Work),
            ("[build 3/5] WORKDIR /usr/src/app", StepKind::Work),
            ("[2/2] ADD https://example.org /x", StepKind::Work),
            ("exporting to image", StepKind::Export),
            ("https://example.org/x", StepKind::Other),
            ("", StepKind::Other),
            ("[unclosed", StepKind::Other),
        ] {
            assert_eq!(kind_of(name), kind, "{name}");
        }
    }

    #[test]
    fn downloads_are_counted_once_and_overlapping_pulls_joined() {
        let status = |id: &str, current, start: f64, end: f64| {
            let mut status =
                VertexStatus { id: id.into(), vertex: "f".into(), current, total: 100, ..VertexStatus::default() };
            set!(status.started, start);
            set!(status.completed, end);
            status
        };
        let trace = decode(
            &[StatusResponse {
                vertexes: vec![vertex("f", "[1/2] FROM docker.io/library/busybox:1@sha256:abc", Some(0.0), Some(5.0))],
                statuses: vec![
                    status("sha256:l1", 40, 1.0, 2.0),
                    status("sha256:l1", 100, 1.0, 2.0),
                    status("sha256:l2", 7, 1.5, 3.0),
                    status("extracting sha256:l1", 0, 3.5, 4.0),
                ],
                ..StatusResponse::default()
            }],
            begin(),
        );
        assert_eq!(trace.pulled_bytes, Bytes(107));
        assert_eq!(trace.steps[0].bytes, Bytes(107));
        assert_eq!(trace.pull_seconds, Seconds::new(2.5).unwrap());
        assert_eq!(trace.bases, [("docker.io/library/busybox:1".to_owned(), "sha256:abc".to_owned())]);
    }

    #[test]
    fn the_step_that_failed_is_named_with_its_last_lines() {
        let mut failed = vertex("r", "[2/3] RUN false", Some(1.0), Some(2.0));
        failed.error = "process did not complete successfully: exit code: 1".into();
        let mut other = vertex("o", "[b 2/3] RUN sleep 9", Some(1.0), Some(1.5));
        other.error = "context canceled".into();
        let log = VertexLog { vertex: "r".into(), msg: b"one\ntwo\n".to_vec(), ..VertexLog::default() };
        let message = StatusResponse { vertexes: vec![other, failed], logs: vec![log], ..StatusResponse::default() };
        let failure = decode(&[message], begin()).failure.unwrap();
        assert_eq!(failure.step, "[2/3] RUN false");
        assert_eq!(failure.log, ["one", "two"]);
    }

    #[test]
    fn an_empty_trace_is_no_trouble() {
        assert_eq!(decode(&[], begin()), Trace::default());
    }
}
