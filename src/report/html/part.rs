//! What all parts of a page are written with. Every text from outside passes [`text`].

use crate::analysis::marks::Mark;
use crate::report::words;
use crate::text::visible;
use std::io::{self, Write};

/// Text for an element or a quoted attribute.
pub(super) fn text(raw: &str) -> String {
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
pub(super) struct Part<'w> {
    pub out: &'w mut dyn Write,
    pub suffix: String,
}

impl Part<'_> {
    pub fn id(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// Opens a section. Each is closed by its writer.
    pub fn section(&mut self, name: &str, title: &str) -> io::Result<()> {
        let id = self.id(name);
        writeln!(self.out, "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>")
    }

    /// Opens a region that scrolls by itself, with the keyboard too, so that the page does not.
    pub fn region(&mut self, labelled_by: &str) -> io::Result<()> {
        let id = self.id(labelled_by);
        writeln!(self.out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"{id}\">")
    }
}

/// The sign of a mark, and its word for those who do not see it.
pub(super) fn mark(mark: Option<Mark>) -> (&'static str, String) {
    let (class, word) = match mark {
        Some(Mark::Best) => ("best", "best"),
        Some(Mark::Worst) => ("worst", "worst"),
        None => return ("", String::new()),
    };
    let sign = words::sign(mark);
    (class, format!("<span aria-hidden=\"true\">{sign}</span><span class=\"heard\">{word}: </span> "))
}
