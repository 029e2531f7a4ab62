//! What has to be the same in two runs that are compared, and what should be said where it differs.

use crate::analysis::likeness::{Difference, Fact, differences};
use crate::app::Failure;
use crate::model::{Property, UNKNOWN};
use crate::store::{EngineRecord, RunRecord};
use crate::text::short;

/// What of the fingerprint decides how long a build takes, and its name for people.
const DECIDING: [(&str, Property); 13] = [
    ("engine version", Property::EngineVersion),
    ("containerd version", Property::Containerd),
    ("runc version", Property::Runc),
    ("client", Property::Client),
    ("storage driver", Property::StorageDriver),
    ("image store", Property::ImageStore),
    ("kernel", Property::Kernel),
    ("processor", Property::Processor),
    ("number of processors", Property::Cpus),
    ("frequency governor", Property::Governor),
    ("architecture", Property::Architecture),
    ("registry cache", Property::RegistryCache),
    ("kind of checkpoints", Property::Checkpoints),
];

/// The same, of what was not recorded from the beginning.
const NEWER: [(&str, Property); 2] =
    [("BuildKit version", Property::BuildKit), ("backing file system", Property::BackingFilesystem)];

/// The facts in which two runs differ. Runs on several engines are alike if they have the same ones, by name, and each
/// is what it was.
pub fn unlike(base: &RunRecord, new: &RunRecord) -> Vec<Difference> {
    let names = |record: &RunRecord| {
        let mut names: Vec<String> = record.engines().into_iter().map(|engine| engine.name).collect();
        names.sort_unstable();
        let value = if record.strata.is_empty() { "a single one".to_owned() } else { names.join(", ") };
        vec![Fact { name: "engines".to_owned(), value, newer: false }]
    };
    let strata = differences(&names(base), &names(new));
    // Of engines that only one of them has, each fact would differ: that says no more.
    if strata.is_empty() { differences(&facts(base), &facts(new)) } else { strata }
}

/// The facts of a run.
fn facts(record: &RunRecord) -> Vec<Fact> {
    let fact = |name: &str, value: &str| Fact { name: name.to_owned(), value: value.to_owned(), newer: false };
    let mut facts = vec![fact("study", &record.study), fact("kind of chain", record.options.chain().as_str())];
    for engine in record.engines() {
        facts.extend(of_engine(&engine));
    }
    facts
}

fn of_engine(engine: &EngineRecord) -> Vec<Fact> {
    let fact = |name: &str, value: &str| Fact {
        name: if engine.name.is_empty() { name.to_owned() } else { format!("{name} of {}", engine.name) },
        value: value.to_owned(),
        newer: false,
    };
    let stand_ins = engine.bases.iter().any(|base| base.stand_in);
    let bases = match (engine.bases.is_empty(), stand_ins) {
        (true, _) => "none",
        (false, true) => "stand-ins",
        (false, false) => "real ones",
    };
    let mut facts = vec![
        fact("isolation", engine.isolation.as_str()),
        fact("kind of cold", engine.cold.as_str()),
        fact("base images", bases),
    ];
    // What is not known is the same whether it was asked for or not.
    let recorded = |property| engine.fingerprint.get(property).unwrap_or_default();
    let known = |property| Some(recorded(property)).filter(|text| *text != UNKNOWN).unwrap_or_default();
    facts.extend(DECIDING.map(|(name, property)| fact(name, known(property))));
    facts.push(fact("memory", &memory(recorded(Property::Memory))));
    facts.extend(NEWER.map(|(name, property)| Fact { newer: true, ..fact(name, recorded(property)) }));
    facts
}

/// Memory to the nearest gibibyte: what a kernel keeps for itself differs a little from start to start.
fn memory(bytes: &str) -> String {
    let gibibytes = |bytes: u64| (bytes.saturating_add(1 << 29)) >> 30;
    bytes.parse().map_or_else(|_| bytes.to_owned(), |bytes| format!("{} GiB", gibibytes(bytes)))
}

/// What people should know of two runs although it does not keep them from being compared.
pub fn remarks(base: &RunRecord, new: &RunRecord) -> Vec<String> {
    let mut remarks = Vec::new();
    if base.study_hash == new.study_hash {
        remarks.push("The files of the study are the same in both runs.".to_owned());
    } else {
        let revision = |record: &RunRecord| match &record.git {
            Some(git) if git.dirty => format!("{} with uncommitted changes", short(&git.revision)),
            Some(git) => short(&git.revision).to_owned(),
            None => "no revision".to_owned(),
        };
        remarks.push(format!("The files of the study differ: {} and {}.", revision(base), revision(new)));
    }
    let before = base.engines();
    for engine in new.engines() {
        let old = before.iter().find(|old| old.name == engine.name).map_or(&[][..], |old| &old.bases);
        let on = if engine.name.is_empty() { String::new() } else { format!(" on {}", engine.name) };
        for after in &engine.bases {
            if old.iter().any(|before| before.from == after.from && before.digest != after.digest) {
                remarks.push(format!("{} is another image than before{on}.", after.from));
            }
        }
    }
    remarks
}

/// What in a record contradicts itself or another record, if anything does.
pub fn contradiction(base: &RunRecord, new: &RunRecord) -> Option<String> {
    let clean = |record: &RunRecord| record.git.as_ref().filter(|git| !git.dirty).map(|git| git.revision.clone());
    let (before, after) = (clean(base)?, clean(new)?);
    let study = |record: &RunRecord| record.options.call().and_then(|options| options.study.clone());
    (before == after && study(base) == study(new) && base.study == new.study && base.study_hash != new.study_hash).then(|| {
        format!(
            "the hash of the study: {} and {} for the same revision {} without changes; one of the records was edited",
            short(&base.study_hash),
            short(&new.study_hash),
            short(&before)
        )
    })
}

/// Refuses runs that were made in unlike ways, and says what should be known of those that were not.
///
/// # Errors
/// With everything that differs, unless it is to be compared nonetheless.
pub fn alike(base: &RunRecord, new: &RunRecord, force: bool) -> Result<Vec<String>, Failure> {
    let mut differing: Vec<String> = unlike(base, new).iter().map(ToString::to_string).collect();
    differing.extend(contradiction(base, new));
    let mut notes = remarks(base, new);
    if differing.is_empty() {
        return Ok(notes);
    }
    if !force {
        return Err(Failure::cannot_tell(format!(
            "the runs differ in more than what they built, so their times say nothing of it:\n  {}\nrun both in the same way, or compare them nonetheless with --force",
            differing.join("\n  ")
        )));
    }
    notes.extend(differing.into_iter().map(|line| format!("Unlike runs: {line}.")));
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChainKind, ColdKind, Fingerprint, Isolation};
    use crate::store::{Recorded, RunOptions, RunStatus, SCHEMA};

    const ENGINE: [(Property, &str); 15] = [
        (Property::EngineVersion, "28.5.2"),
        (Property::BuildKit, "v0.25.1"),
        (Property::BackingFilesystem, "extfs"),
        (Property::Containerd, "1.7.24"),
        (Property::Runc, "1.1.5"),
        (Property::Client, "layerbench"),
        (Property::StorageDriver, "overlay2"),
        (Property::ImageStore, "graphdriver"),
        (Property::Kernel, "6.1.0"),
        (Property::Processor, "One"),
        (Property::Cpus, "2"),
        (Property::Memory, "8341151744"),
        (Property::Governor, "performance"),
        (Property::Architecture, "amd64"),
        (Property::OperatingSystem, "Debian"),
    ];

    fn record() -> RunRecord {
        RunRecord {
            schema: SCHEMA.to_owned(),
            study: "tiny".to_owned(),
            title: String::new(),
            approaches: Vec::new(),
            scenarios: Vec::new(),
            published: None,
            findings: Vec::new(),
            study_hash: String::new(),
            options: Recorded::default(),
            seed: 1,
            plan: Vec::new(),
            fingerprint: ENGINE.into_iter().collect(),
            isolation: Isolation::Private,
            cold: ColdKind::Pristine,
            bases: Vec::new(),
            git: None,
            started_at: String::new(),
            ended_at: None,
            program: String::new(),
            status: RunStatus::Finished,
            notes: Vec::new(),
            strata: Vec::new(),
        }
    }

    fn names(change: impl FnOnce(&mut RunRecord)) -> Vec<String> {
        let mut other = record();
        change(&mut other);
        unlike(&record(), &other).into_iter().map(|difference| difference.name).collect()
    }

    #[test]
    fn everything_that_decides_how_long_a_build_takes_keeps_runs_apart() {
        for (name, property) in DECIDING.into_iter().chain(NEWER).chain([("memory", Property::Memory)]) {
            assert_eq!(names(|r| r.fingerprint.insert(property, "other")), [name]);
        }
        assert_eq!(names(|r| r.isolation = Isolation::Host), ["isolation"]);
        assert_eq!(names(|r| r.cold = ColdKind::WarmBase), ["kind of cold"]);
        let checkpoints = RunOptions { chain: ChainKind::Checkpoint, ..RunOptions::default() };
        assert_eq!(names(|r| r.options = checkpoints.into()), ["kind of chain"]);
    }

    #[test]
    fn what_does_not_matter_or_was_not_recorded_yet_keeps_nothing_apart() {
        assert_eq!(names(|r| r.fingerprint.insert(Property::OperatingSystem, "Other")), [""; 0]);
        assert_eq!(names(|r| r.fingerprint.insert(Property::Memory, "8341000000")), [""; 0]);
        let without = |lost| ENGINE.into_iter().filter(|(property, _)| *property != lost).collect::<Fingerprint>();
        for (_, property) in NEWER {
            assert_eq!(names(|r| r.fingerprint = without(property)), [""; 0]);
        }
        assert_eq!(names(|r| r.options = Recorded::Other(serde_json::Map::new())), [""; 0]);
        let nothing = RunRecord { fingerprint: Fingerprint::default(), ..record() };
        let fingerprint = Fingerprint::from_iter([(Property::Governor, "unknown")]);
        assert_eq!(unlike(&nothing, &RunRecord { fingerprint, ..record() }), []);
        assert_eq!(names(|r| r.fingerprint = without(Property::Kernel)), ["kernel"]);
    }
}
