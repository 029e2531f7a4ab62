//! What must be known of a run before its figures mean anything, in words.

use super::sizes;
use crate::model::{ChainKind, Isolation, Property};
use crate::report::Head;
use crate::store::{BaseRecord, BaseSource, EngineRecord, RunRecord, RunStatus};

/// The head of a report on one engine of a run; `builds` were made on it so far.
pub(super) fn head(record: &RunRecord, engine: &EngineRecord, run: &str, builds: usize) -> Head {
    let fact = |property| engine.fingerprint.shown(property);
    let version = fact(Property::EngineVersion);
    let imported = engine.isolation == Isolation::Imported;
    let scratch = (engine.bases.is_empty() && !imported).then(|| "none (FROM scratch)".to_owned());
    Head {
        title: format!("{}{}", record.title, engine.id().on()),
        run: run.to_owned(),
        bases: engine.bases.iter().map(base).chain(scratch).collect(),
        unfinished: match record.status {
            RunStatus::Finished => String::new(),
            RunStatus::Running => {
                format!("NOT ENDED: the run is still going on, or broke off; {builds} builds so far.")
            }
            RunStatus::Interrupted => format!("NOT WHOLE: the run was stopped before its end, after {builds} builds."),
        },
        engine: match engine.fingerprint.installed_client() {
            _ if imported => "unknown (imported)".to_owned(),
            None => format!("Docker Engine {version} ({})", engine.isolation),
            Some(client) => format!("Docker Engine {version} ({}), built by {client}", engine.isolation),
        },
        cold: if imported { "unknown".to_owned() } else { engine.cold.as_str().to_owned() },
        image_size: sizes::of_image(engine),
        notes: notes(record, engine, imported),
    }
}

/// A base image, and where it came from.
fn base(base: &BaseRecord) -> String {
    match base.source {
        BaseSource::StandIn => format!("{} (stand-in, built here from distribution packages)", base.from),
        BaseSource::Local if base.from == base.to => format!("{} (local)", base.from),
        BaseSource::Registry if base.from == base.to => base.from.clone(),
        _ => format!("{} in place of {}", base.to, base.from),
    }
}

/// How it was measured, and what else must be said, one sentence each.
fn notes(record: &RunRecord, engine: &EngineRecord, imported: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !engine.name.is_empty() {
        let names: Vec<&str> = record.strata.iter().map(|engine| engine.name.as_str()).collect();
        notes.push(format!(
            "This is engine {} of the run's {}. Each built blocks of its own while the others stood still; no figure mixes them.",
            engine.name,
            names.join(", ")
        ));
    }
    let machine = [
        (Property::StorageDriver, "", " storage"),
        (Property::BackingFilesystem, "", " file system"),
        (Property::ImageStore, "", " image store"),
        (Property::Cpus, "", " cores"),
        (Property::Processor, "", ""),
        (Property::Kernel, "Linux ", ""),
    ];
    let known = machine
        .into_iter()
        .filter_map(|(property, before, after)| Some(format!("{before}{}{after}", engine.fingerprint.get(property)?)));
    let fingerprint = format!("{}.", known.collect::<Vec<_>>().join(", "));
    notes.extend(Some(fingerprint).filter(|text| text.len() > 1 && !imported));
    if record.options.chain() == ChainKind::Checkpoint {
        notes.push(format!(
            "Each scenario started from a checkpoint of the engine after its approach's only cold build ({}).",
            engine.fingerprint.shown(Property::Checkpoints)
        ));
    }
    if let Some(upstream) = record.fingerprint.get(Property::RegistryCache) {
        notes.push(format!(
            "Base images came through a pull-through cache of {upstream}, filled before the first build: cold builds pulled from this machine."
        ));
    }
    notes.extend(record.notes.iter().cloned());
    notes
}
