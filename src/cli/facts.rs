//! What has to be the same in two runs that are compared, and what should be said where it differs.

use crate::analysis::likeness::Fact;
use crate::store::RunRecord;

/// Keys of the fingerprint that decide how long a build takes, and their names for people.
const FINGERPRINT: [(&str, &str); 7] = [
    ("engine version", "engine"),
    ("client", "client"),
    ("storage driver", "storage_driver"),
    ("image store", "image_store"),
    ("kernel", "kernel"),
    ("processor", "processor"),
    ("number of processors", "cpus"),
];

/// The facts of a run.
pub fn facts(record: &RunRecord) -> Vec<Fact> {
    let fact = |name, value: &str| Fact { name, value: value.to_owned() };
    let stand_ins = record.bases.iter().any(|base| base.stand_in);
    let bases = match (record.bases.is_empty(), stand_ins) {
        (true, _) => "none",
        (false, true) => "stand-ins",
        (false, false) => "real ones",
    };
    let mut facts = vec![
        fact("study", &record.study),
        fact("isolation", &record.isolation),
        fact("kind of cold", record.cold.as_str()),
        fact("base images", bases),
    ];
    facts.extend(FINGERPRINT.map(|(name, key)| {
        let value = record.engine.get(key).and_then(|value| value.as_str());
        fact(name, value.unwrap_or(""))
    }));
    facts
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
    for after in &new.bases {
        let before = base.bases.iter().find(|before| before.from == after.from);
        if before.is_some_and(|before| before.digest != after.digest) {
            remarks.push(format!("{} is another image than before.", after.from));
        }
    }
    remarks
}

/// What in a record contradicts itself or another record, if anything does.
pub fn contradiction(base: &RunRecord, new: &RunRecord) -> Option<String> {
    let clean = |record: &RunRecord| record.git.as_ref().filter(|git| !git.dirty).map(|git| git.revision.clone());
    let (before, after) = (clean(base)?, clean(new)?);
    let options = ["study"].iter().all(|key| base.options.get(*key) == new.options.get(*key));
    (before == after && options && base.study == new.study && base.study_hash != new.study_hash).then(|| {
        format!(
            "the hash of the study: {} and {} for the same revision {} without changes; one of the records was edited",
            short(&base.study_hash),
            short(&new.study_hash),
            short(&before)
        )
    })
}

/// The first characters of a hash or revision.
pub fn short(hash: &str) -> &str {
    hash.char_indices().nth(12).map_or(hash, |(end, _)| &hash[..end])
}
