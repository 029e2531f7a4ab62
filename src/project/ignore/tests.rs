use super::*;

/// Patterns separated by `|`, path, excluded.
const TABLE: &[(&str, &str, bool)] = &[
    // Everything.
    ("**", "file", true),
    ("**", "dir/file", true),
    ("**/", "file", true),
    ("**/", "dir/file", true),
    ("**/**", "dir/file", true),
    ("*", "file", true),
    ("*", "dir/file", true),
    ("*", ".hidden", true),
    (".", "file", false),
    ("./", "file", false),
    ("/", "file", false),
    // Plain names are anchored at the root.
    ("file", "file", true),
    ("file", "dir/file", false),
    ("file", "file/inside", true),
    ("file", "file2", false),
    ("file", "afile", false),
    ("/file", "file", true),
    ("//file", "file", true),
    ("/dir/file", "dir/file", true),
    ("./file", "file", true),
    ("dir/../file", "file", true),
    ("dir//file", "dir/file", true),
    ("dir/./file", "dir/file", true),
    ("dir/", "dir", true),
    ("dir/", "dir/file", true),
    ("dir", "dir/sub/file", true),
    ("dir/sub", "dir/sub/file", true),
    ("dir/sub", "dir/file", false),
    ("../file", "file", false),
    ("a/b/c", "a/b", false),
    // One star stays inside a name.
    ("*.go", "main.go", true),
    ("*.go", "cmd/main.go", false),
    ("*.go", "x.go/file", true),
    ("*/main.go", "cmd/main.go", true),
    ("*/main.go", "a/cmd/main.go", false),
    ("*/*/temp*", "a/b/temporary", true),
    ("*/temp*", "a/b/temp", false),
    ("*/temp*", "a/temp/file", true),
    ("temp?", "tempa", true),
    ("temp?", "temp", false),
    ("temp?", "tempab", false),
    ("a?b", "a/b", false),
    ("a*b", "a/b", false),
    ("a*", "ab/c", true),
    ("a*/b", "abc/b", true),
    ("a*/b", "a/c/b", false),
    ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
    ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
    ("a*b?c*x", "abxbbxdbxebxczzx", true),
    ("a*b?c*x", "abxbbxdbxebxczzy", false),
    ("*x", "xxx", true),
    (".*", ".foo", true),
    (".*", "foo", false),
    // Two stars cross folders.
    ("**/dir", "dir", true),
    ("**/dir", "dir/file", true),
    ("**/dir", "a/b/dir", true),
    ("**/dir", "a/mydir", false),
    ("**file", "file", true),
    ("**file", "dir/file", true),
    ("**file", "dir/myfile", true),
    ("**/file*", "dir/dir/file.txt", true),
    ("**/file*txt", "dir/dir/file.txt", true),
    ("**/file*.txt*", "dir/dir/file.txt", true),
    ("**/*.txt", "file.txt", true),
    ("**/**/*.txt", "a/b/file.txt", true),
    ("**/**/*.txt2", "a/b/file.txt", false),
    ("**/dir2/*", "dir/dir2/file", true),
    ("**/dir2/**", "dir/dir2/dir3/file", true),
    ("dir/**", "dir", false),
    ("dir/**", "dir/file", true),
    ("dir/**", "dir/a/b", true),
    ("dir/**", "dir2/file", false),
    ("dir**", "dir2/file", true),
    ("dir**", "dir", true),
    ("a**/*.txt", "a/dir/dir/file.txt", true),
    ("a/**/b", "a/b", true),
    ("a/**/b", "a/x/y/b", true),
    ("a/**/b", "a/xb", false),
    ("a/*.txt**", "a/file.txt", true),
    ("**/foo/bar", "foo/bar", true),
    ("**/foo/bar", "a/b/foo/bar", true),
    ("**/foo/bar", "a/xfoo/bar", false),
    ("**/.foo", ".foo", true),
    ("**/.foo", "bar.foo", false),
    ("***", "a/b", true),
    // Brackets.
    ("a[b-d]e", "ace", true),
    ("a[b-d]e", "ae", false),
    ("a[b-d]e", "aae", false),
    ("a[^b-d]e", "aze", true),
    ("a[^b-d]e", "ace", false),
    ("ab[c]", "abc", true),
    ("ab[e-g]", "abc", false),
    ("[\\]a]", "]", true),
    ("[\\-x]", "-", true),
    ("[\\-x]", "a", false),
    ("[x\\-]", "z", false),
    ("[a-ζ]*", "α", true),
    ("*[a-ζ]", "A", false),
    ("a[^a]b", "a☺b", true),
    ("a[^a][^a][^a]b", "a☺b", false),
    ("a?b", "a☺b", true),
    ("a???b", "a☺b", false),
    // Go's expressions shine through: a bracket in brackets, classes by name and by letter.
    ("[[a]", "[", true),
    ("[[:alpha:]]", "x", true),
    ("[[:alpha:]]", "1", false),
    ("\\d", "7", true),
    ("\\d", "d", false),
    ("v\\x41", "vA", true),
    // Escapes, and what is only special in expressions.
    ("a\\*b", "a*b", true),
    ("a\\*b", "axb", false),
    ("a\\\\", "a\\", true),
    ("\\!file", "!file", true),
    ("\\#file", "#file", true),
    ("abc.def", "abcZdef", false),
    ("abc.def", "abc.def", true),
    ("a(b)c/def", "a(b)c/def", true),
    ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
    ("*.tar+gz", "x.tar+gz", true),
    ("*<b>", "a<b>", true),
    ("*<b>", "a", false),
    ("* &~#-", "x &~#-", true),
    ("a^b", "a^b", true),
    ("a^b*", "a^b", false),
    ("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true),
    // Exceptions: the last pattern that matches decides.
    ("*.md|!README.md", "README.md", false),
    ("*.md|!README.md", "OTHER.md", true),
    ("!README.md|*.md", "README.md", true),
    ("*.md|!README*.md|README-secret.md", "README-secret.md", true),
    ("*.md|README-secret.md|!README*.md", "README-secret.md", false),
    ("docs|!docs/README.md", "docs/README.md", false),
    ("docs/|!docs/README.md", "docs/README.md", false),
    ("docs/*|!docs/README.md", "docs/README.md", false),
    ("docs|!docs/README.md", "docs/other", true),
    ("**|!util/docker/web", "util/docker/web/foo", false),
    ("**|!util/docker/web|util/docker/web/foo", "util/docker/web/foo", true),
    ("*|!src", "src/a/b", false),
    ("*|!src/**", "src/a/b", false),
    ("*|!src/**", "src", true),
    ("*|!**/*.rs", "a/b/c.rs", false),
    ("*|!**/*.rs", "a/b/c.txt", true),
    ("!src", "src", false),
    ("a|! a/b", "a/b", false),
    ("a|!/a/b", "a/b", false),
    ("a|!a/c/../b", "a/b", false),
    ("foo|!foo", "foo/bar/x", false),
    // An exception is not tried on a folder that is not excluded, so it does not count for what is in it.
    ("foo/bar|!foo", "foo/bar/x", true),
    ("foo/bar|!foo/**", "foo/bar/x", false),
    ("foo|!foo/bar|foo/bar/baz", "foo/bar/baz/x", true),
    ("foo|!foo/bar|foo/bar/baz", "foo/bar/y", false),
    // Comments and space.
    ("# file", "# file", false),
    (" # file", "# file", true),
    ("  file  ", "file", true),
    ("\tfile\t", "file", true),
    ("\u{a0}file\u{3000}", "file", true),
    ("a b", "a b", true),
    ("|  ||file", "file", true),
];

fn rules(lines: &str) -> IgnoreRules {
    IgnoreRules::parse(lines.replace('|', "\n").as_bytes()).unwrap()
}

#[test]
fn the_table_holds() {
    assert!(TABLE.len() >= 120, "{}", TABLE.len());
    for (patterns, path, excluded) in TABLE {
        let patterns = patterns.to_string();
        let rules =
            if patterns.contains("a.|)") { IgnoreRules::parse(patterns.as_bytes()).unwrap() } else { rules(&patterns) };
        assert_eq!(rules.excludes(path.as_bytes()), *excluded, "{patterns:?} {path:?}");
    }
}

#[test]
fn a_folder_that_is_pruned_holds_nothing_that_is_kept() {
    for (patterns, path, excluded) in TABLE {
        if patterns.contains("a.|)") || *excluded {
            continue;
        }
        let rules = rules(patterns);
        for (at, _) in path.match_indices('/') {
            let folder = &path.as_bytes()[..at];
            assert!(!rules.excludes(folder) || rules.may_reinclude_below(folder), "{patterns:?} would prune {path:?}");
        }
    }
}

#[test]
fn folders_without_possible_exceptions_are_pruned() {
    let plain = rules("node_modules|!src/keep");
    assert!(!plain.may_reinclude_below(b"node_modules"));
    assert!(plain.may_reinclude_below(b"src"));
    assert!(!plain.may_reinclude_below(b"srcx"));
    assert!(!rules("node_modules").may_reinclude_below(b"node_modules"));
    assert!(rules("node_modules|!**/*.md").may_reinclude_below(b"node_modules"));
}

#[test]
fn bad_patterns_are_reported_together_with_their_places() {
    let text = b"fine\n[\n!\n  a[b\n# [\n!x[]\nx\\\n\xef\xbb\xbf";
    let problems = IgnoreRules::parse(text).unwrap_err();
    let got: Vec<_> = problems.iter().map(|p| (p.line, p.column, p.reason)).collect();
    assert_eq!(
        got,
        [
            (2, 1, Reason::Syntax),
            (3, 1, Reason::LoneException),
            (4, 4, Reason::Syntax),
            (6, 4, Reason::Syntax),
            (7, 2, Reason::Syntax),
        ]
    );
    let shown = problems[2].to_string();
    assert!(shown.starts_with("line 4, column 4: syntax error in pattern"), "{shown}");
    for bad in [
        "[]a]",
        "[-]",
        "[x-]",
        "[-x]",
        "\\",
        "[a-b-c]",
        "[",
        "[^",
        "[^bc",
        "a[",
        "[b-a]",
        "\\y",
        "[[:none:]]",
        "é[",
        "[\u{fffd}",
    ] {
        assert!(IgnoreRules::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    assert_eq!(IgnoreRules::parse("é[".as_bytes()).unwrap_err()[0].column, 2);
    let long = vec![b'a'; 70_000];
    assert_eq!(IgnoreRules::parse(&long).unwrap_err()[0].reason, Reason::TooLong);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_not_matter() {
    let rules = IgnoreRules::parse(b"\xEF\xBB\xBFfirst\r\nsecond\r\n").unwrap();
    assert!(rules.excludes(b"first") && rules.excludes(b"second"));
    assert!(IgnoreRules::parse(b"").unwrap().patterns().is_empty());
}

#[test]
fn names_that_are_not_utf8_are_matched_byte_by_byte() {
    let rules = IgnoreRules::parse(b"a?b\nraw\xff\n*.\xfe").unwrap();
    assert!(rules.excludes(b"a\xffb"));
    assert!(!rules.excludes(b"a\xff\xffb"));
    assert!(rules.excludes(b"raw\xff"));
    assert!(!rules.excludes(b"raw\xfe"));
    // In an expression every byte that is not UTF-8 is the same to Go.
    assert!(rules.excludes(b"x.\xff"));
    assert!(IgnoreRules::parse(b"*\n!k*").unwrap().excludes(b"\xff\xfe"));
}

#[test]
fn cleaning_is_that_of_go() {
    for (from, to) in [
        ("", "."),
        ("abc", "abc"),
        ("abc//def//ghi", "abc/def/ghi"),
        ("abc/def/../ghi/../jkl", "abc/jkl"),
        ("abc/def/../..", "."),
        ("/abc/def/../..", "/"),
        ("abc/def/../../..", ".."),
        ("/../a", "/a"),
        ("../../a", "../../a"),
        ("a/", "a"),
        ("//a", "/a"),
        ("abc/./../def", "def"),
    ] {
        assert_eq!(clean(from.as_bytes()), to.as_bytes(), "{from}");
    }
}

#[test]
fn one_name_is_matched_as_go_matches_it() {
    for (pattern, name, hit) in [
        ("*.txt", "a.txt", true),
        ("*.txt", "a.txt.gz", false),
        ("a*c*e", "abcde", true),
        ("a*c*e", "abcd", false),
        ("?b[c-e]", "xbd", true),
        ("[^a]", "a", false),
        ("[^a]", "é", true),
        ("\\*", "*", true),
        ("[", "[", false),
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
    ] {
        assert_eq!(match_name(pattern.as_bytes(), name.as_bytes()), hit, "{pattern} {name}");
    }
}

#[test]
fn the_file_beside_the_dockerfile_wins() {
    let dir = tempfile::tempdir().unwrap();
    let context = dir.path();
    let dockerfile = context.join("prod.Dockerfile");
    assert_eq!(ignore_file(context, &dockerfile), None);
    std::fs::write(context.join(".dockerignore"), "a").unwrap();
    assert_eq!(ignore_file(context, &dockerfile), Some(context.join(".dockerignore")));
    std::fs::write(context.join("prod.Dockerfile.dockerignore"), "").unwrap();
    assert_eq!(ignore_file(context, &dockerfile), Some(context.join("prod.Dockerfile.dockerignore")));
}

#[test]
fn any_bytes_at_all_are_read_without_a_panic() {
    let mut seed = 7_u32;
    for _ in 0..1_500 {
        let line: Vec<u8> = (0..12)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let alphabet = b"*?[]\\^-!/.a:b\xc3\xa9\xff {d";
                alphabet[(seed >> 16) as usize % alphabet.len()]
            })
            .collect();
        if let Ok(rules) = IgnoreRules::parse(&line) {
            let _ = rules.excludes(b"a/b\xff/[d]");
        }
    }
}
