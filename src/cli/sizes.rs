//! Which sizes of an image are recorded, in words for the record and the reports. The two kinds of image store mean
//! different things by the same call, so a size is never given without them.

use crate::store::EngineRecord;

/// The size of a whole image.
pub fn of_image(engine: &EngineRecord) -> String {
    let size = "size as the engine's inspect call gives it";
    match engine.fact("image_store") {
        Some("graphdriver") => format!("{size} (its layers unpacked)"),
        Some("containerd") => format!("{size} (containerd image store: its layers as a registry would hold them)"),
        _ => size.to_owned(),
    }
}

/// The sizes of its layers.
pub fn of_layers(engine: &EngineRecord) -> String {
    let size = "sizes as the engine's history call gives them";
    match engine.fact("image_store") {
        Some("graphdriver") => format!("{size} (unpacked)"),
        Some("containerd") => format!("{size} (containerd image store: room that they take on the disk)"),
        _ => size.to_owned(),
    }
}
