//! `cargo xtask TASK`: what only those who work on Layerbench call. Tasks that are shell or Python lie in `xtask/tasks`, with
//! what they need beside them; what users call lies in `scripts`.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program for people at a terminal

mod schemas;

use std::path::Path;
use std::process::{Command, ExitCode};

/// Tasks that are scripts of `xtask/tasks`.
const SCRIPTS: [(&str, &str); 4] = [
    ("bench", "figures about Layerbench itself, into results/bench"),
    ("faithful", "the same contexts through layerbench build and docker build"),
    ("many-runs", "a long history, or one big run, to measure reading and judging on"),
    ("reference", "makes a run the reference run, which the README shows"),
];

const SCHEMAS: (&str, &str) = ("schemas", "what the files of a run folder hold; --write puts it into docs/schemas.md");

/// The repository's top.
fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn usage() -> String {
    let tasks = SCRIPTS.iter().chain([&SCHEMAS]).map(|(name, what)| format!("  {name:<11}{what}\n"));
    format!("cargo xtask TASK [OPTION...]\n\n{}\n--help after a task says more.\n", tasks.collect::<String>())
}

/// Becomes a script, called from the repository's top; returns only where it cannot.
#[cfg(unix)]
fn become_script(name: &str, args: &[String]) -> std::io::Error {
    use std::os::unix::process::CommandExt;
    Command::new(top().join("xtask/tasks").join(name)).args(args).current_dir(top()).exec()
}

#[cfg(not(unix))]
fn become_script(name: &str, _: &[String]) -> std::io::Error {
    std::io::Error::other(format!("{name} needs bash and Linux"))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((task, args)) = args.split_first() else {
        eprint!("{}", usage());
        return ExitCode::from(2);
    };
    let done = match task.as_str() {
        "-h" | "--help" => {
            print!("{}", usage());
            Ok(())
        }
        "schemas" => schemas::run(top(), args),
        name if SCRIPTS.iter().any(|(known, _)| *known == name) => {
            Err(format!("xtask/tasks/{name}: {}", become_script(name, args)))
        }
        other => Err(format!("unknown task {other}\n\n{}", usage())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("xtask: {}", text.trim_end());
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_its_script() {
        let mut files: Vec<String> = std::fs::read_dir(top().join("xtask/tasks"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files, SCRIPTS.map(|(name, _)| name));
    }
}
