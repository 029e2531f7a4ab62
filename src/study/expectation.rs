//! Claims that a run can confirm or contradict, and what the figures have to show for them.
//! Whether they do is decided elsewhere.

use crate::model::{ApproachId, ScenarioId};

/// A claim that a run can confirm or contradict.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its name, of the same form as the other names.
    pub id: String,
    /// The claim in one line, for people.
    pub claim: String,
    /// What the figures have to show.
    pub expects: Expectation,
}

/// What the figures have to show for a claim to hold. Each approach of the first list is held
/// against each of `than`.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// Builds take less time.
    Faster {
        /// The approaches that are claimed to be faster.
        approaches: Vec<ApproachId>,
        /// The approaches that they are held against.
        than: Vec<ApproachId>,
        /// The scenario that this is about.
        scenario: ScenarioId,
        /// At least this many times faster; above 1. `None` when any difference will do.
        by: Option<f64>,
    },
    /// Images have fewer bytes.
    Smaller {
        /// The approaches whose images are claimed to be smaller.
        approaches: Vec<ApproachId>,
        /// The approaches that they are held against.
        than: Vec<ApproachId>,
    },
    /// Builds take between `at_least` and `at_most` times as long as those that they are held against.
    Ratio {
        /// The approaches that this is about.
        approaches: Vec<ApproachId>,
        /// The scenario that this is about.
        scenario: ScenarioId,
        /// The approaches that they are held against; empty for each against itself.
        than: Vec<ApproachId>,
        /// The scenario that they are held against; the same one if `None`.
        than_scenario: Option<ScenarioId>,
        /// Smallest ratio; 0 for none.
        at_least: f64,
        /// Largest ratio.
        at_most: f64,
    },
    /// The images that an approach gives in two scenarios have about the same number of bytes.
    SameSize {
        /// The approaches that this is about.
        approaches: Vec<ApproachId>,
        /// One scenario.
        scenario: ScenarioId,
        /// The other scenario.
        than_scenario: ScenarioId,
        /// Largest difference that still counts as none, as a share of the first size.
        within: f64,
    },
    /// Images have about the same number of bytes.
    UnchangedSize {
        /// The approaches whose images are claimed to be as large.
        approaches: Vec<ApproachId>,
        /// The approaches that they are held against.
        than: Vec<ApproachId>,
        /// Largest difference that still counts as none, as a share of the size: 0.01 is one percent.
        within: f64,
    },
}
