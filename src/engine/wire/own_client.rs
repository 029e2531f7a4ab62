//! The measured path: one build, from opening the session to the end of the answer.
//!
//! Between the two clock readings nothing happens but the build. Each build has a runtime of its own on one thread,
//! with no other task on it, and everything it opened is gone when the runtime is dropped. The trace is collected
//! as it comes, and decoded after the clock was read.

use super::build_call::{self, Answer, NoAnswer};
use super::build_request::BuildRequest;
use super::endpoint::{Endpoint, runtime};
use super::outcomes::{Ended, Measured, name_failed_step, not_built};
use super::registry_login::RegistryLogin;
use super::session::{Credentials, Folder, MemoryFolder, Session, SessionOptions, Transferred};
use super::trace;
use crate::engine::engine_error::EngineError;
use crate::engine::interrupt::Interrupt;
use crate::model::{Bytes, Outcome, Progress, Seconds, Status};
use crate::project::context::Context;
use bollard::moby::buildkit::v1::{StatusResponse, Vertex};
use bollard::models::{BuildInfoAux, ErrorDetail};
use std::time::{Duration, Instant, SystemTime};

/// How long a cancelled build may take to let go of its session before it is abandoned.
const LET_GO: Duration = Duration::from_secs(2);

/// What came over the wire, undecoded.
#[derive(Default)]
struct Collected {
    image_id: Option<String>,
    messages: Vec<StatusResponse>,
    sent: u64,
}

/// Builds on an engine and times it.
pub(super) fn build(
    endpoint: &Endpoint,
    request: &BuildRequest,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Outcome {
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

    let trace = trace::decode(&answer.messages, begin);
    let result = name_failed_step(result, &trace);
    let (image_id, context_bytes) = (answer.image_id, Bytes(answer.sent));
    Measured { result, seconds, begin, trace, image_id, context_bytes }.into_outcome()
}

/// The build itself: session, request, answer.
async fn carry_out(
    endpoint: &Endpoint,
    query: String,
    session: SessionOptions,
    open: &mut Option<Session>,
    answer: &mut Collected,
    progress: &dyn Progress,
) -> Ended {
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
async fn close(open: Option<Session>, result: Ended, answer: &mut Collected) -> Ended {
    let Some(session) = open else { return result };
    let failure = session.failure();
    let sent = session.close().await;
    answer.sent = sent.bytes;
    with_session(result, failure, sent)
}

/// How a build ended, with what its session knows of it.
fn with_session(result: Ended, failure: Option<String>, sent: Transferred) -> Ended {
    match (result, failure) {
        (Err((Status::Failed, text)), Some(cause)) => Err((Status::Failed, format!("{text}: {cause}"))),
        (Ok(()), _) if sent.vanished > 0 => {
            Err((Status::Invalid, format!("{} files of the context vanished during the build", sent.vanished)))
        }
        (result, _) => result,
    }
}

async fn read_answer(endpoint: &Endpoint, query: &str, collected: &mut Collected, progress: &dyn Progress) -> Ended {
    let failed = |text| (Status::Failed, text);
    let broke = |e: NoAnswer| failed(e.to_string());
    let mut answer = Answer::ask(endpoint, query).await.map_err(broke)?;
    while let Some(message) = answer.next().await.map_err(broke)? {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn what_a_session_knows_of_a_build_is_said() {
        let vanished = Transferred { vanished: 1, ..Transferred::default() };
        let (status, why) = with_session(Ok(()), None, vanished).unwrap_err();
        assert_eq!(status, Status::Invalid);
        golden::messages("Contexts", &format!("## a file that vanishes during a build\n{why}"));
        let failed = || Err((Status::Failed, "failed to load".to_owned()));
        let (status, why) = with_session(failed(), Some("cannot read \"x\"".to_owned()), vanished).unwrap_err();
        assert_eq!((status, why.as_str()), (Status::Failed, "failed to load: cannot read \"x\""));
        assert_eq!(with_session(failed(), None, vanished), failed());
        assert_eq!(with_session(Ok(()), None, Transferred::default()), Ok(()));
    }
}
