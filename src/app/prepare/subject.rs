//! Where the files of a study come from: its own folder, a folder around it, or git; and the changes that have to be
//! worked out on a copy. A user's folder, work tree and index are only read. Before the first build, all of it.

use super::new_record;
use super::outside;
use super::recipes::ignore_rules;
use super::request::Origin;
use crate::app::{Ending, Failure, World};
use crate::model::{StateId, Uncommitted};
use crate::project::git::{self, GitError, missing_in};
use crate::project::ignore::{PatternList, ignore_file};
use crate::project::{copy, patch};
use crate::store::GitRecord;
use crate::study::{Derived, FetchError, GitSource, Source, Study, materialize_below};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Lines of a command's output that are shown when it fails.
const SHOWN: usize = 5;

/// Where files come from.
#[derive(Default)]
pub struct Files {
    /// Where branches, tags and commits are looked up.
    pub repository: Option<git::Repository>,
    /// What the record says of git.
    pub git: Option<GitRecord>,
    /// What must be said of the files.
    pub remarks: Vec<String>,
}

/// A study with its files at hand.
pub struct Subject {
    /// The study.
    pub study: Study,
    /// What is known of where its files come from.
    pub files: Files,
    /// What is wrong and does not keep the rest from being examined.
    pub problems: Vec<String>,
    /// States that could not be worked out, and those on top of them.
    pub failed: BTreeSet<StateId>,
    /// Names of Dockerfiles for people, where they were copied.
    pub shown: BTreeMap<crate::model::ApproachId, String>,
}

impl Subject {
    /// A study of whose files nothing is known yet.
    #[must_use]
    pub fn new(study: Study) -> Self {
        Self { study, files: Files::default(), problems: Vec::new(), failed: BTreeSet::new(), shown: BTreeMap::new() }
    }

    /// All problems together, with another one if there is one.
    pub fn stop_with(&self, more: Option<Failure>) -> Option<Failure> {
        let mut texts = self.problems.clone();
        let ending = more.as_ref().map(|failure| failure.ending);
        texts.extend(more.map(|failure| failure.text));
        (!texts.is_empty()).then(|| Failure {
            ending: ending.filter(|_| self.problems.is_empty()).unwrap_or(Ending::Wrong),
            text: texts.join("\n"),
        })
    }
}

/// Loads a study and gets the project's files; `out` is where results go, which are no part of a project.
pub fn load(world: World<'_>, path: &Path, origin: &Origin, out: &Path, workspace: &Path) -> Result<Subject, Failure> {
    let mut fetched = None;
    let study = Study::fetch(path, &mut |source| {
        allowed(path, source, origin.allow_outside).map_err(FetchError::new)?;
        let (folder, kept) = fetch(source, &workspace.join("project"), workspace).map_err(FetchError::new)?;
        fetched = Some(kept);
        Ok(folder)
    });
    let mut subject = Subject::new(study.map_err(Failure::wrong)?);
    inside(&subject.study, origin.allow_outside)?;
    let mut skip = own_places(world.home, out, &subject.study.name);
    match subject.study.source.clone() {
        Source::Study => {
            subject.files.repository = git::Repository::around(subject.study.folder());
            subject.files.git = new_record::git(subject.study.folder());
            let folder = subject.study.folder().to_path_buf();
            uncommitted(origin, subject.files.repository.as_ref(), &folder, &skip)?;
        }
        Source::Folder(folder) => {
            subject.files.repository = git::Repository::around(&folder);
            subject.files.git = new_record::git(&folder);
            uncommitted(origin, subject.files.repository.as_ref(), &folder, &skip)?;
            skip.push(subject.study.folder().to_path_buf());
            let own: Vec<PathBuf> = subject.study.approaches.iter().map(|a| a.dockerfile.clone()).collect();
            let to = workspace.join("project");
            let views = views(&folder, &own, &[&folder, subject.study.folder()])?;
            let files = copy::copy(&folder, views, &skip, &to).map_err(Failure::failed)?;
            subject.files.remarks.extend(missing_in(&folder, &files));
            subject.study.take_project_from(to);
        }
        Source::Git(source) => {
            if let Some((repository, git, remarks)) = fetched {
                subject.files = Files { repository: Some(repository), git: Some(git), remarks };
            }
            of_revision(origin, &mut subject.files, &source, &skip)?;
            let folder = subject.study.project.clone();
            subject.study.take_project_from(folder);
        }
    }
    Ok(subject)
}

/// A folder that is gone with the value.
pub fn passing() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|e| {
        Failure::failed(format!(
            "a folder for the project's files: {e}; make room there and give yourself the right to write, or let TMPDIR name another folder"
        ))
    })
}

/// A study whose files are only looked at; they are gone with the folder.
pub fn peek(path: &Path, outside: bool) -> Result<(Study, tempfile::TempDir), Failure> {
    let place = passing()?;
    let study = Study::fetch(path, &mut |source| {
        allowed(path, source, outside).map_err(FetchError::new)?;
        let fetched = fetch(source, &place.path().join("project"), place.path());
        fetched.map(|(folder, _)| folder).map_err(FetchError::new)
    });
    let study = study.map_err(Failure::wrong)?;
    inside(&study, outside)?;
    Ok((study, place))
}

/// A repository on this machine is read if it belongs to the study, or with leave.
fn allowed(study: &Path, source: &GitSource, outside: bool) -> Result<(), String> {
    let folder = if study.is_dir() { Some(study) } else { study.parent() };
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    if outside || !outside::is_repository(&folder, &source.address) {
        return Ok(());
    }
    Err(format!("{}, a repository outside of the study and of the project around it (--allow-outside)", source.address))
}

/// A study reads nothing outside of it and of the project around it without leave.
fn inside(study: &Study, outside: bool) -> Result<(), Failure> {
    let found = if outside { Vec::new() } else { outside::found(study) };
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::wrong(format!(
        "{}: found {}, outside of the study and of the project around it; expected leave to read it: --allow-outside",
        study.file().display(),
        found.join(", ")
    )))
}

type Fetched = (PathBuf, (git::Repository, GitRecord, Vec<String>));

/// Lays the files of a revision out in `to`.
pub fn fetch(source: &GitSource, to: &Path, workspace: &Path) -> Result<Fetched, GitError> {
    let repository = git::Repository::open(&source.address, &workspace.join("repository"))?;
    let revision = repository.commit(source.reference.as_deref())?;
    let remarks = repository.export(&revision, source.folder.as_deref(), to)?;
    let folder = to.canonicalize().map_err(|error| GitError::Io(to.to_owned(), error))?;
    Ok((folder, (repository, GitRecord { revision, dirty: false }, remarks)))
}

/// A revision has no uncommitted changes: those of the work tree are refused, or named, and never built.
pub fn of_revision(origin: &Origin, files: &mut Files, source: &GitSource, skip: &[PathBuf]) -> Result<(), Failure> {
    let Some(work) = files.repository.as_ref().and_then(git::Repository::work_tree) else { return Ok(()) };
    if origin.uncommitted == Some(Uncommitted::Use) {
        return Err(Failure::wrong(format!(
            "--uncommitted use: found {source}, a revision; expected a folder, whose files are built as they are; name it without #REF",
        )));
    }
    uncommitted(origin, files.repository.as_ref(), &work, skip)?;
    let changed = files.repository.as_ref().map(|repository| repository.uncommitted(&work, skip)).unwrap_or_default();
    if !changed.is_empty() {
        files.remarks.push(format!("uncommitted changes are not in the build: {}", changed.join(", ")));
    }
    Ok(())
}

/// Refuses uncommitted changes if that was asked for.
pub fn uncommitted(
    origin: &Origin,
    repository: Option<&git::Repository>,
    folder: &Path,
    skip: &[PathBuf],
) -> Result<(), Failure> {
    let (Some(Uncommitted::Refuse), Some(repository)) = (origin.uncommitted, repository) else { return Ok(()) };
    let files = repository.uncommitted(folder, skip);
    if files.is_empty() {
        return Ok(());
    }
    Err(Failure::wrong(format!(
        "--uncommitted refuse: found changes in {} that are in no commit: {}; commit them, or build with them: --uncommitted use",
        folder.display(),
        files.join(", ")
    )))
}

/// The rules by which Dockerfiles see a folder, each once. Ignore files are looked for in `tops`.
pub fn views(folder: &Path, dockerfiles: &[PathBuf], tops: &[&Path]) -> Result<Vec<PatternList>, Failure> {
    let files: BTreeSet<Option<PathBuf>> = dockerfiles.iter().map(|path| ignore_file(folder, path)).collect();
    let rules = files.into_iter().map(|file| match file {
        None => Ok(PatternList::default()),
        Some(path) => ignore_rules(&path, &path.display().to_string(), tops).map(PatternList::from),
    });
    rules.collect()
}

/// Where this program keeps its files and the results of a study: no part of any project, although they may lie in its
/// folder.
pub fn own_places(home: &Path, out: &Path, name: &str) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = home.canonicalize().into_iter().collect();
    places.extend(results_in(out, name));
    places
}

fn results_in(out: &Path, name: &str) -> Vec<PathBuf> {
    let Ok(out) = out.canonicalize() else { return Vec::new() };
    let own = [name.to_owned(), format!("{name}.confirm"), "latest".to_owned(), "confirm".to_owned()];
    let mut names = fs::read_dir(&out).into_iter().flatten().flatten().map(|entry| entry.file_name());
    if names.all(|name| own.iter().any(|own| name == own.as_str())) {
        return vec![out];
    }
    own.iter().map(|name| out.join(name)).collect()
}

/// Works out, in order, the changes that need a copy of the files.
pub fn settle(world: World<'_>, subject: &mut Subject, origin: &Origin, workspace: &Path) {
    for state in subject.study.states.clone() {
        let stuck = state.after.as_ref().is_some_and(|after| subject.failed.contains(after));
        if stuck {
            subject.failed.insert(state.id.clone());
        }
        let Some(derived) = &state.derived else { continue };
        let to = workspace.join("changes").join(state.id.as_str());
        let done = match derived {
            Derived::Reference(name) => reference(subject, name, &to),
            Derived::Run(command) if !origin.allow_run => Err(format!(
                "found the command {command:?}; expected leave to carry it out on a copy of the files: --allow-run"
            )),
            // What the one below would have is not known.
            _ if stuck => continue,
            Derived::Patch(file) => below(subject, &state.id, &to).and_then(|()| {
                let shown = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
                patch::apply(&text, &to).map_err(|found| {
                    format!("patch {shown}: found {found}; expected one as git diff writes it, made for the files of this state; make it anew")
                })
            }),
            Derived::Run(command) => below(subject, &state.id, &to).and_then(|()| carry_out(world, command, &to)),
        };
        match done {
            Ok(()) => subject.study.settle(&state.id, to),
            Err(why) => {
                subject.problems.push(format!("state {}: {why}", state.id));
                subject.failed.insert(state.id);
            }
        }
    }
}

fn below(subject: &Subject, state: &StateId, to: &Path) -> Result<(), String> {
    materialize_below(&subject.study, state, to).map_err(|error| error.to_string())
}

fn reference(subject: &mut Subject, name: &str, to: &Path) -> Result<(), String> {
    let wrong = |found: &dyn std::fmt::Display| {
        format!("found {found}; expected a revision of the project's repository; correct ref")
    };
    let repository = subject.files.repository.as_ref();
    let repository = repository.ok_or_else(|| wrong(&format!("ref {name:?} of a project that is not in git")))?;
    let place = match &subject.study.source {
        Source::Git(source) => source.folder.clone(),
        Source::Folder(folder) => repository.place_of(folder),
        Source::Study => repository.place_of(&subject.study.project),
    };
    let commit = repository.commit(Some(name)).map_err(|error| wrong(&error))?;
    let remarks = repository.export(&commit, place.as_deref(), to).map_err(|error| wrong(&error))?;
    let new: Vec<String> = remarks.into_iter().filter(|remark| !subject.files.remarks.contains(remark)).collect();
    subject.files.remarks.extend(new);
    Ok(())
}

/// Carries a command out in a folder.
fn carry_out(world: World<'_>, command: &str, folder: &Path) -> Result<(), String> {
    world.say(format!("running {command:?} on a copy of the files"));
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("sh cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let printable = |line: &str| line.chars().filter(|c| !c.is_control()).take(300).collect::<String>();
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(printable).collect();
    let last = lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default();
    let said = if last.is_empty() { String::new() } else { format!("\n  {}", last.join("\n  ")) };
    Err(format!(
        "the command {command:?}: found {}; expected it to end well in a copy of the files; try it in a copy of the project{said}",
        output.status
    ))
}
