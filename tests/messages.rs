//! Messages of calls that need no engine: each command, called wrongly in every way that it knows. They are a part of
//! `golden/errors.txt`, as those of other tests are; and whatever the source can say is held against that list.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing
#![allow(dead_code)] // of what tests share, not all is used here

#[path = "support/begun_calls.rs"]
mod begun_calls;
#[path = "support/broken.rs"]
mod broken;
#[path = "support/calls.rs"]
mod calls;
#[path = "support/faulty.rs"]
mod faulty;
#[path = "support/faulty_calls.rs"]
mod faulty_calls;
#[path = "support/golden.rs"]
mod golden;
#[path = "support/judge_calls.rs"]
mod judge_calls;
#[path = "support/library.rs"]
mod library;
#[path = "support/machine_calls.rs"]
mod machine_calls;
#[path = "support/own.rs"]
mod own;
#[path = "support/run_calls.rs"]
mod run_calls;
#[path = "support/runs.rs"]
mod runs;
#[path = "support/spoken.rs"]
mod spoken;
#[path = "support/stopped_calls.rs"]
mod stopped_calls;
#[path = "support/tiny.rs"]
mod tiny;

use calls::nights;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use tiny::program;

#[test]
fn every_wrong_call_gets_one_clear_message() {
    let (mut all, mut wrong) = (String::new(), String::new());
    for (title, prepare, args, code) in calls::CALLS.iter().chain(run_calls::CALLS).chain(judge_calls::CALLS) {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let output = program(dir.path(), args)
            .env("COLUMNS", "120")
            .env("DOCKER_CONFIG", dir.path().join("docker"))
            .output()
            .unwrap();
        let text = settled(&String::from_utf8_lossy(&output.stderr), dir.path());
        assert!(!text.contains("panicked"), "{title}: {text}");
        // Of fresh builds that cannot be had, the verdict without them says so.
        let answer = settled(&String::from_utf8_lossy(&output.stdout), dir.path());
        let said: String =
            answer.lines().filter(|line| line.contains("Not confirmed")).map(|line| format!("{line}\n")).collect();
        let clean = !dir.path().join("home").exists() && (output.stdout.is_empty() || !said.is_empty());
        if output.status.code() != Some(*code) || !clean {
            writeln!(wrong, "{title}: {:?}, left clean: {clean}\n{text}{answer}", output.status).unwrap();
        }
        let said = [text.trim_end(), said.trim_end()].join("\n");
        writeln!(all, "## {title}: layerbench {}\n{}\nexit code {code}\n", args.join(" "), said.trim()).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
    golden::messages("Calls", &all);
}

/// Standard output that takes nothing.
#[test]
fn a_full_disk_under_standard_output_is_said() {
    let dir = tempfile::tempdir().unwrap();
    nights(dir.path());
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let output = program(dir.path(), &["report", "nights/0"]).stdout(full()).output().unwrap();
    let text = tiny::messages(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    golden::messages("Standard output", &format!("## layerbench report nights/0 >/dev/full\n{text}exit code 1"));
}

/// A program that may open so few files that it cannot ask an engine; how many that are is found out.
#[test]
fn too_few_open_files_are_said() {
    let dir = tempfile::tempdir().unwrap();
    calls::study(dir.path());
    faulty::engine(dir.path(), faulty::willing);
    let build = ["build", "--file", "good.Dockerfile", "project"];
    let said = (4..32).find_map(|files| {
        let program = program(dir.path(), &build);
        let mut call = Command::new("prlimit");
        call.arg(format!("--nofile={files}")).arg(program.get_program()).args(program.get_args());
        call.current_dir(dir.path()).env("DOCKER_HOST", format!("unix://{}/engine.sock", dir.path().display()));
        let output = call.output().unwrap();
        let text = tiny::messages(&output);
        (output.status.code() == Some(1) && text.contains("waiting for an engine")).then_some(text)
    });
    let text = said.expect("no number of files is too few for an engine, and enough for a message");
    golden::messages("Open files", &format!("## layerbench {}\n{text}exit code 1", build.join(" ")));
}

/// `golden/unsaid.txt` names the texts that the tests here cannot have said, under the reason. Everything else that the
/// source can say stands in the list; so a new message needs a case, or a reason.
#[test]
fn whatever_the_source_can_say_stands_in_the_list() {
    let list = fs::read_to_string(golden::list()).unwrap();
    let unsaid = fs::read_to_string(golden::list().with_file_name("unsaid.txt")).unwrap();
    let unsaid: BTreeSet<&str> = unsaid.lines().filter(|line| line.starts_with("src/")).collect();
    let missing = spoken::all().into_iter().filter(|spoken| !list.contains(&spoken.part));
    let missing: BTreeSet<String> = missing.map(|spoken| format!("{}: {}", spoken.file, spoken.part)).collect();
    let new: Vec<&str> = missing.iter().map(String::as_str).filter(|text| !unsaid.contains(text)).collect();
    assert!(new.is_empty(), "no test provokes these:\n{}", new.join("\n"));
    let old: Vec<&&str> = unsaid.iter().filter(|text| !missing.contains(**text)).collect();
    assert!(old.is_empty(), "unsaid.txt names what a test provokes, or nobody says any more: {old:?}");
}

/// What differs from machine to machine or from call to call.
fn settled(text: &str, dir: &Path) -> String {
    let text = text.replace(&dir.canonicalize().unwrap().display().to_string(), "DIR");
    let text =
        regex::Regex::new(r"/tmp/\.tmp\w+|/dev/shm/[\w./]*\.tmp\w+").unwrap().replace_all(&text, "TMP").into_owned();
    let text = text.replace(&std::env::temp_dir().display().to_string(), "TMP");
    let text = regex::Regex::new(r"/\.tmp\w{6}").unwrap().replace_all(&text, "/TMP").into_owned();
    let text = regex::Regex::new(r"\d{8}T\d{6}Z-[0-9a-f]{8}").unwrap().replace_all(&text, "RUN").into_owned();
    let text = regex::Regex::new(r"(processor: \w+ then, ).* now").unwrap().replace_all(&text, "${1}PROCESSOR now");
    let text = regex::Regex::new(r"\n  frequency governor: .*").unwrap().replace_all(&text, "");
    let of_this_run = r"(engines/|hosts/|layerbench-|of run |with the hash |expected |in commit )[0-9a-f]{8,12}\b";
    regex::Regex::new(of_this_run).unwrap().replace_all(&text, "${1}ID").into_owned()
}
