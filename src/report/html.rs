//! `report.html`: one file for a browser that asks nothing of any network, in both themes, on paper, on a phone, by
//! keyboard and by screen reader.
//!
//! The frame and what protects it stand here; the parts of the page in `html/`. Every text from outside passes `text`.

mod charts;
mod scorecard;
mod sections;
mod table;

use super::{Report, words};
use crate::text::visible;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/sort.js");

/// A picture of a report, as SVG that stands inside a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// Its heading.
    pub title: String,
    /// The SVG element, with its own title and description.
    pub svg: String,
}

/// The pictures of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The style sheet that all of them need.
    pub style: String,
    /// Those that are shown at once.
    pub shown: Vec<Figure>,
    /// Those that open when asked for.
    pub more: Vec<Figure>,
}

/// Text for an element or a quoted attribute.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in visible(raw).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Where a part of the page is written, and what makes its ids unlike those of the other parts.
struct Part<'w> {
    out: &'w mut dyn Write,
    suffix: String,
}

impl Part<'_> {
    fn id(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// Opens a section. Each is closed by its writer.
    fn section(&mut self, name: &str, title: &str) -> io::Result<()> {
        let id = self.id(name);
        writeln!(self.out, "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>")
    }

    /// Opens a region that scrolls by itself, with the keyboard too, so that the page does not.
    fn region(&mut self, labelled_by: &str) -> io::Result<()> {
        let id = self.id(labelled_by);
        writeln!(self.out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"{id}\">")
    }
}

/// Writes reports as one page: one for each engine, each with its pictures.
///
/// # Errors
/// When the writer fails.
pub fn write_html(title: &str, reports: &[(&Report<'_>, &Figures)], out: &mut dyn Write) -> io::Result<()> {
    let title = if title.is_empty() { "Build times" } else { title };
    let pictures = reports.first().map_or("", |(_, figures)| figures.style.as_str());
    head(title, &format!("{STYLE}{pictures}"), out)?;
    writeln!(out, "<body>\n<a class=\"skip\" href=\"#figures\">To the figures</a>\n<main>")?;
    if reports.len() > 1 {
        writeln!(out, "<nav aria-label=\"Engines\"><ul>")?;
        for (place, (report, _)) in reports.iter().enumerate() {
            writeln!(out, "<li><a href=\"#top-{}\">{}</a></li>", place + 1, text(&report.head.title))?;
        }
        writeln!(out, "</ul></nav>")?;
    }
    for (place, (report, figures)) in reports.iter().enumerate() {
        let suffix = if place == 0 { String::new() } else { format!("-{}", place + 1) };
        writeln!(out, "<article id=\"top-{}\">", place + 1)?;
        article(report, figures, title, &mut Part { out, suffix })?;
        writeln!(out, "</article>")?;
    }
    writeln!(out, "</main>\n<footer class=\"quiet\">Made by Layerbench {}.</footer>", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

fn article(report: &Report<'_>, figures: &Figures, title: &str, part: &mut Part<'_>) -> io::Result<()> {
    let title = if report.head.title.is_empty() { title } else { &report.head.title };
    writeln!(part.out, "<header>\n<h1>{}</h1>", text(title))?;
    if !report.head.run.is_empty() {
        writeln!(part.out, "<p class=\"quiet\">Run {}</p>", text(&report.head.run))?;
    }
    writeln!(part.out, "</header>")?;
    sections::used(report, part)?;
    table::write(report, part)?;
    charts::write(figures, part)?;
    sections::findings(report, part)?;
    scorecard::write(report, part)?;
    sections::order(report, part)?;
    sections::problems(report, part)?;
    sections::measured(report, part)
}

/// The head, with a policy under which nothing can be fetched, and nothing runs but what stands in this file.
fn head(title: &str, style: &str, out: &mut dyn Write) -> io::Result<()> {
    let policy = format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        hash(style),
        hash(SCRIPT)
    );
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"color-scheme\" content=\"light dark\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    // Without an icon, browsers ask for one.
    writeln!(out, "<link rel=\"icon\" href=\"data:,\">")?;
    writeln!(out, "<title>{}</title>\n<style>{style}</style>\n</head>", text(title))
}

fn hash(content: &str) -> String {
    BASE64_STANDARD.encode(Sha256::digest(content.as_bytes()))
}

/// The sign of a mark, and its word for those who do not see it.
fn mark(mark: Option<crate::analysis::marks::Mark>) -> (&'static str, String) {
    use crate::analysis::marks::Mark;
    let (class, word) = match mark {
        Some(Mark::Best) => ("best", "best"),
        Some(Mark::Worst) => ("worst", "worst"),
        None => return ("", String::new()),
    };
    let sign = words::sign(mark);
    (class, format!("<span aria-hidden=\"true\">{sign}</span><span class=\"heard\">{word}: </span> "))
}
