//! The measured path: one build, from opening the session to the end of the answer.
//!
//! Between the two clock readings nothing happens but the build. Each build has a runtime of its own on one thread,
//! with no other task on it, and everything it opened is gone when the runtime is dropped. The trace is collected
//! as it comes, and decoded after the clock was read.

use super::build_call::{self, Answer};
use super::endpoint::{Endpoint, runtime};
use super::registry_login::RegistryLogin;
use super::session::{Credentials, Folder, MemoryFolder, Secrets, Session, SessionOptions};
use super::trace;
use super::{BuildRequest, Client, EngineError, Interrupt, docker_client};
use crate::model::{Bytes, Outcome, Progress, Seconds, Status};
use crate::project::context::Context;
use crate::text::without_logins;
use bollard::moby::buildkit::v1::{StatusResponse, Vertex};
use bollard::models::{BuildInfoAux, ErrorDetail};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How long a cancelled build may take to let go of its session before it is abandoned.
const LET_GO: Duration = Duration::from_secs(2);

/// What came over the wire, undecoded.
#[derive(Default)]
pub(super) struct Collected {
    image_id: Option<String>,
    messages: Vec<StatusResponse>,
    sent: u64,
}

/// Builds on an engine and times it.
pub fn build(endpoint: &Endpoint, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
    let hidden = request.settings.hidden();
    let veiled = Veiled { hidden: &hidden, progress };
    let progress = if hidden.is_empty() { progress } else { &veiled };
    let mut outcome = match &request.client {
        Client::Layerbench => build_here(endpoint, request, progress, interrupt),
        Client::Docker(client) => docker_client::build(client, endpoint, request, interrupt),
    };
    if let Err((_, text)) = &mut outcome.result {
        *text = with_place(&request.dockerfile_name, text);
    }
    hide(&hidden, outcome)
}

fn build_here(endpoint: &Endpoint, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(e) => return not_built(&e),
    };
    let session = match session_options(request) {
        Ok(session) => session,
        Err(e) => return not_built(&e),
    };
    let mut answer = Collected { messages: Vec::with_capacity(1024), ..Collected::default() };
    let query = build_call::query(request);

    let begin = SystemTime::now();
    let clock = Instant::now();
    let (result, seconds) = runtime.block_on(async {
        let mut open = None;
        let work = carry_out(endpoint, query, session, &mut open, &mut answer, progress);
        let result = tokio::select! {
            biased;
            result = tokio::time::timeout(request.timeout, work) => match result {
                Ok(result) => result,
                Err(_) => Err((Status::Timeout, format!("not done after {} s", request.timeout.as_secs()))),
            },
            () = interrupt.raised() => Err((Status::Interrupted, "stopped by the user".to_owned())),
        };
        let seconds = Seconds::from(clock.elapsed());
        (close(open, result, &mut answer).await, seconds)
    });
    runtime.shutdown_timeout(LET_GO);

    judge(result, seconds, begin, answer)
}

/// Puts file and line before what the engine says about a Dockerfile that it cannot read.
fn with_place(file: &str, text: &str) -> String {
    let Some((_, after)) = text.split_once("parse error") else { return text.to_owned() };
    let line: String = after
        .split_once("line ")
        .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect())
        .unwrap_or_default();
    if line.is_empty() { format!("{file}: {text}") } else { format!("{file}:{line}: {text}") }
}

/// What failed may have printed a secret, and a step may have one in its name; it must not be kept.
fn hide(secrets: &Secrets, mut outcome: Outcome) -> Outcome {
    let hide = |text: &mut String| *text = secrets.hide(&without_logins(text));
    if let Err((_, text)) = &mut outcome.result {
        hide(text);
    }
    for step in &mut outcome.steps {
        hide(&mut step.name);
        step.error.iter_mut().for_each(hide);
    }
    outcome.log_tail.iter_mut().for_each(hide);
    outcome
}

/// Shows steps whose names have a secret put in.
struct Veiled<'a> {
    hidden: &'a Secrets,
    progress: &'a dyn Progress,
}

impl Progress for Veiled<'_> {
    fn step(&self, name: &str) {
        self.progress.step(&self.hidden.hide(name));
    }
}

/// The build itself: session, request, answer.
async fn carry_out(
    endpoint: &Endpoint,
    query: String,
    session: SessionOptions,
    open: &mut Option<Session>,
    answer: &mut Collected,
    progress: &dyn Progress,
) -> Result<(), (Status, String)> {
    let stream = endpoint.connect().await.map_err(|e| (Status::Failed, unreachable(endpoint, &e)))?;
    let session = Session::open(stream, session).await.map_err(|e| (Status::Failed, e.to_string()))?;
    let query = format!("{query}&session={}", session.id());
    *open = Some(session);
    read_answer(endpoint, &query, answer, progress).await
}

fn unreachable(endpoint: &Endpoint, error: &std::io::Error) -> String {
    format!("cannot reach the engine at {endpoint}: {error}; start Docker, or name another engine with DOCKER_HOST")
}

/// Ends the session, after the clock was read, and takes its word on what it sent.
pub(super) async fn close(
    open: Option<Session>,
    result: Result<(), (Status, String)>,
    answer: &mut Collected,
) -> Result<(), (Status, String)> {
    let Some(session) = open else { return result };
    let failure = session.failure();
    let sent = session.close().await;
    answer.sent = sent.bytes;
    match (result, failure) {
        (Err((Status::Failed, text)), Some(cause)) => Err((Status::Failed, format!("{text}: {cause}"))),
        (Ok(()), _) if sent.vanished > 0 => {
            Err((Status::Invalid, format!("{} files of the context vanished during the build", sent.vanished)))
        }
        (result, _) => result,
    }
}

async fn read_answer(
    endpoint: &Endpoint,
    query: &str,
    collected: &mut Collected,
    progress: &dyn Progress,
) -> Result<(), (Status, String)> {
    let failed = |text| (Status::Failed, text);
    let mut answer = Answer::ask(endpoint, query).await.map_err(failed)?;
    while let Some(message) = answer.next().await.map_err(failed)? {
        if let Some(ErrorDetail { message: Some(error), .. }) = message.error_detail {
            return Err(failed(error));
        }
        match message.aux {
            Some(BuildInfoAux::BuildKit(status)) => {
                let starts = |v: &&Vertex| v.started.is_some() && v.completed.is_none();
                if let Some(vertex) = status.vertexes.iter().rev().find(starts) {
                    progress.step(&vertex.name);
                }
                collected.messages.push(status);
            }
            Some(BuildInfoAux::Default(image)) => collected.image_id = image.id,
            None => {}
        }
    }
    if collected.image_id.is_some() {
        Ok(())
    } else {
        Err(failed("the engine ended the build without an image".to_owned()))
    }
}

fn session_options(request: &BuildRequest) -> Result<SessionOptions, EngineError> {
    let failed = |e: &dyn std::fmt::Display| EngineError::new("opening the build context", e, "");
    let mut files = vec![("Dockerfile", request.dockerfile.to_vec())];
    if let Some(ignore) = &request.ignore {
        files.push(("Dockerfile.dockerignore", ignore.to_vec()));
    }
    let dockerfile = MemoryFolder::new(files).map_err(|name| failed(&String::from_utf8_lossy(&name)))?;
    let context = Context::open(&request.context).map_err(|e| failed(&e))?;
    Ok(SessionOptions {
        name: "layerbench".to_owned(),
        shared_key: request.context_key.clone(),
        folders: vec![
            ("context".to_owned(), Folder::Disk(context)),
            ("dockerfile".to_owned(), Folder::Memory(dockerfile)),
        ],
        credentials: Credentials::from(RegistryLogin::of_user()),
        secrets: request.settings.secrets.clone(),
    })
}

/// Decodes what was collected. No clock runs any more.
fn judge(result: Result<(), (Status, String)>, seconds: Seconds, begin: SystemTime, answer: Collected) -> Outcome {
    let trace = trace::decode(&answer.messages, begin);
    let result = result.map_err(|(status, text)| match (&trace.failure, status) {
        (Some(failure), Status::Failed) => (status, format!("{}: {}", failure.step, failure.error)),
        _ => (status, text),
    });
    Outcome {
        result,
        seconds,
        engine_seconds: trace.engine_seconds,
        pull_seconds: trace.pull_seconds,
        context_bytes: Bytes(answer.sent),
        pulled_bytes: trace.pulled_bytes,
        steps: trace.steps,
        image_id: answer.image_id,
        bases: trace.bases,
        log_tail: trace.failure.map(|f| f.log).unwrap_or_default(),
        started_at: rfc3339(begin),
    }
}

/// How long fetching one base image may take.
const FETCH_LIMIT: Duration = Duration::from_secs(1800);

/// The build that fetches a base image: nothing but its `FROM`.
pub(super) fn base_request(run: &str, number: usize, reference: &str) -> BuildRequest {
    BuildRequest {
        context: std::env::temp_dir(),
        dockerfile: Arc::new(format!("FROM {reference}\n").into_bytes()),
        ignore: Some(Arc::new(b"*\n".to_vec())),
        tag: format!("layerbench/{run}:base-{number}"),
        context_key: format!("layerbench-{run}-base"),
        timeout: FETCH_LIMIT,
        ..BuildRequest::default()
    }
}

/// What became of fetching a base image.
pub(super) fn fetched(reference: &str, outcome: Outcome) -> Result<(), EngineError> {
    outcome.result.map_err(|(_, why)| {
        EngineError::new(
            format!("fetching the base image {reference}"),
            why,
            "check the name, or replace it with --base FROM=TO",
        )
    })
}

/// The outcome of a build that could not even be asked for.
#[must_use]
pub fn not_built(why: &dyn std::fmt::Display) -> Outcome {
    judge(Err((Status::Failed, why.to_string())), Seconds::ZERO, SystemTime::now(), Collected::default())
}

/// UTC time as RFC 3339 with milliseconds, e.g. `2026-11-23T07:00:17.350Z`.
#[must_use]
pub fn rfc3339(moment: SystemTime) -> String {
    let moment = OffsetDateTime::from(moment);
    let moment = moment.replace_millisecond(moment.millisecond()).unwrap_or(moment);
    moment.format(&Rfc3339).unwrap_or_default()
}
