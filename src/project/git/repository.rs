//! Repositories: opened, or fetched from; their branches, revisions and work trees.

use super::address::{check, is_url};
use super::git_error::{GitError, printable};
use super::write_tree::{Remarks, Writing};
use crate::text::without_logins;
use git2::{Commit, Oid, StatusOptions};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Branches that are named where none is the one that was asked for.
const MOST_NAMED: usize = 20;

/// A repository that can be read.
pub struct Repository {
    repository: git2::Repository,
    /// Where revisions that it lacks are fetched from.
    remote: Option<String>,
}

/// The branches of a repository.
///
/// # Errors
/// What was found, in one line.
pub fn branches(address: &str) -> Result<Vec<String>, GitError> {
    if !is_url(address) {
        return Ok(Repository { repository: on_this_machine(address)?, remote: None }.branches());
    }
    check(address)?;
    let output = git()
        .args(["ls-remote", "--heads", "--", address])
        .output()
        .map_err(|e| GitError::NoGit(address.to_owned(), e))?;
    if !output.status.success() {
        return Err(GitError::NotRead(address.to_owned(), first_line(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter_map(|line| line.split_once("refs/heads/")).map(|(_, name)| name.to_owned()).collect())
}

/// The installed git, which asks nobody for anything, answers in English, and runs no helper for a protocol unless the
/// user's own environment says so.
fn git() -> Command {
    let mut command = Command::new("git");
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").stdin(Stdio::null());
    if std::env::var_os("GIT_ALLOW_PROTOCOL").is_none() {
        command.env("GIT_ALLOW_PROTOCOL", "https:ssh:git:http:file");
    }
    command
}

/// Opens the repository at a path.
fn on_this_machine(address: &str) -> Result<git2::Repository, GitError> {
    git2::Repository::open(address)
        .map_err(|error| GitError::NoRepository(address.to_owned(), error.message().to_owned()))
}

fn first_line(text: &[u8]) -> String {
    let text = without_logins(&String::from_utf8_lossy(text));
    printable(text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no message"))
}

impl Repository {
    /// Opens a repository: a path, with or without a work tree; or a URL, of which `workspace` gets what is needed.
    ///
    /// # Errors
    /// What was found and what was expected, in one line.
    pub fn open(address: &str, workspace: &Path) -> Result<Self, GitError> {
        if is_url(address) {
            check(address)?;
            let repository = git2::Repository::init_bare(workspace).map_err(|e| GitError::broken(&e))?;
            return Ok(Self { repository, remote: Some(address.to_owned()) });
        }
        Ok(Self { repository: on_this_machine(address)?, remote: None })
    }

    /// The repository that a folder lies in, if any.
    #[must_use]
    pub fn around(folder: &Path) -> Option<Self> {
        git2::Repository::discover(folder).ok().map(|repository| Self { repository, remote: None })
    }

    /// The folder of the work tree, if there is one.
    #[must_use]
    pub fn work_tree(&self) -> Option<PathBuf> {
        self.repository.workdir().map(Path::to_path_buf)
    }

    /// Where a folder lies in the work tree.
    #[must_use]
    pub fn place_of(&self, folder: &Path) -> Option<PathBuf> {
        let top = self.repository.workdir()?.canonicalize().ok()?;
        Some(folder.canonicalize().ok()?.strip_prefix(top).ok()?.to_owned())
    }

    /// The commit that a branch, tag or commit's name means; `HEAD` if there is none. Fetched if need be.
    ///
    /// # Errors
    /// What was found and what was expected, in one line.
    pub fn commit(&self, reference: Option<&str>) -> Result<String, GitError> {
        let name = reference.unwrap_or("HEAD");
        if name.starts_with('-') || name.is_empty() {
            return Err(GitError::Name(name.to_owned()));
        }
        match &self.remote {
            Some(remote) => self.fetch(remote, name),
            None => self.local(name).map(|commit| commit.id().to_string()),
        }
    }

    fn local(&self, name: &str) -> Result<Commit<'_>, GitError> {
        // A clone has the branches that nobody worked on yet only as those of its origin.
        let names = [name.to_owned(), format!("refs/remotes/origin/{name}")];
        let mut found = names.iter().filter_map(|name| self.repository.revparse_single(name).ok());
        found.find_map(|object| object.peel_to_commit().ok()).ok_or_else(|| {
            let mut branches = self.branches();
            branches.truncate(MOST_NAMED);
            GitError::NoRevision { name: name.to_owned(), place: self.repository.path().to_owned(), branches }
        })
    }

    fn branches(&self) -> Vec<String> {
        let all = self.repository.branches(None).into_iter().flatten().flatten();
        all.filter_map(|(branch, _)| branch.name().ok()?.map(str::to_owned)).collect()
    }

    /// One revision, without its history.
    fn fetch(&self, remote: &str, name: &str) -> Result<String, GitError> {
        let target = "refs/layerbench/fetched";
        let output = git()
            .arg("--git-dir")
            .arg(self.repository.path())
            .args(["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--", remote])
            .arg(format!("+{name}:{target}"))
            .output()
            .map_err(|error| GitError::NoGit(remote.to_owned(), error))?;
        if !output.status.success() {
            let (name, remote, why) = (name.to_owned(), remote.to_owned(), first_line(&output.stderr));
            return Err(GitError::NotFetched { name, remote, why });
        }
        let object = self.repository.revparse_single(target).map_err(|e| GitError::broken(&e))?;
        object.peel_to_commit().map(|commit| commit.id().to_string()).map_err(|e| GitError::broken(&e))
    }

    /// Writes the files of a commit, or of one of its folders, to `to`.
    ///
    /// # Errors
    /// What was found and what was expected, in one line.
    pub fn export(&self, commit: &str, folder: Option<&Path>, to: &Path) -> Result<Remarks, GitError> {
        let commit =
            Oid::from_str(commit).and_then(|id| self.repository.find_commit(id)).map_err(|e| GitError::broken(&e))?;
        let mut tree = commit.tree().map_err(|e| GitError::broken(&e))?;
        if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
            let object = tree.get_path(folder).and_then(|entry| entry.to_object(&self.repository));
            let found = object.ok().and_then(|object| object.into_tree().ok());
            tree = found.ok_or_else(|| GitError::NoFolder(folder.to_owned(), commit.id().to_string()))?;
        }
        fs::create_dir_all(to).map_err(GitError::io(to))?;
        let mut writing = Writing::of(&self.repository);
        writing.tree(&tree, Path::new(""), to)?;
        Ok(writing.remarks())
    }

    /// Files of a folder of the work tree that differ from the last commit or are in none, save those at or below
    /// `skip`; the first twenty.
    #[must_use]
    pub fn uncommitted(&self, folder: &Path, skip: &[PathBuf]) -> Vec<String> {
        let Some(inside) = self.place_of(folder) else { return Vec::new() };
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).update_index(false).no_refresh(true);
        if !inside.as_os_str().is_empty() {
            options.pathspec(&inside);
        }
        let found = self.repository.statuses(Some(&mut options));
        let top = self.work_tree().and_then(|top| top.canonicalize().ok()).unwrap_or_default();
        let wanted = |name: &String| !skip.iter().any(|skip| top.join(name).starts_with(skip));
        let names = |statuses: git2::Statuses<'_>| {
            let all = statuses.iter().map(|s| String::from_utf8_lossy(s.path_bytes()).into_owned());
            all.filter(wanted).take(20).collect()
        };
        found.map(names).unwrap_or_default()
    }
}
