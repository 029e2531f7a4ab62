//! Pictures are parsed back: well-formed, with every text inside the frame and no text on another.

use super::*;
use crate::analysis::table::{Approach, Scenario, Table, table};
use crate::analysis::testing::{approach, approaches, published, raw_samples, raw_table, sample, scenario, scenarios};
use crate::model::{CacheState, Sample, Status};
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

fn svg(chart: &Chart, dress: Dress) -> String {
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
            assert!(!said.is_empty() && node.text() == Some(&crate::model::visible(said)), "{tag}");
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
    let of =
        |samples: Vec<Sample>, rows: Vec<Approach>, columns: Vec<Scenario>| (table(&samples, &rows, &columns), samples);
    let row = |name: &str| Approach { id: approach(name), image: None };
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
    let columns = titles.map(|title| Scenario { id: scenario("cold"), title, cache: CacheState::Changed });
    shapes.push(of(vec![sample("b", "cold", 20.0)], vec![row("b")], columns.to_vec()));
    let crowd = (0..5000).map(|i| sample("b", "cold", 10.0 + f64::from(i % 977) * 0.01)).collect();
    shapes.push(of(crowd, vec![row("b")], scenarios()[..1].to_vec()));
    shapes
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
        let median = crate::model::shown_seconds(cell.median().unwrap().get());
        assert!(svg.contains(&format!("{}: median {median} s, n = 8", row.approach)), "{median}");
    }
    let (low, high) = (svg.contains(">0.2</text>"), svg.contains(">50</text>"));
    assert!(low && high, "the scale shows 0.2 s and 50 s");
    assert!(svg.contains("01-simple: published 20.61 s"));
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
