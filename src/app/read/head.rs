//! What must be known of a run before its figures mean anything, in words.

use super::sizes;
use crate::model::ChainKind;
use crate::report::Head;
use crate::store::{BaseSource, EngineRecord, RunRecord, RunStatus};

/// The head of a report on one engine of a run; `builds` were made on it so far.
pub(super) fn head(record: &RunRecord, engine: &EngineRecord, run: &str, builds: usize) -> Head {
    let fact = |key: &str| engine.fact(key).unwrap_or("unknown");
    let imported = engine.isolation == "imported";
    let scratch = (engine.bases.is_empty() && !imported).then(|| "none (FROM scratch)".to_owned());
    let bases = engine.bases.iter().map(|base| match base.source {
        BaseSource::StandIn => format!("{} (stand-in, built here from distribution packages)", base.from),
        BaseSource::Local if base.from == base.to => format!("{} (local)", base.from),
        BaseSource::Registry if base.from == base.to => base.from.clone(),
        _ => format!("{} in place of {}", base.to, base.from),
    });
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
        ("storage_driver", "", " storage"),
        ("backing_filesystem", "", " file system"),
        ("image_store", "", " image store"),
        ("cpus", "", " cores"),
        ("processor", "", ""),
        ("kernel", "Linux ", ""),
    ];
    let known = machine.iter().filter_map(|(key, before, after)| Some(format!("{before}{}{after}", engine.fact(key)?)));
    let fingerprint = format!("{}.", known.collect::<Vec<_>>().join(", "));
    notes.extend(Some(fingerprint).filter(|text| text.len() > 1 && !imported));
    if record.options.chain() == ChainKind::Checkpoint {
        notes.push(format!(
            "Each scenario started from a checkpoint of the engine after its approach's only cold build ({}).",
            fact("checkpoints")
        ));
    }
    if let Some(upstream) = record.engine.get("registry_cache").and_then(|value| value.as_str()) {
        notes.push(format!(
            "Base images came through a pull-through cache of {upstream}, filled before the first build: cold builds pulled from this machine."
        ));
    }
    notes.extend(record.notes.iter().cloned());
    Head {
        title: match engine.name.as_str() {
            "" => record.title.clone(),
            name => format!("{} on {name}", record.title),
        },
        run: run.to_owned(),
        bases: bases.chain(scratch).collect(),
        unfinished: match record.status {
            RunStatus::Finished => String::new(),
            RunStatus::Running => {
                format!("NOT ENDED: the run is still going on, or broke off; {builds} builds so far.")
            }
            RunStatus::Interrupted => format!("NOT WHOLE: the run was stopped before its end, after {builds} builds."),
        },
        engine: match fact("client") {
            _ if imported => "unknown (imported)".to_owned(),
            "unknown" | "layerbench" => format!("Docker Engine {} ({})", fact("engine"), engine.isolation),
            client => format!("Docker Engine {} ({}), built by {client}", fact("engine"), engine.isolation),
        },
        cold: if imported { "unknown".to_owned() } else { engine.cold.as_str().to_owned() },
        image_size: sizes::of_image(engine),
        notes,
    }
}
