//! `run` without a study file: the context, Dockerfiles and changes of a call, copied to the run's own folder and put
//! into the form of a study there. All problems of the call are found together. Nothing is written anywhere else.

use super::new_record;
use super::recipes::{own_ignore_file, read_dockerfile};
use super::request::{CallRequest, Origin};
use super::subject::{Files, Subject, fetch, of_revision, own_places, uncommitted, views};
use crate::app::{Failure, World};
use crate::project::copy::copy;
use crate::project::dockerfile::Dockerfile;
use crate::project::git::{self, check, is_url, missing_in};
use crate::project::ignore::PatternList;
use crate::study::{
    ChangeKind, DockerfileRow, DraftChange, GitSource, Source, Study, StudyDraft, approach_names, study_name,
    study_text,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// What is built from.
pub enum Context {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A repository at a revision.
    Git(GitSource),
}

impl Context {
    fn study_name(&self) -> String {
        match self {
            Self::Folder(folder) => study_name(&folder.to_string_lossy()),
            Self::Git(source) => study_name(&source.address),
        }
    }
}

/// A Dockerfile of the call.
struct Found {
    /// As it was given.
    given: PathBuf,
    /// Where it is.
    path: PathBuf,
    text: Vec<u8>,
}

/// Makes a study of a call.
pub fn derive(
    world: World<'_>,
    call: &CallRequest,
    origin: &Origin,
    out: &Path,
    workspace: &Path,
) -> Result<Subject, Failure> {
    let given = call.context.as_str();
    let context = context("--context ", given)?;
    let home = workspace.join("study");
    let project = home.join("project");
    fs::create_dir_all(home.join("changes")).map_err(|e| Failure::failed(format!("{}: {e}", home.display())))?;
    let name = context.study_name();
    let own = own_places(world.home, out, &name);
    let mut files = Files::default();
    if let Context::Git(source) = &context {
        let failed = |why| {
            let expected = "a git repository and a revision that it has";
            Failure::wrong(format!("--context {given}: found {why}; expected {expected}"))
        };
        let (_, (repository, git, remarks)) = fetch(source, &project, workspace).map_err(failed)?;
        files = Files { remarks, git: Some(git), repository: Some(repository) };
        of_revision(origin, &mut files, source, &own)?;
    }
    let mut problems = Vec::new();
    let top = if let Context::Folder(folder) = &context { folder.clone() } else { project.clone() };
    let found = dockerfiles(call, &context, &top, &mut problems);
    if let Context::Folder(folder) = &context {
        files.repository = git::Repository::around(folder);
        files.git = new_record::git(folder);
        uncommitted(origin, files.repository.as_ref(), folder, &own)?;
        let copied = copy(folder, seen(folder, &found)?, &own, &project).map_err(Failure::failed)?;
        files.remarks = missing_in(folder, &copied);
    }
    let changes = changes(call, &top, &home, &mut problems);
    let rows = rows(call, &found, &top, &home, &mut problems)?;
    if rows.is_empty() {
        return Err(Failure::wrong(problems.join("\n")));
    }
    let shown =
        rows.iter().zip(&found).map(|(row, found)| (row.id.clone(), found.path.display().to_string())).collect();
    let study = StudyDraft { name, project: Ok("project".to_owned()), rows, changes, explained: false };
    fs::write(home.join("study.toml"), study_text(&study))
        .map_err(|e| Failure::failed(format!("{}: {e}", home.display())))?;
    let mut subject = Subject::new(Study::load(&home).map_err(Failure::wrong)?);
    (subject.files, subject.problems, subject.shown) = (files, problems, shown);
    subject.study.source = match context {
        Context::Folder(folder) => Source::Folder(folder),
        Context::Git(source) => Source::Git(source),
    };
    Ok(subject)
}

/// What builds by these Dockerfiles see of a folder; all of it, if there is none.
fn seen(folder: &Path, found: &[Found]) -> Result<Vec<PatternList>, Failure> {
    let paths: Vec<PathBuf> = found.iter().map(|found| found.path.clone()).collect();
    if paths.is_empty() {
        return Ok(vec![PatternList::default()]);
    }
    let beside = paths.iter().filter_map(|path| path.parent());
    views(folder, &paths, &beside.chain([folder]).collect::<Vec<_>>())
}

/// What a context means: a folder that is there is one, whatever its name looks like.
pub fn context(what: &str, given: &str) -> Result<Context, Failure> {
    let (address, rest) = given.rsplit_once('#').map_or((given, None), |(address, rest)| (address, Some(rest)));
    let path = Path::new(given);
    let bare = path.join("HEAD").is_file() && path.join("objects").is_dir();
    if path.is_dir() && !bare {
        let real = path.canonicalize().map_err(|e| Failure::failed(format!("{what}{given}: {e}")))?;
        return Ok(Context::Folder(real));
    }
    if is_url(given) {
        // Without the address: what is wrong with it may be what must not be shown.
        check(address).map_err(|found| {
            let what = if what.is_empty() { "" } else { "--context: " };
            Failure::wrong(format!("{what}found {found}; expected a git repository as URL or URL#REF"))
        })?;
    }
    if bare || is_url(given) || (rest.is_some() && Path::new(address).is_dir()) {
        let (reference, folder) = match rest.map(|rest| rest.split_once(':').unwrap_or((rest, ""))) {
            None => (None, None),
            Some((reference, folder)) => {
                (Some(reference).filter(|r| !r.is_empty()), Some(folder).filter(|f| !f.is_empty()))
            }
        };
        let plain = |folder: &str| Path::new(folder).components().all(|part| matches!(part, Component::Normal(_)));
        if let Some(folder) = folder.filter(|folder| !plain(folder)) {
            return Err(Failure::wrong(format!(
                "{what}{given}: found the folder {folder:?}; expected one of the repository"
            )));
        }
        let local = Path::new(address).canonicalize().map(|path| path.display().to_string());
        return Ok(Context::Git(GitSource {
            address: local.unwrap_or_else(|_| address.to_owned()),
            reference: reference.map(str::to_owned),
            folder: folder.map(PathBuf::from),
        }));
    }
    let found = if path.exists() { "something that is not a folder" } else { "nothing there" };
    Err(Failure::wrong(format!(
        "{what}{given}: found {found}; expected a folder, or a git repository as PATH#REF or URL#REF"
    )))
}

/// The Dockerfiles, as docker build looks for them; what a call in a folder does not find is looked for in the context.
fn dockerfiles(call: &CallRequest, context: &Context, top: &Path, problems: &mut Vec<String>) -> Vec<Found> {
    let standard = [PathBuf::from("Dockerfile")];
    let given = if call.dockerfiles.is_empty() { &standard[..] } else { &call.dockerfiles[..] };
    let mut all: Vec<Found> = Vec::new();
    for path in given {
        let inside = top.join(path);
        let here = matches!(context, Context::Folder(_)) && !call.dockerfiles.is_empty() && path.is_file();
        let place = if here { path.clone() } else { inside };
        let leads_out =
            || matches!(context, Context::Git(_)) && place.canonicalize().is_ok_and(|real| !real.starts_with(top));
        let wrong = |found: &str| {
            format!(
                "--dockerfile {}: found {found}; expected a Dockerfile in this folder or in the context; correct the path",
                path.display()
            )
        };
        if !place.is_file() {
            let found = if place.exists() { "something that is not a file" } else { "nothing there" };
            problems.push(wrong(&format!("{found} (looked for {})", place.display())));
        } else if leads_out() {
            problems.push(wrong("a symbolic link that leads out of the repository"));
        } else if all.iter().any(|other| other.path == place) {
            problems.push(wrong("the same file a second time"));
        } else {
            match read_dockerfile(&place) {
                Ok(text) if Dockerfile::parse(&text, &[]).stages.is_empty() => {
                    problems.push(format!("{}: no FROM was found; expected a Dockerfile", place.display()));
                }
                Ok(text) => all.push(Found { given: path.clone(), path: place, text }),
                Err(why) => problems.push(why.text),
            }
        }
    }
    all
}

/// The rows, with their Dockerfiles copied to the study.
fn rows(
    call: &CallRequest,
    found: &[Found],
    top: &Path,
    home: &Path,
    problems: &mut Vec<String>,
) -> Result<Vec<DockerfileRow>, Failure> {
    let args = build_args(call, found, problems);
    let names = approach_names(&found.iter().map(|found| found.given.clone()).collect::<Vec<_>>());
    let mut rows = Vec::new();
    for (found, id) in found.iter().zip(names) {
        let file = format!("dockerfiles/{id}");
        let failed = |e: std::io::Error| Failure::failed(format!("{}: {e}", found.path.display()));
        fs::create_dir_all(home.join("dockerfiles"))
            .and_then(|()| fs::write(home.join(&file), &found.text))
            .map_err(failed)?;
        let tops: Vec<&Path> = found.path.parent().into_iter().chain([top]).collect();
        if let Some(own) = own_ignore_file(&found.path, &tops)? {
            fs::write(home.join(format!("{file}.dockerignore")), own.as_slice()).map_err(failed)?;
        }
        let declared = Dockerfile::parse(&found.text, &[]);
        let args = args.iter().filter(|(name, _)| declared.declares(name));
        let args = args.map(|(name, value)| (name.clone(), value.clone())).collect();
        rows.push(DockerfileRow { id, dockerfile: file, target: call.target.clone(), args });
    }
    Ok(rows)
}

/// The build arguments, each of which a Dockerfile must declare.
fn build_args(call: &CallRequest, found: &[Found], problems: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut args = BTreeMap::new();
    for text in &call.build_args {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text.as_str(), std::env::var(text).ok()),
        };
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let Some(value) = value.filter(|value| plain && !value.contains('\0')) else {
            problems.push(format!("--build-arg {name}: expected NAME=VALUE, or the name of a variable that is set"));
            continue;
        };
        let parsed: Vec<Dockerfile> = found.iter().map(|found| Dockerfile::parse(&found.text, &[])).collect();
        if !parsed.is_empty() && !parsed.iter().any(|dockerfile| dockerfile.declares(name)) {
            let mut known: Vec<&str> = parsed.iter().flat_map(Dockerfile::declared).collect();
            known.sort_unstable();
            known.dedup();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            problems.push(format!(
                "--build-arg {name}: no Dockerfile declares it (declared: {known}); correct the name, or add ARG {name}"
            ));
            continue;
        }
        args.insert(name.to_owned(), value);
    }
    args
}

/// The changes, with what they need copied to the study.
fn changes(call: &CallRequest, top: &Path, home: &Path, problems: &mut Vec<String>) -> Vec<DraftChange> {
    let mut all = Vec::new();
    for text in &call.changes {
        let added = DraftChange::parse(text).map_err(|error| error.to_string()).and_then(|change| {
            let name = change.name.clone();
            let kind =
                take(change.kind.clone(), name.as_str(), top, home).map_err(|why| format!("--change {text}: {why}"))?;
            DraftChange { kind, ..change }.add_to(&mut all).map_err(|error| error.to_string())
        });
        problems.extend(added.err());
    }
    all
}

/// Checks what a change names, and copies what lies outside of the project.
fn take(kind: ChangeKind, name: &str, top: &Path, home: &Path) -> Result<ChangeKind, String> {
    match kind {
        ChangeKind::Comment(files) => {
            for file in &files {
                in_context(file, top, &home.join("project"))?;
            }
            let plain = |file: &PathBuf| file.components().filter(|part| *part != Component::CurDir).collect();
            Ok(ChangeKind::Comment(files.iter().map(plain).collect()))
        }
        ChangeKind::Files(folder) => {
            let to = format!("changes/{name}");
            if !folder.is_dir() {
                return Err(format!(
                    "found no folder at {}; expected one whose files are laid over the context",
                    folder.display()
                ));
            }
            copy(&folder, vec![PatternList::default()], &[], &home.join(&to)).map_err(|error| error.to_string())?;
            Ok(ChangeKind::Files(to.into()))
        }
        ChangeKind::Patch(file) => {
            let to = format!("changes/{name}.patch");
            let copied = fs::copy(&file, home.join(&to));
            copied.map_err(|error| format!("{}: {error}; expected a patch as git diff writes it", file.display()))?;
            Ok(ChangeKind::Patch(to.into()))
        }
        other => Ok(other),
    }
}

/// A file that a build of the context can see.
fn in_context(file: &Path, top: &Path, seen: &Path) -> Result<(), String> {
    let plain = file.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !plain {
        return Err("found a path that leads out of the context; expected one of its files, relative to it".to_owned());
    }
    let there = |folder: &Path| folder.join(file).symlink_metadata();
    match (there(seen), there(top)) {
        (Ok(data), _) if data.is_file() => Ok(()),
        (Ok(_), _) => Err("found something that is not a regular file; expected a file of the context".to_owned()),
        (Err(_), Ok(_)) => Err(
            "found a file that .dockerignore leaves out, so that changing it changes nothing; expected one that a build sees"
                .to_owned(),
        ),
        (Err(_), Err(_)) => Err(format!("found nothing at {}; expected a file of the context", top.join(file).display())),
    }
}
