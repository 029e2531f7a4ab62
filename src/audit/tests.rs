//! File systems and images made here, byte by byte, so that every figure is known.

#![allow(clippy::unwrap_used)]

use super::cache::cache_use;
use super::criteria::{AuditedImage, judge};
use super::detect::findings;
use super::inventory::Inventory;
use super::layers::Layers;
use super::lock::{NeededError, needed};
use crate::analysis::testing::{sample, scenario};
use crate::engine::EngineError;
use crate::engine::wire::looker::ImageSelf;
use crate::engine::wire::looker::start::{Start, Started};
use crate::model::{Bytes, CacheState, Criterion, CriterionVerdict, Interval, Sample, Step, StepKind};
use std::collections::BTreeSet;
use tar::{Builder, EntryType, Header};

/// One path to be put into a tar: path, kind, mode, owner, content.
type Made<'a> = (&'a str, EntryType, u32, u64, &'a [u8]);

fn put(tar: &mut Builder<Vec<u8>>, (path, kind, mode, uid, content): Made<'_>) {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(uid);
    header.set_gid(uid);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.append_data(&mut header, path, content).unwrap();
}

fn tar_of(paths: &[Made<'_>]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for path in paths {
        put(&mut tar, *path);
    }
    tar.into_inner().unwrap()
}

const FILE: EntryType = EntryType::Regular;
const FOLDER: EntryType = EntryType::Directory;

#[test]
fn an_export_is_read_with_modes_owners_and_capabilities() {
    let mut tar = Builder::new(Vec::new());
    put(&mut tar, (".dockerenv", FILE, 0o755, 0, b""));
    put(&mut tar, ("etc/hosts", FILE, 0o644, 0, b"engine's own"));
    put(&mut tar, ("./usr/bin/su", FILE, 0o4755, 0, b"12345"));
    tar.append_pax_extensions([("SCHILY.xattr.security.capability", &[1_u8, 0, 10, 0xff][..])]).unwrap();
    put(&mut tar, ("usr/bin/ping", FILE, 0o755, 7, b"123"));
    put(&mut tar, ("tmp/", FOLDER, 0o1777, 0, b""));
    put(&mut tar, ("open/", FOLDER, 0o777, 0, b""));
    let inventory = Inventory::read(tar.into_inner().unwrap().as_slice()).unwrap();
    assert_eq!((inventory.bytes(), inventory.files(), inventory.entries.len()), (8, 2, 4));
    let found = findings(&inventory);
    assert_eq!(found.set_id, ["/usr/bin/su"]);
    assert_eq!(found.capabilities, ["/usr/bin/ping"]);
    assert_eq!(found.network_tools, ["/usr/bin/ping"]);
    assert_eq!(found.world_writable, ["/open"]);
}

#[test]
fn packages_compilers_caches_and_secrets_are_found_and_their_likes_are_not() {
    let status =
        b"Package: libc6\nStatus: install ok installed\nMulti-Arch: same\nArchitecture: amd64\nVersion: 2.41\n\n\
        Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
    let apk = b"C:Q1x\nP:musl\nV:1.2.5-r9\nF:lib\nF:usr\nF:usr/lib\nR:libc.so\na:0:0:755\nR:other\n\n\
        P:top\nV:1\nF:\nR:init\n\nP:.build-deps\nV:2024\n\n";
    let key: &[u8] = b"-----BEGIN OPENSSH PRIVATE KEY-----\nx";
    let export = tar_of(&[
        ("app/.venv/lib/python3.12/site-packages/Foo_Bar.baz-1.2.dist-info/METADATA", FILE, 0o644, 0, b"x"),
        ("usr/lib/python3/site-packages/pip/_vendor/rich-1.dist-info/METADATA", FILE, 0o644, 0, b"x"),
        ("app/node_modules/@a/b/package.json", FILE, 0o644, 0, b"{}"),
        ("app/node_modules/c/lib/package.json", FILE, 0o644, 0, b"{}"),
        ("var/lib/dpkg/status", FILE, 0o644, 0, status),
        ("lib/apk/db/installed", FILE, 0o644, 0, apk),
        ("usr/bin/x86_64-linux-gnu-gcc-12", FILE, 0o755, 0, b"x"),
        ("usr/bin/gcc-readme", FILE, 0o644, 0, b"x"),
        ("usr/bin/gawk", FILE, 0o755, 0, b"x"),
        ("app/.venv/bin/pip3.12", FILE, 0o755, 0, b"x"),
        ("app/.venv/bin/pip3.12.txt", FILE, 0o755, 0, b"x"),
        ("usr/include/stdio.h", FILE, 0o644, 0, b"x"),
        ("root/.cache/pip/http/a", FILE, 0o644, 0, b"12345"),
        ("var/lib/apt/lists/lock", FILE, 0o640, 0, b"x"),
        ("app/.env", FILE, 0o644, 0, b"A=b"),
        ("app/.env.example", FILE, 0o644, 0, b"A="),
        ("usr/lib/python3/dist-packages/Old_One-0.3-py3.13.egg-info", FILE, 0o644, 0, b"Metadata-Version: 1.0"),
        ("etc/ssl/ca.pem", FILE, 0o644, 0, b"-----BEGIN CERTIFICATE-----"),
        ("etc/ssl/own.pem", FILE, 0o600, 0, key),
    ]);
    let found = findings(&Inventory::read(export.as_slice()).unwrap());
    let names: Vec<_> = found.python.iter().map(|p| (p.name.as_str(), p.version.as_str())).collect();
    assert_eq!(names, [("foo-bar-baz", "1.2"), ("old-one", "0.3")]);
    assert_eq!(found.node.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["@a/b"]);
    let os: Vec<_> = found.os.iter().map(|p| (p.name.as_str(), p.path.as_str())).collect();
    let expected = [
        (".build-deps", ""),
        ("libc6", "var/lib/dpkg/info/libc6:amd64.list"),
        ("musl", "usr/lib/libc.so"),
        ("top", "init"),
    ];
    assert_eq!(os, expected);
    assert_eq!(found.compilers, ["/usr/bin/x86_64-linux-gnu-gcc-12"]);
    assert_eq!(found.headers, ["/usr/include/stdio.h"]);
    assert_eq!((found.caches.as_slice(), found.cache_bytes), (&["/root/.cache/pip/http/a".to_owned()][..], 5));
    assert_eq!(found.secrets, ["/app/.env", "/etc/ssl/own.pem"]);
}

/// A saved image with these layers, base first, gzipped or not; the manifest comes last, as engines write it.
fn saved(layers: &[Vec<u8>], gzip: bool, filled: bool) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let mut names = Vec::new();
    let mut history = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let mut content = layer.clone();
        if gzip {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut packer, layer).unwrap();
            content = packer.finish().unwrap();
        }
        names.push(format!("blobs/sha256/{number}"));
        put(&mut tar, (&names[number], FILE, 0o644, 0, &content));
        let created = if number == 0 { "2026-01-01T00:00:00Z" } else { "2026-02-01T00:00:00Z" };
        history.push(serde_json::json!({"created": created, "created_by": format!("RUN {number}")}));
        history.push(serde_json::json!({"created": created, "created_by": "ENV a=b", "empty_layer": true}));
    }
    if filled {
        // As BuildKit writes it where the base image has none: its layers behind all others.
        history.rotate_left(2);
        history[4] = serde_json::json!({"created": "2026-02-01T00:00:00Z", "comment": "buildkit.exporter.image.v0"});
    }
    let config = serde_json::to_vec(&serde_json::json!({ "history": history })).unwrap();
    put(&mut tar, ("blobs/sha256/c", FILE, 0o644, 0, &config));
    let manifest = serde_json::json!([{"Config": "blobs/sha256/c", "Layers": names}]);
    put(&mut tar, ("manifest.json", FILE, 0o644, 0, &serde_json::to_vec(&manifest).unwrap()));
    tar.into_inner().unwrap()
}

#[test]
fn layers_say_what_later_ones_hide_and_which_secret_is_still_there() {
    let base = tar_of(&[
        ("a/one", FILE, 0o644, 0, b"1"),
        ("a/two", FILE, 0o644, 0, b"22"),
        ("b/three", FILE, 0o644, 0, b"333"),
        ("b/deep/four", FILE, 0o644, 0, b"4444"),
        ("app/.env", FILE, 0o644, 0, b"SECRET=1"),
        ("linked", FILE, 0o644, 0, b"666666"),
    ]);
    let middle = tar_of(&[
        ("a/two", FILE, 0o644, 0, b"other content"),
        ("b/.wh..wh..opq", FILE, 0o644, 0, b""),
        ("b/new", FILE, 0o644, 0, b"55555"),
        ("app/.wh..env", FILE, 0o644, 0, b""),
    ]);
    let top = tar_of(&[("linked", FOLDER, 0o755, 0, b""), (".wh.a", FILE, 0o644, 0, b"")]);
    for (gzip, filled) in [(false, false), (true, false), (true, true)] {
        let saved = saved(&[base.clone(), middle.clone(), top.clone()], gzip, filled);
        let layers = Layers::read(saved.as_slice()).unwrap();
        let bytes: Vec<_> = layers.0.iter().map(|layer| (layer.bytes, layer.hidden_bytes)).collect();
        // Below: /a is deleted by the top layer, /b emptied and .env deleted by the middle one.
        assert_eq!(bytes, [(24, 18), (18, 13), (0, 0)]);
        assert_eq!(layers.0[0].secrets, ["app/.env".into()]);
        assert_eq!(layers.0[1].command, "RUN 1");
        assert_eq!(layers.base_by_time(time::Duration::hours(1)), Some(1));
        assert_eq!(layers.base_by_time(time::Duration::days(100)), filled.then_some(1));
        assert_eq!(layers.older_than(time::macros::datetime!(2026-01-31 23:00 UTC)), Some(1));
        assert_eq!(layers.older_than(time::macros::datetime!(2026-02-02 00:00 UTC)), None);
        assert_eq!(layers.owners().get("b/new"), Some(&1));
    }
}

#[test]
fn broken_streams_are_errors() {
    let whole = saved(&[tar_of(&[("a", FILE, 0o644, 0, &[7; 5000])])], false, false);
    assert!(Layers::read(&whole[..4000]).is_err());
    assert!(Layers::read(tar_of(&[("a", FILE, 0o644, 0, b"x")]).as_slice()).is_err());
    assert!(Inventory::read(&tar_of(&[("a", FILE, 0o644, 0, &[7; 5000])])[..2000]).is_err());
    assert!(Inventory::read(&[b'x'; 2000][..]).is_err());
}

#[test]
fn a_lock_file_names_what_is_needed() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let old = "[[package]]\nname = \"click\"\n[package.dependencies]\ncolorama = { version = \"*\" }\n\
        [[package]]\nname = \"colorama\"\n[[package]]\nname = \"ruff\"\n";
    let project = "[tool.poetry.dependencies]\npython = \"^3.12\"\nClick = \"^8\"\n\
        [tool.poetry.group.dev.dependencies]\nruff = \"*\"\n";
    assert_eq!(needed("poetry.lock", old, Some(project)), Ok(set(&["click", "colorama"])));
    assert!(needed("poetry.lock", old, None).unwrap_err().to_string().contains("pyproject.toml"));
    let new =
        "[[package]]\nname = \"a\"\ngroups = [\"main\", \"dev\"]\n[[package]]\nname = \"b\"\ngroups = [\"dev\"]\n";
    assert_eq!(needed("poetry.lock", new, None), Ok(set(&["a"])));
    assert_eq!(needed("poetry.lock", new, Some("[tool.poetry]\nname = \"My.App\"\n")), Ok(set(&["a", "my-app"])));
    let uv = "[[package]]\nname = \"web\"\ndependencies = [{ name = \"click\", marker = \"x\" }]\n\
        [[package]]\nname = \"click\"\n[[package]]\nname = \"ruff\"\n";
    let project = "[project]\nname = \"app\"\ndependencies = [\"web>=1\"]\n[dependency-groups]\ndev = [\"ruff\"]\n";
    assert_eq!(needed("uv.lock", uv, Some(project)), Ok(set(&["app", "click", "web"])));
    let pdm = uv.replace("{ name = \"click\", marker = \"x\" }", "\"click>=8; x\"");
    assert_eq!(needed("pdm.lock", &pdm, Some(project)), Ok(set(&["app", "click", "web"])));
    assert_eq!(
        needed("requirements.txt", "# x\nA_b[c]==1 \\\n    --hash=x\n-r more\nd\n", None),
        Ok(set(&["a-b", "d"]))
    );
    assert!(needed("poetry.lock", "[[", None).is_err());
}

/// How starts as another user, under a read-only root, and without either went.
type Starts = [Result<(), &'static str>; 3];

const FINE: Starts = [Ok(()); 3];

/// The scorecard of a small image with an environment, that is run as this user.
fn scorecard(user: &str, starts: Starts, needed: Option<&Result<BTreeSet<String>, NeededError>>) -> Vec<Criterion> {
    let packages =
        ["click-8", "pip-25", "requests-2", "ruff-1"].map(|name| format!("srv/lib/{name}.dist-info/METADATA"));
    let mut export: Vec<Made<'_>> = vec![
        ("etc/passwd", FILE, 0o644, 0, &b"app:x:1000:1000::/:/no\n"[..]),
        ("srv/own", FILE, 0o644, 1000, &b"x"[..]),
        ("tmp/", FOLDER, 0o1777, 0, &b""[..]),
    ];
    export.extend(packages.iter().map(|path| (path.as_str(), FILE, 0o644, 0, &b"x"[..])));
    let inventory = Inventory::read(tar_of(&export).as_slice()).unwrap();
    let started = |fine: Result<(), &str>| {
        let went = fine.map_or_else(|why| Start::Failed(why.to_owned()), |()| Start::Ended);
        Some(Started { went, changes: Vec::new() })
    };
    let [arbitrary, read_only, writable] = starts.map(started);
    judge(&AuditedImage {
        about: &ImageSelf { user: user.to_owned(), ..ImageSelf::default() },
        listed_bytes: None,
        inventory: &inventory,
        found: &findings(&inventory),
        layers: Err(&EngineError::new("reading layers", "not read", "")),
        base: None,
        needed,
        arbitrary,
        read_only,
        writable,
        max_writable: Some(2),
        max_bytes: None,
    })
}

#[test]
fn the_user_and_the_starts_decide_who_may_do_what() {
    let verdicts = |user: &str, starts: Starts| {
        let card = scorecard(user, starts, None);
        (card[2].verdict, card[4].verdict, format!("{}; {}", card[2].reason, card[4].reason))
    };
    let of = |user: &str| verdicts(user, FINE);
    assert_eq!(
        (of("app").0, of("app").1),
        (CriterionVerdict::Pass, CriterionVerdict::Pass),
        "/tmp and /srv/own: {}",
        of("app").2
    );
    assert_eq!((of("65000").0, of("65000").1), (CriterionVerdict::Pass, CriterionVerdict::Pass));
    for root in ["", "0", "0:0"] {
        assert_eq!((of(root).0, of(root).1), (CriterionVerdict::Fail, CriterionVerdict::Fail), "{root:?}");
    }
    assert_eq!(of("ghost").0, CriterionVerdict::Fail);
    assert!(of("ghost").2.contains("ghost, which is not in the image's passwd"));
    let (user, _, why) = verdicts("app", [Err("no home"), Ok(()), Ok(())]);
    assert!(user == CriterionVerdict::Fail && why.contains("does not start as another user: no home"), "{why}");
    let (_, writes, why) = verdicts("app", [Ok(()), Err("no log"), Ok(())]);
    assert!(writes == CriterionVerdict::Fail && why.contains("does not start under a read-only root: no log"), "{why}");
    let (user, writes, why) = verdicts("app", [Err("a"), Err("b"), Err("no database")]);
    assert_eq!(
        (user, writes),
        (CriterionVerdict::Unknown, CriterionVerdict::Unknown),
        "it does not start anyway: {why}"
    );
    assert!(why.contains("no database"), "{why}");
}

#[test]
fn what_no_lock_needs_is_named_but_for_what_makes_environments() {
    let needed = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
    let judged = |needed: Option<&Result<BTreeSet<String>, NeededError>>| {
        let Criterion { verdict, reason, .. } = scorecard("app", FINE, needed).swap_remove(1);
        (verdict, reason)
    };
    let (verdict, reason) = judged(Some(&needed(&["click"])));
    assert_eq!((verdict, reason.as_str()), (CriterionVerdict::Fail, "ruff, requests are not needed at run time"));
    assert_eq!(judged(Some(&needed(&["click", "requests", "ruff"]))).0, CriterionVerdict::Pass);
    // Without a lock, well-known tools only.
    assert_eq!(judged(None), (CriterionVerdict::Fail, "ruff is not needed at run time".to_owned()));
    let (verdict, reason) = judged(Some(&Err(NeededError::NotToml("uv.lock".to_owned(), "torn".to_owned()))));
    assert!(verdict == CriterionVerdict::Fail && reason.contains("unknown (uv.lock: torn)"), "{reason}");
}

fn step(name: &str, kind: StepKind, cached: bool, seconds: f64) -> Step {
    Step {
        name: name.to_owned(),
        digest: name.to_owned(),
        inputs: Vec::new(),
        kind,
        intervals: vec![Interval { start: 1.0, end: 1.0 + seconds }],
        cached,
        bytes: Bytes(0),
        error: None,
    }
}

#[test]
fn a_build_that_runs_its_commands_again_for_sources_uses_the_cache_badly() {
    let scenarios = [
        (scenario("cold"), CacheState::Cold),
        (scenario("sources"), CacheState::Changed),
        (scenario("deps"), CacheState::Changed),
    ];
    let build = |column: &str, seconds: f64, cached: bool| {
        let mut sample = sample("one", column, seconds + 1.0);
        (sample.steps, sample.steps_cached) = (4, if cached { 3 } else { 2 });
        let steps = vec![
            step("[2/4] COPY . .", StepKind::Work, false, 0.5),
            step("[3/4] RUN install", StepKind::Work, cached, seconds),
            step("exporting", StepKind::Export, false, 0.5),
        ];
        (sample, steps)
    };
    let judged = |builds: &[(Sample, Vec<Step>)]| {
        let shown: Vec<(&Sample, &[Step])> = builds.iter().map(|(sample, steps)| (sample, steps.as_slice())).collect();
        cache_use(&shown, &scenarios)
    };
    // The later changed scenario is not what it is judged by.
    let later = build("deps", 9.0, false);
    let bad = judged(&[
        build("sources", 2.0, false),
        build("sources", 4.0, false),
        build("sources", 3.0, false),
        later.clone(),
    ]);
    assert_eq!(bad.verdict, CriterionVerdict::Fail, "{}", bad.reason);
    assert_eq!(bad.figures["saved_by_order_at_most_s"], 3.0);
    assert_eq!(bad.figures["executed_share"]["sources"], 0.5);
    assert_eq!(bad.evidence[0].items, ["[3/4] RUN install"]);
    let good = judged(&[build("sources", 3.0, true), later.clone()]);
    assert_eq!(
        (good.verdict, &good.figures["saved_by_order_at_most_s"]),
        (CriterionVerdict::Pass, &serde_json::json!(0.0))
    );
    assert_eq!(good.figures["executed_share"]["sources"], 0.25);
    assert_eq!(judged(&[later]).verdict, CriterionVerdict::Unknown, "no sample of the scenario that it is judged by");
}
