//! What a private engine needs of the machine, looked for before anything is started.

use super::configuration::SOCKET;
use crate::engine::engine_error::EngineError;
use std::path::Path;

/// The longest path of a socket, in bytes: `sun_path` of unix(7) without its end.
const LONGEST_SOCKET: usize = 107;

/// What a private engine needs and this machine lacks, a line each.
#[must_use]
pub fn missing(registry: bool) -> Vec<String> {
    let mut missing = Vec::new();
    if !cfg!(target_os = "linux") {
        missing.push("Linux".to_owned());
    }
    if !rustix::process::geteuid().is_root() {
        missing.push("root rights (run it with sudo)".to_owned());
    }
    let mut need = vec![
        ("dockerd", "Docker Engine, e.g. the package docker.io"),
        ("unshare", "the package util-linux"),
        ("ip", "the package iproute2"),
        ("nft", "the package nftables"),
    ];
    if registry {
        need.push(("docker-registry", "the package docker-registry"));
    }
    for (program, from) in need {
        if !on_path(program) {
            missing.push(format!("{program} ({from})"));
        }
    }
    missing
}

/// Engines of a run listen on sockets in `home`: whether their paths are not too long for that.
pub(super) fn short_enough(home: &Path, run: &str) -> Result<(), EngineError> {
    let home = home.canonicalize().or_else(|_| std::path::absolute(home)).unwrap_or_else(|_| home.to_path_buf());
    let socket = home.join("engines").join(format!("{run}-0000")).join(SOCKET);
    let (found, more) = (home.as_os_str().len(), socket.as_os_str().len() - home.as_os_str().len());
    if found + more <= LONGEST_SOCKET {
        return Ok(());
    }
    Err(EngineError::new(
        format!("a private engine in {}", home.display()),
        format!(
            "a path of {found} bytes; expected at most {}, since that of a socket in it has at most {LONGEST_SOCKET}",
            LONGEST_SOCKET - more
        ),
        "name a folder with a shorter path by LAYERBENCH_HOME",
    ))
}

/// Whether a program can be called by its name.
pub(super) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
