//! Registries for tests: the storage of a distribution registry with a small image in it, a registry that serves it,
//! and a gate before one that refuses requests as it is told.

#![allow(dead_code)] // not every test uses all of it

use crate::tiny::busybox;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio_rustls::rustls::{self, ServerConfig, ServerConnection, StreamOwned};

/// An image in a registry, by its digests.
pub struct Image {
    pub manifest: String,
    pub layer: String,
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts an image with a shell and one text file into a storage folder, under a name and a tag.
pub fn store(storage: &Path, name: &str, tag: &str, text: &str) -> Image {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("bin")).unwrap();
    fs::copy(busybox(), root.path().join("bin/sh")).unwrap();
    fs::write(root.path().join("text"), text).unwrap();
    let top = storage.join("docker/registry/v2");
    let repository = top.join("repositories").join(name);
    let write = |path: PathBuf, content: &[u8]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    let blob = |content: &[u8], links: &Path| {
        let hash = digest(content);
        write(top.join("blobs/sha256").join(&hash[..2]).join(&hash).join("data"), content);
        write(repository.join(links).join("sha256").join(&hash).join("link"), format!("sha256:{hash}").as_bytes());
        format!("sha256:{hash}")
    };
    let tar = |options: &str| {
        let output = Command::new("tar").args([options, "-", "-C"]).arg(root.path()).arg(".").output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let (plain, layer) = (tar("-cf"), tar("-czf"));
    let config = format!(
        r#"{{"architecture":"{}","os":"linux","config":{{"Cmd":["/bin/sh"]}},"rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}}"#,
        match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        },
        digest(&plain)
    );
    let layers = Path::new("_layers");
    let (config_digest, layer_digest) = (blob(config.as_bytes(), layers), blob(&layer, layers));
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"{config_digest}","size":{}}},"layers":[{{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","digest":"{layer_digest}","size":{}}}]}}"#,
        config.len(),
        layer.len()
    );
    let manifest = blob(manifest.as_bytes(), Path::new("_manifests/revisions"));
    let image = Image { manifest, layer: layer_digest };
    tag_as(storage, name, tag, &image);
    image
}

/// Lets a tag name an image.
pub fn tag_as(storage: &Path, name: &str, tag: &str, image: &Image) {
    let tag = storage.join("docker/registry/v2/repositories").join(name).join("_manifests/tags").join(tag);
    let index = tag.join("index/sha256").join(image.manifest.trim_start_matches("sha256:"));
    for folder in [&tag.join("current"), &index] {
        fs::create_dir_all(folder).unwrap();
        // At once: a registry may be reading it.
        fs::write(folder.join("new"), &image.manifest).unwrap();
        fs::rename(folder.join("new"), folder.join("link")).unwrap();
    }
}

/// This machine's address, as an engine in a network namespace reaches it. Nothing is sent.
pub fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("198.51.100.1:9").expect("the machine has no way out, so a private engine has none to it");
    socket.local_addr().unwrap().ip()
}

/// A distribution registry that runs.
pub struct Registry {
    child: Child,
    log: PathBuf,
    pub port: u16,
}

impl Registry {
    pub fn serve(storage: &Path, work: &Path) -> Self {
        let port = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
        let (config, log) = (work.join("upstream.yml"), work.join("upstream.log"));
        let text = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"0.0.0.0:{port}\"}}\n",
            storage.display()
        );
        fs::write(&config, text).unwrap();
        let out = fs::File::create(&log).unwrap();
        let mut command = Command::new("docker-registry");
        let command = command.arg("serve").arg(&config).stdin(Stdio::null()).stderr(out.try_clone().unwrap());
        let child = command.stdout(out).spawn().expect("install the package docker-registry");
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < Duration::from_secs(20), "{}", fs::read_to_string(&log).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, log, port }
    }

    /// How many requests of its log hold all these words.
    pub fn requests(&self, words: &[&str]) -> usize {
        requests(&fs::read_to_string(&self.log).unwrap(), words)
    }
}

/// How many requests of a registry's log hold all these words. Each has one line in the form of Apache's logs.
pub fn requests(log: &str, words: &[&str]) -> usize {
    let lines = log.lines().filter(|line| line.contains("HTTP/1.1\" "));
    lines.filter(|line| words.iter().all(|word| line.contains(word))).count()
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves connections until it is closed, and again when it is opened. What was accepted goes on.
pub struct Server {
    pub port: u16,
    serve: Arc<dyn Fn(TcpStream) + Send + Sync>,
    closed: Arc<AtomicBool>,
}

impl Server {
    pub fn new(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, serve: Arc::new(serve), closed: Arc::default() };
        server.listen(listener);
        server
    }

    fn listen(&self, listener: TcpListener) {
        let (serve, closed) = (Arc::clone(&self.serve), Arc::clone(&self.closed));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(stream));
            }
        });
    }

    /// From now on connections are refused.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        // The first one wakes the listener, which then goes.
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
        self.listen(TcpListener::bind(("0.0.0.0", self.port)).unwrap());
    }
}

/// What a gate does with a request.
pub enum Answer {
    Pass,
    /// 429 with a text.
    Refuse(String),
    /// 500.
    Fail,
    /// Lets so many bytes through in a second.
    Slowly(usize),
    /// Hangs up after so many bytes.
    Cut(u64),
}

/// Decides by the request line.
pub type Rule = dyn Fn(&str) -> Answer + Send + Sync;

/// Listens with TLS before a registry, and says itself that there is one. Requests that the rule refuses get a 429 with
/// its text. (Of a registry without TLS, an engine only tells that it has none.)
pub fn gate(registry: u16, work: &Path, rule: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> u16 {
    faulty_gate(registry, work, move |request| rule(request).map_or(Answer::Pass, Answer::Refuse)).port
}

/// The same, for all that can go wrong with a registry.
pub fn faulty_gate(registry: u16, work: &Path, rule: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Server {
    let settings = Arc::new(tls(work));
    Server::new(move |stream| {
        let mut client = StreamOwned::new(ServerConnection::new(Arc::clone(&settings)).unwrap(), stream);
        if pass(&mut client, registry, &rule).is_ok() {
            client.conn.send_close_notify();
            let _ = client.flush();
        }
    })
}

/// A certificate for this machine's address, in `gate.pem`; engines trust it that have `SSL_CERT_FILE` set to it.
fn tls(work: &Path) -> ServerConfig {
    let (key, certificate) = (work.join("gate-key.pem"), work.join("gate.pem"));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=gate"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", &format!("subjectAltName=IP:{}", own_address()), "-keyout"])
        .args([key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
        .output()
        .expect("install the package openssl");
    assert!(output.status.success());
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&certificate).unwrap()],
            PrivateKeyDer::from_pem_file(&key).unwrap(),
        )
        .unwrap()
}

fn pass(client: &mut (impl Read + Write), registry: u16, rule: &Rule) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let (request, rest) = head.split_once("\r\n").unwrap_or_default();
    let how = rule(request);
    let error = |code: &str, text: &str| format!(r#"{{"errors":[{{"code":"{code}","message":"{text}"}}]}}"#);
    match &how {
        Answer::Refuse(text) => return answer(client, "429 Too Many Requests", &error("TOOMANYREQUESTS", text)),
        Answer::Fail => return answer(client, "500 Internal Server Error", &error("UNKNOWN", "out of order")),
        Answer::Pass | Answer::Slowly(_) | Answer::Cut(_) => {}
    }
    if request.starts_with("GET /v2/ ") {
        return answer(client, "200 OK", "{}");
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", registry))?;
    let rest: Vec<&str> = rest.split("\r\n").filter(|line| !line.to_lowercase().starts_with("connection:")).collect();
    write!(upstream, "{request}\r\nConnection: close\r\n{}", rest.join("\r\n"))?;
    match how {
        Answer::Slowly(bytes) => loop {
            let mut piece = vec![0; bytes / 20];
            let length = upstream.read(&mut piece)?;
            if length == 0 {
                return Ok(());
            }
            client.write_all(&piece[..length])?;
            client.flush()?;
            std::thread::sleep(Duration::from_millis(50));
        },
        Answer::Cut(bytes) => {
            std::io::copy(&mut upstream.take(bytes), client)?;
            client.flush()?;
            Err(std::io::ErrorKind::ConnectionAborted.into())
        }
        _ => std::io::copy(&mut upstream, client).map(|_| ()),
    }
}

fn answer(client: &mut impl Write, status: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let head = "Docker-Distribution-Api-Version: registry/2.0\r\nContent-Type: application/json\r\nConnection: close";
    write!(client, "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}")
}
