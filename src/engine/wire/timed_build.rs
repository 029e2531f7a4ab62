//! One build, timed, whoever asks the engine for it. What must not be kept of its answer is hidden here, for all
//! clients alike.

use super::build_request::{BuildRequest, Client};
use super::docker_client::process;
use super::endpoint::Endpoint;
use super::own_client;
use super::session::Secrets;
use crate::engine::interrupt::Interrupt;
use crate::model::{Outcome, Progress};
use crate::text::without_logins;

/// Builds on an engine and times it.
pub fn build(endpoint: &Endpoint, request: &BuildRequest, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
    let hidden = request.settings.hidden();
    let veiled = Veiled { hidden: &hidden, progress };
    let progress = if hidden.is_empty() { progress } else { &veiled };
    let mut outcome = match &request.client {
        Client::Layerbench => own_client::build(endpoint, request, progress, interrupt),
        Client::Docker(client) => process::build(client, endpoint, request, interrupt),
    };
    if let Err((_, text)) = &mut outcome.result {
        *text = with_place(&request.dockerfile_name, text);
    }
    hide(&hidden, outcome)
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
