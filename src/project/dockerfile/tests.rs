use super::*;

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn parse(text: &str) -> Dockerfile {
    Dockerfile::parse(text.as_bytes(), &[])
}

fn swap(text: &str, args: &[(&str, &str)]) -> (String, usize) {
    let rules = pairs(&[("python:3.12", "local/python"), ("ghcr.io/a/b", "b:dev"), ("docker.io/library/golang", "go")]);
    let out = rewrite(text.as_bytes(), &pairs(args), &rules);
    (String::from_utf8(out.text).unwrap(), out.replaced.len())
}

#[test]
fn only_the_references_change() {
    for (from, to, count) in [
        ("FROM python:3.12", "FROM local/python", 1),
        ("FROM  docker.io/library/python:3.12   AS x # c\n", "FROM  local/python   AS x # c\n", 1),
        ("from library/python:3.12\r\nRUN x\r\n", "from local/python\r\nRUN x\r\n", 1),
        ("FROM index.docker.io/library/python:3.12", "FROM local/python", 1),
        ("FROM python:3.12-slim\nFROM python\n", "FROM python:3.12-slim\nFROM python\n", 0),
        ("FROM --platform=linux/amd64 python:3.12 AS b", "FROM --platform=linux/amd64 local/python AS b", 1),
        ("ARG V=3.12\nFROM python:$V", "ARG V=3.12\nFROM local/python", 1),
        ("ARG V=3.12\nARG I=python:${V}\nFROM ${I}", "ARG V=3.12\nARG I=python:${V}\nFROM local/python", 1),
        ("ARG V\nFROM python:${V:-3.12}", "ARG V\nFROM local/python", 1),
        ("ARG V=3\nFROM python:${V:+3.12}", "ARG V=3\nFROM local/python", 1),
        ("ARG I=\"python:3.12\"\nFROM $I", "ARG I=\"python:3.12\"\nFROM local/python", 1),
        ("FROM \"python:3.12\"", "FROM local/python", 1),
        ("FROM pyth\\\non:3.12 AS x", "FROM local/python AS x", 1),
        ("FROM \\\n# comment\n\n  python:3.12 \\\n  AS x", "FROM \\\n# comment\n\n  local/python \\\n  AS x", 1),
        ("# escape=`\nFROM `\npython:3.12", "# escape=`\nFROM `\nlocal/python", 1),
        ("\u{feff}FROM python:3.12", "\u{feff}FROM local/python", 1),
        (
            "FROM golang AS golang\nFROM golang\nCOPY --from=golang a b",
            "FROM go AS golang\nFROM golang\nCOPY --from=golang a b",
            1,
        ),
        ("FROM golang AS Build\nFROM build", "FROM go AS Build\nFROM build", 1),
        ("FROM scratch\nCOPY --from=python:3.12 /a /b", "FROM scratch\nCOPY --from=local/python /a /b", 1),
        ("FROM scratch\nCOPY --chown=1 --from=\"golang\" /a /b", "FROM scratch\nCOPY --chown=1 --from=\"go\" /a /b", 1),
        ("FROM scratch\nCOPY --from=0 /a /b", "FROM scratch\nCOPY --from=0 /a /b", 0),
        (
            "FROM x\nRUN --mount=type=bind,from=ghcr.io/a/b,target=/x --mount=from=golang cmd --mount=from=golang",
            "FROM x\nRUN --mount=type=bind,from=b:dev,target=/x --mount=from=go cmd --mount=from=golang",
            2,
        ),
        (
            "FROM x\nRUN <<EOF\nFROM python:3.12\nEOF\nFROM python:3.12",
            "FROM x\nRUN <<EOF\nFROM python:3.12\nEOF\nFROM local/python",
            1,
        ),
        (
            "FROM x\nCOPY <<-'A' <<B /\n\tA x\n\tA\nFROM golang\nB\nFROM golang",
            "FROM x\nCOPY <<-'A' <<B /\n\tA x\n\tA\nFROM golang\nB\nFROM go",
            1,
        ),
        ("FROM x\nRUN echo \"<<EOF\"\nFROM golang", "FROM x\nRUN echo \"<<EOF\"\nFROM go", 1),
        ("# FROM python:3.12\nRUN echo python:3.12", "# FROM python:3.12\nRUN echo python:3.12", 0),
        ("FROM python:3.12@sha256:00", "FROM python:3.12@sha256:00", 0),
        ("FROM python:${TARGETARCH:-3.12}", "FROM python:${TARGETARCH:-3.12}", 0),
        ("FROM python:${V/a/b}3.12", "FROM python:${V/a/b}3.12", 0),
        ("FROM x\nARG V=3.12\nFROM python:$V", "FROM x\nARG V=3.12\nFROM python:$V", 0),
        ("", "", 0),
        ("FROM", "FROM", 0),
    ] {
        assert_eq!(swap(from, &[]), (to.to_owned(), count), "{from:?}");
    }
}

#[test]
fn build_arguments_win_over_defaults() {
    let text = "ARG V=3.11\nFROM python:$V\n";
    assert_eq!(swap(text, &[]).1, 0);
    assert_eq!(swap(text, &[("V", "3.12")]), ("ARG V=3.11\nFROM local/python\n".to_owned(), 1));
    assert_eq!(swap("FROM python:$V\n", &[("V", "3.12")]).1, 0);
}

#[test]
fn stages_are_read_with_their_parts() {
    let file = parse(concat!(
        "# syntax=docker/dockerfile:1 extra\n# escape=`\n",
        "ARG A=1 B=$A\nARG C\n",
        "FROM --platform=$BUILDPLATFORM golang:${B} AS Build\nARG X Y=2\n",
        "FROM build\nCOPY --from=other:1 a b\nCOPY --from=build a b\nFROM scratch AS out\n"
    ));
    assert_eq!(file.syntax.as_deref(), Some("docker/dockerfile:1"));
    assert_eq!(file.escape, b'`');
    assert_eq!(
        file.global_args,
        [("A".to_owned(), Some("1".to_owned())), ("B".to_owned(), Some("1".to_owned())), ("C".to_owned(), None)]
    );
    let stages: Vec<_> = file
        .stages
        .iter()
        .map(|s| (s.base.line, s.base.expanded.as_deref(), s.base.target, s.name.as_deref()))
        .collect();
    assert_eq!(
        stages,
        [
            (5, Some("golang:1"), Target::Image, Some("build")),
            (7, Some("build"), Target::Stage, None),
            (10, Some("scratch"), Target::Scratch, Some("out")),
        ]
    );
    assert_eq!(file.stages[0].platform.as_deref(), Some("$BUILDPLATFORM"));
    assert_eq!(file.stages[0].args, ["X", "Y"]);
    assert_eq!(file.images(), ["golang:1", "other:1"]);
    assert_eq!(file.sources.len(), 2);
}

#[test]
fn short_references_are_completed_as_docker_completes_them() {
    for (short, full) in [
        ("python", "docker.io/library/python:latest"),
        ("a/b:1", "docker.io/a/b:1"),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
        ("ghcr.io/a/b@sha256:1", "ghcr.io/a/b@sha256:1"),
        ("index.docker.io/a", "docker.io/library/a:latest"),
    ] {
        assert_eq!(normalize(short), full);
    }
    assert!(same_image("python:3.12", "docker.io/library/python:3.12"));
    assert!(!same_image("python:3.12", "quay.io/python:3.12"));
}

#[test]
fn any_bytes_are_taken_and_given_back() {
    let mut seed = 3_u32;
    let mut random = |length: usize, alphabet: &[u8]| -> Vec<u8> {
        (0..length)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                alphabet[(seed >> 16) as usize % alphabet.len()]
            })
            .collect()
    };
    let all: Vec<u8> = (0..=255).collect();
    for _ in 0..300 {
        let text = random(200, &all);
        assert_eq!(rewrite(&text, &[], &[]).text, text);
        let text = [b"ARG A=x\nFROM ".to_vec(), random(40, b"${}:-+A'\"\\`\n# <")].concat();
        assert_eq!(rewrite(&text, &[], &[]).text, text);
    }
    let deep = format!("FROM {}", "${A:-".repeat(100_000));
    assert_eq!(parse(&deep).images(), Vec::<&str>::new());
    let quotes = format!("FROM {}", "\"$".repeat(1_900));
    let _ = parse(&quotes);
    for piece in [&b"\0"[..], b"RUN a\\\n", b"FROM a\n", b"# x\n", b"ARG A\\\n"] {
        let large = piece.repeat((15 << 20) / piece.len() / 8);
        assert_eq!(rewrite(&large, &[], &pairs(&[("a", "b")])).text.len(), large.len());
    }
    let huge = vec![b'F'; 100 << 20];
    assert_eq!(rewrite(&huge, &[], &[]).text.len(), huge.len());
}
