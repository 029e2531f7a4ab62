//! The engine's side of a session, played over a pipe.

use super::*;
use crate::golden;
use crate::project::context::Context;
use bollard::fsutil::types::packet::PacketType;
use bollard::fsutil::types::{Packet, Stat};
use bollard::moby::buildkit::secrets::v1::GetSecretRequest;
use bollard::moby::buildkit::secrets::v1::secrets_client::SecretsClient;
use bollard::moby::filesync::packet::file_sync_client::FileSyncClient;
use bollard::moby::filesync::v1::CredentialsRequest;
use bollard::moby::filesync::v1::auth_client::AuthClient;
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::Service;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Status};

struct Pipe(Option<DuplexStream>);

impl Service<Uri> for Pipe {
    type Response = TokioIo<DuplexStream>;
    type Error = io::Error;
    type Future = std::future::Ready<Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        std::future::ready(self.0.take().map(TokioIo::new).ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

/// Opens a session over a pipe, with the upgrade, and returns the engine's end.
async fn open(options: SessionOptions) -> (Session, Channel) {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let engine = async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(theirs.read_u8().await.unwrap());
        }
        theirs.write_all(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\n").await.unwrap();
        (String::from_utf8(head).unwrap(), theirs)
    };
    let (session, (head, theirs)) = tokio::join!(Session::open(ours, options), engine);
    let session = session.unwrap();
    assert!(head.starts_with("POST /session HTTP/1.1\r\n") && head.contains("Upgrade: h2c"));
    assert!(head.contains(&format!("X-Docker-Expose-Session-Uuid: {}\r\n", session.id())));
    let channel = Endpoint::from_static("http://engine").connect_with_connector(Pipe(Some(theirs))).await.unwrap();
    (session, channel)
}

async fn open_disk(root: &Path) -> (Session, Channel) {
    let context = Context::open(root).unwrap();
    open(SessionOptions { folders: vec![("context".into(), Folder::Disk(context))], ..SessionOptions::default() }).await
}

/// What the engine got: entries in order, contents by path, and how it ended.
#[derive(Default)]
struct Copied {
    stats: Vec<Stat>,
    contents: BTreeMap<String, Vec<u8>>,
    sender_error: Option<String>,
    end: Option<Status>,
}

impl Copied {
    fn paths(&self) -> Vec<&str> {
        self.stats.iter().map(|s| s.path.as_str()).collect()
    }
}

fn packet(kind: PacketType, id: u32, data: &[u8]) -> Packet {
    Packet { r#type: kind.into(), stat: None, id, data: data.to_vec() }
}

/// Plays fsutil's receiver: asks for every file for which `want` says so, as soon as it is described.
async fn copy(channel: Channel, metadata: &[(&'static str, &str)], want: impl Fn(&Stat) -> bool) -> Copied {
    let (requests, stream) = tokio::sync::mpsc::channel(1 << 16);
    let mut request = Request::new(ReceiverStream::new(stream));
    for (key, value) in metadata {
        request.metadata_mut().append(*key, value.parse().unwrap());
    }
    let mut copied = Copied::default();
    let mut client = FileSyncClient::new(channel).max_decoding_message_size(1 << 24);
    let mut packets = match client.diff_copy(request).await {
        Ok(response) => response.into_inner(),
        Err(status) => {
            copied.end = Some(status);
            return copied;
        }
    };
    let (mut open, mut described, mut finished) = (0, false, false);
    loop {
        let packet = match packets.message().await {
            Ok(Some(packet)) => packet,
            Ok(None) => return copied,
            Err(status) => {
                copied.end = Some(status);
                return copied;
            }
        };
        match packet.r#type() {
            PacketType::PacketStat => match packet.stat {
                Some(stat) => {
                    if stat.mode & (0x1FF << 19) == 0 && stat.mode < 1 << 28 && want(&stat) {
                        open += 1;
                        let id = u32::try_from(copied.stats.len()).unwrap();
                        let wanted = self::packet(PacketType::PacketReq, id, b"");
                        requests.send(wanted).await.unwrap();
                    }
                    copied.stats.push(stat);
                }
                None => described = true,
            },
            PacketType::PacketData => {
                let path = copied.stats[packet.id as usize].path.clone();
                open -= usize::from(packet.data.is_empty());
                copied.contents.entry(path).or_default().extend(packet.data);
            }
            PacketType::PacketErr => copied.sender_error = Some(String::from_utf8(packet.data).unwrap()),
            PacketType::PacketFin => assert!(finished),
            PacketType::PacketReq => panic!("a sender asks for nothing"),
        }
        if described && open == 0 && !finished {
            finished = true;
            requests.send(self::packet(PacketType::PacketFin, 0, b"")).await.unwrap();
        }
    }
}

fn write(root: &Path, files: &[(&str, &[u8])]) {
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

const CONTEXT: (&str, &str) = ("dir-name", "context");

#[tokio::test]
async fn a_context_arrives_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let large: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    write(dir.path(), &[("b/large", &large), ("a", b"x"), ("b/empty", b"")]);
    std::os::unix::fs::symlink("b/large", dir.path().join("link")).unwrap();
    let (session, channel) = open_disk(dir.path()).await;
    let copied = copy(channel.clone(), &[CONTEXT], |_| true).await;
    assert!(copied.end.is_none() && copied.sender_error.is_none());
    assert_eq!(copied.paths(), ["a", "b", "b/empty", "b/large", "link"]);
    assert_eq!(copied.contents["b/large"], large);
    assert_eq!(copied.contents["b/empty"], b"");
    assert_eq!(copied.stats[4].linkname, "b/large");
    assert_eq!(copied.stats[1].mode >> 27, 16);
    assert_eq!(copied.stats[3].size, 300_000);
    assert_eq!((copied.stats[3].uid, copied.stats[3].gid), (0, 0));

    // A second time, with nothing wanted: nothing is read.
    let copied = copy(channel, &[CONTEXT], |_| false).await;
    assert_eq!(copied.stats.len(), 5);
    let expected = Transferred { calls: 2, stats: 10, files: 3, bytes: 300_001, vanished: 0 };
    assert_eq!(session.counters(), expected);
    assert_eq!(session.close().await, expected);
}

#[tokio::test]
async fn patterns_in_the_request_narrow_what_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[("src/a.rs", b""), ("src/é.rs", b""), ("out/b", b""), (".dockerignore", b"out"), ("Dockerfile", b"")],
    );
    std::os::unix::fs::symlink("src", dir.path().join("link")).unwrap();
    let (session, channel) = open_disk(dir.path()).await;
    for (metadata, expected) in [
        (
            &[("exclude-patterns", "src"), ("exclude-patterns", "!src/a.rs")][..],
            &[".dockerignore", "Dockerfile", "link", "out", "out/b", "src", "src/a.rs"][..],
        ),
        (&[("include-patterns", "*.rs")], &[]),
        (&[("include-patterns", "*/*.rs")], &["src", "src/a.rs", "src/é.rs"]),
        (&[("followpaths", ".dockerignore"), ("followpaths", "Dockerfile.dockerignore")], &[".dockerignore"]),
        (&[("followpaths", "link/a.rs"), ("exclude-patterns", "out")], &["link", "src", "src/a.rs"]),
        (&[("followpaths", "src%2F%C3%A9.rs"), ("followpaths-encoded", "1")], &["src", "src/é.rs"]),
    ] {
        let all: Vec<_> = [CONTEXT].iter().chain(metadata).copied().collect();
        assert_eq!(copy(channel.clone(), &all, |_| true).await.paths(), expected, "{metadata:?}");
    }
    let refused = copy(channel.clone(), &[("dir-name", "home")], |_| true).await;
    let status = refused.end.unwrap();
    assert_eq!((status.code(), status.message()), (tonic::Code::NotFound, "no access allowed to dir \"home\""));
    let bad = copy(channel, &[CONTEXT, ("exclude-patterns", "[")], |_| true).await;
    assert!(bad.sender_error.unwrap().contains("syntax error in pattern"));
    assert!(bad.end.unwrap().message().contains("syntax error in pattern"));
    session.close().await;
}

#[tokio::test]
async fn thousands_of_files_are_sent_while_others_are_still_described() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..3_000).map(|n| format!("d{}/f{n}", n % 7)).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), n.as_bytes())).collect();
    write(dir.path(), &files);
    let (session, channel) = open_disk(dir.path()).await;
    let copied = copy(channel, &[CONTEXT], |_| true).await;
    assert_eq!(copied.contents.len(), 3_000);
    assert!(copied.contents.iter().all(|(path, content)| path.as_bytes() == content));
    assert_eq!(session.close().await.files, 3_000);
}

#[tokio::test]
async fn files_in_memory_are_a_folder_whose_times_follow_the_content() {
    let serve = async |content: &'static str| {
        let folder = MemoryFolder::new([("Dockerfile", content), ("Dockerfile.dockerignore", "x")]).unwrap();
        let (session, channel) = open(SessionOptions {
            folders: vec![("dockerfile".into(), Folder::Memory(folder))],
            ..SessionOptions::default()
        })
        .await;
        let metadata = [("dir-name", "dockerfile"), ("followpaths", "Dockerfile")];
        let copied = copy(channel, &metadata, |_| true).await;
        session.close().await;
        copied
    };
    let (one, two) = (serve("FROM a").await, serve("FROM b").await);
    assert_eq!(one.paths(), ["Dockerfile"]);
    assert_eq!(one.contents["Dockerfile"], b"FROM a");
    assert_ne!(one.stats[0].mod_time, two.stats[0].mod_time);
    assert_eq!(one.stats, serve("FROM a").await.stats);
    assert_eq!(MemoryFolder::new([("a/b", "")]).unwrap_err(), b"a/b");
}

#[tokio::test]
async fn files_that_change_while_they_are_sent_come_as_they_are_then() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("gone", b"1234"), ("grown", b"1"), ("shrunk", b"123456")]);
    let (session, channel) = open_disk(dir.path()).await;
    let copied = copy(channel, &[CONTEXT], |stat| {
        let path = dir.path().join(&stat.path);
        match stat.path.as_str() {
            "gone" => fs::remove_file(path).unwrap(),
            "grown" => fs::write(path, "12345").unwrap(),
            _ => fs::write(path, "").unwrap(),
        }
        true
    })
    .await;
    assert!(copied.end.is_none());
    assert_eq!(copied.contents["gone"], b"");
    assert_eq!(copied.contents["grown"], b"12345");
    assert_eq!(copied.contents["shrunk"], b"");
    assert_eq!(session.close().await.vanished, 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_to_the_engine() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("file", b"")]);
    let (session, channel) = open_disk(dir.path()).await;
    let copied = copy(channel, &[CONTEXT], |stat| {
        let path = dir.path().join(&stat.path);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        true
    })
    .await;
    assert!(copied.sender_error.unwrap().contains("\"file\" of the build context"));
    assert!(copied.end.is_some());
    assert!(session.failure().unwrap().contains("\"file\""));
    session.close().await;
}

/// Asks for a folder, says one thing, and gives how the transfer ends.
async fn end_of(channel: &Channel, folder: &str, id: u32, kind: PacketType) -> Status {
    let requests = tokio_stream::once(packet(kind, id, b"disk full"));
    // The stream stays open behind the packet, as the engine keeps it.
    let requests = tokio_stream::StreamExt::chain(requests, tokio_stream::pending());
    let mut request = Request::new(requests);
    request.metadata_mut().append("dir-name", folder.parse().unwrap());
    let mut packets = match FileSyncClient::new(channel.clone()).diff_copy(request).await {
        Ok(packets) => packets.into_inner(),
        Err(status) => return status,
    };
    loop {
        match packets.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("ended well"),
            Err(status) => return status,
        }
    }
}

/// What an engine is told shows in its build's error, as it does with the docker client.
#[tokio::test]
async fn an_engine_is_told_what_it_cannot_have() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("d/file", b"")]);
    let context = Context::open(dir.path()).unwrap();
    let options = SessionOptions {
        folders: vec![("context".into(), Folder::Disk(context))],
        secrets: [("large".to_owned(), vec![b'x'; 501 << 10])].into_iter().collect(),
        ..SessionOptions::default()
    };
    let (session, channel) = open(options).await;
    let mut all = String::new();
    for (what, folder, id, kind) in [
        ("asks for a folder as a file", "context", 0, PacketType::PacketReq),
        ("asks for a file that was not described", "context", 99, PacketType::PacketReq),
        ("cannot go on", "context", 0, PacketType::PacketErr),
        ("asks for a folder that was not offered", "home", 0, PacketType::PacketReq),
    ] {
        let end = end_of(&channel, folder, id, kind).await;
        all += &format!("## an engine {what}\n{}\n\n", end.message());
    }
    let mut secrets = SecretsClient::new(channel);
    for (what, id) in [("that is not there", "none"), ("that is too large", "large")] {
        let request = GetSecretRequest { id: id.into(), ..GetSecretRequest::default() };
        let refused = secrets.get_secret(request).await.unwrap_err();
        all += &format!("## an engine asks for a secret {what}\n{}\n\n", refused.message());
    }
    golden::messages("Sessions", &all);
    session.close().await;
}

#[derive(Debug)]
struct OneRegistry;

#[tonic::async_trait]
impl Lookup for OneRegistry {
    async fn find(&self, host: &str) -> Result<Option<Credential>, LookupError> {
        match host {
            "mine.example" => Ok(Some(Credential::Login { user: "me".into(), password: "hunter2".into() })),
            "token.example" => Ok(Some(Credential::IdentityToken("tok".into()))),
            "broken.example" => Err(LookupError("no helper".into())),
            _ => Ok(None),
        }
    }
}

#[tokio::test]
async fn credentials_and_secrets_are_given_by_name_and_never_printed() {
    let options = SessionOptions {
        credentials: Credentials::from(OneRegistry),
        secrets: [("npm".to_owned(), b"hunter3".to_vec())].into_iter().collect(),
        ..SessionOptions::default()
    };
    let text = format!("{options:?}");
    assert!(text.contains("npm") && !text.contains("hunter"), "{text}");
    let (session, channel) = open(options).await;
    assert!(!format!("{session:?}").contains("hunter"));
    let mut auth = AuthClient::new(channel.clone());
    for (host, user, secret) in [("mine.example", "me", "hunter2"), ("token.example", "", "tok"), ("quay.io", "", "")] {
        let request = CredentialsRequest { host: host.into() };
        let got = auth.credentials(request).await.unwrap().into_inner();
        assert_eq!((got.username.as_str(), got.secret.as_str()), (user, secret), "{host}");
    }
    let refused = auth.credentials(CredentialsRequest { host: "broken.example".into() }).await.unwrap_err();
    assert_eq!(refused.message(), "no helper");
    let mut secrets = SecretsClient::new(channel);
    let mut get = async |id: &str| {
        let request = GetSecretRequest { id: id.into(), ..GetSecretRequest::default() };
        secrets.get_secret(request).await
    };
    assert_eq!(get("npm").await.unwrap().into_inner().data, b"hunter3");
    assert_eq!(get("none").await.unwrap_err().code(), tonic::Code::NotFound);
    session.close().await;
}

#[tokio::test]
async fn a_refusal_is_told_with_the_engines_words() {
    for (answer, expected) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 30\r\n\r\n{\"message\":\"page not found\"}\n",
            "404 Not Found page not found",
        ),
        ("HTTP/1.1 500 Oops\r\n\r\n", "500 Oops"),
    ] {
        let (ours, mut theirs) = tokio::io::duplex(1 << 12);
        theirs.write_all(answer.as_bytes()).await.unwrap();
        let error = Session::open(ours, SessionOptions::default()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let (ours, theirs) = tokio::io::duplex(1 << 12);
    drop(theirs);
    assert!(matches!(Session::open(ours, SessionOptions::default()).await, Err(SessionError::Io(_))));
    let (ours, _theirs) = tokio::io::duplex(1 << 12);
    let options = SessionOptions { shared_key: "a\r\nX-Evil: 1".into(), ..SessionOptions::default() };
    assert!(matches!(Session::open(ours, options).await, Err(SessionError::Header("shared key"))));
}

#[tokio::test]
async fn sessions_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let large = vec![7; 4 << 20];
    write(dir.path(), &[("large", &large)]);
    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    let metrics = tokio::runtime::Handle::current().metrics();
    let (mut tasks, mut files) = (0, 0);
    for round in 0..300 {
        let (session, channel) = open_disk(dir.path()).await;
        if round % 3 == 0 {
            // In the middle of a transfer, with nobody reading.
            let (requests, stream) = tokio::sync::mpsc::channel(4);
            requests.send(packet(PacketType::PacketReq, 0, b"")).await.unwrap();
            let mut request = Request::new(ReceiverStream::new(stream));
            request.metadata_mut().append("dir-name", "context".parse().unwrap());
            let call = FileSyncClient::new(channel.clone()).diff_copy(request).await;
            session.close().await;
            drop((call, requests));
        } else if round % 3 == 1 {
            copy(channel.clone(), &[CONTEXT], |_| false).await;
            drop(session);
        } else {
            session.close().await;
        }
        drop(channel);
        tokio::time::sleep(Duration::from_millis(1)).await;
        if round == 20 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            (tasks, files) = (metrics.num_alive_tasks(), descriptors());
        }
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let left = metrics.num_alive_tasks();
    assert!(left <= tasks + 1, "{left} tasks, {tasks} before");
    // Other tests of this process open files too.
    assert!(descriptors() < files + 60, "{} descriptors, {files} before", descriptors());
}
