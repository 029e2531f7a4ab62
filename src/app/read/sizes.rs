//! Which sizes of an image are recorded, in words for the record and the reports. The two kinds of image store mean
//! different things by the same call, so a size is never given without them.

use crate::model::{Bytes, EngineId, ImageStore};
use crate::store::{EngineRecord, RunRecord};

/// The size of a whole image.
pub fn of_image(engine: &EngineRecord) -> String {
    let size = "size as the engine's inspect call gives it";
    match engine.fingerprint.image_store() {
        Some(ImageStore::GraphDriver) => format!("{size} (its layers unpacked)"),
        Some(ImageStore::Containerd) => {
            format!("{size} (containerd image store: its layers as a registry would hold them)")
        }
        _ => size.to_owned(),
    }
}

/// The sizes of its layers.
pub fn of_layers(engine: &EngineRecord) -> String {
    let size = "sizes as the engine's history call gives them";
    match engine.fingerprint.image_store() {
        Some(ImageStore::GraphDriver) => format!("{size} (unpacked)"),
        Some(ImageStore::Containerd) => format!("{size} (containerd image store: room that they take on the disk)"),
        _ => size.to_owned(),
    }
}

/// Whether two sizes of an image on an engine of a run are no change: to the byte where layers are counted unpacked, but
/// for what packing varies by where they are counted packed.
pub fn alike(run: &RunRecord, engine: &EngineId, before: Bytes, after: Bytes) -> bool {
    let on = run.engines().into_iter().find(|record| record.id() == *engine);
    let packed = on.is_some_and(|record| record.fingerprint.image_store() == Some(ImageStore::Containerd));
    if packed { before.nearly(after) } else { before == after }
}
