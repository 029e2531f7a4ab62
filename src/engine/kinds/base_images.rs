//! Base images that are fetched before a run: each by a build of nothing but its `FROM`, as builds fetch them.

use crate::engine::engine_error::EngineError;
use crate::engine::wire::build_request::BuildRequest;
use crate::model::Outcome;
use std::sync::Arc;
use std::time::Duration;

/// How long fetching one base image may take.
const FETCH_LIMIT: Duration = Duration::from_secs(1800);

/// The build that fetches a base image: nothing but its `FROM`.
pub(super) fn request(run: &str, number: usize, reference: &str) -> BuildRequest {
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
