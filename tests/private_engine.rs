//! A private engine against the real dockerd: it starts empty, and nothing of it is left behind.

use layerbench::engine::Engine;
use layerbench::engine::private::PrivateEngine;

#[test]
fn an_engine_starts_empty_and_leaves_nothing() {
    let mut engine = PrivateEngine::new("test-life", None).unwrap();
    let t = std::time::Instant::now();
    engine.begin_chain().unwrap();
    println!("up {:?}", t.elapsed());
    println!("{:#?}", engine.fingerprint().unwrap());
    let contents = engine.contents().unwrap();
    println!("{contents:?} {:?}", t.elapsed());
    let t = std::time::Instant::now();
    engine.end_chain().unwrap();
    println!("down {:?}", t.elapsed());
}
