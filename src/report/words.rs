//! Figures and sentences as all reports for people print them.
//!
//! Text comes out as it came in: each report cleans it for its own place.

use super::content::{Head, Report};
use crate::analysis::findings::{Evidence, Figure, FindingVerdict, Judged};
use crate::analysis::marks::{Mark, MarkRule};
use crate::analysis::published::PublishedCell;
use crate::analysis::table::TableCell;
use crate::model::Seconds;
use crate::text::counted;
pub(super) use crate::text::shown_seconds as seconds;

/// A ratio with two digits after the point, or three digits that count.
pub(super) fn ratio(value: f64) -> String {
    match value {
        v if v >= 9.995 => format!("{v:.1}"),
        v if v >= 0.0995 => format!("{v:.2}"),
        v => format!("{v:.4}"),
    }
}

/// A ratio as a change: `+5.9 %`.
pub(super) fn ratio_percent(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    // No sign where nothing is left to show.
    if percent.abs() < 0.05 { "0.0 %".to_owned() } else { format!("{percent:+.1} %") }
}

/// `1 byte`, `2 bytes`: all digits, where a difference of one counts.
pub(super) fn bytes(count: u64) -> String {
    counted(count, "byte", "bytes")
}

pub(super) fn probability(p: f64) -> String {
    if p < 0.0001 {
        "p < 0.0001".to_owned()
    } else if p < 0.01 {
        format!("p = {p:.4}")
    } else {
        format!("p = {p:.2}")
    }
}

/// `20.61 (19.47 – 22.49)`; only the figure for one sample, a dash for none.
pub(super) fn figures(cell: &TableCell) -> String {
    match &cell.figures {
        None => "–".to_owned(),
        Some(f) if cell.n() == 1 => seconds(f.median.get()),
        Some(f) => format!("{} ({} – {})", seconds(f.median.get()), seconds(f.min.get()), seconds(f.max.get())),
    }
}

/// What must be said of a cell beside its figures: its n where that is not the usual one, and its samples
/// that are in no figure. Empty if there is nothing to say.
pub(super) fn remarks(cell: &TableCell, usual: Option<usize>) -> String {
    let mut parts = Vec::new();
    if cell.n() > 0 && usual != Some(cell.n()) {
        parts.push(format!("n = {}", cell.n()));
    }
    let kinds = cell.others.kinds();
    parts.extend(kinds.map(|(status, count)| format!("{count} {status}")));
    match parts.is_empty() {
        true => String::new(),
        false => format!("[{}]", parts.join(", ")),
    }
}

/// A published cell, with the digits that were published.
pub(super) fn published(cell: &PublishedCell) -> String {
    let plain = |s: Seconds| s.get().to_string();
    format!("{} ({} – {})", plain(cell.median), plain(cell.min), plain(cell.max))
}

/// The sign of a mark.
pub(super) fn sign(mark: Option<Mark>) -> &'static str {
    match mark {
        Some(Mark::Best) => "▲",
        Some(Mark::Worst) => "▼",
        None => "",
    }
}

/// What the figures and marks mean; one line.
pub(super) fn legend(report: &Report<'_>) -> String {
    let what = match (report.table.even_n(), report.table.usual_n()) {
        (Some(1), _) => "seconds of one build (n = 1)".to_owned(),
        (Some(n), _) => format!("seconds, median (fastest – slowest) of n = {n}"),
        (None, Some(n)) => format!("seconds, median (fastest – slowest) of n = {n}, or as given"),
        (None, None) => "seconds, median (fastest – slowest); n as given".to_owned(),
    };
    let near = (MarkRule::SECONDS.near - 1.0) * 100.0;
    let least = MarkRule::SECONDS.least;
    format!(
        "Figures: {what}. ▲ best of its column, or within {near:.0} % of it. ▼ worst, or within \
         {near:.0} % of it, and {least} s or more behind the best."
    )
}

/// Whether the run is whole, and which base images, engine and kind of cold were used; one line.
pub(super) fn headline(head: &Head) -> String {
    let bases = match head.bases.as_slice() {
        [] => "unknown".to_owned(),
        bases => bases.join(", "),
    };
    let known = |text: &str| match text {
        "" => "unknown".to_owned(),
        text => text.to_owned(),
    };
    let unfinished = match head.unfinished.as_str() {
        "" => String::new(),
        text => format!("{text} "),
    };
    format!("{unfinished}Base images: {bases}. Engine: {}. Cold: {}.", known(&head.engine), known(&head.cold))
}

/// Verdict and reason: `cannot tell (n = 1: too few samples for a test; the figures agree)`.
pub(super) fn verdict(judged: &Judged) -> String {
    let figures = match (judged.verdict, judged.agrees) {
        (FindingVerdict::CannotTell, Some(true)) => "; the figures agree with it",
        (FindingVerdict::CannotTell, Some(false)) => "; the figures do not agree with it",
        _ => "",
    };
    format!("{} ({}{figures})", judged.verdict.as_str(), judged.why)
}

/// `a / cold 16.70 s against b / cold 37.04 s: 0.45 (n = 10, p < 0.0001)`.
pub(super) fn evidence(e: &Evidence) -> String {
    let side = |(name, figure): &(String, Figure)| match figure {
        Figure::Seconds(value, _) => format!("{name} {} s", seconds(*value)),
        Figure::Image(bytes) => format!("{name} {bytes}"),
        Figure::Missing => format!("{name} –"),
    };
    let mut line = format!("{} against {}", side(&e.left), side(&e.right));
    if let Some(value) = e.ratio {
        line.push_str(&format!(": {}", ratio(value)));
    }
    let n = match (e.left.1, e.right.1) {
        (Figure::Seconds(_, a), Figure::Seconds(_, b)) if a == b => format!("n = {a}"),
        (Figure::Seconds(_, a), Figure::Seconds(_, b)) => format!("n = {a} and {b}"),
        _ => return line,
    };
    match e.p_for {
        Some(p) if !e.too_few => format!("{line} ({n}, {})", probability(p)),
        _ => format!("{line} ({n})"),
    }
}

/// How many builds are in no figure, by kind: `2 failed, 1 invalid`. Empty if there are none.
pub(super) fn problem_counts(report: &Report<'_>) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for sample in &report.problems {
        let word = sample.status.as_str();
        match kinds.iter_mut().find(|(kind, _)| *kind == word) {
            Some((_, count)) => *count += 1,
            None => kinds.push((word, 1)),
        }
    }
    let kinds = kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
    kinds.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_has_no_range() {
        assert_eq!(figures(&TableCell::new(vec![20.61])), "20.61");
        assert_eq!(figures(&TableCell::new(vec![])), "–");
        assert_eq!(figures(&TableCell::new(vec![1.0, 3.0])), "2.00 (1.00 – 3.00)");
    }

    #[test]
    fn an_n_is_given_where_it_is_not_the_usual_one() {
        let cell = TableCell::new(vec![1.0, 3.0]);
        assert_eq!(remarks(&cell, Some(2)), "");
        assert_eq!((remarks(&cell, Some(3)), remarks(&cell, None)), ("[n = 2]".to_owned(), "[n = 2]".to_owned()));
        assert_eq!(remarks(&TableCell::new(vec![]), None), "");
    }

    #[test]
    fn ratios_and_probabilities() {
        assert_eq!(ratio(1.803), "1.80");
        assert_eq!(ratio(0.0123), "0.0123");
        assert_eq!(ratio(12.34), "12.3");
        assert_eq!(probability(0.000_01), "p < 0.0001");
        assert_eq!(probability(0.0123), "p = 0.01");
        assert_eq!(probability(0.0012), "p = 0.0012");
    }
}
