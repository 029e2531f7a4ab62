//! OpenMetrics text. Gauges only, and no times of samples, so that Prometheus' older text format and
//! the textfile collector of node_exporter take it as well.

use super::exported::{Exported, Place};
use crate::analysis::table::{Figures, MedianRange, TableCell};
use crate::model::{EngineId, Seconds};
use crate::text::time::parse_rfc3339;
use crate::text::visible;
use std::fmt::Display;
use std::io::{self, Write};

type Gauge = (&'static str, &'static str, fn(&Figures) -> Option<Seconds>);

fn reached(figures: &Figures) -> Option<MedianRange> {
    figures.interval.filter(|interval| interval.reached)
}

/// What is told of each cell, in seconds.
const FIGURES: [Gauge; 5] = [
    ("layerbench_build_median_seconds", "Median of the valid builds.", |f| Some(f.median)),
    ("layerbench_build_median_low_seconds", "Lower end of the 95 % interval of the median.", |f| {
        reached(f).map(|i| i.low)
    }),
    ("layerbench_build_median_high_seconds", "Upper end of the 95 % interval of the median.", |f| {
        reached(f).map(|i| i.high)
    }),
    ("layerbench_build_fastest_seconds", "Fastest valid build.", |f| Some(f.min)),
    ("layerbench_build_slowest_seconds", "Slowest valid build.", |f| Some(f.max)),
];

pub(super) fn write(run: &Exported<'_>, out: &mut dyn Write) -> io::Result<()> {
    for (family, help, figure) in FIGURES {
        head(family, "seconds", help, out)?;
        for (place, cell) in run.cells() {
            if let Some(value) = cell.figures.as_ref().and_then(figure) {
                line(family, &labels(run, place), value.get(), out)?;
            }
        }
    }
    head("layerbench_builds", "", "Builds by what became of them; only those with status ok are in a figure.", out)?;
    for (place, cell) in run.cells() {
        for (status, count) in statuses(cell) {
            let mut labels = labels(run, place);
            labels.push(("status", status));
            line("layerbench_builds", &labels, count, out)?;
        }
    }
    head("layerbench_image_bytes", "bytes", "Size of the image as the engine gives it.", out)?;
    for (engine, approach, bytes) in run.images() {
        let mut labels = on_engine(run, engine);
        labels.push(("approach", approach.as_str()));
        line("layerbench_image_bytes", &labels, bytes.0, out)?;
    }
    about(run, out)?;
    writeln!(out, "# EOF")
}

fn labels<'a>(run: &'a Exported<'_>, place: Place<'a>) -> Vec<(&'static str, &'a str)> {
    let mut labels = on_engine(run, place.engine);
    labels.extend([("approach", place.approach.as_str()), ("scenario", place.scenario.as_str())]);
    labels
}

/// The labels that all samples have; the engine's name where there are several.
fn on_engine<'a>(run: &'a Exported<'_>, engine: &'a EngineId) -> Vec<(&'static str, &'a str)> {
    let study = ("study", run.study.as_str());
    [study].into_iter().chain(engine.shown().map(|engine| ("engine", engine))).collect()
}

fn statuses(cell: &TableCell) -> [(&'static str, usize); 5] {
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    [
        ("ok", cell.n()),
        ("failed", count(cell.others.failed)),
        ("invalid", count(cell.others.invalid)),
        ("timeout", count(cell.others.timeout)),
        ("interrupted", count(cell.others.interrupted)),
    ]
}

/// When the run began, and what must be known of it.
fn about(run: &Exported<'_>, out: &mut dyn Write) -> io::Result<()> {
    let study = ("study", run.study.as_str());
    if let Some(time) = parse_rfc3339(&run.started_at) {
        let family = "layerbench_run_start_timestamp_seconds";
        head(family, "seconds", "When the run began, in seconds since 1970.", out)?;
        line(family, &[study], time.unix_timestamp(), out)?;
    }
    head("layerbench_run", "", "The run that the figures are of; always 1.", out)?;
    for (engine, report) in &run.strata {
        let head = &report.head;
        let bases = head.bases.join(", ");
        let mut labels = on_engine(run, engine);
        labels.extend([
            ("run", head.run.as_str()),
            ("title", &run.title),
            ("docker_engine", &head.engine),
            ("cold", &head.cold),
            ("bases", &bases),
            ("revision", run.revision.as_deref().unwrap_or("")),
            ("program", &run.program),
        ]);
        line("layerbench_run", &labels, 1, out)?;
    }
    Ok(())
}

fn head(family: &str, unit: &str, help: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# TYPE {family} gauge")?;
    if !unit.is_empty() {
        writeln!(out, "# UNIT {family} {unit}")?;
    }
    writeln!(out, "# HELP {family} {help}")
}

fn line(family: &str, labels: &[(&str, &str)], value: impl Display, out: &mut dyn Write) -> io::Result<()> {
    let labels = labels.iter().map(|(name, value)| {
        let value = visible(value).replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name}=\"{value}\"")
    });
    writeln!(out, "{family}{{{}}} {value}", labels.collect::<Vec<_>>().join(","))
}
