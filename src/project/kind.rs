//! What a project is made with, where its sources and dependencies are declared, and which Dockerfiles it has.
//! Looks at names, and only at what a build sees of the folder. Nothing is run, nothing is written.

use super::context::{Context, ContextError, Kind as EntryKind, Selection};
use super::dockerfile::Dockerfile;
use super::ignore::{IgnoreRules, PatternList};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Files looked at before the search for a source ends.
const MOST_FILES: usize = 20_000;
/// Larger Dockerfiles are none.
const LARGEST: u64 = 1 << 20;
/// Names that a program's own first file often has.
const FIRST: [&str; 8] = ["main", "app", "index", "lib", "server", "__main__", "Main", "App"];

/// What a project is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Python with Poetry.
    Poetry,
    /// Python with uv.
    Uv,
    /// Python with PDM.
    Pdm,
    /// Python with pip.
    Pip,
    /// JavaScript with pnpm.
    Pnpm,
    /// JavaScript with npm, or another tool that reads `package.json`.
    Npm,
    /// Rust.
    Cargo,
    /// Go modules.
    Go,
    /// Java with Maven.
    Maven,
    /// Java or Kotlin with Gradle.
    Gradle,
    /// Nothing that is known here.
    Unknown,
}

impl Tool {
    /// The name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Poetry => "Poetry",
            Self::Uv => "uv",
            Self::Pdm => "PDM",
            Self::Pip => "pip",
            Self::Pnpm => "pnpm",
            Self::Npm => "npm",
            Self::Cargo => "Cargo",
            Self::Go => "Go modules",
            Self::Maven => "Maven",
            Self::Gradle => "Gradle",
            Self::Unknown => "no package manager that is known",
        }
    }

    /// Endings of sources.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Poetry | Self::Uv | Self::Pdm | Self::Pip => &["py"],
            Self::Pnpm | Self::Npm => &["js", "mjs", "cjs", "ts", "tsx", "jsx"],
            Self::Cargo => &["rs"],
            Self::Go => &["go"],
            Self::Maven => &["java", "kt"],
            Self::Gradle => &["java", "kt", "groovy"],
            Self::Unknown => &["py", "js", "ts", "rs", "go", "java", "kt", "c", "cpp", "rb", "sh", "html", "css"],
        }
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// What it is made with.
    pub tool: Tool,
    /// A source that somebody might change.
    pub source: Option<PathBuf>,
    /// The file that declares the dependencies.
    pub manifest: Option<PathBuf>,
    /// Its Dockerfiles; none twice, also by a link.
    pub dockerfiles: Vec<PathBuf>,
}

/// Why a folder cannot be looked at, in one line.
#[derive(Debug)]
pub enum LookError {
    /// What a build sees of it cannot be read.
    Unreadable(ContextError),
    /// Its names cannot be read.
    Io(PathBuf, io::Error),
}

impl From<ContextError> for LookError {
    fn from(error: ContextError) -> Self {
        Self::Unreadable(error)
    }
}

impl fmt::Display for LookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for LookError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(error) => Some(error),
            Self::Io(_, error) => Some(error),
        }
    }
}

/// Looks at a folder.
///
/// # Errors
/// When it cannot be read.
pub fn look(folder: &Path) -> Result<Project, LookError> {
    let files = files(folder)?;
    let (tool, manifest) = tool(folder, &files);
    Ok(Project { tool, source: source(tool, &files), manifest, dockerfiles: dockerfiles(folder)? })
}

/// The files that a build sees.
fn files(folder: &Path) -> Result<BTreeSet<PathBuf>, LookError> {
    let rules = fs::read(folder.join(".dockerignore")).unwrap_or_default();
    let rules = IgnoreRules::parse(&rules).map(PatternList::from).unwrap_or_default();
    let context = Context::open(folder)?;
    let walk = context.walk(Selection::excluding(rules))?;
    let mut files = BTreeSet::new();
    for entry in walk.take(MOST_FILES) {
        let entry = entry?;
        if entry.kind == EntryKind::File {
            files.insert(PathBuf::from(OsStr::from_bytes(&entry.path)));
        }
    }
    Ok(files)
}

fn tool(folder: &Path, files: &BTreeSet<PathBuf>) -> (Tool, Option<PathBuf>) {
    let has = |name: &str| files.contains(Path::new(name));
    let python = fs::read_to_string(folder.join("pyproject.toml")).unwrap_or_default();
    let says = |section: &str| python.lines().any(|line| line.trim_start().starts_with(section));
    let candidates = [
        (has("poetry.lock") || says("[tool.poetry"), Tool::Poetry, "pyproject.toml"),
        (has("uv.lock") || says("[tool.uv"), Tool::Uv, "pyproject.toml"),
        (has("pdm.lock") || says("[tool.pdm"), Tool::Pdm, "pyproject.toml"),
        (has("requirements.txt"), Tool::Pip, "requirements.txt"),
        (has("pyproject.toml"), Tool::Pip, "pyproject.toml"),
        (has("pnpm-lock.yaml"), Tool::Pnpm, "package.json"),
        (has("package.json"), Tool::Npm, "package.json"),
        (has("Cargo.toml"), Tool::Cargo, "Cargo.toml"),
        (has("go.mod"), Tool::Go, "go.mod"),
        (has("pom.xml"), Tool::Maven, "pom.xml"),
        (has("build.gradle.kts"), Tool::Gradle, "build.gradle.kts"),
        (has("build.gradle"), Tool::Gradle, "build.gradle"),
    ];
    let found = candidates.into_iter().find(|(there, ..)| *there);
    let (tool, manifest) = found.map_or((Tool::Unknown, ""), |(_, tool, manifest)| (tool, manifest));
    (tool, Some(manifest).filter(|name| has(name)).map(PathBuf::from))
}

/// The source that looks most like the program's own: a known name first, then the one nearest to the top.
fn source(tool: Tool, files: &BTreeSet<PathBuf>) -> Option<PathBuf> {
    let part = |path: &Path, names: &[&str]| {
        path.iter().any(|part| names.iter().any(|name| part == OsStr::new(name)) || part.as_bytes().starts_with(b"."))
    };
    let aside = [
        "test",
        "tests",
        "node_modules",
        "target",
        "build",
        "dist",
        "vendor",
        "docs",
        "migrations",
        "venv",
        "layerbench",
    ];
    let plain = |path: &&PathBuf| {
        let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let test =
            stem.starts_with("test_") || [".test", ".spec", "_test", ".config"].iter().any(|end| stem.ends_with(end));
        tool.endings().contains(&ending) && !test && stem != "setup" && stem != "conftest" && !part(path, &aside)
    };
    let rank = |path: &&PathBuf| {
        let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let known = FIRST.iter().position(|name| *name == stem).unwrap_or(FIRST.len());
        (known, path.components().count(), (*path).clone())
    };
    files.iter().filter(plain).min_by_key(rank).cloned()
}

/// Dockerfiles at the top, and in the folders where they are often kept.
fn dockerfiles(folder: &Path) -> Result<Vec<PathBuf>, LookError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for place in ["", "docker", "dockerfiles", "build", ".docker"] {
        let at = folder.join(place);
        let entries = match fs::read_dir(&at) {
            Ok(entries) => entries,
            Err(error) if place.is_empty() => return Err(LookError::Io(at, error)),
            Err(_) => continue,
        };
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| Path::new(place).join(entry.file_name())).collect();
        names.sort();
        for name in names.into_iter().filter(|name| is_named_so(name)) {
            let Ok(real) = folder.join(&name).canonicalize() else { continue };
            let fits = real.metadata().is_ok_and(|data| data.is_file() && data.len() <= LARGEST);
            let inside = folder.canonicalize().is_ok_and(|folder| real.starts_with(folder));
            let text = if fits && inside { fs::read(&real).unwrap_or_default() } else { Vec::new() };
            if !Dockerfile::parse(&text, &[]).stages.is_empty() && seen.insert(real) {
                found.push(name);
            }
        }
    }
    Ok(found)
}

fn is_named_so(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    let stems = ["dockerfile", "containerfile"];
    !name.ends_with(".dockerignore")
        && stems
            .iter()
            .any(|stem| name == *stem || name.starts_with(&format!("{stem}.")) || name.ends_with(&format!(".{stem}")))
}
