//! Scorecards of images that are made here, so that every figure is known, on a private engine; and that nothing is left
//! behind on it, whatever the images do when they are started. Needs root and Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "support/tiny.rs"]
#[allow(dead_code)] // other tests use more of it
mod tiny;

use serde_json::Value;
use std::fs;
use std::path::Path;
use tiny::{busybox, messages, program};

/// Each image: its name and Dockerfile. `big` holds 20,000 files of one byte.
const IMAGES: &[(&str, &str)] = &[
    ("static", "FROM scratch\nCOPY tool /app/busybox\nUSER 1000\nENTRYPOINT [\"/app/busybox\", \"true\"]\n"),
    (
        "distroless",
        "FROM scratch\nCOPY passwd /etc/passwd\nCOPY tool /app/busybox\nCOPY --chown=65532:65532 data /home/data\n\
        USER nonroot\nENTRYPOINT [\"/app/busybox\", \"true\"]\n",
    ),
    (
        "volume",
        "FROM scratch\nCOPY tool /app/busybox\nVOLUME /var/data\nENTRYPOINT [\"/app/busybox\", \"touch\", \"/var/data/x\", \"/new\"]\n",
    ),
    ("big", "FROM scratch\nCOPY tool /app/busybox\nCOPY many /many\nENTRYPOINT [\"/app/busybox\", \"true\"]\n"),
    ("endless", "FROM scratch\nCOPY tool /app/busybox\nENTRYPOINT [\"/app/busybox\", \"sleep\", \"100000\"]\n"),
    (
        "forks",
        "FROM scratch\nCOPY tool /bin/sh\nENTRYPOINT [\"/bin/sh\", \"-c\", \"f() { f | f & }; f; sleep 1000\"]\n",
    ),
    ("layers", "FROM scratch\nCOPY tool /bin/sh\nCOPY data /secret/.env\nRUN rm /secret/.env && chmod 6755 /bin/sh\n"),
];

/// What the private engine runs: builds the images, audits each, and lists what is left.
const SCRIPT: &str = r#"set -e
for name in static distroless volume big endless forks layers; do
  "$1" build -q -t "$name" -f "$name.Dockerfile" . >/dev/null
done
for name in static distroless volume big endless forks layers; do
  "$1" audit --engine "$DOCKER_HOST" --format json --out "$name.json" --run-limit 1 "$name"
done
"$1" audit --engine "$DOCKER_HOST" --run-limit 1 --no-root --max-bytes 1kB big && exit 9 || echo "code $?" >demands
docker ps -aq >left; docker volume ls -q >>left
"#;

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

#[test]
fn figures_are_those_that_the_images_were_made_with_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::copy(busybox(), dir.join("tool")).unwrap();
    fs::write(dir.join("data"), "12345").unwrap();
    fs::write(dir.join("passwd"), "nonroot:x:65532:65532::/:/no\n").unwrap();
    fs::create_dir(dir.join("many")).unwrap();
    for number in 0..20_000 {
        fs::write(dir.join(format!("many/{number}")), "x").unwrap();
    }
    for (name, dockerfile) in IMAGES {
        fs::write(dir.join(format!("{name}.Dockerfile")), dockerfile).unwrap();
        fs::write(dir.join(format!("{name}.Dockerfile.dockerignore")), "*.json\nhome\n*.Dockerfile*\n").unwrap();
    }
    fs::write(dir.join("script"), SCRIPT).unwrap();
    let args = ["engine", "--", "sh", "script", env!("CARGO_BIN_EXE_layerbench")];
    let output = program(dir, &args).output().unwrap();
    assert!(output.status.success(), "{}", messages(&output));
    assert_eq!(fs::read_to_string(dir.join("left")).unwrap(), "", "containers or volumes are left");
    assert_eq!(fs::read_to_string(dir.join("demands")).unwrap(), "code 3\n");
    assert!(!dir.join("home").exists(), "something is left in the private engines' folder");
    check(dir, fs::metadata(dir.join("tool")).unwrap().len());
}

fn check(dir: &Path, tool: u64) {
    let image = card(dir, "static");
    assert_eq!(figure(&image, 1, "file_bytes"), tool);
    assert_eq!(figure(&image, 1, "files"), 1);
    assert_eq!(figure(&image, 3, "uid"), 1000);
    assert_eq!(figure(&image, 5, "writable_paths"), 0);
    assert_eq!(figure(&image, 5, "starts_read_only"), "yes");
    assert_eq!([2, 3, 4, 5].map(|number| verdict(&image, number)), ["pass"; 4], "{image:#}");

    let image = card(dir, "distroless");
    assert_eq!(figure(&image, 3, "uid"), 65532);
    // The file, and the folder that COPY --chown made for it.
    assert_eq!(figure(&image, 5, "writable_paths"), 2);
    assert_eq!((verdict(&image, 3), verdict(&image, 5)), ("pass", "fail"));

    let image = card(dir, "volume");
    assert_eq!((verdict(&image, 3), figure(&image, 5, "volumes")), ("fail", &Value::from(1)));
    assert_eq!(figure(&image, 5, "starts_read_only"), "no", "/new cannot be made: {image:#}");
    assert!(image["criteria"][4]["evidence"].to_string().contains("\"/new\""), "{image:#}");

    let image = card(dir, "big");
    assert_eq!(
        (figure(&image, 1, "files"), figure(&image, 1, "file_bytes")),
        (&Value::from(20_001), &Value::from(tool + 20_000))
    );

    for name in ["endless", "forks"] {
        let image = card(dir, name);
        assert_eq!(figure(&image, 5, "starts_read_only"), "still running at the time limit", "{image:#}");
    }

    let image = card(dir, "layers");
    assert_eq!((figure(&image, 4, "set_id_files"), figure(&image, 4, "shells")), (&Value::from(1), &Value::from(1)));
    // The RUN step copied the tool up to change its mode, and deleted the secret.
    assert_eq!(figure(&image, 1, "hidden_bytes"), tool + 5);
    assert_eq!(figure(&image, 4, "secrets"), 1);
    assert!(image["criteria"][3]["evidence"].to_string().contains("/secret/.env (layer 2"), "{image:#}");
}
