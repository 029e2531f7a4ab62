//! Secrets, logins and passwords are planted wherever a user has them, each one a word of its own, and looked for in
//! everything that comes out: what is printed, the run's folder, reports, exports, what other users see of processes,
//! and what is left behind. Needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
mod tiny;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tiny::{STUDY, program, tiny_study};

/// All words that are planted begin with this, so that one that was forgotten here is found too.
const WORD: &str = "hunter2-";

/// Uses both secrets and both arguments, and prints all of them; the step after it fails where FAIL says so.
const DOCKERFILE: &str = "FROM scratch\nARG API_TOKEN\nARG HTTP_PROXY\nARG FAIL=true\nCOPY busybox /bin/sh\nCOPY main.txt ./\n\
    LABEL by=$API_TOKEN\n\
    RUN --mount=type=secret,id=variable --mount=type=secret,id=file \
    cat /run/secrets/* && echo $API_TOKEN $HTTP_PROXY && $FAIL\n\
    CMD [\"/bin/sh\", \"-c\", \"echo hello\"]\n";

/// Where users have what must not be shown.
fn plant(dir: &Path) {
    let args =
        format!("args = {{ API_TOKEN = \"{WORD}argument\", HTTP_PROXY = \"http://me:{WORD}proxy@192.0.2.1:3128\"");
    let secrets = "secrets = { variable = { env = \"PLANTED\" }, file = { file = \"../planted/secret\" } }";
    let good = format!("\n[[approach]]\nid = \"good\"\ndockerfile = \"good.Dockerfile\"\n{args} }}\n{secrets}\n");
    let bad = format!(
        "\n[[approach]]\nid = \"bad\"\ndockerfile = \"good.Dockerfile\"\n{args}, FAIL = \"false\" }}\n{secrets}\n"
    );
    tiny_study(&dir.join("study"), &[("good", DOCKERFILE)]);
    fs::write(dir.join("study/study.toml"), format!("{STUDY}{good}{bad}")).unwrap();
    // The example key of no one, in lines: what is printed is looked at line by line.
    let planted = dir.join("planted");
    fs::create_dir_all(planted.join("bin")).unwrap();
    fs::write(planted.join("secret"), format!("{WORD}first-line\n{WORD}second-line\n")).unwrap();
    let login = STANDARD.encode(format!("me:{WORD}login"));
    let config = format!(
        "{{\"auths\": {{\"127.0.0.1:9\": {{\"auth\": \"{login}\"}}}}, \"credHelpers\": {{\"127.0.0.1:10\": \"lbtest\"}}}}"
    );
    fs::write(planted.join("config.json"), config).unwrap();
    let helper = planted.join("bin/docker-credential-lbtest");
    fs::write(&helper, format!("#!/bin/sh\necho '{{\"Username\": \"me\", \"Secret\": \"{WORD}helper\"}}'\n")).unwrap();
    fs::set_permissions(&helper, PermissionsExt::from_mode(0o755)).unwrap();
    let netrc = format!("machine localhost login me password {WORD}netrc\n");
    fs::write(planted.join(".netrc"), netrc).unwrap();
    let git = format!("[url \"http://me:{WORD}instead@127.0.0.1:9/\"]\n\tinsteadOf = http://127.0.0.1:11/\n");
    fs::write(planted.join(".gitconfig"), git).unwrap();
}

/// A call as a user with all of this makes it.
fn call(dir: &Path, args: &[&str]) -> Command {
    let mut command = program(dir, args);
    let path = std::env::var("PATH").unwrap();
    command
        .env("HOME", dir.join("planted"))
        .env("DOCKER_CONFIG", dir.join("planted"))
        // The distribution's docker client, which can build by itself.
        .env("PATH", format!("{}:/usr/bin:{path}", dir.join("planted/bin").display()))
        .env("PLANTED", format!("{WORD}variable"))
        .env("AWS_SECRET_ACCESS_KEY", format!("{WORD}environment"))
        .env("no_proxy", "*")
        .env("https_proxy", format!("http://me:{WORD}env-proxy@127.0.0.1:9"));
    command
}

/// What was searched, and where the words were found.
#[derive(Default)]
struct Search {
    places: usize,
    found: Vec<String>,
}

impl Search {
    fn text(&mut self, place: &str, bytes: &[u8]) {
        self.places += 1;
        let text = String::from_utf8_lossy(bytes);
        // The login as it stands in config.json and goes over the wire, too.
        for word in [WORD.to_owned(), STANDARD.encode(format!("me:{WORD}login"))] {
            for (at, _) in text.match_indices(&word) {
                let start = text[..at].char_indices().rev().take(60).last().map_or(0, |(start, _)| start);
                let shown: String = text[start..].chars().take(120).collect();
                self.found.push(format!("{place}: …{shown}…"));
            }
        }
    }

    fn output(&mut self, place: &str, output: &Output) {
        self.text(&format!("{place}, standard output"), &output.stdout);
        self.text(&format!("{place}, standard error"), &output.stderr);
    }

    /// All files below a folder; names too.
    fn folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            self.text("a name", path.as_os_str().as_encoded_bytes());
            if entry.file_type().unwrap().is_dir() {
                self.folder(&path);
            } else if let Ok(mut content) = fs::read(&path) {
                if content.starts_with(&[0x1f, 0x8b]) {
                    let mut plain = Vec::new();
                    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&content[..]), &mut plain)
                        .unwrap();
                    content = plain;
                }
                self.text(&path.display().to_string(), &content);
            }
        }
    }

    /// What all users of the machine see of all processes, until it is told to end.
    /// Those of other tests have another `LAYERBENCH_HOME`.
    fn processes(&mut self, home: &Path, stop: &AtomicBool) {
        let mine = |environment: &[u8]| String::from_utf8_lossy(environment).contains(&*home.to_string_lossy());
        while !stop.load(Ordering::SeqCst) {
            for entry in fs::read_dir("/proc").unwrap().flatten() {
                if fs::read(entry.path().join("environ")).is_ok_and(|environment| mine(&environment))
                    && let Ok(line) = fs::read(entry.path().join("cmdline"))
                {
                    self.text("the arguments of a process", &line);
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}

#[test]
fn no_secret_comes_out_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    plant(dir.path());
    let stop = Arc::new(AtomicBool::new(false));
    let watch = std::thread::spawn({
        let (stop, home) = (Arc::clone(&stop), dir.path().join("home"));
        move || {
            let mut search = Search::default();
            search.processes(&home, &stop);
            search
        }
    });
    let mut search = Search::default();
    let run = ["run", "study", "--reps", "1", "--scenario", "cold", "--engine", "private", "--allow-outside"];
    for client in ["layerbench", "docker"] {
        let results = format!("results-{client}");
        let output = call(dir.path(), &[&run[..], &["--client", client, "--out", &results]].concat()).output().unwrap();
        let said = tiny::messages(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("*** http://***@192.0.2.1:3128") || said.contains("exit code: 1"), "{said}");
        let steps = fs::read_to_string(dir.path().join(&results).join("latest/steps.csv")).unwrap();
        assert!(steps.contains("RUN --mount=type=secret"), "{steps}");
        search.output(&format!("run --client {client}"), &output);
    }
    let latest = "results-layerbench/latest";
    for args in [
        &["report", latest, "--format", "text"][..],
        &["report", latest, "--format", "markdown"],
        &["report", latest, "--format", "html"],
        &["report", latest, "--format", "json"],
        &["export", latest, "--format", "junit"],
        &["export", latest, "--format", "openmetrics"],
        &["audit", latest],
        &["compare", latest, "results-docker/latest", "--force"],
        &["run", "--resume", latest, "--allow-outside"],
        &["clean"],
    ] {
        search.output(&args.join(" "), &call(dir.path(), args).output().unwrap());
    }
    stop.store(true, Ordering::SeqCst);
    let watched = watch.join().unwrap();
    fs::remove_dir_all(dir.path().join("planted")).unwrap();
    fs::remove_dir_all(dir.path().join("study")).unwrap();
    search.folder(dir.path());
    assert!(search.places > 60 && watched.places > 50, "{} and {} places", search.places, watched.places);
    let found = [search.found, watched.found].concat();
    assert!(found.is_empty(), "{} times:\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_fails_says_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    plant(dir.path());
    let from = |port: u16| format!("FROM 127.0.0.1:{port}/private/base:1\nRUN true\n");
    for (name, port) in [("login", 9), ("helper", 10)] {
        tiny_study(&dir.path().join(name), &[("good", &from(port))]);
    }
    let address = |scheme: &str, login: &str| format!("{scheme}://{login}@127.0.0.1:9/app.git");
    let password = format!("me:{WORD}url");
    let token = format!("{WORD}token");
    let mut search = Search::default();
    let mut fails = |args: &[&str], variables: &[(&str, &str)], said: &str| {
        let output = call(dir.path(), args).envs(variables.iter().copied()).output().unwrap();
        let text = tiny::messages(&output);
        assert!(!output.status.success(), "{args:?}: {text}");
        assert!(text.contains(said), "{args:?}: {text}");
        search.output(&args.join(" ").replace(WORD, "WORD"), &output);
    };
    for study in ["login", "helper"] {
        fails(&["run", study, "--engine", "private", "--reps", "1"], &[], "connection refused");
    }
    for context in [address("https", &password), address("https", &token), address("ssh", &password)] {
        fails(&["run", "--context", &context], &[], "credential helper");
        fails(&["run", "--context", &format!("{context}#main:sub")], &[], "credential helper");
        fails(&["init", &context], &[], "credential helper");
        let text = STUDY.replace("path = \"project\"", &format!("git = {context:?}"));
        fs::write(dir.path().join("login/study.toml"), text).unwrap();
        fails(&["run", "login"], &[], "credential helper");
    }
    // What the user's own configuration puts in, and git's own words.
    fails(&["run", "--context", "http://127.0.0.1:11/app.git#main"], &[], "cannot be fetched");
    for host in [
        format!("tcp://{password}@127.0.0.1:9"),
        format!("ssh://{password}@127.0.0.1"),
        format!("tcp://{token}@127.0.0.1:9"),
    ] {
        fails(&["run", "study", "--allow-outside", "--engine", "host"], &[("DOCKER_HOST", &host)], "not an address");
        fails(&["run", "study", "--allow-outside", "--engine", &host], &[], "not an address");
        fails(&["run", "study", "--allow-outside", "--may-empty", &host], &[], "--may-empty");
        fails(&["build", "study"], &[("DOCKER_HOST", &host)], "not an address");
    }
    let cache = format!("--registry-cache=https://{password}@127.0.0.1:9");
    fails(&["run", "study", "--allow-outside", &cache], &[], "without a path or a password");
    fails(&["run", "study", "--allow-outside", "--secret", &token], &[], "unexpected argument");
    let secret = format!("id=a,value={WORD}value");
    fails(&["build", "-f", "study/good.Dockerfile", "--secret", &secret, "study"], &[], "expected id=NAME");
    fails(&["run", "study", "--build-arg", &format!("API_TOKEN={WORD}argument")], &[], "cannot be used with");
    fs::remove_dir_all(dir.path().join("planted")).unwrap();
    for study in ["study", "login"] {
        fs::remove_dir_all(dir.path().join(study)).unwrap();
    }
    search.folder(dir.path());
    assert!(search.found.is_empty(), "{} times:\n{}", search.found.len(), search.found.join("\n"));
}
