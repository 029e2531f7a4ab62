//! Whole outputs against `tests/golden/`.

use super::*;
use crate::analysis::findings::{Claim, NamedClaim, judge};
use crate::analysis::published::Published;
use crate::analysis::table::{ColumnHead, RowHead, Table, table};
use crate::analysis::testing::{approach, approaches, published, raw_samples, sample, scenario, scenarios};
use crate::model::{CacheState, Cell, EngineId, Sample, Status};

pub(super) fn golden(name: &str, write: impl Fn(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    let ours = String::from_utf8(bytes).unwrap();
    if name.ends_with(".html") {
        crate::snapshot::page(name, &ours);
    } else {
        crate::snapshot::whole(name, &ours);
    }
    ours
}

fn style(width: usize, color: bool) -> TextStyle {
    TextStyle { width, color }
}

pub(super) fn head() -> Head {
    Head {
        title: "Docker images for a Poetry project".to_owned(),
        run: "2026-11-23T070000Z-1a2b".to_owned(),
        bases: vec!["python:3.12-bookworm (stand-in)".to_owned(), "python:3.12-slim-bookworm (stand-in)".to_owned()],
        unfinished: String::new(),
        engine: "private, 20.10.24".to_owned(),
        cold: "pristine".to_owned(),
        image_size: "as the engine inspects it, all layers unpacked".to_owned(),
        notes: vec!["8 of the article's 10 repetitions.".to_owned()],
    }
}

pub(super) fn findings() -> Vec<NamedClaim> {
    let cell = |row: &str, column: &str| Cell {
        engine: EngineId::only(),
        approach: approach(row),
        scenario: scenario(column),
    };
    let finding = |id: &str, text: &str, claim| NamedClaim { id: id.to_owned(), text: text.to_owned(), claim };
    vec![
        finding(
            "slim-cold",
            "Cold builds on the slim image are faster than on the full one",
            Claim::Faster { faster: cell("02-simple-slim", "cold"), slower: cell("01-simple", "cold"), at_most: 1.0 },
        ),
        finding(
            "multi-stage-size",
            "Multi-stage images are smaller than single-stage ones",
            Claim::Smaller {
                smaller: vec![approach("03-multi-stage"), approach("05-final")],
                larger: vec![approach("01-simple"), approach("02-simple-slim")],
            },
        ),
        finding(
            "sources",
            "05 and 06 are fastest when the sources change",
            Claim::Fastest {
                scenario: scenario("sources-changed"),
                approaches: vec![approach("05-final"), approach("06-final-slim-build")],
            },
        ),
        finding(
            "wrong",
            "A warm build of 02 takes longer than one of 01",
            Claim::Faster { faster: cell("01-simple", "warm"), slower: cell("02-simple-slim", "warm"), at_most: 1.0 },
        ),
    ]
}

/// The article's raw figures.
fn full<'a>(table: &'a Table, published: &'a Published, samples: &'a [Sample]) -> Report<'a> {
    Report::new(head(), table, samples).beside("article", published).findings(judge(table, &findings()))
}

#[test]
fn a_whole_study() {
    let samples = raw_samples();
    let (table, published) = (table(&samples, &approaches(), &scenarios()), published());
    let report = full(&table, &published, &samples);
    for (name, width, color) in [
        ("report-wide.txt", 180, false),
        ("report-color.txt", 180, true),
        ("report-80.txt", 80, false),
        ("report-30.txt", 30, false),
    ] {
        let text = golden(name, |out| write_text(&report, style(width, color), out));
        if !color {
            let widest = text.lines().map(crate::text::width).max().unwrap();
            assert!(widest <= width, "{name}: {widest}");
        }
    }
    golden("report.md", |out| write_markdown(&report, out));
    let json = golden("report.json", |out| write_json(&report, out));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["schema"], SCHEMA);
    golden("summary.csv", |out| write_summary(&table, out));
}

#[test]
fn one_repetition_and_some_failures() {
    let mut samples: Vec<Sample> = raw_samples().into_iter().take(30).collect();
    for (index, status, reason) in [
        (3, Status::Failed, "[build 2/5] RUN pip install poetry: exit code 1\n| no <b>space</b> left"),
        (4, Status::Invalid, "step answered from the cache: RUN `x`"),
        (12, Status::Timeout, "stopped after 600 s"),
    ] {
        samples[index].status = status;
        samples[index].reason = reason.to_owned();
    }
    let (table, published) = (table(&samples, &approaches(), &scenarios()), published());
    let report = full(&table, &published, &samples);
    let text = golden("once-failures.txt", |out| write_text(&report, style(100, false), out));
    assert!(text.contains("21.33") && !text.contains("21.33 ("), "{text}");
    golden("once-failures.md", |out| write_markdown(&report, out));
    golden("once-failures.csv", |out| write_summary(&table, out));
    let plain = Report::new(head(), &table, &samples);
    golden("once-plain.txt", |out| write_text(&plain, style(100, false), out));
}

#[test]
fn hostile_names_are_harmless() {
    let long = format!("x{}", "-long".repeat(19));
    let mut samples = vec![sample(&long, "cold", 1.0), sample("b", "cold", 2.0)];
    samples[1].status = Status::Failed;
    samples[1].reason = "<script>alert(1)</script>|\n=cmd()\u{202e}\u{1b}[2J [x](javascript:y) @all".to_owned();
    let rows = [&long, "b"].map(|name| RowHead { id: approach(name), image: None });
    let columns =
        [ColumnHead { id: scenario("cold"), title: "=cmd()|<img src=x>\u{202e}\n".repeat(8), cache: CacheState::Cold }];
    let table = table(&samples, &rows, &columns);
    let mut head = head();
    head.title = "# <script>\n\n| @all".to_owned();
    head.engine = "`$(rm)`".to_owned();
    let report = Report::new(head, &table, &samples);
    for width in [200, 80, 40] {
        let mut out = Vec::new();
        write_text(&report, style(width, false), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(harmful), "{text:?}");
        assert!(text.lines().all(|line| crate::text::width(line) <= width.max(44)), "{text}");
    }
    let page = golden("hostile.html", |out| html(&report, out));
    assert!(well_formed(&page));
    assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (1, 0));
    assert!(!page.contains('\u{202e}') && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    let md = golden("hostile.md", |out| write_markdown(&report, out));
    assert!(!md.contains("<script") && !md.contains("<img") && !md.contains('\u{202e}'));
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let tables: Vec<_> = md.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(tables.iter().map(|line| cells(line)).collect::<Vec<_>>(), [4, 4, 4, 4, 6, 6, 6]);
}

fn html(report: &Report<'_>, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let figure = |title: &str| Picture { title: title.to_owned(), svg: "<svg class=\"chart\"></svg>".to_owned() };
    let figures =
        Pictures { style: "svg.chart{}".to_owned(), shown: vec![figure("All & every")], more: vec![figure("a <b>")] };
    write_html(&report.head.title, &[(report, &figures)], out)
}

/// Whether a page is one that a parser of XML takes too, once the elements without an end have one.
fn well_formed(page: &str) -> bool {
    let mut page = page.replace("<!DOCTYPE html>", "");
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let (start, end) = (page.find(open).unwrap(), page.rfind(close).unwrap());
        page.replace_range(start + open.len()..end, "");
    }
    for tag in ["<meta ", "<link "] {
        page = page.lines().filter(|line| !line.starts_with(tag)).collect::<Vec<_>>().join("\n");
    }
    let page = page.replace("<br>", "<br/>").replace(" data-sort>", ">").replace("<meta charset=\"utf-8\">", "");
    roxmltree::Document::parse(&page).map_err(|e| panic!("{e}: {page}")).is_ok()
}

#[test]
fn a_page_is_whole_and_asks_for_nothing() {
    let mut samples: Vec<Sample> = raw_samples().into_iter().filter(|s| s.key.approach.as_str() < "03").collect();
    samples[3].status = Status::Failed;
    samples[3].reason = "no <b>space</b> left".to_owned();
    let (table, published) = (table(&samples, &approaches()[..2], &scenarios()[..3]), published());
    let mut report = full(&table, &published, &samples);
    report.head.unfinished = "NOT WHOLE: the run was stopped before its end, after 80 builds.".to_owned();
    let page = golden("report.html", |out| html(&report, out));
    assert!(well_formed(&page) && page.contains("NOT WHOLE"));
    for asking in ["http:", "https:", "//", "@import", "url("] {
        let mut page = page.replace("// Cells without a figure", "");
        page = page.replace("http-equiv", "");
        assert!(!page.contains(asking), "{asking}");
    }
    let document = page.split("<table class=\"figures\" data-sort>").nth(1).unwrap();
    let document = format!("<table>{}</table>", document.split("</table>").next().unwrap());
    let document = roxmltree::Document::parse(&document).unwrap();
    let all = |tag: &'static str| document.descendants().filter(move |node| node.has_tag_name(tag));
    assert_eq!(all("caption").count(), 1);
    assert!(all("th").all(|th| th.attribute("scope").is_some()));
    assert_eq!(all("td").count(), 2 * 4);
    // Every column can be sorted by, and every cell has what it is sorted by.
    let columns: Vec<_> = all("th").filter_map(|th| th.attribute("data-column")).collect();
    assert_eq!(columns, ["0", "1", "4", "2", "3"]);
    assert!(all("td").all(|td| td.attribute("data-value").is_some_and(|value| value.parse::<f64>().is_ok())));
}

#[test]
fn odd_shapes_make_sense() {
    let many: Vec<RowHead> = (0..60).map(|i| RowHead { id: approach(&format!("approach-{i}")), image: None }).collect();
    let one = [sample("approach-0", "cold", 3.0)];
    for (samples, rows, columns) in [
        (&one[..], &many[..], scenarios()),
        (&one[..], &many[..1], scenarios()[..1].to_vec()),
        (&[], &many[..1], scenarios()),
        (&[], &[], vec![]),
    ] {
        let table = table(samples, rows, &columns);
        let report = Report::new(Head::default(), &table, samples);
        for width in [0, 20, 80, 300] {
            let mut out = Vec::new();
            write_text(&report, style(width, true), &mut out).unwrap();
            write_markdown(&report, &mut out).unwrap();
            write_json(&report, &mut out).unwrap();
            write_summary(&table, &mut out).unwrap();
            let mut page = Vec::new();
            let figures = Pictures::default();
            write_html("", &[(&report, &figures), (&report, &figures)], &mut page).unwrap();
            let page = String::from_utf8(page).unwrap();
            let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            let all = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!((ids.len(), ids.contains(&"caption-2")), (all, true), "ids stand once, whatever the engines");
            assert!(well_formed(&page));
            assert!(String::from_utf8(out).unwrap().contains("Figures: "));
        }
    }
}
