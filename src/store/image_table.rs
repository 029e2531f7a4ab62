//! `images.csv`: size and layers of each approach's image, and what else was found out about it.
//! Columns are found by name; those that are not known here are criteria of the scorecard.

use super::csv_table::{lines, unreadable};
use super::schema::IMAGES as FILE;
use super::store_error::StoreError;
use super::writing;
use crate::model::{ApproachId, Bytes, EngineId, Image};
use crate::text::sheet;
use std::path::Path;

/// The columns that are no criteria.
const FIXED: [&str; 7] =
    ["engine", "approach", "image_bytes", "image_bytes_is", "layers", "layer_bytes", "layer_bytes_is"];

/// Writes the images of a run, as a whole or not at all: a row for each approach (and engine, where there are several),
/// `layer_bytes` separated by spaces, base first.
///
/// # Errors
/// When the table cannot be written.
pub fn write_images(run: &Path, images: &[Image]) -> Result<(), StoreError> {
    writing::put(&run.join(FILE), &image_table(images)?)
}

fn image_table(images: &[Image]) -> Result<Vec<u8>, StoreError> {
    let mut criteria: Vec<&str> = Vec::new();
    for (name, _) in images.iter().flat_map(|image| &image.scorecard) {
        if !criteria.contains(&name.as_str()) {
            criteria.push(name);
        }
    }
    let first = usize::from(images.iter().all(|image| image.engine.shown().is_none()));
    let head = FIXED.iter().skip(first).map(|name| (*name).to_owned());
    let mut rows = vec![head.chain(criteria.iter().map(|name| sheet(name))).collect()];
    for image in images {
        let layers: Vec<String> = image.layers.iter().map(|layer| layer.0.to_string()).collect();
        let fixed = [
            image.engine.shown().map_or(String::new(), sheet),
            sheet(image.approach.as_str()),
            image.bytes.map_or(String::new(), |bytes| bytes.0.to_string()),
            sheet(&image.definition),
            layers.len().to_string(),
            layers.join(" "),
            sheet(&image.layers_definition),
        ];
        let result = |name: &&str| {
            let found = image.scorecard.iter().find(|(criterion, _)| criterion == name);
            found.map_or(String::new(), |(_, value)| sheet(value))
        };
        rows.push(fixed.into_iter().skip(first).chain(criteria.iter().map(result)).collect());
    }
    lines(&rows)
}

/// Reads the images of a run; none where the run looked at none.
///
/// # Errors
/// When the table cannot be read, or is not as this version writes it.
pub fn images(run: &Path) -> Result<Vec<Image>, StoreError> {
    let file = run.join(FILE);
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let mut reader = csv::Reader::from_path(&file).map_err(|error| unreadable(&file, &error))?;
    let columns = reader.headers().map_err(|error| unreadable(&file, &error))?.clone();
    let place = |name: &str| columns.iter().position(|column| column == name);
    let (Some(approach), Some(layers)) = (place("approach"), place("layer_bytes")) else {
        return Err(StoreError::Columns {
            found: columns.iter().collect::<Vec<_>>().join(","),
            expected: "approach, layer_bytes and others".to_owned(),
            file,
        });
    };
    let engine = place("engine");
    let mut images = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| unreadable(&file, &error))?;
        let cell = |column: usize| row.get(column).unwrap_or_default();
        let wrong = |column: &str, found: &str, expected: &str| StoreError::Row {
            file: file.clone(),
            line: row.position().map_or(1, csv::Position::line),
            found: format!("{column} = {:?}", found.chars().take(80).collect::<String>()),
            expected: expected.to_owned(),
        };
        let name = "a name of letters, digits, '.', '_' and '-'";
        let sizes = cell(layers).split_whitespace().map(|size| size.parse().map(Bytes));
        let named = |name: &str| place(name).map(cell).unwrap_or_default().to_owned();
        let bytes = named("image_bytes");
        let others = columns.iter().zip(&row).filter(|(name, value)| !FIXED.contains(name) && !value.is_empty());
        images.push(Image {
            engine: EngineId::recorded(engine.map(cell)).map_err(|error| wrong("engine", &error.found, name))?,
            approach: ApproachId::new(cell(approach)).map_err(|_| wrong("approach", cell(approach), name))?,
            bytes: match bytes.as_str() {
                "" => None,
                size => Some(Bytes(size.parse().map_err(|_| wrong("image_bytes", size, "a whole number"))?)),
            },
            definition: named("image_bytes_is"),
            layers_definition: named("layer_bytes_is"),
            scorecard: others.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            layers: sizes
                .collect::<Result<_, _>>()
                .map_err(|_| wrong("layer_bytes", cell(layers), "whole numbers with spaces between them"))?,
        });
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_listed_with_their_layers() {
        let image = |name: &str, scorecard: &[(&str, &str)]| Image {
            engine: EngineId::only(),
            approach: ApproachId::new(name).unwrap(),
            bytes: Some(Bytes(161_000_000)),
            definition: "inspect".to_owned(),
            layers: vec![Bytes(100), Bytes(20)],
            layers_definition: "history".to_owned(),
            scorecard: scorecard.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let mut all = vec![image("a", &[("non_root", "yes"), ("=x", "@y")]), image("b", &[("cache_order", "no")])];
        all[1].bytes = None;
        all[1].layers.clear();
        let folder = tempfile::tempdir().unwrap();
        write_images(folder.path(), &all).unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        crate::snapshot::whole("images.csv", &text);
        let read = images(folder.path()).unwrap();
        assert_eq!(read[1], all[1]);
        assert_eq!(read[0].scorecard[1], ("'=x".to_owned(), "'@y".to_owned()), "as a spreadsheet shows it");
    }

    #[test]
    fn layers_come_back_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(images(folder.path()).unwrap(), []);
        let write = |text: &str| std::fs::write(folder.path().join(FILE), text).unwrap();
        let head = "approach,image_bytes,image_bytes_is,layers,layer_bytes,prints_as_expected\n";
        write(&format!("{head}a,120,x,2,100 20,yes\nb,,x,0,,no\n"));
        let read = images(folder.path()).unwrap();
        assert_eq!(read[0].layers, [Bytes(100), Bytes(20)]);
        assert_eq!(read[0].bytes, Some(Bytes(120)));
        assert_eq!(read[0].scorecard, [("prints_as_expected".to_owned(), "yes".to_owned())]);
        assert_eq!((read[1].approach.as_str(), read[1].layers.len(), read[1].engine.shown()), ("b", 0, None));
        for (text, named) in [
            (format!("{head}a,120,x,2,100 many,yes\n"), "layer_bytes = \"100 many\""),
            (format!("{head}a,much,x,2,100,yes\n"), "image_bytes = \"much\""),
            (format!("{head}=a,120,x,2,100,yes\n"), "approach = \"=a\""),
            (format!("engine,{head}/,a,1,x,1,1,yes\n"), "engine = \"/\""),
            ("a,b\n1,2\n".to_owned(), "a,b"),
            (format!("{head}a\n"), "1 cells"),
        ] {
            write(&text);
            let error = images(folder.path()).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("images.csv"), "{error}");
        }
    }
}
