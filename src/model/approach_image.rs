//! The image that stands for an approach in a run: its size, its layers, and what else was found out about it.

use super::ident::{ApproachId, EngineId};
use super::quantity::Bytes;

/// The image of an approach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The engine that holds it.
    pub engine: EngineId,
    /// The approach: the row of the table.
    pub approach: ApproachId,
    /// Size of the image; `None` where no image came out.
    pub bytes: Option<Bytes>,
    /// Which size that is.
    pub definition: String,
    /// Sizes of its layers, base first.
    pub layers: Vec<Bytes>,
    /// Which sizes those are.
    pub layers_definition: String,
    /// Results of the scorecard by criterion; the criteria of all images of a run are columns of one table.
    pub scorecard: Vec<(String, String)>,
}
