//! Private engines, and what else a call needs of a machine, on machines that do not give it: in namespaces of the
//! case's own, and with programs in the folder `bin` that take the place of the machine's own.

use crate::calls::{nothing, study, study_with};
use crate::faulty::willing;
use crate::faulty_calls::{RUN_OWN, no_image, script, with};
use crate::tiny::{self, GOOD, tiny_study};
use crate::{golden, settled};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A case: its title, what it does to the folder, what it does to the machine, the call, and the exit code that must come.
type Case = (&'static str, fn(&Path), &'static str, &'static [&'static str], i32);

const ENGINE: &[&str] = &["engine", "--", "true"];
const RUN: &[&str] = &["run", ".", "--engine", "private"];
const CHECKPOINT: &[&str] = &["run", ".", "--engine", "private", "--chain", "checkpoint", "--scenario", "cold"];

/// A way out, which leads nowhere.
const UPLINK: &str = "ip link add up0 type veth peer name up1; ip address add 192.0.2.2/24 dev up0; \
    ip link set up0 up; ip link set up1 up; ip route add default via 192.0.2.1";
const ROUTED: &str = "for range in default 198.18.0.0/15 10.213.0.0/16 172.31.0.0/16 192.168.208.0/20; do \
    ip route add $range dev lo; done";
const NOT_FORWARDED: &str = "UPLINK; echo 0 >/proc/sys/net/ipv4/ip_forward; \
    mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys";

/// Programs behind those of the case.
const REAL: &str = "PATH=${PATH#*:} exec";

/// What takes the place of the machine's own where a case says nothing else: none of it needs to be installed.
const USUAL: &[(&str, &str)] = &[
    ("dockerd", "exec sleep 60"),
    ("docker-registry", "exec sleep 60"),
    ("nft", "exec cat >/dev/null"),
    ("mkfs.btrfs", "exit 1"),
];

/// An engine that is played by the test.
const PLAYED: &str = "ln -s \"${0%/bin/*}/engine.sock\" \"${2%/*}/engine.sock\"; exec sleep 60";

/// A disk that holds so many files and folders, and no more.
const FOUR: &str = "mkdir home; mount -t tmpfs -o nr_inodes=4 tmpfs home";
const FIVE: &str = "mkdir home; mount -t tmpfs -o nr_inodes=5 tmpfs home";
const SIX: &str = "mkdir home; mount -t tmpfs -o nr_inodes=6 tmpfs home";

/// Ends the first process of the engine as soon as an order is under way.
const ENDED: &str = "(for _ in $(seq 3000); do [ -e ordered ] && kill -KILL \
    $(sed -n 's/.*\"process\": \\([0-9]*\\).*/\\1/p' home/engines/*-1/remains.json) && exit; \
    sleep 0.02; done) >/dev/null 2>&1 &";

/// Two approaches whose builds fail on an engine that a checkpoint is to be taken of; `mkdir` does this when the second
/// of them is to begin with an empty engine.
fn two(dir: &Path, second: &str) {
    with(no_image, dir);
    tiny_study(dir, &[("one", GOOD), ("two", GOOD)]);
    script(dir, "dockerd", PLAYED);
    let begun = format!("[ ! -e \"${{0%/bin/*}}/begun\" ] || {{ {second}; }}; : >\"${{0%/bin/*}}/begun\"");
    script(dir, "mkdir", &format!("case $1 in */store/data) {begun} ;; esac; {REAL} mkdir \"$@\""));
}

/// A context of the docker client, by the name of `prod`.
fn context(dir: &Path, meta: &str) {
    study(dir);
    // What `printf prod | sha256sum` prints.
    let digest = "6754af9632a2745e85c293e5aac0863370d9bd3330b9938c00cadfd215227d77";
    let folder = dir.join("docker/contexts/meta").join(digest);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("meta.json"), meta).unwrap();
}

const ON_CONTEXT: &[&str] = &["run", ".", "--engine", "context:prod"];

fn full(method: &str, path: &str, all: &str) -> (u16, String) {
    match path {
        "/build" => (500, r#"{"message":"write /var/lib/docker/x: no space left on device"}"#.to_owned()),
        _ => willing(method, path, all),
    }
}

const PRIVATE: &[Case] = &[
    ("a network for a private engine on a machine that routes every range", nothing, ROUTED, ENGINE, 1),
    (
        "a private engine on a machine that lets nobody make a link",
        |dir| script(dir, "ip", "echo 'RTNETLINK answers: Operation not permitted' >&2; exit 2"),
        "UPLINK",
        ENGINE,
        1,
    ),
    ("a private engine on a machine whose forwarding cannot be switched on", nothing, NOT_FORWARDED, ENGINE, 1),
    (
        "a private engine on a machine that makes no namespaces",
        |dir| script(dir, "unshare", "echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1"),
        "UPLINK",
        ENGINE,
        1,
    ),
    ("a private engine whose namespaces end at once", |dir| script(dir, "unshare", "exit 1"), "", ENGINE, 1),
    ("a private engine whose namespace does not appear", |dir| script(dir, "unshare", "exec cat"), "UPLINK", ENGINE, 1),
    (
        "a private engine with an unshare that cannot be executed",
        |dir| {
            script(dir, "ip", "");
            fs::write(dir.join("bin/unshare"), "").unwrap();
        },
        "ALSO=",
        ENGINE,
        1,
    ),
    (
        "a private engine in a folder that cannot be laid over another",
        |dir| script(dir, "mount", "echo 'mount: wrong fs type, bad option' >&2; exit 32"),
        "",
        ENGINE,
        1,
    ),
    (
        "a private engine that gives up",
        |dir| script(dir, "dockerd", "echo 'failed to start daemon: no such graphdriver: zfs'; exit 1"),
        "",
        ENGINE,
        1,
    ),
    ("a private engine on a disk that is full before its record", nothing, FOUR, ENGINE, 1),
    ("a private engine on a disk that is full before its configuration", nothing, FIVE, ENGINE, 1),
    ("a private engine on a disk that is full before its logs", nothing, SIX, ENGINE, 1),
    (
        "a registry cache whose registry cannot be reached",
        |dir| {
            study(dir);
            script(dir, "docker-registry", "echo 'panic: dial tcp 127.0.0.1:9: connect: connection refused'; exit 2");
        },
        "",
        &["run", ".", "--engine", "private", "--registry-cache=http://127.0.0.1:9"],
        1,
    ),
    (
        "a local registry that gives up",
        |dir| {
            study_with(dir, "\n[registry]\nstorage = \"stored\"\n");
            fs::create_dir(dir.join("stored")).unwrap();
            script(dir, "docker-registry", "echo 'level=fatal msg=\"permission denied\"'; exit 1");
        },
        "",
        RUN,
        1,
    ),
    ("a checkpoint that cannot be made, for no reason", |dir| two(dir, "exit 1"), "", CHECKPOINT, 1),
    (
        "a checkpoint that cannot be made",
        |dir| two(dir, "echo \"mkdir: $1: Input/output error\"; exit 1"),
        "",
        CHECKPOINT,
        1,
    ),
    (
        "a private engine whose namespaces end during an order",
        |dir| two(dir, ": >\"${0%/bin/*}/ordered\"; sleep 60"),
        ENDED,
        CHECKPOINT,
        1,
    ),
];

const OTHERS: &[Case] = &[
    ("an engine whose disk is full", |dir| with(full, dir), "", RUN_OWN, 1),
    (
        "what a run left, in use",
        |dir| fs::create_dir_all(dir.join("home/engines/1a2b-1/data")).unwrap(),
        "mount -t tmpfs tmpfs home/engines/1a2b-1/data",
        &["clean"],
        1,
    ),
    ("a docker context that is none", |dir| context(dir, "{"), "", ON_CONTEXT, 2),
    (
        "a docker context with an address that is none",
        |dir| context(dir, r#"{"Endpoints":{"docker":{"Host":"ftp://build.example.org"}}}"#),
        "",
        ON_CONTEXT,
        2,
    ),
    (
        "a docker context that leads to itself",
        |dir| context(dir, r#"{"Endpoints":{"docker":{"Host":"context:prod"}}}"#),
        "",
        ON_CONTEXT,
        2,
    ),
    (
        "a docker context without its certificates",
        |dir| {
            context(dir, r#"{"Endpoints":{"docker":{"Host":"tcp://build.example.org"}}}"#);
            let digest = "6754af9632a2745e85c293e5aac0863370d9bd3330b9938c00cadfd215227d77";
            fs::create_dir_all(dir.join("docker/contexts/tls").join(digest).join("docker")).unwrap();
        },
        "",
        ON_CONTEXT,
        2,
    ),
];

#[test]
fn what_a_machine_does_not_let_a_private_engine_have_is_said() {
    golden::messages("Private engines", &answers(PRIVATE));
}

#[test]
fn what_a_machine_has_in_disorder_is_said() {
    golden::messages("Disks, remains and contexts", &answers(OTHERS));
}

/// What each call is answered with.
fn answers(cases: &[Case]) -> String {
    let (mut all, mut wrong) = (String::new(), String::new());
    for (title, prepare, machine, args, code) in cases {
        let dir = tempfile::tempdir().unwrap();
        USUAL.iter().for_each(|(name, text)| script(dir.path(), name, text));
        prepare(dir.path());
        let args: Vec<String> = args.iter().map(|arg| arg.replace("DIR", &dir.path().display().to_string())).collect();
        let (ended, text) = call(dir.path(), machine, &args);
        let text = plain(&text, dir.path());
        // A disk that was mounted for the case went with it.
        let mut home = fs::read_dir(dir.path().join("home")).into_iter().flatten();
        let left = home.next().is_some() && args[0] != "clean";
        if ended != Some(*code) || text.contains("panicked") || left {
            writeln!(wrong, "{title}: {ended:?}, something is left: {left}: {text}").unwrap();
        }
        let args = settled(&args.join(" "), dir.path());
        writeln!(all, "## {title}: layerbench {args}\n{}\nexit code {code}\n", text.trim_end()).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
    all
}

/// Calls the program in namespaces of its own for mounts and network, after something was done to the machine.
fn call(dir: &Path, machine: &str, args: &[String]) -> (Option<i32>, String) {
    let machine = machine.replace("UPLINK", UPLINK);
    let script = format!("ip link set lo up; {machine}\nPATH=\"$PWD/bin${{ALSO-:$PATH}}\" exec \"$@\"");
    let output = Command::new("unshare")
        .args(["--mount", "--net", "--propagation", "private", "sh", "-ec", &script, "sh"])
        .arg(env!("CARGO_BIN_EXE_layerbench"))
        .args(args)
        .current_dir(dir)
        .env("LAYERBENCH_HOME", dir.join("home"))
        .env("DOCKER_CONFIG", dir.join("docker"))
        .env("COLUMNS", "120")
        .env_remove("DOCKER_HOST")
        .output()
        .unwrap();
    (output.status.code(), tiny::messages(&output))
}

/// What is said at the end, without what differs from call to call.
fn plain(text: &str, dir: &Path) -> String {
    let text = settled(text, dir);
    let from = text.lines().position(|line| line.starts_with("layerbench: ")).unwrap_or_default();
    let text: String = text.lines().skip(from).map(|line| format!("{line}\n")).collect();
    let text = regex::Regex::new(r"\blb[0-9a-f]{8}").unwrap().replace_all(&text, "LINK").into_owned();
    regex::Regex::new(r"\bnetns \d+").unwrap().replace_all(&text, "netns PROCESS").into_owned()
}
