//! Builds over a session on a real engine. Runs when `LAYERBENCH_TEST_SOCKET` names the engine's Unix socket.
#![allow(clippy::unwrap_used)] // a failure here is the test's

use bollard::models::{BuildInfo, BuildInfoAux};
use futures_util::StreamExt;
use layerbench::engine::session::{Folder, MemoryFolder, Session, SessionOptions, Transferred};
use layerbench::project::context::Context;
use std::fs;
use std::path::Path;

/// Builds; the image's id or the error, and what was sent.
async fn build(
    socket: &str,
    context: &Path,
    dockerfile: &str,
    ignore: &str,
    query: &str,
) -> (Result<String, String>, Transferred, Option<String>) {
    let folder =
        MemoryFolder::new([("Dockerfile", dockerfile.to_owned()), ("Dockerfile.dockerignore", ignore.to_owned())])
            .unwrap();
    let stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    let options = SessionOptions {
        name: "layerbench".into(),
        shared_key: context.display().to_string(),
        folders: vec![
            ("context".into(), Folder::Disk(Context::open(context).unwrap())),
            ("dockerfile".into(), Folder::Memory(folder)),
        ],
        secrets: [("token".to_owned(), b"s3cret".to_vec())].into_iter().collect(),
        ..SessionOptions::default()
    };
    let session = Session::open(stream, options).await.unwrap();
    let tail = format!("&version=2&session={}&remote=client-session{query}", session.id());
    let docker = bollard::Docker::connect_with_unix(
        socket,
        120,
        &bollard::ClientVersion { major_version: 1, minor_version: 41 },
    )
    .unwrap()
    .with_request_modifier(move |mut request| {
        let uri = request.uri().to_string().replace("version=1&", "").replace("version=1", "");
        *request.uri_mut() = format!("{}{tail}", uri.trim_end_matches('&')).parse().unwrap();
        request
    });
    let options = bollard::query_parameters::BuildImageOptionsBuilder::default().t("lb-session-test").build();
    let body = bollard::body_full(bytes::Bytes::new());
    let mut stream = std::pin::pin!(docker.build_image(options, None, Some(body)));
    let mut result = Err("no image".to_owned());
    while let Some(item) = stream.next().await {
        match item {
            Ok(BuildInfo { aux: Some(BuildInfoAux::Default(id)), .. }) => result = id.id.ok_or("no id".to_owned()),
            Ok(_) => {}
            Err(error) => result = Err(error.to_string()),
        }
    }
    let failure = session.failure();
    (result, session.close().await, failure)
}

#[tokio::test]
async fn a_build_takes_its_files_from_the_session() {
    let Ok(socket) = std::env::var("LAYERBENCH_TEST_SOCKET") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("src/deep")).unwrap();
    fs::create_dir_all(at("node_modules/x")).unwrap();
    fs::create_dir_all(at("empty")).unwrap();
    for name in ["src/a.rs", "src/deep/b.rs", "src/deep/b.o", "node_modules/x/y", "top"] {
        fs::write(at(name), name).unwrap();
    }
    fs::write(at("big"), vec![1; 1 << 20]).unwrap();
    std::os::unix::fs::symlink("src/a.rs", at("link")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", at("outside")).unwrap();
    fs::hard_link(at("top"), at("top2")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    use std::os::unix::ffi::OsStrExt;
    fs::write(at("").join(std::ffi::OsStr::from_bytes(b"raw\xff")), "raw").unwrap();

    let ignore = "node_modules\n**/*.o\n";
    let (image, first, failure) = build(&socket, dir.path(), "FROM scratch\nCOPY . /ctx/\n", ignore, "").await;
    assert!(image.is_ok(), "{image:?} {failure:?}");
    println!("{image:?} {first:?}");
    assert_eq!(first.vanished, 0);
    let (again, second, _) = build(&socket, dir.path(), "FROM scratch\nCOPY . /ctx/\n", ignore, "").await;
    println!("{again:?} {second:?}");
    assert_eq!(again, image);
    assert!(second.bytes < 100, "{second:?}");

    let (one, third, _) = build(&socket, dir.path(), "FROM scratch\nCOPY li* /ctx/\n", "", "").await;
    println!("{one:?} {third:?}");
    assert!(one.is_ok());

    let (bad, _, failure) = build(&socket, dir.path(), "FROM scratch\nCOPY missing /ctx/\n", "", "").await;
    println!("{bad:?} {failure:?}");
    assert!(bad.is_err());
}

#[tokio::test]
async fn a_thousand_sessions_leave_no_descriptor() {
    let Ok(socket) = std::env::var("LAYERBENCH_TEST_SOCKET") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("f"), "f").unwrap();
    let count: usize = std::env::var("LAYERBENCH_TEST_BUILDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let mut before = 0;
    for round in 0..count {
        let (image, _, _) = build(&socket, dir.path(), "FROM scratch\nCOPY f /\n", "", "").await;
        assert!(image.is_ok(), "{image:?}");
        if round == 9 {
            before = descriptors();
        }
    }
    assert!(descriptors() <= before + 3, "{before} {}", descriptors());
}

/// The files of an image as `tar` lists them, by the docker client named in `LAYERBENCH_TEST_DOCKER`.
fn listing(docker: &str, socket: &str, image: &str) -> String {
    let script = format!(
        "export DOCKER_HOST=unix://{socket}; c=$({docker} create {image} x) && {docker} export $c | \
         tar --numeric-owner --full-time -tv | grep ' ctx/' | LC_ALL=C sort -k6; {docker} rm $c >&2"
    );
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn an_image_is_the_same_as_through_the_docker_client() {
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(socket), Some(docker), Some(context)) =
        (variable("LAYERBENCH_TEST_SOCKET"), variable("LAYERBENCH_TEST_DOCKER"), variable("LAYERBENCH_TEST_CONTEXT"))
    else {
        return;
    };
    let context = Path::new(&context);
    let read = |name: &str| fs::read_to_string(context.join(name)).unwrap_or_default();
    let (image, sent, _) = build(&socket, context, &read("Dockerfile"), &read(".dockerignore"), "").await;
    println!("{image:?} {sent:?}");
    let ours = listing(&docker, &socket, "lb-session-test");
    let script = format!("DOCKER_BUILDKIT=1 DOCKER_HOST=unix://{socket} {docker} build -q -t lb-docker-test .");
    let done = std::process::Command::new("sh").args(["-c", &script]).current_dir(context).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let theirs = listing(&docker, &socket, "lb-docker-test");
    assert!(!ours.is_empty());
    assert_eq!(ours, theirs);
    assert_eq!(image.unwrap(), String::from_utf8_lossy(&done.stdout).trim());
}
