//! Files of a project as a git repository has them: found, fetched, and written to a folder of the caller's.
//! A user's work tree and index are never written to: blobs are read from the object store.
//!
//! What is on this machine is read with libgit2. What is not, the installed `git` fetches: it knows the user's keys,
//! credential helpers, proxies and certificates, and libgit2's own transports would bring OpenSSL and libssh2 along.

use crate::text::without_logins;
use git2::{Commit, ObjectType, Oid, Repository, StatusOptions, Tree};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

/// Modes of git's tree entries.
const EXECUTABLE: i32 = 0o100_755;
const LINK: i32 = 0o120_000;
/// What a file begins with whose content is kept by LFS.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
/// A larger file is no pointer.
const LFS_LARGEST: u64 = 1024;

/// Protocols that git speaks without a program of somebody else.
const PROTOCOLS: [&str; 7] = ["https", "ssh", "git", "http", "file", "git+ssh", "ssh+git"];
/// A revision with more files is refused: a few small trees can stand for any number of them.
const MOST_FILES: usize = 1_000_000;

/// A longer `.gitmodules` is not looked at.
const MODULES_LARGEST: u64 = 1 << 20;

/// A repository that can be read.
pub struct Source {
    repository: Repository,
    /// Where revisions that it lacks are fetched from.
    remote: Option<String>,
}

/// What of a revision could not be written, for people; one line each.
pub type Remarks = Vec<String>;

/// Whether an address is fetched with `git` rather than opened as a folder.
#[must_use]
pub fn is_url(address: &str) -> bool {
    let scp = address.split_once(':').is_some_and(|(host, path)| {
        host.contains('@') && !host.contains('/') && !path.is_empty() && !Path::new(address).exists()
    });
    address.contains("://") || scp
}

/// Refuses an address behind which git would do more than fetch: run a program that the address names, or take it for
/// an option; and one with a password or token in it, which would stand in records, logs and lists of processes.
///
/// # Errors
/// What was found and what to do, in one line, without the address.
pub fn check(address: &str) -> Result<(), String> {
    if address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("a space or control character in the address of a repository".to_owned());
    }
    let (scheme, place) = match address.split_once("://") {
        Some((scheme, rest)) => (scheme, rest.split(['/', '?', '#']).next().unwrap_or_default()),
        None => ("ssh", address.split_once(':').map_or(address, |(host, _)| host)),
    };
    if !PROTOCOLS.contains(&scheme) {
        let shown: String = scheme.chars().take(40).collect();
        return Err(format!(
            "the protocol {shown:?}, for which git may run a program; use one of {}",
            PROTOCOLS.join(", ")
        ));
    }
    let (user, host) = place.rsplit_once('@').map_or((None, place), |(user, host)| (Some(user), host));
    let path =
        address.split_once("://").is_none().then(|| address.split_once(':')).flatten().map_or("", |(_, path)| path);
    if [place, host, path].iter().any(|part| part.starts_with('-')) {
        return Err("an address of a repository that ssh would take for an option".to_owned());
    }
    let port = host.strip_prefix('[').map_or(host, |rest| rest.split_once(']').map_or(rest, |(_, after)| after));
    if port.split_once(':').is_some_and(|(_, port)| !port.chars().all(|c| c.is_ascii_digit())) {
        // What follows the colon may be the beginning of a password with a slash in it.
        return Err("a port that is no number in the address of a repository".to_owned());
    }
    let over_ssh = scheme.contains("ssh");
    if user.is_some_and(|user| !over_ssh || user.contains(':')) {
        return Err(
            "a name or password in the address of a repository, where others could read it; leave it out, and git asks your credential helper (git config credential.helper), or use ssh"
                .to_owned(),
        );
    }
    Ok(())
}

/// The branches of a repository.
///
/// # Errors
/// What was found, in one line.
pub fn branches(address: &str) -> Result<Vec<String>, String> {
    if !is_url(address) {
        let failed = |error: git2::Error| format!("no git repository at {address:?} ({})", error.message());
        return Ok(Source { repository: Repository::open(address).map_err(failed)?, remote: None }.branches());
    }
    check(address)?;
    let output = git().args(["ls-remote", "--heads", "--", address]).output().map_err(|e| no_git(address, &e))?;
    if !output.status.success() {
        return Err(format!("{address} cannot be read ({})", first_line(&output.stderr)));
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

fn no_git(address: &str, error: &std::io::Error) -> String {
    format!("{address}, but git cannot be started to fetch from it ({error}); install git")
}

fn first_line(text: &[u8]) -> String {
    let text = without_logins(&String::from_utf8_lossy(text));
    printable(text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no message"))
}

impl Source {
    /// Opens a repository: a path, with or without a work tree; or a URL, of which `workspace` gets what is needed.
    ///
    /// # Errors
    /// What was found and what was expected, in one line.
    pub fn open(address: &str, workspace: &Path) -> Result<Self, String> {
        if is_url(address) {
            check(address)?;
            let repository = Repository::init_bare(workspace).map_err(|e| said(&e))?;
            return Ok(Self { repository, remote: Some(address.to_owned()) });
        }
        let failed = |error: git2::Error| format!("no git repository at {address:?} ({})", error.message());
        Ok(Self { repository: Repository::open(address).map_err(failed)?, remote: None })
    }

    /// The repository that a folder lies in, if any.
    #[must_use]
    pub fn around(folder: &Path) -> Option<Self> {
        Repository::discover(folder).ok().map(|repository| Self { repository, remote: None })
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
    pub fn commit(&self, reference: Option<&str>) -> Result<String, String> {
        let name = reference.unwrap_or("HEAD");
        if name.starts_with('-') || name.is_empty() {
            return Err(format!("{name:?} as a branch, tag or commit"));
        }
        match &self.remote {
            Some(remote) => self.fetch(remote, name),
            None => self.local(name).map(|commit| commit.id().to_string()),
        }
    }

    fn local(&self, name: &str) -> Result<Commit<'_>, String> {
        // A clone has the branches that nobody worked on yet only as those of its origin.
        let names = [name.to_owned(), format!("refs/remotes/origin/{name}")];
        let mut found = names.iter().filter_map(|name| self.repository.revparse_single(name).ok());
        found.find_map(|object| object.peel_to_commit().ok()).ok_or_else(|| {
            let known = self.branches();
            let known = if known.is_empty() { "none".to_owned() } else { known[..known.len().min(20)].join(", ") };
            format!("no branch, tag or commit {name:?} in {} (branches: {known})", self.repository.path().display())
        })
    }

    fn branches(&self) -> Vec<String> {
        let all = self.repository.branches(None).into_iter().flatten().flatten();
        all.filter_map(|(branch, _)| branch.name().ok()?.map(str::to_owned)).collect()
    }

    /// One revision, without its history.
    fn fetch(&self, remote: &str, name: &str) -> Result<String, String> {
        let target = "refs/layerbench/fetched";
        let output = git()
            .arg("--git-dir")
            .arg(self.repository.path())
            .args(["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--", remote])
            .arg(format!("+{name}:{target}"))
            .output()
            .map_err(|error| no_git(remote, &error))?;
        if !output.status.success() {
            return Err(format!("{name:?} of {remote} cannot be fetched ({})", first_line(&output.stderr)));
        }
        let object = self.repository.revparse_single(target).map_err(|e| said(&e))?;
        object.peel_to_commit().map(|commit| commit.id().to_string()).map_err(|e| said(&e))
    }

    /// Writes the files of a commit, or of one of its folders, to `to`.
    ///
    /// # Errors
    /// What was found and what was expected, in one line.
    pub fn export(&self, commit: &str, folder: Option<&Path>, to: &Path) -> Result<Remarks, String> {
        let commit = Oid::from_str(commit).and_then(|id| self.repository.find_commit(id)).map_err(|e| said(&e))?;
        let mut tree = commit.tree().map_err(|e| said(&e))?;
        if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
            let object = tree.get_path(folder).and_then(|entry| entry.to_object(&self.repository));
            let found = object.ok().and_then(|object| object.into_tree().ok());
            tree = found.ok_or_else(|| format!("no folder {folder:?} in commit {:.12}", commit.id().to_string()))?;
        }
        fs::create_dir_all(to).map_err(|error| failed(to, &error))?;
        let mut writing = Writing { repository: &self.repository, remarks: Remarks::new(), files: 0 };
        writing.tree(&tree, Path::new(""), to)?;
        Ok(writing.remarks)
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

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Lays trees out. Everything is made anew and nothing is followed: in a tree that was made by hand a name may stand
/// twice, first as a link to elsewhere.
struct Writing<'r> {
    repository: &'r Repository,
    remarks: Remarks,
    files: usize,
}

impl Writing<'_> {
    fn tree(&mut self, tree: &Tree<'_>, inside: &Path, to: &Path) -> Result<(), String> {
        for entry in tree {
            let name = std::str::from_utf8(entry.name_bytes()).map_err(|_| "a name that is not UTF-8".to_owned())?;
            if name.contains('/') || [".", "..", ".git"].contains(&name) {
                return Err(format!("the name {name:?}, which no checkout would write"));
            }
            self.files += 1;
            if self.files > MOST_FILES {
                return Err(format!("more than {MOST_FILES} files and folders"));
            }
            let (path, shown) = (to.join(name), inside.join(name));
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let below = self.repository.find_tree(entry.id()).map_err(|e| said(&e))?;
                    fs::create_dir(&path).map_err(|error| failed(&path, &error))?;
                    self.tree(&below, &shown, &path)?;
                }
                Some(ObjectType::Blob) => {
                    let blob = self.repository.find_blob(entry.id()).map_err(|e| said(&e))?;
                    let written = write_blob(blob.content(), entry.filemode(), &path);
                    written.map_err(|error| failed(&path, &error))?;
                    if is_pointer(blob.content()) {
                        self.remarks.push(pointer(&shown));
                    }
                }
                _ => {
                    fs::create_dir(&path).map_err(|error| failed(&path, &error))?;
                    self.remarks.push(submodule(&shown));
                }
            }
        }
        Ok(())
    }
}

fn write_blob(content: &[u8], mode: i32, path: &Path) -> std::io::Result<()> {
    if mode == LINK {
        let target = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(content);
        return symlink(target, path);
    }
    let mut file = fs::File::create_new(path)?;
    file.write_all(content)?;
    let mode = if mode == EXECUTABLE { 0o755 } else { 0o644 };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

fn is_pointer(content: &[u8]) -> bool {
    content.len() as u64 <= LFS_LARGEST && content.starts_with(LFS_POINTER)
}

fn pointer(file: &Path) -> String {
    format!("{} is a pointer of git LFS; what it stands for is not in the build", file.display())
}

fn submodule(folder: &Path) -> String {
    format!("{} is a submodule; its files are not in the build", folder.display())
}

/// What of a folder of a work tree is not there: submodules that were not fetched, and pointers of LFS.
#[must_use]
pub fn missing_in(folder: &Path, files: &[PathBuf]) -> Remarks {
    let mut remarks = Remarks::new();
    let modules = folder.join(".gitmodules");
    let own = modules.symlink_metadata().is_ok_and(|data| data.is_file() && data.len() <= MODULES_LARGEST);
    let modules = if own { fs::read_to_string(modules).unwrap_or_default() } else { String::new() };
    for line in modules.lines() {
        let Some((key, path)) = line.split_once('=').filter(|(key, _)| key.trim() == "path") else { continue };
        let (_, path) = (key, Path::new(path.trim()));
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let empty = |at: PathBuf| fs::read_dir(at).is_ok_and(|mut entries| entries.next().is_none());
        if plain && empty(folder.join(path)) {
            remarks.push(submodule(path));
        }
    }
    for file in files {
        let at = folder.join(file);
        let small = at.symlink_metadata().is_ok_and(|data| data.is_file() && data.len() <= LFS_LARGEST);
        if small && fs::read(&at).is_ok_and(|content| is_pointer(&content)) {
            remarks.push(pointer(file));
        }
    }
    remarks
}

fn said(error: &git2::Error) -> String {
    format!("a repository that cannot be read ({})", printable(error.message()))
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_only_be_fetched_from() {
        for fine in [
            "https://git.example.org/team/app.git",
            "http://localhost:8080/app.git",
            "ssh://git@git.example.org:22/app.git",
            "git@git.example.org:team/app.git",
            "file:///srv/git/app.git",
            "git://git.example.org/a@b.git",
        ] {
            assert!(is_url(fine), "{fine}");
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for (address, why) in [
            ("ext::sh -c touch% /tmp/x ://", "space"),
            ("ext::sh://x", "the protocol \"ext::sh\""),
            ("fd::17://x", "protocol"),
            ("https+evil://host/app", "protocol"),
            ("ssh://-oProxyCommand=reboot/app", "option"),
            ("ssh://-oProxyCommand=reboot@host/app", "option"),
            ("ssh://me@-oProxyCommand=reboot/app", "option"),
            ("-oProxyCommand=reboot@host:app", "option"),
            ("git@host:--upload-pack=reboot", "option"),
            ("git@host:app\u{1b}[2J", "control character"),
            ("https://me:hunter2@host/app", "credential helper"),
            ("https://hunter2@host/app", "credential helper"),
            ("ssh://me:hunter2@host/app", "credential helper"),
            ("https://me:hunter2/x@host/app", "no number"),
        ] {
            let said = check(address).expect_err(address);
            assert!(said.contains(why) && !said.contains("hunter2"), "{address}: {said}");
        }
    }

    #[test]
    fn a_tree_that_stands_for_too_many_files_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(dir.path().join("git")).unwrap();
        let file = repository.blob(b"x").unwrap();
        let mut builder = repository.treebuilder(None).unwrap();
        for name in ["a", "b", "c"] {
            builder.insert(name, file, EXECUTABLE).unwrap();
        }
        let tree = repository.find_tree(builder.write().unwrap()).unwrap();
        let write = |files, to: &str| {
            let to = dir.path().join(to);
            fs::create_dir(&to).unwrap();
            Writing { repository: &repository, remarks: Remarks::new(), files }.tree(&tree, Path::new(""), &to)
        };
        assert_eq!(write(MOST_FILES - 3, "fits"), Ok(()));
        let said = write(MOST_FILES - 2, "does-not").unwrap_err();
        crate::golden::messages("Repositories", &format!("## a tree that stands for a million files\n{said}"));
    }
}
