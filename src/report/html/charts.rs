//! The pictures of a page, each in a region that scrolls by itself where it is wider than the screen.
//!
//! They come as SVG made elsewhere, and are written as they are.

use super::drawn::{Picture, Pictures};
use super::part::{Part, text};
use std::io;

pub(super) fn write(figures: &Pictures, part: &mut Part<'_>) -> io::Result<()> {
    if figures.shown.is_empty() && figures.more.is_empty() {
        return Ok(());
    }
    part.section("charts", "Pictures")?;
    for (place, figure) in figures.shown.iter().enumerate() {
        writeln!(part.out, "<figure>\n<h3 id=\"{}\">{}</h3>", part.id(&format!("chart-{place}")), text(&figure.title))?;
        picture(figure, &format!("chart-{place}"), part)?;
        writeln!(part.out, "</figure>")?;
    }
    for (place, figure) in figures.more.iter().enumerate() {
        let id = format!("more-{place}");
        writeln!(part.out, "<details>\n<summary id=\"{}\">{}</summary>", part.id(&id), text(&figure.title))?;
        picture(figure, &id, part)?;
        writeln!(part.out, "</details>")?;
    }
    writeln!(part.out, "</section>")
}

fn picture(figure: &Picture, id: &str, part: &mut Part<'_>) -> io::Result<()> {
    part.region(id)?;
    writeln!(part.out, "{}</div>", figure.svg)
}
