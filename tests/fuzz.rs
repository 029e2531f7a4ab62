//! The targets of `scripts/fuzz` without coverage: the committed seeds, and changes to them that are the same in every
//! run. What minutes of fuzzing once found lies among the seeds.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by failing

#[path = "../fuzz/targets.rs"]
mod targets;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a target goes on changing its seeds; the seeds themselves are always tried whole.
const ENOUGH: Duration = Duration::from_millis(1200);
/// Changed inputs of each target, if there is time for them.
const CHANGED: usize = 1500;
/// No input of this size may take longer.
const SLOW: Duration = Duration::from_secs(2);

#[test]
fn seeds_and_changes_to_them_find_nothing() {
    std::thread::scope(|scope| {
        for (name, target) in targets::TARGETS {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn_scoped(scope, move || attack(name, target))
                .unwrap();
        }
    });
}

fn attack(name: &str, target: targets::Target) {
    // In memory where possible: what is stored is flushed to the disk each time.
    let memory = tempfile::tempdir_in("/dev/shm");
    let dir = memory.or_else(|_| tempfile::tempdir()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 3, "{name} has seeds");
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let begin = Instant::now();
    let changed = std::iter::repeat_with(|| changed(&seeds, &mut random)).take(CHANGED);
    let inputs = std::iter::once(Vec::new()).chain(seeds.iter().cloned());
    for input in inputs.chain(changed.take_while(|_| begin.elapsed() < ENOUGH)) {
        let since = Instant::now();
        let done = std::panic::catch_unwind(|| target(dir.path(), &input));
        if done.is_err() || since.elapsed() > SLOW {
            let kept = std::env::temp_dir().join(format!("layerbench-{name}-finding"));
            fs::write(&kept, &input).unwrap();
            panic!("{name}: a finding after {:?}, kept as {}", since.elapsed(), kept.display());
        }
    }
}

/// Texts that such files may hold, and numbers at the edges.
const WORDS: [&[u8]; 12] = [
    b"18446744073709551615",
    b"-1",
    b"0",
    b"1e308",
    b"\n",
    b"\"",
    b"\0",
    b"../",
    b"[",
    b"\x1b",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "ß".as_bytes(),
];

/// A seed with one to four changes.
fn changed(seeds: &[Vec<u8>], random: &mut impl Rng) -> Vec<u8> {
    let mut below = |end: usize| usize::try_from(random.next_u32()).unwrap() % end.max(1);
    let mut input = seeds[below(seeds.len())].clone();
    for _ in 0..=below(4) {
        let at = below(input.len() + 1);
        let end = (at + 1 + below(16)).min(input.len());
        let at = at.min(end);
        match below(6) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 => drop(input.splice(at..end, WORDS[below(WORDS.len())].iter().copied())),
            3 => {
                let other = &seeds[below(seeds.len())];
                let from = below(other.len());
                drop(input.splice(at..at, other[from..(from + 64).min(other.len())].iter().copied()));
            }
            4 => input.extend_from_within(at..end),
            _ => input[at..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << below(8)),
        }
    }
    input
}
