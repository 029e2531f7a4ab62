//! What a study is, once it was read and holds together.
//! How it is read, checked, hashed and laid out is not known in here.

use super::expectation::Finding;
use crate::model::{ApproachId, CacheState, ScenarioId, StateId};
use std::path::{Path, PathBuf};

/// The schema that this version reads.
pub const SCHEMA: &str = "layerbench.study/1";

/// A study that holds together: every name it uses exists, every file it names is there.
/// All paths are absolute and lie inside [`Study::folder`], unless said otherwise.
#[derive(Clone, Debug)]
pub struct Study {
    pub(super) file: PathBuf,
    pub(super) folder: PathBuf,
    /// SHA-256 of the study's file.
    pub(super) digest: [u8; 32],
    /// Folders that lie elsewhere than the study says, and the names that stand for them in the hash.
    pub(super) places: Vec<(PathBuf, PathBuf)>,
    /// Name of the study, safe as the name of a folder.
    pub name: String,
    /// Title for people, one line.
    pub title: Option<String>,
    /// Name of a folder in the results that holds figures to show beside a run.
    pub published: Option<String>,
    /// The project's folder.
    pub project: PathBuf,
    /// Where the project comes from.
    pub source: Source,
    /// The states, each after the one it piles up on.
    pub states: Vec<State>,
    /// The columns of the table, in the order in which they are built; the first is cold.
    pub scenarios: Vec<Scenario>,
    /// The rows of the table.
    pub approaches: Vec<Approach>,
    /// What an image has to do when it is run.
    pub check: Option<Check>,
    /// A registry to serve to a private engine.
    pub registry: Option<Registry>,
    /// Images used in place of others.
    pub bases: Vec<Base>,
    /// Claims that a run can confirm or contradict.
    pub findings: Vec<Finding>,
    /// What is asked of the images.
    pub audit: Audit,
}

impl Study {
    /// Takes the project's files from another folder, which holds what the study means.
    pub fn take_project_from(&mut self, folder: PathBuf) {
        self.places.push((self.project.clone(), PathBuf::from("project")));
        self.places.push((folder.clone(), PathBuf::from("project")));
        self.project = folder;
    }

    /// Gives a state its files whole, for a change that had to be worked out first.
    pub fn settle(&mut self, id: &StateId, folder: PathBuf) {
        if let Some(state) = self.states.iter_mut().find(|state| state.id == *id) {
            self.places.push((folder.clone(), Path::new("states").join(id.as_str())));
            state.worked_out = Some(folder);
        }
    }

    /// The study's file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The folder that holds the study's file and everything that it refers to.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A state by its name.
    #[must_use]
    pub fn state(&self, id: &StateId) -> Option<&State> {
        self.states.iter().find(|state| state.id == *id)
    }

    /// A scenario by its name.
    #[must_use]
    pub fn scenario(&self, id: &ScenarioId) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.id == *id)
    }

    /// An approach by its name.
    #[must_use]
    pub fn approach(&self, id: &ApproachId) -> Option<&Approach> {
        self.approaches.iter().find(|approach| approach.id == *id)
    }
}

/// Lays the files of a project in git out in a folder, and names it; or says why it cannot.
pub type Fetch<'a> = &'a mut dyn FnMut(&GitSource) -> Result<PathBuf, FetchError>;

/// What was found in place of a project in git, in words that complete "found …". How it is fetched is not known to a
/// study, and so is not what may go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError(String);

impl FetchError {
    /// What whoever fetches says.
    pub fn new(found: impl std::fmt::Display) -> Self {
        Self(found.to_string())
    }
}

impl std::fmt::Display for FetchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FetchError {}

/// Where a project comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder of the study.
    Study,
    /// A folder that the study lies in or beside: only what a Dockerfile can see of it is part of the project.
    Folder(PathBuf),
    /// A git repository at a revision.
    Git(GitSource),
}

/// A project in git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSource {
    /// Path or URL of the repository.
    pub address: String,
    /// Branch, tag or commit; the repository's `HEAD` if `None`.
    pub reference: Option<String>,
    /// Folder of the repository that holds the project; the whole of it if `None`.
    pub folder: Option<PathBuf>,
}

impl std::fmt::Display for GitSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.address, self.reference.as_deref().unwrap_or("HEAD"))?;
        self.folder.as_ref().map_or(Ok(()), |folder| write!(f, ":{}", folder.display()))
    }
}

/// A change that has to be worked out on a copy of the files before anything is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Derived {
    /// The files are those of this branch, tag or commit.
    Reference(String),
    /// A patch as `git diff` writes it.
    Patch(PathBuf),
    /// A command that a shell carries out in the copy.
    Run(String),
}

/// One version of the project's files: another state (or the project itself), then what is derived from it, then the
/// overlay laid over it, then the removals, then the additions, then the comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its name.
    pub id: StateId,
    /// The state it piles up on; `None` for the project itself.
    pub after: Option<StateId>,
    /// What has to be worked out first.
    pub derived: Option<Derived>,
    /// A folder with all files, once that was worked out.
    pub worked_out: Option<PathBuf>,
    /// A folder laid over it.
    pub overlay: Option<PathBuf>,
    /// Files and folders taken away, relative to the project.
    pub remove: Vec<PathBuf>,
    /// Texts added to the ends of files.
    pub append: Vec<Append>,
    /// Files that get a comment at their end, another one for each sample.
    pub comment: Vec<PathBuf>,
}

/// A text added to the end of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The file, relative to the project.
    pub file: PathBuf,
    /// The text, added as it is.
    pub text: String,
}

/// A cache condition and a state: a column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub id: ScenarioId,
    /// Title for people, one line.
    pub title: Option<String>,
    /// The cache condition asked for.
    pub cache: CacheState,
    /// The files that are built.
    pub state: StateId,
}

/// One Dockerfile and its build arguments: a row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approach {
    /// Its name.
    pub id: ApproachId,
    /// Title for people, one line.
    pub title: Option<String>,
    /// The Dockerfile, symbolic links followed.
    pub dockerfile: PathBuf,
    /// The stage to build; the last one if `None`.
    pub target: Option<String>,
    /// What it takes to build it. It is left out, and that is said, where its base images are not to be had; of any other
    /// approach that ends the run.
    pub needs: Option<String>,
    /// What its builds are asked for beside the Dockerfile.
    pub settings: Settings,
}

/// What builds are asked for beside a Dockerfile; lists in the order of the study.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Build arguments.
    pub args: Vec<(String, String)>,
    /// Labels of the image.
    pub labels: Vec<(String, String)>,
    /// Platform to build for; the engine's own if `None`.
    pub platform: Option<String>,
    /// Network of RUN steps: `default`, `none` or `host`.
    pub network: Option<String>,
    /// Names that RUN steps know, each with its address.
    pub hosts: Vec<(String, String)>,
    /// Secrets that RUN steps may mount, and where each is read when a run starts.
    pub secrets: Vec<(String, SecretSource)>,
}

/// Where a secret is read. Its value is no part of a study, nor of its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A file, anywhere on this machine.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
}

/// What an image has to do when it is run without arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it prints to standard output, to the byte.
    pub stdout: String,
}

/// What is asked of the images beside their times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Demands on each image.
    pub demands: Demands,
    /// The lock file that says what is needed at run time, relative to the project.
    pub lock: Option<PathBuf>,
}

/// Demands on an image; what is `None` is not demanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// `false`: it must not be run as root.
    pub root: Option<bool>,
    /// Largest number of bytes of its files.
    pub max_bytes: Option<u64>,
    /// Largest number of paths that its user can write.
    pub writable_paths: Option<u64>,
}

/// A distribution registry to serve to a private engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// The folder that it stores its images in.
    pub storage: PathBuf,
    /// The loopback address that it is served at.
    pub address: std::net::SocketAddr,
}

/// An image used in place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The reference as the Dockerfiles write it.
    pub from: String,
    /// The reference that is used instead.
    pub to: String,
    /// It was built locally because no registry could be reached.
    pub stand_in: bool,
}
