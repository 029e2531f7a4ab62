//! What stands in a file system that a finished image does not need or that an attacker would want, by path, mode and
//! the package databases' own words. Lists of names are all here; what they mean for a verdict is not.

use super::inventory::{FileEntry, FileKind, Inventory, name_of};
use crate::model::AuditEvidence;
use std::collections::{BTreeMap, BTreeSet};

/// Names of folders that programs are in, wherever they lie: an environment or `/opt` has such too.
const PROGRAM_FOLDERS: [&str; 2] = ["bin", "sbin"];
const COMPILERS: [&str; 22] = [
    "as", "c++", "cargo", "cc", "clang", "clang++", "cmake", "cpp", "g++", "gcc", "gfortran", "ghc", "go", "javac",
    "ld", "make", "ninja", "rustc", "swiftc", "tcc", "tsc", "zig",
];
const SHELLS: [&str; 13] =
    ["ash", "bash", "busybox", "csh", "dash", "elvish", "fish", "ksh", "mksh", "rbash", "sh", "tcsh", "zsh"];
const NETWORK_TOOLS: [&str; 22] = [
    "curl",
    "dig",
    "ftp",
    "host",
    "ifconfig",
    "ip",
    "nc",
    "ncat",
    "netcat",
    "nmap",
    "nslookup",
    "ping",
    "rsync",
    "scp",
    "sftp",
    "socat",
    "ssh",
    "tcpdump",
    "telnet",
    "tftp",
    "traceroute",
    "wget",
];
const PACKAGE_MANAGERS: [&str; 24] = [
    "apk", "apt", "apt-get", "aptitude", "bundle", "composer", "conda", "dnf", "dpkg", "gem", "mamba", "microdnf",
    "npm", "pacman", "pdm", "pip", "pip3", "pipx", "pnpm", "poetry", "rpm", "uv", "yarn", "zypper",
];
/// Folders that package managers keep downloads in, wherever they lie.
const CACHE_FOLDERS: [&str; 9] = [
    ".cache/pip",
    ".cache/pypoetry/artifacts",
    ".cache/pypoetry/cache",
    ".cache/uv",
    ".cache/yarn",
    ".cache/go-build",
    ".npm/_cacache",
    ".cargo/registry",
    ".m2/repository",
];
/// Folders that package managers keep downloads in, from the root.
const CACHE_PLACES: [&str; 7] = [
    "var/cache/apt/archives",
    "var/lib/apt/lists",
    "var/cache/apk",
    "etc/apk/cache",
    "var/cache/dnf",
    "var/cache/yum",
    "usr/local/share/.cache",
];
const SECRET_NAMES: [&str; 12] = [
    ".git-credentials",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".vault-token",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    ".htpasswd",
    ".dockercfg",
];
const SECRET_PATHS: [&str; 4] = [".aws/credentials", ".docker/config.json", ".kube/config", ".git/config"];
const SECRET_ENDS: [&str; 4] = [".p12", ".pfx", ".jks", ".kdbx"];

/// A package of a language, with the file that says so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name; of a Python distribution in its normal form.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
    /// The file that says that it is there, by which its layer is found; may be empty.
    pub path: String,
}

/// Everything that was found in a file system.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Python distributions.
    pub python: Vec<Package>,
    /// Node modules.
    pub node: Vec<Package>,
    /// Packages of the operating system, by dpkg or apk.
    pub os: Vec<Package>,
    /// Which databases of the operating system's packages there are: `dpkg`, `status.d`, `apk`, `rpm`.
    pub databases: BTreeSet<&'static str>,
    /// Programs that compile or link.
    pub compilers: Vec<String>,
    /// Header files.
    pub headers: Vec<String>,
    /// Files in caches of package managers, and their bytes together.
    pub caches: Vec<String>,
    /// Their bytes.
    pub cache_bytes: u64,
    /// Shells.
    pub shells: Vec<String>,
    /// Programs that fetch, send or listen.
    pub network_tools: Vec<String>,
    /// Package managers.
    pub package_managers: Vec<String>,
    /// Set-uid and set-gid files.
    pub set_id: Vec<String>,
    /// Files with capabilities.
    pub capabilities: Vec<String>,
    /// What everybody may write, except folders with the sticky bit.
    pub world_writable: Vec<String>,
    /// Files that look like secrets.
    pub secrets: Vec<String>,
}

/// Looks through a file system.
#[must_use]
pub fn findings(inventory: &Inventory) -> Findings {
    let mut found = Findings::default();
    for entry in &inventory.entries {
        let path = || format!("/{}", entry.path);
        packages_at(entry, &mut found);
        if entry.kind != FileKind::Folder {
            program(entry, &mut found);
        }
        if entry.kind == FileKind::File && is_header(&entry.path) {
            found.headers.push(path());
        }
        if entry.kind == FileKind::File && is_cache(&entry.path) {
            found.caches.push(path());
            found.cache_bytes += entry.size;
        }
        if matches!(entry.kind, FileKind::File | FileKind::HardLink) && entry.mode & 0o6000 != 0 {
            found.set_id.push(path());
        }
        if entry.capability {
            found.capabilities.push(path());
        }
        if entry.mode & 0o002 != 0 && matches!(entry.kind, FileKind::File | FileKind::Folder) && !is_scratch(entry) {
            found.world_writable.push(path());
        }
        if secret(entry) {
            found.secrets.push(path());
        }
    }
    os_packages(inventory, &mut found);
    for list in [&mut found.python, &mut found.node, &mut found.os] {
        list.sort();
        list.dedup_by(|a, b| a.name == b.name && a.version == b.version && a.path == b.path);
    }
    found
}

/// A folder that is meant for everybody's temporary files.
#[must_use]
pub fn is_scratch(entry: &FileEntry) -> bool {
    entry.kind == FileKind::Folder && entry.mode & 0o1002 == 0o1002
}

/// Whether a file looks like a secret, by its name or by what it begins with.
#[must_use]
pub fn secret(entry: &FileEntry) -> bool {
    if entry.kind != FileKind::File || entry.size == 0 {
        return false;
    }
    let (path, name) = (&*entry.path, entry.name());
    let sample = [".example", ".sample", ".template", ".dist"].iter().any(|end| name.ends_with(end));
    let environment = (name == ".env" || name.starts_with(".env.")) && !sample;
    let at = |place: &str| path == place || path.strip_suffix(place).is_some_and(|front| front.ends_with('/'));
    entry.private_key
        || environment
        || SECRET_NAMES.contains(&name)
        || SECRET_ENDS.iter().any(|end| name.ends_with(end))
        || SECRET_PATHS.iter().any(|place| at(place))
}

fn is_header(path: &str) -> bool {
    let place = ["usr/include/", "usr/local/include/"].iter().any(|place| path.starts_with(place));
    place && [".h", ".hh", ".hpp", ".hxx"].iter().any(|end| path.ends_with(end))
}

fn is_cache(path: &str) -> bool {
    let inside = |place: &str| path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
    let lock = matches!(name_of(path), "lock" | ".keep" | ".gitkeep");
    !lock
        && (CACHE_PLACES.iter().any(|place| inside(place))
            || CACHE_FOLDERS.iter().any(|folder| format!("/{path}").contains(&format!("/{folder}/"))))
}

/// A name without a version or a target's name: `gcc` of `x86_64-linux-gnu-gcc-12`.
fn plain_name(name: &str) -> &str {
    let digits = |end: &str| !end.is_empty() && end.chars().all(|c| c.is_ascii_digit() || c == '.');
    let name = name.rsplit_once('-').filter(|(_, end)| digits(end)).map_or(name, |(front, _)| front);
    name.rsplit_once("-gnu-").map_or(name, |(_, end)| end)
}

fn program(entry: &FileEntry, found: &mut Findings) {
    let Some((folder, name)) = entry.path.rsplit_once('/') else { return };
    if !PROGRAM_FOLDERS.contains(&name_of(folder)) || (entry.kind == FileKind::File && entry.mode & 0o111 == 0) {
        return;
    }
    let lists = [
        (&COMPILERS[..], &mut found.compilers),
        (&SHELLS[..], &mut found.shells),
        (&NETWORK_TOOLS[..], &mut found.network_tools),
        (&PACKAGE_MANAGERS[..], &mut found.package_managers),
    ];
    let plain = plain_name(name);
    // `pip3.12` is a pip.
    let bare = plain.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    for (names, list) in lists {
        if names.contains(&plain) || names.contains(&bare) {
            list.push(format!("/{}", entry.path));
        }
    }
}

/// The form in which Python compares names of distributions.
#[must_use]
pub fn normal_name(name: &str) -> String {
    let mut normal = String::new();
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.extend(c.to_lowercase()),
        }
    }
    normal
}

/// Python distributions and node modules, by the paths of their descriptions.
fn packages_at(entry: &FileEntry, found: &mut Findings) {
    let path = &*entry.path;
    if entry.kind != FileKind::File {
        return;
    }
    // A folder with a description in it, or, of an old form, the description itself.
    let old = Some(path).filter(|path| path.ends_with(".egg-info"));
    if let Some(folder) = path.strip_suffix("/METADATA").or_else(|| path.strip_suffix("/PKG-INFO")).or(old) {
        let name = name_of(folder);
        let stem = name.strip_suffix(".dist-info").or_else(|| name.strip_suffix(".egg-info"));
        // Copies that a package carries inside itself are not installed.
        if let Some(stem) = stem.filter(|_| !folder.contains("/_vendor/")) {
            let (name, version) = stem.split_once('-').unwrap_or((stem, ""));
            // The old form names the version of Python too.
            let version = version.split_once("-py").map_or(version, |(version, _)| version);
            let package = Package { name: normal_name(name), version: version.to_owned(), path: path.to_owned() };
            found.python.push(package);
        }
    }
    if let Some(folder) = path.strip_suffix("/package.json") {
        let Some((_, name)) =
            format!("/{folder}").rsplit_once("/node_modules/").map(|(a, b)| (a.to_owned(), b.to_owned()))
        else {
            return;
        };
        // NAME or @SCOPE/NAME: anything deeper is a part of the package.
        if name.matches('/').count() == usize::from(name.starts_with('@')) {
            found.node.push(Package { name, version: String::new(), path: path.to_owned() });
        }
    }
}

fn os_packages(inventory: &Inventory, found: &mut Findings) {
    for (path, bytes) in &inventory.contents {
        let text = String::from_utf8_lossy(bytes);
        let one_each = path.starts_with("var/lib/dpkg/status.d/");
        if path == "var/lib/dpkg/status" || one_each {
            found.databases.insert(if one_each { "status.d" } else { "dpkg" });
            found.os.extend(dpkg(&text, one_each.then_some(path)));
        } else if path.ends_with("apk/db/installed") {
            found.databases.insert("apk");
            found.os.extend(apk(&text));
        }
    }
    let rpm = ["var/lib/rpm/", "usr/lib/sysimage/rpm/"];
    if inventory.entries.iter().any(|e| e.kind == FileKind::File && rpm.iter().any(|place| e.path.starts_with(place))) {
        found.databases.insert("rpm");
    }
}

/// Paragraphs of `Key: value` lines.
fn paragraphs(text: &str) -> impl Iterator<Item = BTreeMap<&str, &str>> {
    text.split("\n\n").map(|paragraph| {
        let lines = paragraph.lines().filter(|line| !line.starts_with([' ', '\t']));
        lines.filter_map(|line| line.split_once(':')).map(|(key, value)| (key, value.trim())).collect()
    })
}

/// Installed packages of a dpkg database. In `status.d` every package counts: nothing is ever removed there.
fn dpkg(text: &str, file: Option<&String>) -> Vec<Package> {
    let installed = |p: &BTreeMap<&str, &str>| p.get("Status").is_none_or(|status| status.ends_with(" installed"));
    let package = |p: BTreeMap<&str, &str>| {
        let name = (*p.get("Package")?).to_owned();
        let multi = p.get("Multi-Arch").copied() == Some("same");
        let arch = p.get("Architecture").copied().filter(|_| multi).map_or(String::new(), |arch| format!(":{arch}"));
        let list = || format!("var/lib/dpkg/info/{name}{arch}.list");
        let path = file.cloned().unwrap_or_else(list);
        let version = p.get("Version").map_or(String::new(), |version| (*version).to_owned());
        Some(Package { name, version, path })
    };
    paragraphs(text).filter(installed).filter_map(package).collect()
}

fn apk(text: &str) -> Vec<Package> {
    let package = |lines: &str| {
        let value = |key: &str| lines.lines().find_map(|line| line.strip_prefix(key));
        let version = value("V:").unwrap_or_default().to_owned();
        Some(Package { name: value("P:")?.to_owned(), version, path: first_file(lines).unwrap_or_default() })
    };
    text.split("\n\n").filter_map(package).collect()
}

/// The first file of a package: `F:` names a folder, the lines `R:` after it the files in it.
fn first_file(lines: &str) -> Option<String> {
    let mut folder = "";
    lines.lines().find_map(|line| {
        folder = line.strip_prefix("F:").unwrap_or(folder);
        let name = line.strip_prefix("R:")?;
        Some(if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") })
    })
}

/// Names of packages as evidence.
#[must_use]
pub fn named(what: &str, packages: &[&Package]) -> AuditEvidence {
    let label = |p: &&Package| format!("{} {}", p.name, p.version).trim_end().to_owned();
    AuditEvidence::new(what, packages.iter().map(label))
}
