//! Each form as a whole against `tests/golden/export/`. Whether the programs that they are for take
//! them is checked by `tests/oracles/check-exports`.

use super::super::tests::{findings, golden, head};
use super::*;
use crate::analysis::findings::judge;
use crate::analysis::table::table;
use crate::analysis::testing::{approaches, raw_samples, scenarios};
use crate::model::{EngineId, Sample, Status};
use crate::report::content::Report;

/// The article's raw figures, with builds that went wrong, and one cell where all did.
fn samples() -> Vec<Sample> {
    let mut samples = raw_samples();
    for (index, sample) in samples.iter_mut().enumerate() {
        sample.key.block = u32::try_from(index / 30).unwrap() + 1;
    }
    let spoil = |sample: &mut Sample, status, reason: &str| {
        sample.status = status;
        sample.reason = reason.to_owned();
    };
    spoil(
        &mut samples[3],
        Status::Failed,
        "[build 2/5] RUN pip install poetry: exit code 1⏎| no <b>space</b> & \"left\"",
    );
    spoil(&mut samples[8], Status::Timeout, "stopped after 600 s");
    spoil(&mut samples[46], Status::Invalid, "step answered from the cache: RUN `x`");
    let all = |s: &&mut Sample| s.key.approach.as_str() == "05-final" && s.key.scenario.as_str() == "warm";
    samples.iter_mut().filter(all).for_each(|sample| spoil(sample, Status::Interrupted, "stopped"));
    samples
}

fn write(form: Exchange, engines: &[Option<&str>]) -> Vec<u8> {
    let samples = samples();
    let table = table(&samples, &approaches(), &scenarios());
    let report = |engine: &Option<&str>| {
        let report = Report::new(head(), &table, &samples).findings(judge(&table, &findings()));
        (EngineId::recorded(*engine).unwrap(), report)
    };
    let run = Exported {
        strata: engines.iter().map(report).collect(),
        study: "article".to_owned(),
        title: head().title,
        started_at: "2026-11-23T07:00:00.250Z".to_owned(),
        revision: Some("0123456789ab*".to_owned()),
        program: "0.1.0".to_owned(),
    };
    let mut out = Vec::new();
    form.write(&run, &mut out).unwrap();
    out
}

#[test]
fn every_form_as_a_whole() {
    for (form, file) in [
        (Exchange::Bencher, "bencher.json"),
        (Exchange::SmallerIsBetter, "smaller.json"),
        (Exchange::Hyperfine, "hyperfine.json"),
        (Exchange::Otava, "otava.csv"),
        (Exchange::Junit, "junit.xml"),
        (Exchange::OpenMetrics, "openmetrics.txt"),
    ] {
        let text = write(form, &[None]);
        golden(&format!("export/{file}"), |out| out.write_all(&text));
    }
}

#[test]
fn engines_are_told_apart_by_name() {
    let engines = [Some("old"), Some("new")];
    let json = |form| serde_json::from_slice::<serde_json::Value>(&write(form, &engines)).unwrap();
    let bencher = json(Exchange::Bencher);
    assert_eq!(bencher.as_object().unwrap().len(), 72);
    assert!(bencher.get("old/01-simple/cold").is_some() && bencher.get("new/01-simple").is_some());
    let names = |value: &serde_json::Value, key: &str| {
        let items = value.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned());
        items.collect::<std::collections::BTreeSet<_>>().len()
    };
    // 29 cells with a figure, 6 images and what is in no figure, on each.
    assert_eq!(names(&json(Exchange::SmallerIsBetter), "name"), 72);
    assert_eq!(names(&json(Exchange::Hyperfine)["results"], "command"), 58);
    let text = |form| String::from_utf8(write(form, &engines)).unwrap();
    let columns = text(Exchange::Otava).lines().next().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(columns.len(), 3 + 72);
    assert!(columns.contains(&"new/05-final image bytes".to_owned()));
    let junit = text(Exchange::Junit);
    assert!(junit.contains("classname=\"article.new.05-final\"") && junit.contains("name=\"old/findings\""));
    let metrics = text(Exchange::OpenMetrics);
    assert!(
        metrics.contains("layerbench_image_bytes{study=\"article\",engine=\"new\",approach=\"05-final\"} 161000000")
    );
    let samples: Vec<&str> = metrics.lines().filter(|line| !line.starts_with('#')).collect();
    let names: std::collections::HashSet<&str> =
        samples.iter().filter_map(|line| line.rsplit_once(' ')).map(|l| l.0).collect();
    assert_eq!(names.len(), samples.len(), "each sample once");
}

#[test]
fn what_a_night_does_not_have_is_no_number() {
    let night = |run: &str, revision: Option<&str>, values: &[Option<f64>]| NightRow {
        started_at: "2026-11-23T07:00:00Z".to_owned(),
        run: run.to_owned(),
        revision: revision.map(str::to_owned),
        values: values.to_vec(),
    };
    let nights = [night("one", Some("abc"), &[Some(1.5), None]), night("=two", None, &[None])];
    let columns = ["a/cold", "a image bytes"].map(str::to_owned);
    let mut out = Vec::new();
    write_nights(&columns, &nights, &mut out).unwrap();
    let expected = "time,run,commit,a/cold,a image bytes\n2026-11-23T07:00:00Z,one,abc,1.5,nan\n2026-11-23T07:00:00Z,'=two,,nan,nan\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
