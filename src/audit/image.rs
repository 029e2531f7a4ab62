//! Audits one image on an engine: its export and its layers are read at the same time, then it is started under
//! restrictions. The only part of the scorecard that asks an engine; what comes of it is judged in [`super::criteria`].

use super::criteria::{AuditedImage, judge};
use super::demands::{Demands, check};
use super::detect::findings;
use super::inventory::Inventory;
use super::layers::Layers;
use super::lock::NeededError;
use crate::engine::EngineError;
use crate::engine::wire::looker::start::{Restrictions, Started};
use crate::engine::wire::looker::{ImageSelf, Listed, Looker};
use crate::model::{SCORECARD_SCHEMA, Scorecard};
use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::time::Duration;
use time::OffsetDateTime;

/// A user that no image knows.
const ARBITRARY: &str = "64321:64321";

/// A base image was made at least this long before the layers on it.
const GAP: time::Duration = time::Duration::hours(1);

/// What an audit is asked for beside the image.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long each started container may run.
    pub limit: Duration,
    /// When the first of its builds began, if that is known: layers that are older are the base image's.
    pub built_since: Option<OffsetDateTime>,
    /// Names of the Python distributions that are needed at run time, if known; or why they are not.
    pub needed: Option<Result<BTreeSet<String>, NeededError>>,
    /// Demands on the image.
    pub demands: Demands,
}

/// Audits an image.
///
/// # Errors
/// When the engine has no such image or cannot export it, or the user wants to stop. What else goes wrong makes a verdict
/// unknown, with the reason.
pub fn audit(looker: &Looker, image: &str, options: &Options) -> Result<Scorecard, EngineError> {
    let about = looker.image(image)?;
    // By its id: of a bare name, an engine saves every tag.
    let (inventory, layers) = std::thread::scope(|scope| {
        let layers = scope.spawn(|| looker.save(&about.id, |stream| Layers::read(stream)));
        let inventory = looker.export(&about.id, |stream| Inventory::read(stream));
        let layers = layers.join().unwrap_or_else(|broken| resume_unwind(broken));
        (inventory, layers)
    });
    let inventory = inventory?;
    // What it is based on and how it is listed are no reason to give up.
    let listed = looker.listed().unwrap_or_default();
    let listed_bytes = listed.iter().find(|image| image.id == about.id).map(|image| image.bytes);
    let (base, base_how) = base(&about, &listed, &layers, options.built_since);
    let (arbitrary, read_only, writable) = starts(looker, &about, options.limit)?;
    let found = findings(&inventory);
    let facts = AuditedImage {
        about: &about,
        listed_bytes,
        inventory: &inventory,
        found: &found,
        layers: layers.as_ref(),
        base,
        needed: options.needed.as_ref(),
        arbitrary,
        read_only,
        writable,
        max_writable: options.demands.writable_paths,
        max_bytes: options.demands.max_bytes,
    };
    let criteria = judge(&facts);
    let mut card = Scorecard {
        schema: SCORECARD_SCHEMA.to_owned(),
        image: image.to_owned(),
        id: about.id.clone(),
        approach: None,
        engine: None,
        base: base_how,
        criteria,
        demands: Vec::new(),
    };
    card.demands = check(&card, &options.demands);
    Ok(card)
}

/// How many layers are the base image's, and how that is known.
fn base(
    about: &ImageSelf,
    listed: &[Listed],
    layers: &Result<Layers, EngineError>,
    built_since: Option<OffsetDateTime>,
) -> (Option<usize>, String) {
    let layers = layers.as_ref().ok();
    if let Some(count) = built_since.and_then(|since| layers?.older_than(since)) {
        return (Some(count), "the layers made before the run".to_owned());
    }
    let below =
        |layers: &[String]| !layers.is_empty() && layers.len() < about.layers.len() && about.layers.starts_with(layers);
    let found = listed.iter().filter(|image| below(&image.layers)).max_by_key(|image| image.layers.len());
    if let Some(Listed { names, layers, .. }) = found {
        return (Some(layers.len()), format!("the layers of {}, which is on the engine", names.join(", ")));
    }
    match layers.and_then(|layers| layers.base_by_time(GAP)) {
        Some(count) => (Some(count), "the image's history: layers made an hour or more before the next".to_owned()),
        None => {
            (None, "unknown: no image on the engine has its first layers, and its history shows no break".to_owned())
        }
    }
}

type Run = Option<Started>;

/// As an arbitrary user, under a read-only root, and with a root that can be written; none of an image that names no
/// command.
fn starts(looker: &Looker, about: &ImageSelf, limit: Duration) -> Result<(Run, Run, Run), EngineError> {
    if !about.has_command {
        return Ok((None, None, None));
    }
    let ways = [
        Restrictions { user: Some(ARBITRARY.to_owned()), read_only: false },
        Restrictions { user: None, read_only: true },
        Restrictions { user: None, read_only: false },
    ];
    let mut ended = looker.start(&about.id, &ways, limit)?.into_iter();
    Ok((ended.next(), ended.next(), ended.next()))
}
