//! Nothing of a user's is harmed, and nothing of ours is left: whole runs, killed runs and interrupted ones beside a
//! user's own engine that holds images, containers, a volume, a network and build cache. Needs root and Docker Engine;
//! each test has namespaces of its own (`harmless/sandbox.sh`), so the machine itself is not touched.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

use std::path::Path;
use std::process::Command;

fn in_sandbox(test: &str) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harmless");
    let output = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"])
        .arg("bash")
        .arg(scripts.join("sandbox.sh"))
        .args([env!("CARGO_BIN_EXE_layerbench"), test])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_whole_run_harms_nothing() {
    in_sandbox("complete");
}

#[test]
fn a_killed_run_is_cleaned_up() {
    in_sandbox("killed");
}

#[test]
fn an_interrupted_run_cleans_up() {
    in_sandbox("interrupted");
}

#[test]
fn a_run_on_the_users_engine_takes_only_its_own_away() {
    in_sandbox("host");
}

#[test]
fn an_interrupted_run_on_the_users_engine_cleans_up() {
    in_sandbox("host-interrupted");
}

#[test]
fn a_killed_run_on_the_users_engine_is_cleaned_up() {
    in_sandbox("host-killed");
}

/// Longer with `LAYERBENCH_RANDOM="STEPS SEED"`, e.g. `"200 7"`.
#[test]
fn random_sequences_of_runs_kills_and_cleans_harm_nothing() {
    in_sandbox("random");
}

#[test]
fn an_engine_is_reached_over_tls_ssh_and_contexts() {
    in_sandbox("remote");
}

#[test]
fn two_engines_share_a_run_and_are_kept_apart() {
    in_sandbox("strata");
}

#[test]
fn engines_inside_the_users_engine_leave_nothing() {
    in_sandbox("dind");
}

/// An engine waits a minute before it collects.
#[test]
#[ignore = "takes a minute and a half; scripts/test --engines all asks for it"]
fn garbage_that_an_engine_collects_during_a_build_makes_its_sample_invalid() {
    in_sandbox("collected");
}
