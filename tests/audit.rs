//! Scorecards of images that are made here, so that every figure is known, on a private engine; and that nothing is left
//! behind on it, whatever the images do when they are started. Needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
mod tiny;

use serde_json::Value;
use std::fs;
use std::path::Path;
use tiny::{GOOD, busybox, messages, program, tiny_study};

/// Each image: its name and Dockerfile. `many` holds 20,000 files of one byte, `caps.tar` a file with capabilities.
const IMAGES: &[(&str, &str)] = &[
    ("static", "FROM scratch\nCOPY tool /app/busybox\nUSER 1000\nENTRYPOINT [\"/app/busybox\", \"true\"]\n"),
    (
        "distroless",
        "FROM scratch\nCOPY passwd /etc/passwd\nCOPY status /var/lib/dpkg/status.d/base\nCOPY tool /app/busybox\n\
        COPY --chown=65532:65532 data /home/data\nUSER nonroot\nENTRYPOINT [\"/app/busybox\", \"true\"]\n",
    ),
    (
        "volume",
        "FROM scratch\nCOPY tool /app/busybox\nVOLUME /var/data\nENTRYPOINT [\"/app/busybox\", \"touch\", \"/var/data/x\", \"/new\"]\n",
    ),
    ("many", "FROM scratch\nCOPY tool /app/busybox\nCOPY many /many\nENTRYPOINT [\"/app/busybox\", \"true\"]\n"),
    ("endless", "FROM scratch\nCOPY tool /app/busybox\nENTRYPOINT [\"/app/busybox\", \"sleep\", \"100000\"]\n"),
    (
        "forks",
        "FROM scratch\nCOPY tool /bin/sh\nENTRYPOINT [\"/bin/sh\", \"-c\", \"f() { f | f & }; f; exec sleep 1000\"]\n",
    ),
    (
        "bits",
        "FROM scratch\nCOPY tool /bin/sh\nCOPY data /secret/.env\nADD caps.tar /\n\
        RUN rm /secret/.env && chmod 6755 /bin/sh\n",
    ),
];

/// It writes without end where everybody can.
const FILLS: &str = "FROM scratch\nCOPY tool /bin/sh\nRUN mkdir /open && chmod 777 /open\nUSER 1000\n\
    ENTRYPOINT [\"/bin/sh\", \"-c\", \"while dd if=/dev/zero of=/open/$((n=n+1)) bs=1M count=20; do sleep 0.05; done\"]\n";

/// What the private engine runs: builds the images, audits all at the same time, and lists what is left; then kills an
/// audit whose containers run, and cleans up.
const SCRIPT: &str = r#"set -e
layerbench=$1 names=$2
audit() { "$layerbench" audit --engine "$DOCKER_HOST" --run-limit 3 "$@"; }
for name in $names; do "$layerbench" build -q -t "$name" -f "$name.Dockerfile" . >/dev/null; done
"$layerbench" build -q -t fills -f fills.Dockerfile . >/dev/null
"$layerbench" audit --engine "$DOCKER_HOST" --run-limit 60 --format json --out fills.json fills
for name in $names; do audit --format json --out "$name.json" "$name" 2>"$name.err" & done
wait
audit --no-root --max-bytes 1kB --format sarif --out many.sarif many 2>/dev/null || echo "$?" >>codes
audit --study demands.toml static >static.txt 2>demands.err || echo "$?" >>codes
audit nothing 2>nothing.err || echo "$?" >>codes
docker ps -aq >left; docker volume ls -q >>left
"$layerbench" audit --engine "$DOCKER_HOST" --run-limit 60 endless & victim=$!
until [ "$(docker ps -q | wc -l)" = 3 ] || ! kill -0 $victim; do sleep 0.1; done
kill -9 $victim; wait $victim || true
docker ps -q >killed
"$layerbench" clean >cleaned 2>&1
docker ps -aq >>left; docker volume ls -q >>left
"#;

/// Capabilities of a file as the kernel stores them (version 2, effective): 1 and 3, which make a byte that a reader of
/// lines takes for the end of one.
const CAPABILITIES: &[u8] = &[1, 0, 0, 2, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn card(dir: &Path, name: &str) -> Value {
    let text = fs::read(dir.join(format!("{name}.json"))).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["images"][0].clone()
}

fn figure<'a>(card: &'a Value, criterion: usize, name: &str) -> &'a Value {
    &card["criteria"][criterion - 1]["figures"][name]
}

fn verdict(card: &Value, criterion: usize) -> &str {
    card["criteria"][criterion - 1]["verdict"].as_str().unwrap()
}

fn files(dir: &Path) {
    fs::copy(busybox(), dir.join("tool")).unwrap();
    fs::write(dir.join("data"), "12345").unwrap();
    fs::write(dir.join("passwd"), "nonroot:x:65532:65532::/:/no\n").unwrap();
    fs::write(dir.join("status"), "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n").unwrap();
    fs::create_dir(dir.join("many")).unwrap();
    for number in 0..20_000 {
        fs::write(dir.join(format!("many/{number}")), "x").unwrap();
    }
    let mut tar = tar::Builder::new(fs::File::create(dir.join("caps.tar")).unwrap());
    tar.append_pax_extensions([("SCHILY.xattr.security.capability", CAPABILITIES)]).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o755);
    header.set_size(4);
    tar.append_data(&mut header, "able", &b"able"[..]).unwrap();
    tar.finish().unwrap();
    for (name, dockerfile) in IMAGES {
        fs::write(dir.join(format!("{name}.Dockerfile")), dockerfile).unwrap();
        fs::write(dir.join(format!("{name}.Dockerfile.dockerignore")), "home\n*.json\n*.err\n*.Dockerfile*\n").unwrap();
    }
}

#[test]
fn figures_are_those_that_the_images_were_made_with_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    files(dir);
    tiny_study(dir, &[("one", GOOD)]);
    let study = fs::read_to_string(dir.join("study.toml")).unwrap() + "\n[audit]\nroot = false\nwritable_paths = 3\n";
    fs::write(dir.join("demands.toml"), study + "max_bytes = \"10kB\"\n").unwrap();
    fs::write(dir.join("script"), SCRIPT).unwrap();
    fs::write(dir.join("fills.Dockerfile"), FILLS).unwrap();
    let names: Vec<&str> = IMAGES.iter().map(|(name, _)| *name).collect();
    let args = ["engine", "--", "sh", "script", env!("CARGO_BIN_EXE_layerbench"), &names.join(" ")];
    let output = program(dir, &args).output().unwrap();
    assert!(output.status.success(), "{}", messages(&output));
    let text = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    assert_eq!(text("left"), "", "containers or volumes are left");
    assert_eq!(text("killed").lines().count(), 3, "the audit was killed while its containers ran");
    assert!(!dir.join("home").exists(), "something is left in the private engines' folder");
    assert_eq!(text("codes"), "3\n3\n1\n");
    assert!(text("nothing.err").contains("there is no such image"), "{}", text("nothing.err"));
    let tool = fs::metadata(dir.join("tool")).unwrap().len();
    let expected = format!("static: max_bytes = 10000 is demanded; found: {tool}\n");
    assert!(text("demands.err").ends_with(&expected), "{}", text("demands.err"));
    assert!(text("static.txt").contains("Demand root = false: met (it is run as uid 1000)"), "{}", text("static.txt"));
    let sarif: Value = serde_json::from_str(&text("many.sarif")).unwrap();
    let results: Vec<_> =
        sarif["runs"][0]["results"].as_array().unwrap().iter().map(|r| (&r["ruleId"], &r["level"])).collect();
    assert_eq!(results.iter().filter(|(_, level)| *level == "error").count(), 2, "{results:?}");
    check(dir, tool);
}

fn check(dir: &Path, tool: u64) {
    let image = card(dir, "static");
    assert_eq!(figure(&image, 1, "file_bytes"), tool);
    assert_eq!(figure(&image, 1, "files"), 1);
    assert_eq!(figure(&image, 3, "uid"), 1000);
    assert_eq!(figure(&image, 5, "writable_paths"), 0);
    assert_eq!(figure(&image, 5, "starts_read_only"), "yes");
    assert_eq!(
        [1, 2, 3, 4, 5, 6].map(|n| verdict(&image, n)),
        ["open", "pass", "pass", "pass", "pass", "unknown"],
        "{image:#}"
    );

    let image = card(dir, "distroless");
    assert_eq!(figure(&image, 3, "uid"), 65532);
    assert_eq!(figure(&image, 2, "os_packages"), 1);
    // The file, and the folder that COPY --chown made for it.
    assert_eq!(figure(&image, 5, "writable_paths"), 2);
    assert_eq!((verdict(&image, 3), verdict(&image, 5)), ("pass", "fail"));

    let image = card(dir, "volume");
    assert_eq!((verdict(&image, 3), figure(&image, 5, "volumes")), ("fail", &Value::from(1)));
    assert_eq!(figure(&image, 5, "starts_read_only"), "no", "/new cannot be made: {image:#}");
    assert!(image["criteria"][4]["evidence"].to_string().contains("\"/new\""), "{image:#}");

    let image = card(dir, "many");
    assert_eq!(
        (figure(&image, 1, "files"), figure(&image, 1, "file_bytes")),
        (&Value::from(20_001), &Value::from(tool + 20_000))
    );

    let image = card(dir, "endless");
    assert_eq!(figure(&image, 5, "starts_read_only"), "still running at the time limit", "{image:#}");

    // Whether it lives on at its limits of processes and memory is its own affair: it must be done with.
    let image = card(dir, "forks");
    let ended = figure(&image, 5, "starts_read_only");
    assert!(ended == "still running at the time limit" || ended == "no", "{image:#}");

    let image = card(dir, "fills");
    assert_eq!(figure(&image, 3, "starts_as_arbitrary_user"), "no", "{image:#}");
    assert!(image.to_string().contains("wrote more than 256 MiB in its root"), "{image:#}");

    let image = card(dir, "bits");
    assert_eq!((figure(&image, 4, "set_id_files"), figure(&image, 4, "shells")), (&Value::from(1), &Value::from(1)));
    assert_eq!(figure(&image, 4, "capability_files"), 1, "{image:#}");
    assert!(image["criteria"][3]["evidence"].to_string().contains("\"/able\""), "{image:#}");
    // The RUN step copied the tool up to change its mode, and deleted the secret.
    assert_eq!(figure(&image, 1, "hidden_bytes"), tool + 5);
    assert_eq!(figure(&image, 4, "secrets"), 1);
    assert!(image["criteria"][3]["evidence"].to_string().contains("/secret/.env (layer 2"), "{image:#}");
}

#[test]
fn what_only_an_engine_can_answer_is_refused_for_a_run() {
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/results/reference");
    let dir = tempfile::tempdir().unwrap();
    let output = program(dir.path(), &["audit", run, "--lock", "poetry.lock", "--run-limit", "3"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", messages(&output));
    assert!(
        messages(&output).contains("found --lock and --run-limit with the folder of a run"),
        "{}",
        messages(&output)
    );
}
