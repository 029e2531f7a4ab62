//! What a study may read that lies outside of its own folder. A study can come from anybody, and what it reads is built
//! from: only the project around it is read without being asked about. Anything else takes `--allow-outside`.

use crate::study::{SecretSource, Source, Study};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a study reads from elsewhere, a line each.
pub fn found(study: &Study) -> Vec<String> {
    let mut all = BTreeSet::new();
    if let Source::Folder(folder) = &study.source
        && !is_near(study.folder(), folder)
    {
        all.insert(format!("the project {}", folder.display()));
    }
    for (name, source) in study.approaches.iter().flat_map(|approach| &approach.settings.secrets) {
        match source {
            SecretSource::File(path) if is_near(study.folder(), path) => {}
            SecretSource::File(path) => drop(all.insert(format!("the file {} for the secret {name}", path.display()))),
            SecretSource::Environment(variable) => {
                all.insert(format!("the variable {variable} for the secret {name}"));
            }
        }
    }
    all.into_iter().collect()
}

/// Whether a repository's address is that of one elsewhere on this machine.
pub fn is_repository(study: &Path, address: &str) -> bool {
    let path = address.strip_prefix("file://").map_or(address, |rest| rest.find('/').map_or("/", |at| &rest[at..]));
    let on_this_machine = path != address || !crate::project::git::is_url(address);
    on_this_machine && !is_near(study, Path::new(path))
}

/// Whether a place belongs to a study: it is in its folder, in the folder that this lies in, or in the git repository
/// around it. The user's home and what is around it, and a folder that everybody may write into, belong to none.
fn is_near(study: &Path, place: &Path) -> bool {
    let Ok(place) = place.canonicalize() else { return true }; // nothing is read there
    let home = std::env::var_os("HOME").map(PathBuf::from).and_then(|home| home.canonicalize().ok());
    let private = |top: &&Path| {
        top.parent().is_some()
            && home.as_ref().is_none_or(|home| !home.starts_with(top))
            && fs::metadata(top).is_ok_and(|data| data.permissions().mode() & 0o002 == 0)
    };
    // Not what the repository's own configuration calls its work tree.
    let repository = study.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok());
    let tops = [study.parent(), repository];
    place.starts_with(study) || tops.into_iter().flatten().filter(private).any(|top| place.starts_with(top))
}
