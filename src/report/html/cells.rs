//! The table as in the article: two rows of headings, our figures, and the published ones below each.
//!
//! Cells carry their figure as a number, by which the page's script sorts.

use super::part::{Part, mark, text};
use crate::analysis::table::TableCell;
use crate::report::content::{Beside, Report};
use crate::report::words;
use std::io;

pub(super) fn write(report: &Report<'_>, part: &mut Part<'_>) -> io::Result<()> {
    part.section("figures", "Figures")?;
    part.region("caption")?;
    writeln!(part.out, "<table class=\"figures\" data-sort>")?;
    writeln!(part.out, "<caption><span id=\"{}\">{}</span></caption>", part.id("caption"), text(&caption(report)))?;
    headings(report, part)?;
    writeln!(part.out, "<tbody>")?;
    for place in 0..report.table.rows.len() {
        row(report, place, part)?;
    }
    writeln!(part.out, "</tbody>\n</table>\n</div>")?;
    writeln!(part.out, "<p class=\"quiet\">{}</p>", text(&words::legend(report)))?;
    if let Some(beside) = &report.beside {
        writeln!(
            part.out,
            "<p class=\"quiet\">Small, below each figure: what was published ({}), and our median divided by it. \
             ○: our median lies between the published extremes.</p>",
            text(&beside.name)
        )?;
    }
    if report.table.strangers > 0 {
        writeln!(
            part.out,
            "<p>{} samples belong to no approach or scenario of the study and are not shown.</p>",
            report.table.strangers
        )?;
    }
    writeln!(part.out, "</section>")
}

fn caption(report: &Report<'_>) -> String {
    let unit = match report.table.even_n() {
        Some(1) => "seconds of one build".to_owned(),
        Some(n) => format!("median (fastest – slowest) of {n} builds, in seconds"),
        None => "median (fastest – slowest), in seconds".to_owned(),
    };
    let below = report
        .beside
        .as_ref()
        .map_or(String::new(), |beside| format!(". Small, below: published ({}), and ours divided by it", beside.name));
    format!("Build times: {unit}, and image sizes{below}")
}

/// Two rows: what stands under a group is in the second one.
fn headings(report: &Report<'_>, part: &mut Part<'_>) -> io::Result<()> {
    let scenarios = &report.table.scenarios;
    let grouped = scenarios.iter().any(|scenario| scenario.group().is_some());
    let tall = if grouped { " rowspan=\"2\"" } else { "" };
    writeln!(part.out, "<thead>\n<tr><th scope=\"col\"{tall} data-column=\"0\">Approach</th>")?;
    let mut place = 0;
    let mut below = Vec::new();
    while let Some(scenario) = scenarios.get(place) {
        let Some(group) = scenario.group() else {
            writeln!(part.out, "<th scope=\"col\"{tall} data-column=\"{}\">{}</th>", place + 1, text(&scenario.title))?;
            place += 1;
            continue;
        };
        let same = scenarios[place..].iter().take_while(|s| s.group() == Some(group)).count();
        writeln!(part.out, "<th scope=\"colgroup\" colspan=\"{same}\">{group}</th>")?;
        below.extend(place..place + same);
        place += same;
    }
    writeln!(part.out, "<th scope=\"col\"{tall} data-column=\"{}\">Image size</th></tr>", scenarios.len() + 1)?;
    if grouped {
        write!(part.out, "<tr>")?;
        for place in below {
            let title = text(&scenarios[place].title);
            writeln!(part.out, "<th scope=\"col\" data-column=\"{}\">{title}</th>", place + 1)?;
        }
        writeln!(part.out, "</tr>")?;
    }
    writeln!(part.out, "</thead>")
}

fn row(report: &Report<'_>, place: usize, part: &mut Part<'_>) -> io::Result<()> {
    let row = &report.table.rows[place];
    let name = text(row.approach.as_str());
    writeln!(part.out, "<tr><th scope=\"row\" data-value=\"{place}\">{name}</th>")?;
    let usual = report.table.usual_n();
    for (scenario, cell) in report.table.scenarios.iter().zip(&row.cells) {
        let value = cell.median().map_or(String::new(), |median| median.get().to_string());
        let (class, sign) = mark(cell.mark);
        write!(
            part.out,
            "<td class=\"{class}\" data-value=\"{value}\"><span class=\"ours\">{sign}{}</span>",
            figures(cell)
        )?;
        let remarks = words::remarks(cell, usual);
        if !remarks.is_empty() {
            write!(part.out, " <span class=\"remark\">{}</span>", text(&remarks))?;
        }
        if let Some(beside) = &report.beside
            && let Some(theirs) = beside.published.cell(&row.approach, &scenario.id)
        {
            let ours = ratio(beside, |cell| {
                (cell.published.approach == row.approach && cell.published.scenario == scenario.id)
                    .then_some((cell.ratio, cell.in_range))
            });
            write!(part.out, "<span class=\"published\">{}{ours}</span>", text(&words::published(theirs)))?;
        }
        writeln!(part.out, "</td>")?;
    }
    image(report, place, part)?;
    writeln!(part.out, "</tr>")
}

/// `× 1.03 ○`, from the cell that is looked for.
fn ratio(
    beside: &Beside<'_>,
    wanted: impl Fn(&crate::analysis::published::CellRatio) -> Option<(f64, bool)>,
) -> String {
    let found = beside.comparison.cells.iter().find_map(wanted);
    found.map_or(String::new(), |(value, inside)| {
        let inside = if inside {
            " <span aria-hidden=\"true\">○</span><span class=\"heard\">, between the published extremes</span>"
        } else {
            ""
        };
        format!(" <span class=\"ratio\">× {}{inside}</span>", words::ratio(value))
    })
}

/// The median stands out; the extremes follow it.
fn figures(cell: &TableCell) -> String {
    match &cell.figures {
        None => "–".to_owned(),
        Some(f) if cell.n() == 1 => format!("<b>{}</b>", words::seconds(f.median.get())),
        Some(f) => format!(
            "<b>{}</b> <span class=\"range\">({} – {})</span>",
            words::seconds(f.median.get()),
            words::seconds(f.min.get()),
            words::seconds(f.max.get())
        ),
    }
}

fn image(report: &Report<'_>, place: usize, part: &mut Part<'_>) -> io::Result<()> {
    let row = &report.table.rows[place];
    let value = row.image.map_or(String::new(), |bytes| bytes.0.to_string());
    let (class, sign) = mark(row.image_mark);
    let shown = row.image.map_or("–".to_owned(), |bytes| format!("<b>{bytes}</b>"));
    write!(part.out, "<td class=\"{class}\" data-value=\"{value}\"><span class=\"ours\">{sign}{shown}</span>")?;
    if let Some(beside) = &report.beside
        && let Some(theirs) = beside.published.image(&row.approach)
    {
        let found = beside.comparison.images.iter().find(|image| image.published.approach == row.approach);
        let ours = found
            .map_or(String::new(), |image| format!(" <span class=\"ratio\">× {}</span>", words::ratio(image.ratio)));
        write!(part.out, "<span class=\"published\">{theirs}{ours}</span>")?;
    }
    writeln!(part.out, "</td>")
}
