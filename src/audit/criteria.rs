//! From what was found in an image to criteria 1 to 5: figures, evidence and verdicts. Pure.
//!
//! What each verdict rests on stands at its function. Criterion 6 is about builds, and is judged in [`super::cache`].

use super::detect::{Findings, Package, is_scratch, named};
use super::inventory::{FileKind, Inventory};
use super::layers::Layers;
use super::lock::NeededError;
use crate::engine::EngineError;
use crate::engine::wire::looker::ImageSelf;
use crate::engine::wire::looker::start::{Start, Started};
use crate::model::{AuditEvidence, Bytes, Criterion, CriterionVerdict};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Tools that build or check, and serve nothing at run time, if nobody says what is needed.
const BUILD_TOOLS: [&str; 24] = [
    "black",
    "build",
    "cython",
    "flake8",
    "flit",
    "flit-core",
    "hatch",
    "hatchling",
    "isort",
    "meson",
    "mypy",
    "nox",
    "pdm",
    "pip-tools",
    "poetry",
    "poetry-core",
    "poetry-plugin-export",
    "pylint",
    "pytest",
    "ruff",
    "setuptools-scm",
    "tox",
    "uv",
    "virtualenv",
];

/// What every Python environment is made with, and `pip freeze` leaves out: no build added it on purpose. Where pip can
/// be started, criterion 4 counts it.
const INSTALLERS: [&str; 3] = ["pip", "setuptools", "wheel"];

/// Everything that is known of an image.
pub struct AuditedImage<'a> {
    /// What it says of itself.
    pub about: &'a ImageSelf,
    /// Its size as the engine lists it, if it does.
    pub listed_bytes: Option<u64>,
    /// Its files.
    pub inventory: &'a Inventory,
    /// What was found in them.
    pub found: &'a Findings,
    /// Its layers, or why they are not known.
    pub layers: Result<&'a Layers, &'a EngineError>,
    /// Number of the base image's layers, if known.
    pub base: Option<usize>,
    /// Distributions that are needed at run time.
    pub needed: Option<&'a Result<BTreeSet<String>, NeededError>>,
    /// Started as an arbitrary user; of an image without a command, this and the others are not there.
    pub arbitrary: Option<Started>,
    /// Started under a read-only root.
    pub read_only: Option<Started>,
    /// Started with a root that can be written.
    pub writable: Option<Started>,
    /// Demanded limit of writable paths.
    pub max_writable: Option<u64>,
    /// Demanded limit of bytes.
    pub max_bytes: Option<u64>,
}

/// All six criteria; the sixth as unknown.
#[must_use]
pub fn judge(facts: &AuditedImage<'_>) -> Vec<Criterion> {
    let user = User::resolve(&facts.about.user, facts.inventory);
    vec![
        lightweight(facts),
        build_time(facts),
        without_root(facts, &user),
        attack_surface(facts),
        cannot_write(facts, &user),
        Criterion::unknown(6, "only a run shows what builds take from the cache"),
    ]
}

/// Passes within the demanded size. Without a demand there is no measure for it: what is light for one program is not
/// for another, and the article compares sizes without a limit.
fn lightweight(facts: &AuditedImage<'_>) -> Criterion {
    let mut criterion = Criterion::unknown(1, "");
    let bytes = facts.inventory.bytes();
    criterion.figure("file_bytes", bytes);
    criterion.figure("files", facts.inventory.files());
    criterion.figure("inspected_bytes", facts.about.inspected_bytes);
    if let Some(listed) = facts.listed_bytes {
        criterion.figure("listed_bytes", listed);
    }
    if let Ok(Layers(layers)) = facts.layers {
        criterion.figure("layers", layers.len());
        let by_layer: Vec<u64> = layers.iter().map(|layer| layer.bytes).collect();
        criterion.figure("layer_bytes", by_layer);
        criterion.figure("hidden_bytes", layers.iter().map(|layer| layer.hidden_bytes).sum::<u64>());
        if let Some(base) = facts.base {
            criterion.figure("base_bytes", layers.iter().take(base).map(|layer| layer.bytes).sum::<u64>());
        }
        let hiding = layers.iter().enumerate().filter(|(_, layer)| layer.hidden_bytes > 0).map(|(number, layer)| {
            format!(
                "layer {} ({}): {} of {}",
                number + 1,
                short(&layer.command),
                Bytes(layer.hidden_bytes),
                Bytes(layer.bytes)
            )
        });
        criterion.found(AuditEvidence::new("layers of which a later one hides or deletes files", hiding));
    }
    let text = format!("{} in {} files", Bytes(bytes), facts.inventory.files());
    match facts.max_bytes {
        Some(most) if bytes <= most => {
            criterion.judged(CriterionVerdict::Pass, format!("{text}; at most {} are demanded", Bytes(most)))
        }
        Some(most) => criterion.judged(CriterionVerdict::Fail, format!("{text}; at most {} are demanded", Bytes(most))),
        None => criterion.judged(CriterionVerdict::Open, format!("{text}; no limit is demanded to judge it by")),
    }
}

fn short(command: &str) -> String {
    let line = command.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_start_matches("/bin/sh -c #(nop) ").trim_end_matches(" # buildkit").to_owned();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "?".to_owned(),
        None => line,
    }
}

/// Fails when distributions that are not needed at run time were added by the build (by the lock file's closure, or, where
/// none is named, well-known build tools), and for compilers and caches of package managers, whoever brought them.
fn build_time(facts: &AuditedImage<'_>) -> Criterion {
    let mut criterion = Criterion::unknown(2, "");
    let found = facts.found;
    let owners = facts.layers.map(Layers::owners).unwrap_or_default();
    let from_base = |package: &&Package| from_base(package, &owners, facts.base);
    let (base_python, python): (Vec<&Package>, Vec<&Package>) = found.python.iter().partition(from_base);
    let (base_os, os): (Vec<&Package>, Vec<&Package>) = found.os.iter().partition(from_base);
    let needless: Vec<&Package> = python.iter().copied().filter(|package| needless(package, facts.needed)).collect();
    for (name, count) in [
        ("python_distributions", found.python.len()),
        ("python_distributions_added", python.len()),
        ("python_not_needed", needless.len()),
        ("node_modules", found.node.len()),
        ("os_packages", found.os.len()),
        ("os_packages_added", os.len()),
        ("compilers", found.compilers.len()),
        ("headers", found.headers.len()),
        ("cache_files", found.caches.len()),
    ] {
        criterion.figure(name, count);
    }
    criterion.figure("cache_bytes", found.cache_bytes);
    criterion.found(named("Python distributions that are not needed at run time", &needless));
    criterion.found(named("Python distributions that the build added", &python));
    criterion.found(named("Python distributions of the base image", &base_python));
    criterion.found(named("node modules", &found.node.iter().collect::<Vec<_>>()));
    criterion.found(named("OS packages that the build added", &os));
    criterion.found(named("OS packages of the base image", &base_os));
    let databases = found.databases.iter().map(|name| (*name).to_owned());
    criterion.found(AuditEvidence::new("databases of OS packages", databases));
    criterion.found(AuditEvidence::new("compilers and build programs", found.compilers.iter().cloned()));
    criterion.found(AuditEvidence::new("headers", found.headers.iter().cloned()));
    criterion.found(AuditEvidence::new("caches of package managers", found.caches.iter().cloned()));
    let mut reasons = only_for_builds(found, &needless);
    if let Some(Err(why)) = facts.needed {
        let nothing_found = reasons.is_empty();
        reasons.push(format!("what is needed at run time is unknown ({why})"));
        if nothing_found {
            return criterion.judged(CriterionVerdict::Unknown, reasons.join("; "));
        }
    }
    if let Err(EngineError { found: why, .. }) = facts.layers {
        // Without layers, everything counts as the build's.
        let unread = format!("layers, and with them what is the base's: {why}");
        criterion.found(AuditEvidence::new("what could not be read", [unread]));
    }
    if reasons.is_empty() {
        return criterion.judged(CriterionVerdict::Pass, "nothing was found that only a build needs");
    }
    criterion.judged(CriterionVerdict::Fail, reasons.join("; "))
}

/// What was found that only a build needs, a reason each.
fn only_for_builds(found: &Findings, needless: &[&Package]) -> Vec<String> {
    let mut reasons = Vec::new();
    if !needless.is_empty() {
        reasons.push(format!("{} not needed at run time", names(needless)));
    }
    if !found.compilers.is_empty() {
        reasons.push(format!("{} compilers and build programs", found.compilers.len()));
    }
    if !found.caches.is_empty() {
        reasons.push(format!("{} in caches of package managers", Bytes(found.cache_bytes)));
    }
    reasons
}

/// Whether a package comes from the base image. One whose layer is not known counts as the build's.
fn from_base(package: &Package, owners: &HashMap<&str, usize>, base: Option<usize>) -> bool {
    let layer = owners.get(package.path.as_str());
    layer.zip(base).is_some_and(|(layer, base)| *layer < base)
}

fn needless(package: &Package, needed: Option<&Result<BTreeSet<String>, NeededError>>) -> bool {
    match needed {
        _ if INSTALLERS.contains(&package.name.as_str()) => false,
        Some(Ok(needed)) => !needed.contains(&package.name),
        _ => BUILD_TOOLS.contains(&package.name.as_str()),
    }
}

/// `poetry, ruff and 38 others`: what people know first.
fn names(packages: &[&Package]) -> String {
    let mut names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.sort_by_key(|name| !BUILD_TOOLS.contains(name));
    let others = names.len().saturating_sub(4);
    let verb = if names.len() == 1 { "is" } else { "are" };
    let shown = names[..names.len() - others].join(", ");
    match others {
        0 => format!("{shown} {verb}"),
        1 => format!("{shown} and 1 other are"),
        _ => format!("{shown} and {others} others are"),
    }
}

/// The user that an image is run as.
struct User {
    /// Its number, if it could be found.
    uid: Option<u64>,
    groups: BTreeSet<u64>,
    shown: String,
}

impl User {
    /// As the engine resolves it: a number, or a name of the image's own passwd; the same for the group.
    fn resolve(configured: &str, inventory: &Inventory) -> Self {
        let (user, group) = configured.split_once(':').unwrap_or((configured, ""));
        let user = if user.is_empty() { "0" } else { user };
        let passwd = inventory.text("etc/passwd").unwrap_or_default();
        let group_file = inventory.text("etc/group").unwrap_or_default();
        let line = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| {
            fields.first() == Some(&user) || (user.parse::<u64>().is_ok() && fields.get(2) == Some(&user))
        });
        let number = |place: usize| line.as_ref().and_then(|fields| fields.get(place)?.parse::<u64>().ok());
        let uid = user.parse().ok().or_else(|| number(2));
        let mut groups: BTreeSet<u64> = BTreeSet::new();
        let in_file = |name: &str| {
            let mut lines = group_file.lines().map(|line| line.split(':').collect::<Vec<_>>());
            lines.find(|fields| fields.first() == Some(&name)).and_then(|fields| fields.get(2)?.parse::<u64>().ok())
        };
        if group.is_empty() {
            groups.insert(number(3).unwrap_or(0));
            let name = line.as_ref().and_then(|fields| fields.first().copied()).unwrap_or(user);
            for fields in group_file.lines().map(|line| line.split(':').collect::<Vec<_>>()) {
                let member = fields.get(3).is_some_and(|members| members.split(',').any(|member| member == name));
                groups.extend(fields.get(2).filter(|_| member).and_then(|gid| gid.parse::<u64>().ok()));
            }
        } else {
            groups.extend(group.parse().ok().or_else(|| in_file(group)));
        }
        let shown = match (configured, uid) {
            ("", _) => "root, as no user is set".to_owned(),
            (name, Some(uid)) if name == uid.to_string() => format!("uid {uid}"),
            (name, Some(uid)) => format!("{name}, uid {uid}"),
            (name, None) => format!("{name}, which is not in the image's passwd"),
        };
        Self { uid, groups, shown }
    }
}

/// Passes when the configured user is not root and the image starts as a user that it does not know, without
/// capabilities and new privileges. That it does not says nothing where it does not start as its own user either.
fn without_root(facts: &AuditedImage<'_>, user: &User) -> Criterion {
    let mut criterion = Criterion::unknown(3, "");
    criterion.figure("user", facts.about.user.clone());
    if let Some(uid) = user.uid {
        criterion.figure("uid", uid);
    }
    let started = start_figure(&mut criterion, "starts_as_arbitrary_user", &facts.arbitrary);
    match (user.uid, started) {
        (Some(0), _) => criterion.judged(CriterionVerdict::Fail, format!("it is run as {}", user.shown)),
        (None, _) => criterion.judged(CriterionVerdict::Fail, format!("it is run as {}", user.shown)),
        (Some(_), Ok(())) => criterion.judged(
            CriterionVerdict::Pass,
            format!("it is run as {}, and starts as any user without capabilities", user.shown),
        ),
        (Some(_), Err(Some(why))) => {
            let (verdict, how) = blame(facts, "as another user", &why);
            criterion.judged(verdict, format!("it is run as {}; {how}", user.shown))
        }
        (Some(_), Err(None)) => criterion
            .judged(CriterionVerdict::Pass, format!("it is run as {}; it names no command to start", user.shown)),
    }
}

/// What it means that an image did not start in some way: nothing, where it does not start without it either.
fn blame(facts: &AuditedImage<'_>, way: &str, why: &str) -> (CriterionVerdict, String) {
    match &facts.writable {
        Some(Started { went: Start::Failed(own), .. }) => (
            CriterionVerdict::Unknown,
            format!(
                "whether it starts {way} cannot be told, as it does not start without network and capabilities: {own}"
            ),
        ),
        _ => (CriterionVerdict::Fail, format!("it does not start {way}: {why}")),
    }
}

/// Writes down how a start went. `Err(None)`: there was nothing to start.
fn start_figure(criterion: &mut Criterion, name: &str, run: &Option<Started>) -> Result<(), Option<String>> {
    let (word, result) = match run {
        None => ("not tried", Err(None)),
        Some(started) => match &started.went {
            Start::StillRunning => ("still running at the time limit", Ok(())),
            Start::Ended => ("yes", Ok(())),
            Start::Failed(why) => ("no", Err(Some(why.clone()))),
        },
    };
    criterion.figure(name, word);
    result
}

/// Passes when none of these is there.
fn attack_surface(facts: &AuditedImage<'_>) -> Criterion {
    let mut criterion = Criterion::unknown(4, "");
    let found = facts.found;
    let hidden = hidden_secrets(facts);
    let lists = [
        ("set_id_files", "set-uid and set-gid files", &found.set_id),
        ("capability_files", "files with capabilities", &found.capabilities),
        ("shells", "shells", &found.shells),
        ("network_tools", "network tools", &found.network_tools),
        ("package_managers", "package managers", &found.package_managers),
        ("world_writable", "paths that everybody can write", &found.world_writable),
    ];
    let mut reasons = Vec::new();
    for (figure, what, list) in lists {
        criterion.figure(figure, list.len());
        criterion.found(AuditEvidence::new(what, list.iter().cloned()));
        if !list.is_empty() {
            reasons.push(format!("{} {what}", list.len()));
        }
    }
    criterion.figure("secrets", hidden.len());
    if !hidden.is_empty() {
        reasons.push(format!("{} files that look like secrets", hidden.len()));
    }
    criterion.found(AuditEvidence::new("files that look like secrets", hidden));
    match (reasons.is_empty(), facts.layers) {
        (true, Ok(_)) => criterion.judged(CriterionVerdict::Pass, "none of what an attacker would use was found"),
        // A secret that a later layer deletes is still in the image.
        (true, Err(EngineError { found: why, .. })) => criterion.judged(
            CriterionVerdict::Unknown,
            format!("nothing was found in what a container sees, but the layers could not be read: {why}"),
        ),
        (false, _) => criterion.judged(CriterionVerdict::Fail, reasons.join(", ")),
    }
}

/// Secrets-like files with their layers, those too that a later layer hides: whoever has the image has them.
fn hidden_secrets(facts: &AuditedImage<'_>) -> Vec<String> {
    let Ok(Layers(layers)) = facts.layers else { return facts.found.secrets.clone() };
    let visible: HashSet<&str> = facts.found.secrets.iter().map(|seen| seen.trim_start_matches('/')).collect();
    let mut all = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        for path in &layer.secrets {
            let hidden = if visible.contains(&**path) { "" } else { ", not in the last layer, but in the image" };
            all.push(format!("/{path} (layer {}: {}{hidden})", number + 1, short(&layer.command)));
        }
    }
    all
}

/// Passes when the default user can write nothing but folders for everybody's temporary files (or no more paths than
/// demanded), and the image starts under a read-only root. Paths count by their own mode and owner; root writes all.
fn cannot_write(facts: &AuditedImage<'_>, user: &User) -> Criterion {
    let mut criterion = Criterion::unknown(5, "");
    let can = |entry: &&super::inventory::FileEntry| {
        let kind = matches!(entry.kind, FileKind::File | FileKind::Folder);
        let bit = match user.uid {
            Some(0) => return kind,
            Some(uid) if uid == entry.uid => 0o200,
            _ if user.groups.contains(&entry.gid) => 0o020,
            _ => 0o002,
        };
        kind && entry.mode & bit != 0
    };
    let paths: Vec<_> = facts.inventory.entries.iter().filter(can).collect();
    let beyond = paths.iter().filter(|entry| !is_scratch(entry)).count();
    criterion.figure("writable_paths", paths.len());
    criterion.figure("writable_paths_beyond_tmp", beyond);
    criterion.found(AuditEvidence::new(
        "paths that the default user can write",
        paths.iter().map(|e| format!("/{}", e.path)),
    ));
    if !facts.about.volumes.is_empty() {
        criterion.figure("volumes", facts.about.volumes.len());
        criterion.found(AuditEvidence::new("volumes that it declares", facts.about.volumes.iter().cloned()));
    }
    if let Some(run) = &facts.writable {
        criterion.figure("changed_by_a_run", run.changes.len());
        criterion.found(AuditEvidence::new("paths that a run changed", run.changes.iter().cloned()));
    }
    let started = start_figure(&mut criterion, "starts_read_only", &facts.read_only);
    let within = match facts.max_writable {
        Some(most) => paths.len() as u64 <= most,
        None => beyond == 0,
    };
    let text = match user.uid {
        Some(0) => format!("root can write all {} paths", paths.len()),
        _ => format!("the default user can write {} paths, {beyond} of them beyond temporary folders", paths.len()),
    };
    match started {
        _ if !within => criterion.judged(CriterionVerdict::Fail, text),
        Err(Some(why)) => {
            let (verdict, how) = blame(facts, "under a read-only root", &why);
            criterion.judged(verdict, format!("{text}; {how}"))
        }
        Ok(()) => criterion.judged(CriterionVerdict::Pass, format!("{text}; it starts under a read-only root")),
        Err(None) => criterion.judged(CriterionVerdict::Pass, format!("{text}; it names no command to start")),
    }
}
