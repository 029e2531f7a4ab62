//! Samples and the article's figures for the tests of `analysis`.
//!
//! Compiled for tests only.

use super::published::{Published, PublishedCell, PublishedImage};
use super::table::{ColumnHead, RowHead, Table, table};
use crate::model::*;

pub const APPROACHES: [&str; 6] =
    ["01-simple", "02-simple-slim", "03-multi-stage", "04-no-root", "05-final", "06-final-slim-build"];
pub const SCENARIOS: [(&str, &str, CacheState); 5] = [
    ("cold", "Cold cache", CacheState::Cold),
    ("warm", "Without changes", CacheState::Warm),
    ("sources-changed", "Sources changed", CacheState::Changed),
    ("main-requirements-changed", "Main requirements changed", CacheState::Changed),
    ("dev-requirements-changed", "Dev requirements changed", CacheState::Changed),
];

pub fn approach(name: &str) -> ApproachId {
    ApproachId::new(name).unwrap()
}

pub fn scenario(name: &str) -> ScenarioId {
    ScenarioId::new(name).unwrap()
}

pub fn sample(row: &str, column: &str, seconds: f64) -> Sample {
    let key = BuildKey { block: 1, position: 1, approach: approach(row), scenario: scenario(column) };
    Sample { steps: 4, ..Sample::bare(key, Seconds::new(seconds).unwrap()) }
}

pub fn scenarios() -> Vec<ColumnHead> {
    let scenario = |&(id, title, cache): &(&str, &str, CacheState)| ColumnHead {
        id: scenario(id),
        title: title.to_owned(),
        cache,
    };
    SCENARIOS.iter().map(scenario).collect()
}

pub fn approaches() -> Vec<RowHead> {
    let sizes = [1_150, 289, 161, 161, 161, 161];
    let rows = APPROACHES.iter().zip(sizes);
    rows.map(|(name, size)| RowHead { id: approach(name), image: Some(Bytes(size * 1_000_000)) }).collect()
}

/// The raw figures that the article published: 8 samples per cell.
pub fn raw_samples() -> Vec<Sample> {
    let text = include_str!("../../tests/data/stats/article-raw.csv");
    let mut samples = Vec::new();
    for line in text.lines().skip(1) {
        let mut parts = line.split(';');
        let row = parts.next().unwrap().replace("multistage", "multi-stage");
        for ((column, ..), value) in SCENARIOS.iter().zip(parts) {
            samples.push(sample(&row, column, value.parse().unwrap()));
        }
    }
    assert_eq!(samples.len(), 240);
    samples
}

pub fn raw_table() -> Table {
    table(&raw_samples(), &approaches(), &scenarios())
}

/// The article's table.
pub fn published() -> Published {
    let text = include_str!("../../tests/data/stats/article.csv");
    let seconds = |text: &str| Seconds::new(text.parse().unwrap()).unwrap();
    let cells = text.lines().skip(1).map(|line| {
        let parts: Vec<&str> = line.split(',').collect();
        PublishedCell {
            approach: approach(parts[0]),
            scenario: scenario(parts[1]),
            median: seconds(parts[2]),
            min: seconds(parts[3]),
            max: seconds(parts[4]),
        }
    });
    let images = approaches()
        .into_iter()
        .map(|approach| PublishedImage { approach: approach.id, bytes: approach.image.unwrap() });
    Published { cells: cells.collect(), images: images.collect() }
}
