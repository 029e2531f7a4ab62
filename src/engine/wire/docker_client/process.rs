//! The docker client as a whole process, timed as users wait for it: from its start to its exit.
//!
//! What it prints goes to a file while the clock runs, and is read afterwards for the same proof that our own client
//! gets from the engine: the steps, and which of them came from the cache.

use super::{DockerClient, printed};
use crate::engine::engine_error::EngineError;
use crate::engine::interrupt::Interrupt;
use crate::engine::wire::build_request::BuildRequest;
use crate::engine::wire::endpoint::{Endpoint, runtime};
use crate::engine::wire::outcomes::{Ended, Measured, name_failed_step, not_built};
use crate::engine::wire::trace;
use crate::model::{Bytes, Outcome, Seconds, Status};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// How long a stopped client may take to end by itself.
const LET_GO: Duration = Duration::from_secs(2);

/// The step in which BuildKit takes the context.
const CONTEXT_STEP: &str = "[internal] load build context";

/// Builds with a docker client and times it.
pub(in crate::engine::wire) fn build(
    client: &DockerClient,
    endpoint: &Endpoint,
    request: &BuildRequest,
    interrupt: &Interrupt,
) -> Outcome {
    let not_built = |e: &dyn std::fmt::Display| not_built(&EngineError::new("building with docker", e, ""));
    let files = match lay_out(client, request) {
        Ok(files) => files,
        Err(e) => return not_built(&e),
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(e) => return not_built(&e),
    };
    let command = match command(client, endpoint, request, files.path()) {
        Ok(command) => command,
        Err(e) => return not_built(&e),
    };
    if let Err(e) = fs::rename(&request.context, &client.place) {
        return not_built(&e);
    }
    let begin = SystemTime::now();
    let (result, seconds) = runtime.block_on(run(command, request.timeout, interrupt));
    let back = fs::rename(&client.place, &request.context);

    let said = fs::read(files.path().join("printed")).unwrap_or_default();
    let (messages, said) = if client.json { printed::json(&said) } else { printed::plain(&said) };
    let trace = trace::decode(&messages, begin);
    let image_id = fs::read_to_string(files.path().join("iid")).ok().map(|id| id.trim().to_owned());
    let result = match result {
        Err((Status::Failed, text)) if trace.failure.is_none() => {
            Err((Status::Failed, printed::last_words(&said, &text)))
        }
        result => name_failed_step(result, &trace),
    };
    let result = result.and_then(|()| match (&image_id, back) {
        (_, Err(e)) => Err((Status::Failed, format!("moving the context back: {e}"))),
        (None, _) => Err((Status::Failed, "the docker client ended the build without an image".to_owned())),
        _ => Ok(()),
    });
    let context = trace.steps.iter().filter(|step| step.name == CONTEXT_STEP);
    let context_bytes = Bytes(context.map(|step| step.bytes.0).sum());
    Measured { result, seconds, begin, trace, image_id, context_bytes }.into_outcome()
}

/// A folder with the Dockerfile, its ignore file and the secrets, beside the place of the contexts.
fn lay_out(client: &DockerClient, request: &BuildRequest) -> io::Result<tempfile::TempDir> {
    let parent = client.place.parent().unwrap_or(Path::new("/"));
    let files = tempfile::Builder::new().prefix("docker-").tempdir_in(parent)?;
    fs::write(files.path().join("Dockerfile"), request.dockerfile.as_slice())?;
    if let Some(ignore) = &request.ignore {
        fs::write(files.path().join("Dockerfile.dockerignore"), ignore.as_slice())?;
    }
    for (number, (_, value)) in request.settings.secrets.iter().enumerate() {
        let file = files.path().join(format!("secret-{number}"));
        fs::write(&file, value)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    }
    Ok(files)
}

fn command(client: &DockerClient, endpoint: &Endpoint, request: &BuildRequest, files: &Path) -> io::Result<Command> {
    let settings = &request.settings;
    let mut command = Command::new("docker");
    command.arg("build").arg("--progress").arg(if client.json { "rawjson" } else { "plain" });
    command.arg("--iidfile").arg(files.join("iid")).arg("--file").arg(files.join("Dockerfile"));
    if !request.tag.is_empty() {
        command.arg("--tag").arg(&request.tag);
    }
    if request.no_cache {
        command.arg("--no-cache");
    }
    for (name, value) in &settings.args {
        command.arg("--build-arg");
        // Every user of the machine can see the arguments of a process, but not its variables.
        if can_be_variable(name, value, endpoint) {
            command.arg(name).env(name, value);
        } else {
            command.arg(format!("{name}={value}"));
        }
    }
    for (name, value) in &settings.labels {
        command.arg("--label").arg(format!("{name}={value}"));
    }
    for (option, value) in
        [("--target", &settings.target), ("--platform", &settings.platform), ("--network", &settings.network)]
    {
        if let Some(value) = value {
            command.arg(option).arg(value);
        }
    }
    for (name, address) in &settings.hosts {
        command.arg("--add-host").arg(format!("{name}:{address}"));
    }
    for (number, (id, _)) in settings.secrets.iter().enumerate() {
        let file = files.join(format!("secret-{number}"));
        command.arg("--secret").arg(format!("id={id},src={}", file.display()));
    }
    command.arg(&client.place);
    command.env("DOCKER_BUILDKIT", "1").env("DOCKER_HOST", endpoint.to_string()).env("BUILDX_BUILDER", "default");
    command.env_remove("DOCKER_CONTEXT").env("DOCKER_CLI_HINTS", "false");
    let printed = fs::File::create(files.join("printed"))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(printed);
    Ok(command)
}

/// Whether a variable with this name and value means nothing to the docker client, or is there already.
fn can_be_variable(name: &str, value: &str, endpoint: &Endpoint) -> bool {
    let theirs = ["DOCKER", "BUILD", "LD_", "GO", "SSH", "OTEL", "XDG_", "LC_", "NO_COLOR"];
    match std::env::var_os(name) {
        Some(there) => there == value,
        None if name.to_ascii_uppercase().ends_with("_PROXY") => endpoint.is_local(),
        None => !theirs.iter().any(|start| name.starts_with(start)),
    }
}

/// Runs it to its end. The second clock reading is taken as soon as it has exited.
async fn run(command: Command, limit: Duration, interrupt: &Interrupt) -> (Ended, Seconds) {
    let mut command = tokio::process::Command::from(command);
    // Plugins are processes of their own: all of them are stopped together, and not by Ctrl-C in a terminal.
    command.process_group(0).kill_on_drop(true);
    let clock = Instant::now();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return (Err((Status::Failed, format!("docker: {e}"))), Seconds::ZERO),
    };
    let group = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    let result = tokio::select! {
        biased;
        ended = tokio::time::timeout(limit, child.wait()) => match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err((Status::Failed, format!("docker: {status}"))),
            Ok(Err(e)) => Err((Status::Failed, format!("docker: {e}"))),
            Err(_) => Err((Status::Timeout, format!("not done after {} s", limit.as_secs()))),
        },
        () = interrupt.raised() => Err((Status::Interrupted, "stopped by the user".to_owned())),
    };
    let seconds = Seconds::from(clock.elapsed());
    if let (Err((Status::Timeout | Status::Interrupted, _)), Some(group)) = (&result, group) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        if tokio::time::timeout(LET_GO, child.wait()).await.is_err() {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = child.wait().await;
        }
    }
    (result, seconds)
}
