//! How many manifests a run asks Docker Hub for, against the limit that applies to it.

use crate::model::ApproachId;
use crate::project::dockerfile::normalize;
use crate::runner::Recipe;
use std::collections::BTreeMap;

/// Anonymous pulls that Docker Hub allows in six hours from one address.
/// Source: Docker Hub's documentation on usage and limits.
const ANONYMOUS_LIMIT: u64 = 100;

/// What helps against the limit.
pub const REMEDY: &str = "log in with `docker login`, take fewer repetitions, use --registry-cache, or name a mirror with --base or in the engine's registry-mirrors";

/// Manifests that one block of cold builds asks Docker Hub for.
fn per_block(recipes: &BTreeMap<ApproachId, Recipe>) -> u64 {
    let hub = |reference: &&String| normalize(reference).starts_with("docker.io/");
    recipes.values().map(|recipe| recipe.bases.iter().filter(hub).count() as u64).sum()
}

/// Whether a run of so many blocks stays below the limit, and a line that says so.
pub fn examine(recipes: &BTreeMap<ApproachId, Recipe>, blocks: u32, cached: bool) -> (bool, String) {
    let block = per_block(recipes);
    if block == 0 {
        return (true, "no base image comes from Docker Hub".to_owned());
    }
    if cached {
        let text = "each manifest of Docker Hub is asked for once: a registry cache answers afterwards";
        return (true, text.to_owned());
    }
    let all = block * u64::from(blocks);
    let text = format!(
        "{block} manifests a block from Docker Hub, {all} for {blocks} blocks; its limit is {ANONYMOUS_LIMIT} in six hours without a login"
    );
    (all <= ANONYMOUS_LIMIT, text)
}
