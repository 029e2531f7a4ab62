//! What has to be the same in two runs that are compared, and what should be said where it differs.

use crate::analysis::likeness::{Difference, Fact, differences};
use crate::store::{EngineRecord, RunRecord};

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

/// The facts in which two runs differ. Runs on several engines are alike if they have the same ones, by name, and each
/// is what it was.
pub fn unlike(base: &RunRecord, new: &RunRecord) -> Vec<Difference> {
    let names = |record: &RunRecord| {
        let mut names: Vec<String> = record.engines().into_iter().map(|engine| engine.name).collect();
        names.sort_unstable();
        let value = if record.strata.is_empty() { "a single one".to_owned() } else { names.join(", ") };
        vec![Fact { name: "engines".to_owned(), value }]
    };
    let strata = differences(&names(base), &names(new));
    // Of engines that only one of them has, each fact would differ: that says no more.
    if strata.is_empty() { differences(&facts(base), &facts(new)) } else { strata }
}

/// The facts of a run.
fn facts(record: &RunRecord) -> Vec<Fact> {
    let mut facts = vec![Fact { name: "study".to_owned(), value: record.study.clone() }];
    for engine in record.engines() {
        facts.extend(of_engine(&engine));
    }
    facts
}

fn of_engine(engine: &EngineRecord) -> Vec<Fact> {
    let fact = |name: &str, value: &str| Fact {
        name: if engine.name.is_empty() { name.to_owned() } else { format!("{name} of {}", engine.name) },
        value: value.to_owned(),
    };
    let stand_ins = engine.bases.iter().any(|base| base.stand_in);
    let bases = match (engine.bases.is_empty(), stand_ins) {
        (true, _) => "none",
        (false, true) => "stand-ins",
        (false, false) => "real ones",
    };
    let mut facts = vec![
        fact("isolation", &engine.isolation),
        fact("kind of cold", engine.cold.as_str()),
        fact("base images", bases),
    ];
    facts.extend(FINGERPRINT.map(|(name, key)| fact(name, engine.fact(key).unwrap_or(""))));
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
