//! Hostile text wherever text is free, through every command that prints what was stored. Each form is
//! read by a parser of its own, and must have the structure that it has with harmless text.
//! Compiled for tests only.

use super::args::{Args, ExchangeForm};
use super::terminal::Terminal;
use super::{RealWorld, carry_out};
use crate::model::*;
use crate::store::*;
use crate::text::visible;
use clap::{Parser as _, ValueEnum};
use pulldown_cmark::{Event as Markup, Options, Parser};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use time::macros::datetime;

const HARMLESS: &str = "harmless";

fn hostile() -> Vec<String> {
    let mut all: Vec<String> = [
        "<script>alert(1)</script><img src=x onerror=y> &lt; &#60;",
        "=cmd()|' /C calc'!A0",
        "@SUM(1+1)*cmd|x",
        "+1\t-1",
        "a | b || c \\| d",
        "one\r\n\n# two\n- three\n    four\n| a | b |\n| --- | --- |",
        "\u{202e}gnp.exe\u{202c} \u{5d0}\u{5d1} \u{2066}x\u{200b}y\u{feff}\u{e0041}\u{2028}z",
        "[x](javascript:alert(1)) ![y](z) <https://e.example> www.e.example [ref]: z",
        "@all #1 `code` ``` ~~~ *b* _i_ ~~s~~ $x$ **",
        "</details> --> ]]> \"q\" 'a' &amp; {x=\"y\"}",
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{0}\u{8}\u{9b}31m\u{fffe}",
    ]
    .map(str::to_owned)
    .to_vec();
    // What begins a list, a heading or a line across the page.
    all.extend(["+ one", "- one", "1. one", "23) two", "---", "=== x", "    four", "\t\tx"].map(str::to_owned));
    all.push("x".repeat(200));
    all.push("'".repeat(3));
    all
}

fn record(text: &str, started_at: &str) -> RunRecord {
    let owned = || text.to_owned();
    let shown = [
        Property::EngineVersion,
        Property::Client,
        Property::StorageDriver,
        Property::BackingFilesystem,
        Property::ImageStore,
        Property::Kernel,
        Property::Processor,
        Property::Cpus,
    ];
    let scenario =
        |id: &str, cache: &str| ScenarioRecord { id: id.to_owned(), title: owned(), cache: cache.to_owned() };
    RunRecord {
        schema: SCHEMA.to_owned(),
        study: "small".to_owned(),
        title: owned(),
        approaches: vec!["one".to_owned(), "two".to_owned()],
        scenarios: vec![scenario("cold", "cold"), scenario("warm", "warm")],
        published: Some("published".to_owned()),
        findings: vec![FindingRecord {
            id: owned(),
            claim: owned(),
            kind: FindingKind::Faster,
            approaches: vec!["one".to_owned()],
            than: vec!["two".to_owned()],
            scenario: Some("cold".to_owned()),
            bound: None,
            than_scenario: None,
            at_least: None,
        }],
        study_hash: "ab".repeat(32),
        options: RunOptions { study: Some(owned()), chain: ChainKind::Checkpoint, ..RunOptions::default() }.into(),
        seed: 1,
        plan: Vec::new(),
        fingerprint: shown.into_iter().map(|property| (property, text)).collect(),
        isolation: Isolation::from(text),
        cold: ColdKind::Pristine,
        bases: vec![BaseRecord {
            from: owned(),
            to: format!("{text}2"),
            reference: owned(),
            digest: owned(),
            source: BaseSource::StandIn,
            stand_in: true,
        }],
        strata: Vec::new(),
        git: Some(GitRecord { revision: owned(), dirty: true }),
        started_at: started_at.to_owned(),
        ended_at: Some(owned()),
        program: owned(),
        status: RunStatus::Finished,
        notes: vec![owned()],
    }
}

fn builds(text: &str) -> Vec<(Sample, Vec<Step>)> {
    let mut builds = Vec::new();
    for block in 1..=3 {
        for (approach, scenario) in [("one", "cold"), ("one", "warm"), ("two", "cold"), ("two", "warm")] {
            let position = u32::try_from(builds.len()).unwrap() + 1;
            let key = BuildKey {
                block,
                position,
                approach: ApproachId::new(approach).unwrap(),
                scenario: ScenarioId::new(scenario).unwrap(),
            };
            let sample = Sample {
                status: if position % 5 == 0 { Status::Failed } else { Status::Ok },
                reason: if position % 5 == 0 { text.to_owned() } else { String::new() },
                context_bytes: Bytes(1),
                pulled_bytes: Bytes(1),
                steps: 1,
                image_id: text.to_owned(),
                image_bytes: Bytes(1000),
                started_at: text.to_owned(),
                ..Sample::bare(key, Seconds::new(f64::from(position)).unwrap())
            };
            let step = Step {
                name: text.to_owned(),
                digest: text.to_owned(),
                inputs: Vec::new(),
                kind: StepKind::Work,
                intervals: vec![Interval { start: 0.0, end: f64::from(position) }],
                cached: false,
                bytes: Bytes(1),
                error: Some(text.to_owned()),
            };
            builds.push((sample, vec![step]));
        }
    }
    builds
}

/// Two nights of a study whose every text is this one, and the newer one's folder.
fn stored(text: &str, results: &Path) -> PathBuf {
    fs::create_dir(results.join("published")).unwrap();
    let figures = "approach,scenario,median,min,max\none,cold,1,1,2\n";
    fs::write(results.join("published/published.csv"), figures).unwrap();
    let mut path = PathBuf::new();
    for (now, started_at) in [
        (datetime!(2026-01-01 2:00 UTC), "2026-01-01T02:00:00Z"),
        (datetime!(2026-01-02 2:00 UTC), "2026-01-02T02:00:00Z"),
    ] {
        let mut run = RunFolder::create(results, now, "1", &record(text, started_at)).unwrap();
        for (sample, steps) in builds(text) {
            run.append_sample(&sample, &steps).unwrap();
        }
        path = run.path().to_owned();
    }
    path
}

/// What all commands print about a run, by form and command.
fn printed(text: &str) -> Vec<(&'static str, String, String)> {
    let results = TempDir::new().unwrap();
    let run = stored(text, results.path());
    let folder = run.parent().unwrap().to_owned();
    let before = folder.join("20260101T020000Z-1");
    let (file, charts) = (results.path().join("out"), results.path().join("charts"));
    let mut all = Vec::new();
    let mut add = |form: &'static str, what: &str| {
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{what}: {e}"));
        fs::remove_file(&file).unwrap();
        all.push((form, what.to_owned(), text));
    };
    let call = |words: &[&str], format: &str| {
        let mut call: Vec<&str> = vec!["layerbench"];
        call.extend(words);
        let out = file.to_string_lossy();
        call.extend(["--format", format, "--out", &out]);
        let args = Args::try_parse_from(call).unwrap();
        let (terminal, real) = (Terminal::new(false), RealWorld::from_environment());
        carry_out(real.watched_by(&terminal), &args.command).unwrap();
    };
    let (run, before, folder) = (run.to_string_lossy(), before.to_string_lossy(), folder.to_string_lossy());
    for form in ["text", "markdown", "csv", "json"] {
        call(&["report", &run], form);
        add(form, "report");
    }
    let pictures = charts.to_string_lossy();
    let png: &[&str] = if cfg!(feature = "png") { &["--png"] } else { &[] };
    call(&[&["report", &run, "--charts", &pictures][..], png].concat(), "html");
    add("html", "report");
    for name in ["samples", "parts", "steps-one"] {
        fs::copy(charts.join(format!("{name}.svg")), &file).unwrap();
        add("svg", name);
    }
    for format in ExchangeForm::value_variants() {
        let form = match format {
            ExchangeForm::Junit => "xml",
            ExchangeForm::Otava => "csv",
            ExchangeForm::Openmetrics => "lines",
            ExchangeForm::Bencher | ExchangeForm::SmallerIsBetter | ExchangeForm::Hyperfine => "json",
        };
        call(&["export", &run], format.to_possible_value().unwrap().get_name());
        add(form, &format!("export {format:?}"));
    }
    for form in ["text", "markdown", "json"] {
        call(&["compare", &before, &run, "--force"], form);
        add(form, "compare");
        call(&["gate", &run, "--force"], form);
        add(form, "gate");
    }
    for form in ["text", "json"] {
        call(&["history", &folder, "--force"], form);
        add(form, "history");
        call(&["explain", &run, "one/cold", "two/cold"], form);
        add(form, "explain");
    }
    all
}

/// No control character but the end of a line, and none that turns text around or cannot be seen.
fn is_plain(text: &str) -> bool {
    text.lines().all(|line| visible(line) == line)
}

/// The markup of a text without its words; what is not markup is checked to be none.
fn markup(text: &str) -> Vec<String> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES | Options::ENABLE_MATH;
    let mut shape: Vec<String> = Vec::new();
    for event in Parser::new_ext(text, options) {
        match event {
            // Text may come in parts.
            Markup::Text(_) if shape.last().is_some_and(|last| last == "text") => {}
            Markup::Text(_) => shape.push("text".to_owned()),
            Markup::Code(_) => shape.push("code".to_owned()),
            // What keeps services from linking names stands between parts of a text.
            Markup::InlineHtml(html) if &*html == "<!-- -->" => {}
            other => shape.push(format!("{other:?}")),
        }
    }
    shape
}

/// The words of a Markdown text as they are shown.
fn shown(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_MATH;
    let words = Parser::new_ext(text, options).filter_map(|event| match event {
        Markup::Text(text) | Markup::Code(text) => Some(text.to_string()),
        _ => None,
    });
    words.collect()
}

fn elements(xml: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(xml).unwrap_or_else(|e| panic!("{e}\n{xml}"));
    let name = |node: roxmltree::Node<'_, '_>| {
        let attributes = node.attributes().map(|a| a.name().to_owned()).collect::<Vec<_>>().join(" ");
        format!("{} {attributes}", node.tag_name().name())
    };
    document.descendants().filter(roxmltree::Node::is_element).map(name).collect()
}

/// The tags that occur, with the names of their attributes. How many there are may differ: what is cut has a title.
fn tags(text: &str) -> BTreeSet<String> {
    let tags = text.split('<').skip(1).filter(|rest| !rest.starts_with(['/', '?']));
    let tag = |rest: &str| {
        let inside = rest.split('>').next().unwrap_or_default();
        let outside = inside.split('"').step_by(2).collect::<Vec<_>>().join("\"");
        outside.trim_end_matches('/').trim_end().to_owned()
    };
    tags.map(tag).filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic())).collect()
}

/// Rows of a table, and that no cell is a formula.
fn cells(text: &str) -> Vec<usize> {
    let rows = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes()).into_records();
    let rows = rows.map(|row| {
        let row = row.unwrap();
        for cell in &row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
        row.len()
    });
    rows.collect()
}

/// Keys and lengths of a JSON text.
fn keys(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(map) => {
            let inner = map.iter().map(|(key, value)| format!("{key}:{}", keys(value)));
            format!("{{{}}}", inner.collect::<Vec<_>>().join(","))
        }
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(keys).collect::<Vec<_>>().join(",")),
        serde_json::Value::String(_) => "text".to_owned(),
        _ => "value".to_owned(),
    }
}

#[test]
fn hostile_text_changes_nothing_but_the_text() {
    let harmless = printed(HARMLESS);
    for text in hostile() {
        for ((form, what, plain), (_, _, got)) in harmless.iter().zip(printed(&text)) {
            let place = || format!("{what} as {form} with {text:?}:\n{got}");
            match *form {
                "text" => assert!(is_plain(&got), "{}", place()),
                "markdown" => {
                    assert!(is_plain(&got), "{}", place());
                    assert_eq!(markup(&got), markup(plain), "{}", place());
                }
                "csv" => assert_eq!(cells(&got), cells(plain), "{}", place()),
                "json" => {
                    let read = |text: &str| serde_json::from_str(text).map(|value| keys(&value)).unwrap();
                    assert_eq!(read(&got), read(plain), "{}", place());
                }
                "html" | "svg" => {
                    assert!(is_plain(&got), "{}", place());
                    let html = got.replacen("<!DOCTYPE html>", "", 1);
                    assert_eq!(tags(&html), tags(&plain.replacen("<!DOCTYPE html>", "", 1)), "{}", place());
                }
                "xml" => {
                    assert!(is_plain(&got), "{}", place());
                    assert_eq!(elements(&got), elements(plain), "{}", place());
                }
                _ => {
                    assert!(is_plain(&got), "{}", place());
                    assert_eq!(got.lines().count(), plain.lines().count(), "{}", place());
                }
            }
        }
    }
}

#[test]
fn hostile_text_stays_readable() {
    for text in hostile() {
        let all = printed(&text);
        let find = |form: &str, what: &str| {
            let found = all.iter().find(|(f, w, _)| *f == form && w == what);
            found.map(|(_, _, text)| text.clone()).unwrap()
        };
        let words = |text: &str| text.split_whitespace().collect::<String>();
        let expected = words(&visible(&text));
        // Lines are broken between words, and where a word is longer than a line.
        assert!(words(&find("text", "report")).contains(&expected), "{expected}\n{}", find("text", "report"));
        let markdown = find("markdown", "report");
        assert!(words(&shown(&markdown)).contains(&expected), "{expected}\n{markdown}");
        let json: serde_json::Value = serde_json::from_str(&find("json", "report")).unwrap();
        assert_eq!(json["head"]["title"], text);
        let xml = find("xml", "export Junit");
        let document = roxmltree::Document::parse(&xml).unwrap();
        let title = document.root_element().attribute("name").unwrap().to_owned();
        assert_eq!(words(&title), expected.replace('\u{fffe}', "\u{fffd}"));
    }
}
