//! Studies: TOML to a validated [`Study`], and the files of its states laid out in a folder.
//! Reports all problems of a file together, each with its place. Reads nothing outside the study's
//! folder. What is done with a study (plans, builds, records) must not enter here.

mod call;
mod check;
mod comment;
mod decode;
mod fields;
mod finding;
mod hash;
mod load;
mod marks;
mod materialize;
mod matrix;
mod paths;
mod problem;
mod project;
mod settings;
#[cfg(test)]
mod tests;
mod tree;

pub use call::{Call, Change, ChangeKind, Row, approach_names, study_name, study_text};
pub use comment::has_comments;
pub use hash::HashError;
pub use marks::Marks;
pub use materialize::{StateError, materialize, materialize_below};
pub use problem::{Problem, StudyErrors};

use crate::model::{ApproachId, CacheState, ScenarioId, StateId};
use std::path::{Path, PathBuf};

/// The schema that this version reads.
pub const SCHEMA: &str = "layerbench.study/1";

/// What to do about a change of a file that takes no comment.
const GIVE_WHOLE: &str = "give its change whole: overlay = \"changes/NAME\", patch, ref or run";

/// A study that holds together: every name it uses exists, every file it names is there.
/// All paths are absolute and lie inside [`Study::folder`], unless said otherwise.
#[derive(Clone, Debug)]
pub struct Study {
    file: PathBuf,
    folder: PathBuf,
    digest: [u8; 32],
    /// Folders that lie elsewhere than the study says, and the names that stand for them in the hash.
    places: Vec<(PathBuf, PathBuf)>,
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
    /// Reads a study from its file, or from the folder that holds `study.toml`.
    ///
    /// # Errors
    /// All problems of the file together, or that it cannot be read. A project in git is one: see [`Study::fetch`].
    pub fn load(path: &Path) -> Result<Self, StudyErrors> {
        load::load(path, &mut |source| Err(format!("{source}, which is not fetched here")))
    }

    /// Reads a study as [`Study::load`]; `fetch` lays the files of a project in git out in a folder and names it.
    ///
    /// # Errors
    /// All problems of the file together, among them why the project could not be fetched.
    pub fn fetch(path: &Path, fetch: Fetch<'_>) -> Result<Self, StudyErrors> {
        load::load(path, fetch)
    }

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

    /// SHA-256 in hexadecimal over the study file and every file it refers to: paths, contents and
    /// executable bits. Files of the registry are left out.
    ///
    /// # Errors
    /// When one of the files cannot be read.
    pub fn hash(&self) -> Result<String, HashError> {
        hash::hash(self)
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
pub type Fetch<'a> = &'a mut dyn FnMut(&GitSource) -> Result<PathBuf, String>;

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

/// A claim that a run can confirm or contradict.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its name, of the same form as the other names.
    pub id: String,
    /// The claim in one line, for people.
    pub claim: String,
    /// What the figures have to show.
    pub expects: Expectation,
}

/// What the figures have to show for a claim to hold. Each approach of the first list is held
/// against each of `than`.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// Builds take less time.
    Faster {
        /// The approaches that are claimed to be faster.
        approaches: Vec<ApproachId>,
        /// The approaches that they are held against.
        than: Vec<ApproachId>,
        /// The scenario that this is about.
        scenario: ScenarioId,
        /// At least this many times faster; above 1. `None` when any difference will do.
        by: Option<f64>,
    },
    /// Images have fewer bytes.
    Smaller {
        /// The approaches whose images are claimed to be smaller.
        approaches: Vec<ApproachId>,
        /// The approaches that they are held against.
        than: Vec<ApproachId>,
    },
    /// Builds take between `at_least` and `at_most` times as long as those that they are held against.
    Ratio {
        /// The approaches that this is about.
        approaches: Vec<ApproachId>,
        /// The scenario that this is about.
        scenario: ScenarioId,
        /// The approaches that they are held against; empty for each against itself.
        than: Vec<ApproachId>,
        /// The scenario that they are held against; the same one if `None`.
        than_scenario: Option<ScenarioId>,
        /// Smallest ratio; 0 for none.
        at_least: f64,
        /// Largest ratio.
        at_most: f64,
    },
    /// The images that an approach gives in two scenarios have about the same number of bytes.
    SameSize {
        /// The approaches that this is about.
        approaches: Vec<ApproachId>,
        /// One scenario.
        scenario: ScenarioId,
        /// The other scenario.
        than_scenario: ScenarioId,
        /// Largest difference that still counts as none, as a share of the first size.
        within: f64,
    },
    /// Images have about the same number of bytes.
    UnchangedSize {
        /// The approaches whose images are claimed to be as large.
        approaches: Vec<ApproachId>,
        /// The approaches that they are held against.
        than: Vec<ApproachId>,
        /// Largest difference that still counts as none, as a share of the size: 0.01 is one percent.
        within: f64,
    },
}
