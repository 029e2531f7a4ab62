//! The measured path: one build, from opening the session to the end of the answer.
//!
//! Between the two clock readings nothing happens but the build. Each build has a runtime of its own on one thread,
//! with no other task on it, and everything it opened is gone when the runtime is dropped. The trace is collected
//! as it comes, and decoded after the clock was read.

use super::endpoint::Endpoint;
use super::registry_login::RegistryLogin;
use super::session::{Credentials, Folder, MemoryFolder, Secrets, Session, SessionOptions};
use super::trace;
use super::{BuildRequest, EngineError, Interrupt};
use crate::model::{Bytes, Outcome, Progress, Seconds, Status};
use crate::project::context::Context;
use bollard::errors::Error;
use bollard::moby::buildkit::v1::StatusResponse;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder};
use bollard::{BollardRequest, Docker};
use futures_util::StreamExt;
use std::time::{Duration, Instant, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How long a cancelled build may take to let go of its session before it is abandoned.
const LET_GO: Duration = Duration::from_secs(2);

/// What came over the wire, undecoded.
#[derive(Default)]
struct Answer {
    image_id: Option<String>,
    messages: Vec<StatusResponse>,
    sent: u64,
}

/// Builds on an engine and times it.
pub fn build(endpoint: &Endpoint, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return not_built(&EngineError::new("starting a runtime", e, "")),
    };
    let client = match endpoint.client() {
        Ok(client) => client.with_timeout(request.timeout),
        Err(e) => return not_built(&e),
    };
    let session = match session_options(request) {
        Ok(session) => session,
        Err(e) => return not_built(&e),
    };
    let mut answer = Answer { messages: Vec::with_capacity(1024), ..Answer::default() };
    let asked = (build_options(request), request.settings.hosts_query());

    let begin = SystemTime::now();
    let clock = Instant::now();
    let (result, seconds) = runtime.block_on(async {
        let mut open = None;
        let work = carry_out(endpoint, client, asked, session, &mut open, &mut answer, progress);
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

    let mut outcome = judge(result, seconds, begin, answer);
    if let Err((_, text)) = &mut outcome.result {
        *text = with_place(&request.dockerfile_name, text);
    }
    hide(&request.settings.secrets, outcome)
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

/// What failed may have printed a secret; it must not be kept.
fn hide(secrets: &Secrets, mut outcome: Outcome) -> Outcome {
    if let Err((_, text)) = &mut outcome.result {
        *text = secrets.hide(text);
    }
    for step in &mut outcome.steps {
        step.error = step.error.as_ref().map(|error| secrets.hide(error));
    }
    outcome.log_tail.iter_mut().for_each(|line| *line = secrets.hide(line));
    outcome
}

/// The build itself: session, request, answer.
async fn carry_out(
    endpoint: &Endpoint,
    client: Docker,
    (options, hosts): (BuildImageOptions, String),
    session: SessionOptions,
    open: &mut Option<Session>,
    answer: &mut Answer,
    progress: &dyn Progress,
) -> Result<(), (Status, String)> {
    let stream = endpoint.connect().await.map_err(|e| (Status::Failed, format!("cannot reach the engine: {e}")))?;
    let session = Session::open(stream, session).await.map_err(|e| (Status::Failed, e.to_string()))?;
    let client = client.with_request_modifier(over_session(session.id(), &hosts));
    *open = Some(session);
    read_answer(&client, options, answer, progress).await
}

/// Ends the session, after the clock was read, and takes its word on what it sent.
async fn close(
    open: Option<Session>,
    result: Result<(), (Status, String)>,
    answer: &mut Answer,
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

/// Makes bollard's request one for BuildKit with a session of ours: bollard itself would open its own.
fn over_session(id: &str, more: &str) -> impl Fn(BollardRequest) -> BollardRequest + Send + Sync + 'static + use<> {
    let extra = format!("&version=2&session={id}&remote=client-session{more}");
    move |mut request| {
        let uri = request.uri().to_string();
        let uri = uri.replace("version=1&", "").replace("&version=1", "");
        if let Ok(uri) = format!("{uri}{extra}").parse() {
            *request.uri_mut() = uri;
        }
        request
    }
}

async fn read_answer(
    client: &Docker,
    options: BuildImageOptions,
    answer: &mut Answer,
    progress: &dyn Progress,
) -> Result<(), (Status, String)> {
    let body = Some(bollard::body_full(bytes::Bytes::new()));
    let mut stream = std::pin::pin!(client.build_image(options, None, body));
    while let Some(message) = stream.next().await {
        match message {
            Ok(BuildInfo { aux: Some(BuildInfoAux::BuildKit(status)), .. }) => {
                if let Some(vertex) =
                    status.vertexes.iter().rev().find(|v| v.started.is_some() && v.completed.is_none())
                {
                    progress.step(&vertex.name);
                }
                answer.messages.push(status);
            }
            Ok(BuildInfo { aux: Some(BuildInfoAux::Default(image)), .. }) => answer.image_id = image.id,
            Ok(_) => {}
            Err(e) => return Err((Status::Failed, explain(&e))),
        }
    }
    if answer.image_id.is_some() {
        Ok(())
    } else {
        Err((Status::Failed, "the engine ended the build without an image".to_owned()))
    }
}

/// What the engine said, without the wrapping of the library.
fn explain(error: &Error) -> String {
    match error {
        Error::DockerStreamError { error } => error.clone(),
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::RequestTimeoutError => "the engine did not answer in time".to_owned(),
        other => format!("the connection to the engine broke: {other}"),
    }
}

fn session_options(request: &BuildRequest) -> Result<SessionOptions, EngineError> {
    let failed = |e: &dyn std::fmt::Display| EngineError::new("opening the build context", e, "");
    let mut files = vec![("Dockerfile", request.dockerfile.to_vec())];
    if let Some(ignore) = &request.ignore {
        files.push(("Dockerfile.dockerignore", ignore.to_vec()));
    }
    let dockerfile = MemoryFolder::new(files).map_err(|_| failed(&"a file name holds a slash"))?;
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

fn build_options(request: &BuildRequest) -> BuildImageOptions {
    let mut options =
        BuildImageOptionsBuilder::default().dockerfile("Dockerfile").nocache(request.no_cache).rm(true).forcerm(true);
    if !request.tag.is_empty() {
        options = options.t(&request.tag);
    }
    request.settings.applied_to(options).build()
}

/// Decodes what was collected. No clock runs any more.
fn judge(result: Result<(), (Status, String)>, seconds: Seconds, begin: SystemTime, answer: Answer) -> Outcome {
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

/// The outcome of a build that could not even be asked for.
#[must_use]
pub fn not_built(error: &EngineError) -> Outcome {
    judge(Err((Status::Failed, error.to_string())), Seconds::ZERO, SystemTime::now(), Answer::default())
}

/// UTC time as RFC 3339 with milliseconds, e.g. `2026-11-23T07:00:17.350Z`.
#[must_use]
pub fn rfc3339(moment: SystemTime) -> String {
    let moment = OffsetDateTime::from(moment);
    let moment = moment.replace_millisecond(moment.millisecond()).unwrap_or(moment);
    moment.format(&Rfc3339).unwrap_or_default()
}
