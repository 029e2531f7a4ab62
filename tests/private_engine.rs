//! A private engine against the real dockerd: it starts empty, builds, and nothing of it is left behind.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

use layerbench::engine::private::PrivateEngine;
use layerbench::engine::{BuildRequest, Client, Engine, Interrupt};
use layerbench::model::Progress;
use std::sync::Arc;
use std::time::Duration;

struct Silent;
impl Progress for Silent {
    fn step(&self, name: &str) {
        println!("step {name}");
    }
}

#[test]
fn an_engine_starts_empty_and_leaves_nothing() {
    let mut engine = PrivateEngine::new("test-life", None).unwrap();
    let t = std::time::Instant::now();
    engine.begin_chain().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy("/bin/busybox", dir.path().join("busybox")).unwrap();
    let request = BuildRequest {
        context: dir.path().into(),
        dockerfile: Arc::new(
            b"FROM scratch\nCOPY busybox /bin/sh\nWORKDIR /x\nRUN echo hello >y\nCMD [\"/bin/sh\",\"-c\",\"cat y\"]"
                .to_vec(),
        ),
        dockerfile_name: "Dockerfile".into(),
        ignore: None,
        settings: Default::default(),
        no_cache: false,
        tag: "x/y:z".into(),
        context_key: "x".into(),
        timeout: Duration::from_secs(60),
        client: Client::default(),
    };
    for _ in 0..2 {
        let o = engine.build(&request, &Silent, &Interrupt::default());
        println!("{o:#?}");
        println!("{:?}", engine.contents());
        println!("{:?}", engine.image(o.image_id.as_ref().unwrap()));
        println!("{:?}", engine.run_image(o.image_id.as_ref().unwrap(), Duration::from_secs(10)));
    }
    println!("up {:?}", t.elapsed());
    engine.end_chain().unwrap();
}
