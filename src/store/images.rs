//! `images.csv` read back: size and layers of each approach's image, and what else was found out about it.
//! Columns are found by name; those that are not known here are criteria of the scorecard.
//! It is written by the reports.

use super::error::StoreError;
use super::table::unreadable;
use crate::model::{ApproachId, Bytes, EngineId};
use std::path::Path;

const FILE: &str = "images.csv";

/// The image of an approach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// The engine, where the run has several.
    pub engine: Option<EngineId>,
    /// The approach.
    pub approach: ApproachId,
    /// Size of the image; `None` where no image came out.
    pub bytes: Option<Bytes>,
    /// Which size that is.
    pub definition: String,
    /// Sizes of its layers, base first.
    pub layers: Vec<Bytes>,
    /// Which sizes those are.
    pub layers_definition: String,
    /// Results of the scorecard by criterion.
    pub scorecard: Vec<(String, String)>,
}

/// The columns that are no criteria.
const FIXED: [&str; 7] =
    ["engine", "approach", "image_bytes", "image_bytes_is", "layers", "layer_bytes", "layer_bytes_is"];

/// Reads the images of a run; none where the run looked at none.
///
/// # Errors
/// When the table cannot be read, or is not as this version writes it.
pub fn images(run: &Path) -> Result<Vec<StoredImage>, StoreError> {
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
        images.push(StoredImage {
            engine: match engine.map(cell) {
                None => None,
                Some(found) => Some(EngineId::new(found).map_err(|_| wrong("engine", found, name))?),
            },
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
        assert_eq!((read[1].approach.as_str(), read[1].layers.len(), read[1].engine.as_ref()), ("b", 0, None));
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
