//! Looks at a project and its Dockerfiles, and writes a study that runs at once and explains itself.
//! Writes one folder, and nothing into it that is there already unless that is wanted.

use crate::app::prepare::subject::{fetch, passing};
use crate::app::prepare::without_study::{Context, context};
use crate::app::{Failure, put};
use crate::model::StateId;
use crate::project::git;
use crate::project::kind::{Project, Tool, look};
use crate::study::{
    ChangeKind, DockerfileRow, DraftChange, GitSource, StudyDraft, approach_names, has_comments, study_name, study_text,
};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of a study beside a project's files.
const FOLDER: &str = "layerbench";

/// What is asked for.
pub struct Request {
    /// Folder of the project, or a git repository as `PATH#REF` or `URL#REF`.
    pub project: String,
    /// Folder for the study, if not the usual one.
    pub out: Option<PathBuf>,
    /// Whether a study that is there is written over.
    pub force: bool,
}

/// A study that was written.
pub struct Written {
    /// Its folder.
    pub folder: PathBuf,
    /// Its file.
    pub file: PathBuf,
    /// What was found, in a few words.
    pub found: String,
    /// What was left out, and why, a line each.
    pub left_out: Vec<String>,
}

/// Writes a study for a project.
///
/// # Errors
/// When there is nothing to write one for, one is there already, or it cannot be written.
pub fn init(request: &Request) -> Result<Written, Failure> {
    let (draft, standard) = match context("", &request.project)? {
        Context::Folder(folder) => (of_folder(&folder)?, Path::new(&request.project).join(FOLDER)),
        Context::Git(source) => (of_repository(source)?, PathBuf::from(FOLDER)),
    };
    let to = request.out.clone().unwrap_or(standard);
    let file = to.join("study.toml");
    if file.exists() && !request.force {
        return Err(Failure::wrong(format!(
            "{}: found a study there; expected none; run it, or write it anew with --force",
            file.display()
        )));
    }
    for (name, content) in &draft.files {
        let place = to.join(name);
        let folder = place.parent().unwrap_or(&to);
        fs::create_dir_all(folder).map_err(|e| Failure::failed(format!("{}: {e}", folder.display())))?;
        put(&place, content.as_bytes())?;
    }
    fs::create_dir_all(&to).map_err(|e| Failure::failed(format!("{}: {e}", to.display())))?;
    put(&file, study_text(&draft.study).as_bytes())?;
    Ok(Written { folder: to, file, found: draft.found, left_out: draft.left_out })
}

/// What will be written, and what is to be said of it.
struct Draft {
    study: StudyDraft,
    /// Further files of the study, relative to it.
    files: Vec<(PathBuf, String)>,
    found: String,
    left_out: Vec<String>,
}

fn of_folder(folder: &Path) -> Result<Draft, Failure> {
    let project = look(folder).map_err(Failure::wrong)?;
    draft(folder, project, study_name(&folder.to_string_lossy()), Ok("..".to_owned()))
}

fn of_repository(mut source: GitSource) -> Result<Draft, Failure> {
    let address = source.address.clone();
    let wrong = |found: &dyn std::fmt::Display| {
        Failure::wrong(format!("{address}: found {found}; expected a git repository and a revision that it has"))
    };
    let states = match &source.reference {
        None => numbered(&git::branches(&address).map_err(|error| wrong(&error))?),
        Some(_) => Vec::new(),
    };
    source.reference = source.reference.or_else(|| states.first().cloned());
    let place = passing()?;
    let (files, _) = fetch(&source, &place.path().join("project"), place.path()).map_err(|error| wrong(&error))?;
    let project = look(&files).map_err(|error| wrong(&error))?;
    let mut draft = draft(&files, project, study_name(&address), Err(source))?;
    if states.len() > 1 {
        draft.files.clear();
        draft.study.changes = states.iter().skip(1).filter_map(|branch| branch_state(branch)).collect();
        draft.found += &format!(", the states of {} branches", states.len());
    }
    Ok(draft)
}

/// Branches that stand for states: `01-basic`, `02-sources-changed`, … in their order; at least two.
fn numbered(branches: &[String]) -> Vec<String> {
    let number = |name: &String| {
        let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
        let rest = name.get(digits.len()..)?;
        (rest.starts_with(['-', '_']) && rest.len() > 1).then(|| digits.parse::<u32>().ok()).flatten()
    };
    let mut found: Vec<(u32, String)> =
        branches.iter().filter_map(|name| Some((number(name)?, name.clone()))).collect();
    found.sort();
    if found.len() < 2 { Vec::new() } else { found.into_iter().map(|(_, name)| name).collect() }
}

fn branch_state(branch: &str) -> Option<DraftChange> {
    let name = branch.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(['-', '_']);
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let plain: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let why = Some("All files as this branch has them.".to_owned());
    Some(DraftChange { name: StateId::new(&plain).ok()?, kind: ChangeKind::Reference(branch.to_owned()), why })
}

fn draft(folder: &Path, project: Project, name: String, place: Result<String, GitSource>) -> Result<Draft, Failure> {
    if project.dockerfiles.is_empty() {
        return Err(Failure::wrong(format!(
            "{}: found no Dockerfile at its top, nor in docker/ or dockerfiles/; expected at least one; write one first",
            folder.display()
        )));
    }
    let mut draft = Draft {
        found: format!(
            "{}, {} Dockerfile{}",
            project.tool.name(),
            project.dockerfiles.len(),
            if project.dockerfiles.len() == 1 { "" } else { "s" }
        ),
        study: StudyDraft {
            name,
            project: place,
            rows: rows(&project.dockerfiles),
            changes: Vec::new(),
            explained: true,
        },
        files: Vec::new(),
        left_out: Vec::new(),
    };
    match &project.source {
        Some(file) => draft.change(
            "sources",
            ChangeKind::Comment(vec![file.clone()]),
            "A comment at the end of a source, another one for each sample. Name more files if you like.",
        ),
        None => draft
            .left_out
            .push("no source was found: add a state and a scenario for a change of one, as in the README".to_owned()),
    }
    match &project.manifest {
        Some(file) if has_comments(file) => {
            let why = "A comment where dependencies are declared: builds that look at the file's content install them again. \
                       For a real change use overlay = \"FOLDER\", patch = \"FILE\", ref = \"BRANCH\" or run = \"COMMAND\".";
            draft.change("deps", ChangeKind::Comment(vec![file.clone()]), why);
        }
        Some(file) => draft.json(folder, file),
        None if project.tool == Tool::Unknown => {}
        None => draft.left_out.push(
            "no file that declares dependencies was found: add a state and a scenario for a change of it".to_owned(),
        ),
    }
    Ok(draft)
}

fn rows(dockerfiles: &[PathBuf]) -> Vec<DockerfileRow> {
    let names = approach_names(dockerfiles);
    let row = |(id, path): (_, &PathBuf)| DockerfileRow {
        id,
        dockerfile: path.display().to_string(),
        target: None,
        args: Vec::new(),
    };
    names.into_iter().zip(dockerfiles).map(row).collect()
}

impl Draft {
    fn change(&mut self, name: &str, kind: ChangeKind, why: &str) {
        if let Ok(name) = StateId::new(name) {
            self.study.changes.push(DraftChange { name, kind, why: Some(why.to_owned()) });
        }
    }

    /// JSON has no comments: the study gets a copy of the file with one more key, which package managers pass over.
    fn json(&mut self, folder: &Path, file: &Path) {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        let object = serde_json::from_str::<serde_json::Value>(&text).ok();
        let object = object.filter(|value| value.as_object().is_some_and(|object| !object.is_empty()));
        let Some((_, (before, after))) = object.zip(text.split_once('{')) else {
            self.left_out.push(format!("{} is no JSON object: no change of dependencies was written", file.display()));
            return;
        };
        let changed = format!("{before}{{\n  \"layerbench\": \"changed\",{after}");
        self.files.push((Path::new("changes/deps").join(file), changed));
        let why = "A copy of the file that declares dependencies, with one more key: JSON has no comments. Write it anew \
                   (layerbench init --force) when the original changes, or use run = \"npm install left-pad\" instead.";
        self.change("deps", ChangeKind::Files("changes/deps".into()), why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Ending;
    use crate::app::fake_world::FakeWorld;
    use crate::app::measure::run_request::RunRequest;
    use crate::app::prepare::request::Wish;

    fn request(world: &FakeWorld) -> Request {
        Request { project: world.at("app").display().to_string(), out: None, force: false }
    }

    /// A project in Python with two Dockerfiles.
    fn project(world: &FakeWorld) {
        world.write("app/main.py", "print('hello')\n");
        world.write("app/requirements.txt", "flask\n");
        for name in ["Dockerfile", "docker/slim.Dockerfile"] {
            world.write(&format!("app/{name}"), "FROM busybox:1\nCOPY . /srv\nRUN true\n");
        }
    }

    #[test]
    fn a_study_that_was_written_for_a_project_runs_at_once() {
        let world = FakeWorld::new();
        project(&world);
        let written = init(&request(&world)).unwrap();
        assert_eq!(
            (&written.folder, &written.file),
            (&world.at("app/layerbench"), &world.at("app/layerbench/study.toml"))
        );
        assert!(written.found.contains("2 Dockerfiles") && written.left_out.is_empty(), "{}", written.found);
        let run = world.whole(&RunRequest { wish: Wish::Study(written.folder), ..world.request() });
        let cells: Vec<usize> = run.tables().flat_map(|(_, table)| table.cells().map(|(.., cell)| cell.n())).collect();
        assert_eq!(cells, [2; 8], "cold, warm, sources and dependencies of two Dockerfiles");
        let scenarios: Vec<&str> = run.record.scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
        assert_eq!(scenarios, ["cold", "warm", "sources", "deps"]);
    }

    #[test]
    fn a_study_that_is_there_is_only_written_over_when_that_is_wanted() {
        let world = FakeWorld::new();
        project(&world);
        world.write("app/layerbench/study.toml", "mine");
        let failure = init(&request(&world)).err().unwrap();
        assert_eq!(failure.ending, Ending::Wrong);
        assert_eq!(fs::read_to_string(world.at("app/layerbench/study.toml")).unwrap(), "mine");
        let elsewhere = init(&Request { out: Some(world.at("elsewhere")), ..request(&world) }).unwrap();
        assert_eq!(elsewhere.folder, world.at("elsewhere"));
        init(&Request { force: true, ..request(&world) }).unwrap();
        assert_ne!(fs::read_to_string(world.at("app/layerbench/study.toml")).unwrap(), "mine");
    }

    #[test]
    fn a_manifest_without_comments_is_copied_and_changed() {
        let world = FakeWorld::new();
        world.write("app/Dockerfile", "FROM busybox:1\nCOPY . /srv\n");
        world.write("app/index.js", "1\n");
        world.write("app/package.json", "{\n  \"name\": \"app\"\n}\n");
        let written = init(&request(&world)).unwrap();
        let changed = fs::read_to_string(written.folder.join("changes/deps/package.json")).unwrap();
        let changed: serde_json::Value = serde_json::from_str(&changed).unwrap();
        assert_eq!(changed, serde_json::json!({"layerbench": "changed", "name": "app"}));
        world.write("app/package.json", "[]");
        let written = init(&Request { force: true, ..request(&world) }).unwrap();
        assert_eq!(written.left_out, ["package.json is no JSON object: no change of dependencies was written"]);
    }

    #[test]
    fn where_there_is_nothing_to_build_nothing_is_written() {
        let world = FakeWorld::new();
        world.write("app/main.py", "print('hello')\n");
        for (project, words) in [(world.at("app"), "found no Dockerfile"), (world.at("nothing"), "found nothing there")]
        {
            let asked = Request { project: project.display().to_string(), ..request(&world) };
            let failure = init(&asked).err().unwrap();
            assert_eq!(failure.ending, Ending::Wrong);
            assert!(failure.text.contains(words), "{}", failure.text);
            assert!(!project.join(FOLDER).exists());
        }
    }
}
