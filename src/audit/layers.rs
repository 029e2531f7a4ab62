//! The layers of an image, from the tar stream that an engine saves it as: what each brings, and what a later one hides.
//! Both forms are read, `NAME/layer.tar` and an OCI layout; layers may be plain or gzipped, in any order.

use super::detect::secret;
use super::inventory::{
    FileEntry, FileKind, MOST_ENTRIES, MOST_FILE_BYTES, MOST_PATH_BYTES, looks_like_key, maybe_key, too_many,
};
use super::members::{Member, Members, clean_path};
use crate::text::time::parse_rfc3339;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Cursor, Read};
use tar::EntryType;
use time::OffsetDateTime;

/// The longest JSON document that is read of an image, and how many of them.
const LONGEST_JSON: u64 = 4 << 20;
/// An engine with the older image store saves one of them for each layer, of which there may be 127, beside the others.
const MOST_JSON: usize = 256;
const MOST_JSON_BYTES: u64 = 32 << 20;
/// Engines make no image of more than 127 layers.
const MOST_LAYERS: usize = 1024;
/// The document that names the layers in their order.
const MANIFEST: &str = "manifest.json";
/// The comment of entries that BuildKit adds to a history that is shorter than the image.
const FILLED_IN: &str = "buildkit.exporter.image.v0";
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// What one layer brings.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// Regular files and their sizes; further names of a file have size 0.
    pub files: Vec<(Box<str>, u64)>,
    /// Links and special files: they hide what was at their path.
    others: Vec<Box<str>>,
    /// Paths that it deletes.
    deleted: Vec<Box<str>>,
    /// Folders whose earlier contents it deletes.
    emptied: Vec<Box<str>>,
    /// Secrets-like files among its files.
    pub secrets: Vec<Box<str>>,
    /// The command that made it, as the image's history says; may be empty.
    pub command: String,
    /// When it was made, as the image's history says.
    created: Option<OffsetDateTime>,
    /// Bytes of its regular files.
    pub bytes: u64,
    /// Of these, the bytes that a later layer hides or deletes.
    pub hidden_bytes: u64,
}

/// An image's layers, base first.
#[derive(Clone, Debug, Default)]
pub struct Layers(pub Vec<Layer>);

impl Layers {
    /// Reads a saved image to its end.
    ///
    /// # Errors
    /// When the stream breaks off, is no saved image, or a layer is compressed in a way that is not known.
    pub fn read(stream: impl Read) -> io::Result<Self> {
        let mut found = Found::default();
        let mut members = Members::new(stream);
        while let Some(member) = members.following()? {
            match member.kind {
                EntryType::Symlink | EntryType::Link => {
                    let target = clean_path(&member.link).trim_start_matches("../").to_owned();
                    found.links.insert(member.path, target);
                }
                EntryType::Regular if member.size > 0 => found.take(member.path, &mut members)?,
                _ => {}
            }
        }
        found.finish()
    }

    /// Number of layers below the last place in the history where at least `gap` passed: an image's own layers are made
    /// within one build, its base image's before. Those at the bottom of which the history says nothing are the base's.
    /// `None` when the history has no such place.
    #[must_use]
    pub fn base_by_time(&self, gap: time::Duration) -> Option<usize> {
        let without = self.0.iter().take_while(|layer| layer.created.is_none()).count();
        let moments: Vec<OffsetDateTime> =
            self.0.iter().skip(without).map(|layer| layer.created).collect::<Option<_>>()?;
        let steps: Vec<time::Duration> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let place = steps.iter().rposition(|step| *step >= gap).map(|place| without + place + 1);
        place.or((without > 0 && !moments.is_empty()).then_some(without))
    }

    /// Number of the layers below the first that was made at a moment or later; `None` when the history has none.
    #[must_use]
    pub fn older_than(&self, moment: OffsetDateTime) -> Option<usize> {
        self.0.iter().position(|layer| layer.created.is_some_and(|made| made >= moment))
    }

    /// For each file of the merged file system, the number of the layer that it comes from, counted from 0.
    #[must_use]
    pub fn owners(&self) -> HashMap<&str, usize> {
        let layers = self.0.iter().enumerate();
        layers.flat_map(|(number, layer)| layer.files.iter().map(move |(path, _)| (&**path, number))).collect()
    }

    /// Bytes that later layers hide or delete.
    #[must_use]
    pub fn hidden_bytes(&self) -> u64 {
        self.0.iter().map(|layer| layer.hidden_bytes).sum()
    }
}

/// What a saved image holds, in whatever order.
#[derive(Default)]
struct Found {
    documents: BTreeMap<String, Value>,
    layers: HashMap<String, Layer>,
    links: HashMap<String, String>,
    /// Bytes of all documents.
    json_bytes: u64,
    entries: usize,
    /// Bytes of all their paths.
    path_bytes: usize,
    /// Bytes that all their files claim to have.
    file_bytes: u64,
}

impl Found {
    /// One file of the saved image: a document, or a layer.
    fn take(&mut self, path: String, content: &mut impl Read) -> io::Result<()> {
        let mut head = Vec::new();
        content.by_ref().take(512).read_to_end(&mut head)?;
        let empty_tar = head.len() == 512 && head.iter().all(|byte| *byte == 0);
        let tar = head.get(257..262) == Some(b"ustar".as_slice()) || empty_tar;
        let gzip = head.starts_with(&[0x1f, 0x8b]);
        let zstd = head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        let document = matches!(head.first(), Some(b'{' | b'['));
        let whole = Cursor::new(head).chain(content);
        if gzip {
            let layer = self.layer(MultiGzDecoder::new(whole))?;
            self.layers.insert(path, layer);
        } else if tar {
            let layer = self.layer(whole)?;
            self.layers.insert(path, layer);
        } else if zstd {
            return Err(io::Error::other("a layer is compressed with zstd, which is not read"));
        } else if document && (self.documents.len() < MOST_JSON || path == MANIFEST) {
            let mut text = Vec::new();
            whole.take(LONGEST_JSON.min(MOST_JSON_BYTES - self.json_bytes)).read_to_end(&mut text)?;
            self.json_bytes += text.len() as u64;
            if let Ok(document) = serde_json::from_slice(&text) {
                self.documents.insert(path, document);
            }
        }
        Ok(())
    }

    fn layer(&mut self, stream: impl Read) -> io::Result<Layer> {
        let mut layer = Layer::default();
        let mut members = Members::new(stream);
        while let Some(member) = members.following()? {
            self.count(1, member.path.len(), member.size)?;
            let (folder, name) = member.path.rsplit_once('/').unwrap_or(("", &member.path));
            if name == OPAQUE {
                layer.emptied.push(folder.into());
            } else if let Some(name) = name.strip_prefix(WHITEOUT) {
                layer.deleted.push(clean_path(format!("{folder}/{name}").as_bytes()).into());
            } else {
                layer.bring(&member, &mut members)?;
            }
        }
        Ok(layer)
    }

    /// Holds what all layers have together against the limits.
    fn count(&mut self, entries: usize, path_bytes: usize, file_bytes: u64) -> io::Result<()> {
        self.entries = self.entries.saturating_add(entries);
        self.path_bytes = self.path_bytes.saturating_add(path_bytes);
        self.file_bytes = self.file_bytes.saturating_add(file_bytes);
        let most = self.entries > MOST_ENTRIES || self.path_bytes > MOST_PATH_BYTES;
        if most || self.file_bytes > MOST_FILE_BYTES { Err(too_many()) } else { Ok(()) }
    }

    /// Puts the layers in their order.
    fn finish(mut self) -> io::Result<Layers> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("a saved image {what}"));
        let manifest = self.documents.get(MANIFEST).and_then(|all| all.get(0));
        let manifest = manifest.ok_or_else(|| wrong("without its manifest"))?;
        let names: Vec<String> =
            manifest["Layers"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        if names.len() > MOST_LAYERS {
            return Err(wrong(&format!("of {} layers, more than any engine makes", names.len())));
        }
        let config = manifest["Config"].as_str().and_then(|name| self.documents.get(name));
        let made = config.map(history).unwrap_or_default();
        let mut all = Vec::new();
        for (number, name) in names.iter().enumerate() {
            let stored = if self.layers.contains_key(name) { name } else { self.links.get(name).unwrap_or(name) };
            // A layer that an image has twice is saved once.
            let again =
                names[number + 1..].iter().any(|later| later == stored || self.links.get(later) == Some(stored));
            let layer = if again { self.layers.get(stored).cloned() } else { self.layers.remove(stored) };
            let mut layer = layer
                .ok_or_else(|| wrong(&format!("without its layer {:?}", name.chars().take(80).collect::<String>())))?;
            if again {
                self.count(layer.paths().count(), layer.paths().map(str::len).sum(), layer.bytes)?;
            }
            // A history that does not fit the layers says nothing of them.
            if let Some((command, created)) = made.get(number).filter(|_| made.len() == names.len()) {
                (layer.command, layer.created) = (command.clone(), *created);
            }
            all.push(layer);
        }
        count_hidden(&mut all);
        Ok(Layers(all))
    }
}

impl Layer {
    /// All paths that it brings or deletes.
    fn paths(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().map(|(path, _)| &**path);
        files.chain(self.others.iter().chain(&self.deleted).chain(&self.emptied).map(|path| &**path))
    }

    /// Takes in one path.
    fn bring(&mut self, member: &Member, content: &mut impl Read) -> io::Result<()> {
        let mut found = FileEntry::of(member);
        match found.kind {
            FileKind::File => {
                found.private_key = maybe_key(&found.path) && looks_like_key(content)?;
                self.bytes += found.size;
                if secret(&found) {
                    self.secrets.push(found.path.clone());
                }
                self.files.push((found.path, found.size));
            }
            FileKind::HardLink => self.files.push((found.path, 0)),
            FileKind::Folder => {}
            FileKind::Link | FileKind::Special => self.others.push(found.path),
        }
        Ok(())
    }
}

/// Command and time of the entries of a configuration's history that made a layer.
fn history(config: &Value) -> Vec<(String, Option<OffsetDateTime>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = config["history"].as_array().into_iter().flatten();
    let mut made: Vec<&Value> = entries.filter(|entry| entry["empty_layer"].as_bool() != Some(true)).collect();
    // Of a base image without a history BuildKit writes its layers behind those of the build.
    let filled = made.iter().rev().take_while(|entry| entry["comment"] == FILLED_IN).count();
    made.rotate_right(filled);
    let moment = |value: &Value| parse_rfc3339(value.as_str()?);
    let described = |(number, entry): (usize, &&Value)| match number < filled {
        true => (String::new(), None),
        false => (text(&entry["created_by"]), moment(&entry["created"])),
    };
    made.iter().enumerate().map(described).collect()
}

/// From the last layer to the first: what is above hides what is below at the same path, and below what it deletes.
fn count_hidden(layers: &mut [Layer]) {
    // Paths that end whatever lies at and below them: deleted ones, and those that are no folder above.
    let mut ended: HashSet<Box<str>> = HashSet::new();
    let mut emptied: HashSet<Box<str>> = HashSet::new();
    for layer in layers.iter_mut().rev() {
        let hidden = |path: &str| {
            let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
            ended.contains(path)
                || emptied.contains("")
                || folders.any(|folder| ended.contains(folder) || emptied.contains(folder))
        };
        layer.hidden_bytes = layer.files.iter().filter(|(path, _)| hidden(path)).map(|(_, size)| size).sum();
        let paths = layer.files.iter().map(|(path, _)| path);
        ended.extend(paths.chain(&layer.others).chain(&layer.deleted).cloned());
        emptied.extend(layer.emptied.iter().cloned());
    }
}
