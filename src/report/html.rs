//! `report.html`: one file for a browser that asks nothing of any network, in both themes, on paper, on a phone, by
//! keyboard and by screen reader.
//!
//! The frame and what protects it stand here; the parts of the page in `html/`. Every text from outside passes `text`.

mod cells;
mod charts;
mod drawn;
mod part;
mod sections;
mod verdicts;

pub use drawn::{Picture, Pictures};

use super::content::Report;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use part::{Part, text};
use sha2::{Digest, Sha256};
use std::io::{self, Write};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/sort.js");

/// Writes reports as one page: one for each engine, each with its pictures.
///
/// # Errors
/// When the writer fails.
pub fn write_html(title: &str, reports: &[(&Report<'_>, &Pictures)], out: &mut dyn Write) -> io::Result<()> {
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

fn article(report: &Report<'_>, figures: &Pictures, title: &str, part: &mut Part<'_>) -> io::Result<()> {
    let title = if report.head.title.is_empty() { title } else { &report.head.title };
    writeln!(part.out, "<header>\n<h1>{}</h1>", text(title))?;
    if !report.head.run.is_empty() {
        writeln!(part.out, "<p class=\"quiet\">Run {}</p>", text(&report.head.run))?;
    }
    writeln!(part.out, "</header>")?;
    sections::used(report, part)?;
    cells::write(report, part)?;
    charts::write(figures, part)?;
    sections::findings(report, part)?;
    verdicts::write(report, part)?;
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
