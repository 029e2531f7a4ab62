use super::*;
use crate::project::ignore::{IgnoreRules, PatternList};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn tree(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        if file.ends_with('/') {
            fs::create_dir_all(&path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, file).unwrap();
        }
    }
    dir
}

fn rules(text: &str) -> PatternList {
    IgnoreRules::parse(text.as_bytes()).unwrap().into()
}

fn paths(dir: &Path, excludes: &str, includes: &[&str], follow: &[&str]) -> Vec<String> {
    let context = Context::open(dir).unwrap();
    let selection = context.select(rules(excludes), includes, follow).unwrap();
    context.walk(selection).unwrap().map(|e| String::from_utf8_lossy(&e.unwrap().path).into_owned()).collect()
}

#[test]
fn folders_come_before_their_content_and_names_in_byte_order() {
    let dir = tree(&["b/x", "a-b", "a/z", "a/B", "a.txt", "é", "empty/"]);
    assert_eq!(paths(dir.path(), "", &[], &[]), ["a", "a/B", "a/z", "a-b", "a.txt", "b", "b/x", "empty", "é"]);
}

#[test]
fn a_folder_above_an_exception_comes_back_just_before_it() {
    let dir = tree(&["src/a/keep.rs", "src/a/x.o", "src/b/y.o", "top", "out/z"]);
    assert_eq!(paths(dir.path(), "*\n!src/**/*.rs", &[], &[]), ["src", "src/a", "src/a/keep.rs"]);
    assert_eq!(paths(dir.path(), "src/a\nout", &[], &[]), ["src", "src/b", "src/b/y.o", "top"]);
}

#[test]
fn include_patterns_and_follow_paths_narrow_the_walk() {
    let dir = tree(&["a/1", "a/2", "b/1", "c", "app.txt", "apx.txt"]);
    symlink("b", dir.path().join("link")).unwrap();
    symlink("/c", dir.path().join("a/abs")).unwrap();
    symlink("../../../../etc/passwd", dir.path().join("out")).unwrap();
    symlink("loop", dir.path().join("loop")).unwrap();
    for (includes, follow, expected) in [
        (&["a"][..], &[][..], &["a", "a/1", "a/2", "a/abs"][..]),
        (&["*/1"], &[], &["a", "a/1", "b", "b/1"]),
        (&[], &["a/2"], &["a", "a/2"]),
        (&[], &["/a/2"], &["a", "a/2"]),
        (&[], &["ap?.txt"], &["app.txt", "apx.txt"]),
        (&[], &["link/1"], &["b", "b/1", "link"]),
        (&[], &["a/abs"], &["a", "a/abs", "c"]),
        (&[], &["l*"], &["b", "b/1", "link", "loop"]),
        (&[], &["out"], &["out"]),
        (&[], &["../../c"], &["c"]),
        (&[], &["missing", "c"], &["c"]),
        (&["a/1"], &["c"], &["a", "a/1", "c"]),
        (&[], &["loop/x"], &["loop"]),
    ] {
        assert_eq!(paths(dir.path(), "", includes, follow), expected, "{includes:?} {follow:?}");
    }
    assert_eq!(paths(dir.path(), "", &[], &["."]).len(), 12);
    assert_eq!(paths(dir.path(), "", &[], &["/"]).len(), 12);
    assert_eq!(paths(dir.path(), "b", &[], &["link/1"]), ["link"]);
}

#[test]
fn entries_carry_what_fsutil_sends() {
    let dir = tree(&["f", "d/"]);
    let at = |name: &str| dir.path().join(name);
    fs::set_permissions(at("f"), fs::Permissions::from_mode(0o6755)).unwrap();
    fs::set_permissions(at("d"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::hard_link(at("f"), at("g")).unwrap();
    symlink("no/where", at("l")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("s")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("p"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    let context = Context::open(dir.path()).unwrap();
    let entries: Vec<Entry> = context.walk(Selection::default()).unwrap().map(Result::unwrap).collect();
    let seen: Vec<_> = entries.iter().map(|e| (e.path.as_slice(), e.kind, e.link.as_slice(), e.mode >> 20)).collect();
    assert_eq!(
        seen,
        [
            (&b"d"[..], Kind::Folder, &b""[..], 0x801),
            (b"f", Kind::File, b"", 0x00c),
            (b"g", Kind::File, b"f", 0x00c),
            (b"l", Kind::Symlink, b"no/where", 0x080),
            (b"p", Kind::Special, b"", 0x020),
            (b"s", Kind::File, b"", 0),
        ]
    );
    assert_eq!(entries[0].mode & 0o777, 0o777);
    assert_eq!((entries[1].size, entries[2].size, entries[3].size), (1, 1, 8));
    assert!(entries.iter().all(|e| e.mtime_ns > 1_600_000_000_000_000_000));
    assert!(digest(dir.path(), PatternList::default()).is_ok());
}

#[test]
fn names_that_are_not_utf8_are_entries_like_others() {
    let dir = tree(&["a"]);
    fs::write(dir.path().join(OsStr::from_bytes(b"n\xff")), "x").unwrap();
    let context = Context::open(dir.path()).unwrap();
    let last = context.walk(Selection::default()).unwrap().last().unwrap().unwrap();
    assert_eq!(last.path, b"n\xff");
    assert!(context.open_file(b"n\xff").is_ok());
}

#[test]
fn the_digest_sees_content_paths_modes_and_targets_but_no_times() {
    let dir = tree(&["a", "d/b", "ignored"]);
    symlink("a", dir.path().join("l")).unwrap();
    let now = || digest(dir.path(), rules("ignored")).unwrap();
    let first = now();
    fs::write(dir.path().join("ignored"), "other").unwrap();
    fs::write(dir.path().join("a"), "a").unwrap();
    fs::File::open(dir.path().join("a")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(now(), first);
    fs::write(dir.path().join("a"), "b").unwrap();
    let content = now();
    assert_ne!(content, first);
    fs::set_permissions(dir.path().join("a"), fs::Permissions::from_mode(0o700)).unwrap();
    let mode = now();
    assert_ne!(mode, content);
    fs::remove_file(dir.path().join("l")).unwrap();
    symlink("d", dir.path().join("l")).unwrap();
    let target = now();
    assert_ne!(target, mode);
    fs::rename(dir.path().join("d/b"), dir.path().join("d/c")).unwrap();
    assert_ne!(now(), target);
}

#[test]
fn a_context_that_is_none_says_what_to_do() {
    let dir = tree(&["file"]);
    symlink("round", dir.path().join("round")).unwrap();
    for (name, text) in [
        ("none", "does not exist; give the folder"),
        ("file", "is not a folder; give the folder"),
        ("file/x", "is not a folder"),
        ("round", "leads back to itself; remove the link"),
    ] {
        let error = Context::open(&dir.path().join(name)).unwrap_err().to_string();
        assert!(error.contains(text) && error.contains(name), "{error}");
        assert!(!error.contains('\n'));
    }
    let context = Context::open(dir.path()).unwrap();
    let error = context.select(PatternList::default(), &["["], &[]).unwrap_err();
    assert!(error.to_string().contains("syntax error in pattern"), "{error}");
}

#[test]
fn one_hundred_thousand_names_fit_into_two_megabytes_of_listing() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..2_000 {
        fs::write(dir.path().join(format!("file-{n:06}")), "").unwrap();
    }
    let context = Context::open(dir.path()).unwrap();
    assert_eq!(context.walk(Selection::default()).unwrap().count(), 2_000);
    assert!(size_of::<(u32, u16, bool)>() + "file-000000".len() <= 20);
}
