//! Pictures are parsed back: well-formed, with every text inside the frame and no text on another.

use super::*;
use crate::analysis::table::{ColumnHead, RowHead, Table, table};
use crate::analysis::testing::{approach, approaches, published, raw_samples, raw_table, sample, scenario, scenarios};
use crate::model::{Bytes, CacheState, Interval, Sample, Status, Step, StepKind};
use unicode_width::UnicodeWidthStr;

/// Advance widths of DejaVu Sans in thousandths of an em: the narrow and the wide letters, and a mean for the rest.
fn advance(text: &str) -> f64 {
    let one = |c: char| match c {
        'i' | 'l' | 'j' => 278.0,
        ' ' | '.' | ',' => 318.0,
        '0'..='9' => 636.0,
        'm' => 974.0,
        'W' => 989.0,
        'M' => 863.0,
        'w' => 818.0,
        '…' => 1000.0,
        'a'..='z' => 600.0,
        'A'..='Z' => 720.0,
        c if c.to_string().width() == 2 => 1000.0,
        _ => 600.0,
    };
    text.chars().map(one).sum::<f64>() / 1000.0
}

/// A text's box: left, top, right, bottom.
fn boxes(svg: &str) -> Vec<(String, [f64; 4])> {
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{e}\n{svg}"));
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    let of = |node: roxmltree::Node<'_, '_>| {
        let number = |name: &str| node.attribute(name).unwrap().parse::<f64>().unwrap();
        let text: String = node.children().filter(|child| child.is_text()).filter_map(|child| child.text()).collect();
        let (x, y, size) = (number("x"), number("y"), number("font-size"));
        let wide = advance(&text) * size;
        let left = match node.attribute("text-anchor") {
            Some("middle") => x - wide / 2.0,
            Some("end") => x - wide,
            _ => x,
        };
        (text, [left, y - size * 0.76, left + wide, y + size * 0.24])
    };
    texts.map(of).collect()
}

pub(super) fn svg(chart: &Chart, dress: Dress) -> String {
    let mut out = Vec::new();
    chart.write_svg(dress, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Proves what must hold for any picture.
pub(super) fn sound(chart: &Chart) -> String {
    for dress in [Dress::Inline, Dress::Alone] {
        let text = svg(chart, dress);
        let document = roxmltree::Document::parse(&text).unwrap();
        let root = document.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        for (tag, said) in [("title", &chart.title), ("desc", &chart.description)] {
            let node = root.children().find(|node| node.has_tag_name(tag)).unwrap();
            let id = node.attribute("id").unwrap();
            assert!(root.attribute("aria-labelledby").unwrap().split(' ').any(|named| named == id));
            assert!(!said.is_empty() && node.text() == Some(&crate::text::visible(said)), "{tag}");
        }
        let frame: Vec<f64> = root.attribute("viewBox").unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
        let found = boxes(&text);
        for (text, [left, top, right, bottom]) in &found {
            assert!(
                *left >= frame[0]
                    && *top >= frame[1]
                    && *right <= frame[0] + frame[2]
                    && *bottom <= frame[1] + frame[3],
                "{text:?} runs out of {}: {left} {top} {right} {bottom}",
                chart.name
            );
        }
        // By rows: only texts at the same height can touch.
        for (place, (text, a)) in found.iter().enumerate() {
            for (other, b) in &found[place + 1..] {
                let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
                assert!(apart, "{text:?} and {other:?} overlap in {}: {a:?} {b:?}", chart.name);
            }
        }
        for node in document.descendants().filter(|node| node.is_element()) {
            for name in ["x", "y", "width", "height", "cx", "cy", "r", "d"] {
                let value = node.attribute(name).unwrap_or_default();
                assert!(!value.contains("NaN") && !value.contains("inf"), "{name}={value}");
            }
            for name in ["width", "height", "r"] {
                assert!(!node.attribute(name).unwrap_or_default().starts_with('-'), "{node:?}");
            }
        }
    }
    svg(chart, Dress::Inline)
}

/// The longest name that an approach can have.
fn long(place: usize) -> String {
    format!("W{place}{}", "-MMM".repeat(24))
}

/// Tables of odd shapes.
pub(super) fn shapes() -> Vec<(Table, Vec<Sample>)> {
    let of = |samples: Vec<Sample>, rows: Vec<RowHead>, columns: Vec<ColumnHead>| {
        (table(&samples, &rows, &columns), samples)
    };
    let row = |name: &str| RowHead { id: approach(name), image: None };
    let mut shapes = vec![
        (raw_table(), raw_samples()),
        of(vec![sample("one", "cold", 3.0)], vec![row("one")], scenarios()[..1].to_vec()),
        of(vec![], vec![row("one")], scenarios()),
        of(vec![], vec![], vec![]),
        of(vec![sample("one", "cold", 0.0), sample("one", "warm", 1e9)], vec![row("one")], scenarios()),
    ];
    let many: Vec<String> = (0..60).map(long).collect();
    let samples = many.iter().enumerate().flat_map(|(place, name)| {
        ["cold", "warm", "sources-changed"].map(|column| sample(name, column, 0.2 + place as f64 * 0.7))
    });
    shapes.push(of(samples.collect(), many.iter().map(|name| row(name)).collect(), scenarios()));
    let mut failed = raw_samples();
    for (place, sample) in failed.iter_mut().enumerate() {
        sample.status = [Status::Failed, Status::Invalid, Status::Timeout, Status::Interrupted][place % 4];
    }
    shapes.push(of(failed, approaches(), scenarios()));
    let titles =
        ["שלום עולם ".repeat(20), "<script>alert(1)</script>\n\u{202e}=cmd()|&amp;".to_owned(), "日本語".repeat(80)];
    let columns = titles.map(|title| ColumnHead { id: scenario("cold"), title, cache: CacheState::Changed });
    shapes.push(of(vec![sample("b", "cold", 20.0)], vec![row("b")], columns.to_vec()));
    let crowd = (0..5000).map(|i| sample("b", "cold", 10.0 + f64::from(i % 977) * 0.01)).collect();
    shapes.push(of(crowd, vec![row("b")], scenarios()[..1].to_vec()));
    shapes
}

#[cfg(feature = "png")]
/// A picture of each kind, and inks that must be seen in it.
pub(super) fn drawn() -> Vec<(Chart, Vec<ink::Ink>)> {
    use ink::Ink;
    let (sample, build) = (sample("05-final", "cold", 21.0), build());
    let parts_of = vec![("05-final".to_owned(), crate::analysis::parts::parts(&[(&sample, &build[..])]))];
    let change = ChangeMark { night: 1, before: 20.0, after: 23.0, accepted: None };
    let line = Trend { cell: "a / cold".to_owned(), medians: vec![(0, 20.0), (1, 23.0)], changes: vec![change] };
    let dates = ["2026-01-31".to_owned(), "2026-02-01".to_owned()];
    let sizes = [("05-final".to_owned(), vec![Bytes(117_000_000), Bytes(30_000_000)])];
    vec![
        (
            samples(&raw_table(), Some(("article", &published()))).unwrap(),
            vec![Ink::Text, Ink::Sample, Ink::Published, Ink::Grid],
        ),
        (parts(&[("Cold cache".to_owned(), parts_of)], "").unwrap(), vec![Ink::Text, Ink::Work, Ink::Export]),
        (steps("05-final", &[("Cold".to_owned(), &sample, &build)]).unwrap(), vec![Ink::Text, Ink::Work, Ink::Base]),
        (nights(&dates, &[line]).unwrap(), vec![Ink::Text, Ink::Sample, Ink::Worst]),
        (layers(&sizes, "").unwrap(), vec![Ink::Text, Ink::Base, Ink::Work]),
    ]
}

#[test]
fn samples_of_any_shape_fit() {
    for (table, _) in shapes() {
        let svg = sound(&samples(&table, None).unwrap());
        assert!(svg.matches("<circle").count() <= 200 * table.cells().count().max(1) + 1);
    }
    let published = published();
    sound(&samples(&raw_table(), Some((&"a name ".repeat(30), &published))).unwrap());
}

#[test]
fn every_sample_is_a_point_and_every_median_is_named() {
    let table = raw_table();
    let svg = sound(&samples(&table, Some(("article", &published()))).unwrap());
    // One more explains them.
    assert_eq!(svg.matches("<circle").count(), 240 + 1);
    for (row, _, cell) in table.cells() {
        let median = crate::text::shown_seconds(cell.median().unwrap().get());
        assert!(svg.contains(&format!("{}: median {median} s, n = 8", row.approach)), "{median}");
    }
    let (low, high) = (svg.contains(">0.2</text>"), svg.contains(">50</text>"));
    assert!(low && high, "the scale shows 0.2 s and 50 s");
    assert!(svg.contains("01-simple: published 20.61 s"));
}

fn step(name: &str, kind: StepKind, times: &[(f64, f64)], cached: bool) -> Step {
    Step {
        name: name.to_owned(),
        digest: name.to_owned(),
        inputs: Vec::new(),
        kind,
        intervals: times.iter().map(|&(start, end)| Interval { start, end }).collect(),
        cached,
        bytes: Bytes(0),
        error: name.contains("broken").then(|| "exit code: 1".to_owned()),
    }
}

/// A build of two stages side by side.
fn build() -> Vec<Step> {
    vec![
        step("[internal] load build context", StepKind::Internal, &[(0.05, 0.1), (0.2, 0.4)], false),
        step("[build 1/3] FROM python", StepKind::Base, &[(0.3, 6.0)], false),
        step("[runtime 1/2] FROM python:slim", StepKind::Base, &[(0.3, 2.0)], false),
        step(&format!("[build 2/3] RUN {}", "pip install poetry ".repeat(12)), StepKind::Work, &[(6.0, 17.0)], false),
        step("[build 3/3] RUN <broken> \u{202e}\n", StepKind::Work, &[(17.0, 20.0)], false),
        step("[runtime 2/2] COPY --from=build", StepKind::Work, &[(0.31, 0.31)], true),
        step("never", StepKind::Other, &[], false),
        step("exporting to image", StepKind::Export, &[(20.0, 20.9)], false),
        step("between steps", StepKind::Wait, &[(0.4, 0.5)], false),
    ]
}

#[test]
fn steps_and_parts_of_any_shape_fit() {
    let sample = sample("05-final", "cold", 21.0);
    let (build, title) = (build(), "Cold cache".to_owned());
    let svg = sound(&steps("05-final", &[(title.clone(), &sample, &build), (title, &sample, &[])]).unwrap());
    for said in ["11.00 s", "cached", "failed", "did not run", "no steps were recorded", "from the cache"] {
        assert!(svg.contains(said), "{said}");
    }
    // Stages stand together, whatever order they ran in.
    let names =
        ["[internal]", "[build 1/3]", "[build 2/3]", "[build 3/3]", "[runtime 1/2]", "[runtime 2/2]", "exporting"];
    let places: Vec<_> = names.iter().map(|name| svg.find(&format!(">{name}")).unwrap_or_default()).collect();
    assert!(places.is_sorted() && places[0] > 0, "{places:?}");
    let many: Vec<Step> =
        (0..90).map(|i| step(&long(i), StepKind::Work, &[(f64::from(i as u32), 90.0)], i % 2 == 0)).collect();
    assert!(sound(&steps(&long(1), &[("x".repeat(300), &sample, &many)]).unwrap()).contains("and 30 more steps"));
    sound(&steps("none", &[]).unwrap());

    let taken = crate::analysis::parts::parts(&[(&sample, &build[..])]);
    let rows: Vec<_> = (0..60).map(|i| (long(i), if i % 3 == 0 { Vec::new() } else { taken.clone() })).collect();
    let columns =
        [("Cold cache".to_owned(), rows), ("日本語".repeat(90), vec![]), ("empty".to_owned(), vec![(long(0), vec![])])];
    let svg = sound(&parts(&columns, ", mean of the builds nearest to the median").unwrap());
    assert!(
        svg.contains("<title>RUN pip install") && svg.contains(">21.00 s</text>") && svg.contains("base image: pull")
    );
    sound(&parts(&[], "").unwrap());
}

#[test]
fn nights_of_any_shape_fit() {
    let names: Vec<String> = (0..90).map(|day| format!("2026-{:02}-{:02}", day / 28 + 1, day % 28 + 1)).collect();
    let wave = |night: usize| 20.0 + (night as f64 * 0.7).sin() + if night >= 40 { 3.0 } else { 0.0 };
    let change = |night, before, after, accepted: Option<&str>| ChangeMark {
        night,
        before,
        after,
        accepted: accepted.map(str::to_owned),
    };
    let line = |cell: &str, medians: Vec<(usize, f64)>, changes: Vec<ChangeMark>| Trend {
        cell: cell.to_owned(),
        medians,
        changes,
    };
    let lines = [
        line(
            "05-final / cold",
            (0..90).map(|n| (n, wave(n))).collect(),
            vec![change(40, 20.0, 23.0, Some("newer <Poetry>"))],
        ),
        line(&long(1), vec![(3, 0.2)], vec![]),
        line("none", vec![], vec![]),
        line("flat", (0..90).map(|n| (n, 0.0)).collect(), vec![]),
        line("often", (0..90).map(|n| (n, wave(n))).collect(), (1..90).map(|n| change(n, 1.0, 2.0, None)).collect()),
    ];
    let svg = sound(&nights(&names, &lines).unwrap());
    for said in [
        "+15.0 %, 20.00 s to 23.00 s, accepted: newer &lt;Poetry&gt;",
        "2026-02-13: 23",
        ">+15.0 %</text>",
        ">last 0.200 s<",
    ] {
        assert!(svg.contains(said), "{said}");
    }
    for count in [0, 1, 2, 3] {
        sound(&nights(&names[..count], &[line("x", (0..count).map(|n| (n, wave(n))).collect(), vec![])]).unwrap());
    }
    sound(&nights(&["W".repeat(300), "W".repeat(300)], &[]).unwrap());
    sound(&nights(&["W".repeat(300), "W".repeat(300)], &[line("x", vec![(0, 1.0), (1, 2.0)], vec![])]).unwrap());
}

#[test]
fn layers_of_any_size_fit() {
    let layers_of = |sizes: &[u64]| sizes.iter().copied().map(Bytes).collect::<Vec<_>>();
    let images = vec![
        ("06-final".to_owned(), layers_of(&[0, 117_641_995, 30_785_196, 0, 8_657_327, 4339, 0, 0, 259])),
        (long(7), layers_of(&[u64::MAX, u64::MAX])),
        ("none".to_owned(), vec![]),
        ("empty".to_owned(), layers_of(&[0, 0])),
    ];
    sound(&layers(&images, &"x".repeat(300)).unwrap());
    let svg = sound(&layers(&images[..1], "; with: Sources changed").unwrap());
    assert!(svg.contains("<title>06-final, layer 2 of 9: 118MB</title>") && svg.contains(">157MB</text>"), "{svg}");
    sound(&layers(&[], "").unwrap());
}

#[test]
fn a_picture_alone_has_both_themes_and_one_in_a_page_has_none() {
    let chart = samples(&raw_table(), None).unwrap();
    let (alone, inline) = (svg(&chart, Dress::Alone), svg(&chart, Dress::Inline));
    assert!(alone.contains("prefers-color-scheme:dark") && alone.contains(">Every build, in seconds</text>"));
    assert!(!inline.contains("<style") && !inline.contains("<?xml"));
    for text in [alone, inline, style()] {
        assert!(!text.contains("url(http") && !text.contains("@import") && !text.contains("<image"));
    }
}
