//! A study of a call or of a project that was looked at: Dockerfiles and changes to the text of a study.
//! Pure: which files there are, and where they lie, is found out by the caller.
//! The text goes through the same reading as any other study, so it can say nothing else.

use super::comment::has_comments;
use super::definition::{GitSource, SCHEMA};
use crate::model::{ApproachId, IdError, StateId};
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

/// Names that the scenarios and the state of every such study have.
const TAKEN: [&str; 3] = ["base", "cold", "warm"];

/// What a study is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyDraft {
    /// Name of the study.
    pub name: String,
    /// The project's folder as the study writes it, or a repository.
    pub project: Result<String, GitSource>,
    /// The rows: name, Dockerfile as the study writes it, stage, build arguments.
    pub rows: Vec<DockerfileRow>,
    /// The changes, each on top of the one before.
    pub changes: Vec<DraftChange>,
    /// With comments for people who will change it.
    pub explained: bool,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerfileRow {
    /// Name of the approach.
    pub id: ApproachId,
    /// The Dockerfile as the study writes it.
    pub dockerfile: String,
    /// The stage to build.
    pub target: Option<String>,
    /// Build arguments.
    pub args: Vec<(String, String)>,
}

/// A change: a state and a scenario of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftChange {
    /// Its name.
    pub name: StateId,
    /// What is changed.
    pub kind: ChangeKind,
    /// Why it is there, for people; one line.
    pub why: Option<String>,
}

/// How the files change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A comment at the end of these files.
    Comment(Vec<PathBuf>),
    /// A folder laid over the project.
    Files(PathBuf),
    /// A patch.
    Patch(PathBuf),
    /// The files of a branch, tag or commit.
    Reference(String),
    /// A command carried out on a copy.
    Run(String),
}

/// What is wrong with a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// A text that is no change, and why.
    Wrong(String, NoChange),
    /// A name that another change has.
    Twice(StateId),
}

/// Why a text is no change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoChange {
    /// It has no name.
    Unnamed,
    /// What stands for its name is none.
    Name(IdError),
    /// Its name is one that every study has.
    Taken,
    /// It says nothing that can change.
    Nothing,
    /// The file takes no comment.
    NoComment(StateId, String),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(text, why) => write!(f, "--change {text:?}: {why}"),
            Self::Twice(name) => write!(
                f,
                "--change {name}: found this name twice; expected a name of its own for each change but further files to add a comment to"
            ),
        }
    }
}

impl std::error::Error for ChangeError {}

impl fmt::Display for NoChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unnamed => f.write_str("expected NAME=FILE, for example sources=src/main.py"),
            Self::Name(error) => error.fmt(f),
            Self::Taken => f.write_str("this name is taken; choose another, for example sources"),
            Self::Nothing => {
                f.write_str("expected a file of the project, files:DIR, patch:FILE, ref:GITREF or run:COMMAND")
            }
            Self::NoComment(name, file) => f.write_str(&without_comments(name, file)),
        }
    }
}

impl DraftChange {
    /// Reads `NAME=FILE`, `NAME=files:DIR`, `NAME=patch:FILE`, `NAME=ref:GITREF` or `NAME=run:COMMAND`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, ChangeError> {
        let wrong = |why: NoChange| ChangeError::Wrong(text.to_owned(), why);
        let (name, what) = text.split_once('=').ok_or_else(|| wrong(NoChange::Unnamed))?;
        let name = StateId::new(name).map_err(|error| wrong(NoChange::Name(error)))?;
        if TAKEN.contains(&name.as_str()) {
            return Err(wrong(NoChange::Taken));
        }
        let (kind, value) = match what.split_once(':') {
            Some((kind @ ("files" | "patch" | "ref" | "run"), value)) => (kind, value),
            _ => ("", what),
        };
        if value.trim().is_empty() || value.chars().any(char::is_control) {
            return Err(wrong(NoChange::Nothing));
        }
        let kind = match kind {
            "files" => ChangeKind::Files(value.into()),
            "patch" => ChangeKind::Patch(value.into()),
            "ref" => ChangeKind::Reference(value.to_owned()),
            "run" => ChangeKind::Run(value.to_owned()),
            _ if !has_comments(Path::new(value)) => return Err(wrong(NoChange::NoComment(name, value.to_owned()))),
            _ => ChangeKind::Comment(vec![value.into()]),
        };
        Ok(Self { name, kind, why: None })
    }

    /// Adds a change to those before it: further files for a comment of the same name go into the same state.
    ///
    /// # Errors
    /// When the name was used for something else.
    pub fn add_to(self, all: &mut Vec<Self>) -> Result<(), ChangeError> {
        let Some(before) = all.iter_mut().find(|before| before.name == self.name) else {
            all.push(self);
            return Ok(());
        };
        match (&mut before.kind, self.kind) {
            (ChangeKind::Comment(files), ChangeKind::Comment(more)) => {
                files.extend(more);
                Ok(())
            }
            _ => Err(ChangeError::Twice(self.name)),
        }
    }
}

/// Why a file cannot be changed by a comment, and what can be done instead.
fn without_comments(name: &StateId, file: &str) -> String {
    let command = match Path::new(file).file_name().and_then(|name| name.to_str()) {
        Some("package.json" | "package-lock.json") => "npm install left-pad",
        Some("pnpm-lock.yaml") => "pnpm add left-pad",
        Some("yarn.lock") => "yarn add left-pad",
        Some("poetry.lock") => "poetry add left-pad",
        Some("uv.lock") => "uv add left-pad",
        Some("Cargo.lock") => "cargo update",
        _ => "COMMAND",
    };
    format!(
        "{file:?} takes no comment (its syntax has none, is not known, or a tool writes the file), so its change must be given whole: {name}=files:DIR (files laid over the project), {name}=patch:FILE, {name}=ref:GITREF, or {name}=run:'{command}' (carried out on a copy)"
    )
}

/// Names for Dockerfiles, made of the paths that they were given by; each once.
#[must_use]
pub fn approach_names(paths: &[PathBuf]) -> Vec<ApproachId> {
    let mut names: Vec<ApproachId> = Vec::new();
    for path in paths {
        let text: Vec<String> = path
            .components()
            .filter_map(|part| match part {
                std::path::Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                _ => None,
            })
            .collect();
        // An absolute path says more than a name should.
        let text = if path.is_absolute() { text.last().cloned().unwrap_or_default() } else { text.join("-") };
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let plain: String = text.chars().map(|c| if fits(c) { c } else { '-' }).collect();
        let plain = plain.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let short: String = plain.chars().take(90).collect();
        let first = if short.is_empty() { "Dockerfile".to_owned() } else { short };
        let numbered = (2..).map(|number| format!("{first}-{number}"));
        let mut free = std::iter::once(first.clone()).chain(numbered).filter_map(|name| ApproachId::new(&name).ok());
        names.extend(free.find(|name| !names.contains(name)));
    }
    names
}

/// A name for a study, made of the name of a folder or repository.
#[must_use]
pub fn study_name(text: &str) -> String {
    let last = text.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let last = last.strip_suffix(".git").unwrap_or(last);
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let plain: String = last.chars().map(|c| if fits(c) { c } else { '-' }).take(60).collect();
    let plain = plain.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    // `latest` is the name of the link to the newest run.
    if plain.is_empty() || plain == "latest" { "project".to_owned() } else { plain }
}

/// The study as a text.
#[must_use]
pub fn study_text(call: &StudyDraft) -> String {
    let mut text = String::new();
    let note = |text: &mut String, lines: &[&str]| {
        for line in lines.iter().filter(|_| call.explained) {
            let _ = writeln!(text, "# {line}"); // writing to a String cannot fail
        }
    };
    if call.explained {
        note(&mut text, &["A study of Layerbench: the rows and columns of a table of build times.", ""]);
        note(&mut text, &["    layerbench run FOLDER-OF-THIS-FILE --dry-run    the builds, in their order"]);
        note(&mut text, &["    layerbench run FOLDER-OF-THIS-FILE --reps 5     builds them, and prints the table", ""]);
    }
    let _ = writeln!(text, "schema = \"{SCHEMA}\"\nname = {}\n", quoted(&call.name));
    project(call, &mut text, &note);
    note(&mut text, &["The states of the project's files. Each piles up on the one before it."]);
    text += "[[state]]\nid = \"base\"\n";
    let mut before = "base".to_owned();
    for change in &call.changes {
        text += "\n";
        note(&mut text, &change.why.iter().map(String::as_str).collect::<Vec<_>>());
        let _ = write!(text, "[[state]]\nid = {}\nafter = {}\n", quoted(change.name.as_str()), quoted(&before));
        change_lines(&change.kind, &mut text);
        before = change.name.as_str().to_owned();
    }
    text += "\n";
    note(
        &mut text,
        &["The columns, in the order in which they are built: each on the cache that the one before left."],
    );
    text += "[[scenario]]\nid = \"cold\"\ncache = \"cold\"\nstate = \"base\"\n";
    text += "\n[[scenario]]\nid = \"warm\"\ncache = \"warm\"\nstate = \"base\"\n";
    for change in &call.changes {
        let name = quoted(change.name.as_str());
        let _ = write!(text, "\n[[scenario]]\nid = {name}\ncache = \"changed\"\nstate = {name}\n");
    }
    text += "\n";
    note(&mut text, &["The rows: Dockerfiles. A list of values for an argument gives a row for each value,"]);
    note(&mut text, &["for example args = { PYTHON = [\"3.12\", \"3.13\"] }."]);
    text += &call.rows.iter().map(row).collect::<Vec<_>>().join("\n");
    text
}

fn project(call: &StudyDraft, text: &mut String, note: &dyn Fn(&mut String, &[&str])) {
    match &call.project {
        Ok(path) => {
            note(text, &["What the Dockerfiles' context is; .dockerignore holds as for docker build."]);
            let _ = writeln!(text, "[project]\npath = {}\n", quoted(path));
        }
        Err(source) => {
            note(text, &["The files are those of git, at this branch, tag or commit."]);
            let _ = writeln!(text, "[project]\ngit = {}", quoted(&source.address));
            if let Some(reference) = &source.reference {
                let _ = writeln!(text, "ref = {}", quoted(reference));
            }
            if let Some(folder) = &source.folder {
                let _ = writeln!(text, "path = {}", quoted(&folder.to_string_lossy()));
            }
            *text += "\n";
        }
    }
}

fn change_lines(kind: &ChangeKind, text: &mut String) {
    let _ = match kind {
        ChangeKind::Comment(files) => {
            let files: Vec<String> = files.iter().map(|file| quoted(&file.to_string_lossy())).collect();
            writeln!(text, "comment = [{}]", files.join(", "))
        }
        ChangeKind::Files(folder) => writeln!(text, "overlay = {}", quoted(&folder.to_string_lossy())),
        ChangeKind::Patch(file) => writeln!(text, "patch = {}", quoted(&file.to_string_lossy())),
        ChangeKind::Reference(reference) => writeln!(text, "ref = {}", quoted(reference)),
        ChangeKind::Run(command) => writeln!(text, "run = {}", quoted(command)),
    };
}

fn row(row: &DockerfileRow) -> String {
    let mut text =
        format!("[[approach]]\nid = {}\ndockerfile = {}\n", quoted(row.id.as_str()), quoted(&row.dockerfile));
    if let Some(target) = &row.target {
        let _ = writeln!(text, "target = {}", quoted(target));
    }
    if !row.args.is_empty() {
        let args: Vec<String> = row.args.iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
        let _ = writeln!(text, "args = {{ {} }}", args.join(", "));
    }
    text
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_as_they_are_written() {
        let kind = |text: &str| DraftChange::parse(text).map(|change| change.kind);
        assert_eq!(kind("sources=src/a.py"), Ok(ChangeKind::Comment(vec!["src/a.py".into()])));
        assert_eq!(kind("deps=files:new"), Ok(ChangeKind::Files("new".into())));
        assert_eq!(kind("deps=patch:a.patch"), Ok(ChangeKind::Patch("a.patch".into())));
        assert_eq!(kind("deps=ref:feature/x"), Ok(ChangeKind::Reference("feature/x".into())));
        assert_eq!(kind("deps=run:a=1 b:c"), Ok(ChangeKind::Run("a=1 b:c".into())));
        let refused = kind("deps=package.json").unwrap_err().to_string();
        for word in ["deps=files:DIR", "deps=patch:FILE", "deps=ref:GITREF", "deps=run:'npm install left-pad'"] {
            assert!(refused.contains(word), "{refused}");
        }
        for wrong in ["deps", "cold=a.py", "a b=a.py", "deps=", "deps=run:", "deps=a\nb.py"] {
            assert!(kind(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_made_of_paths_and_never_twice() {
        let paths = ["Dockerfile", "./docker/api.Dockerfile", "docker-api.Dockerfile", "/x/y/Dockerfile", "../ä b"];
        let names = approach_names(&paths.map(PathBuf::from));
        let names: Vec<&str> = names.iter().map(ApproachId::as_str).collect();
        assert_eq!(names, ["Dockerfile", "docker-api.Dockerfile", "docker-api.Dockerfile-2", "Dockerfile-2", "b"]);
        assert_eq!(study_name("https://example.org/a/My App.git"), "My-App");
        assert_eq!(study_name("git@example.org:app.git"), "app");
        assert_eq!(study_name("/latest/"), "project");
    }
}
