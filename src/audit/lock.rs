//! What a Python project needs at run time, by its lock file: a `poetry.lock`, `uv.lock` or `pdm.lock`, with the
//! `pyproject.toml` beside it where the lock does not name groups, or plain pinned requirements. Markers are not
//! evaluated: what only another platform needs counts as needed.

use super::detect::normal_name;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use toml::Table;

/// Why it is not known what a project needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NeededError {
    /// A file that cannot be read, and what the system says.
    Unreadable(PathBuf, String),
    /// A file, by its name, that lies elsewhere than in the project.
    LeadsOut(String),
    /// A file, by its name, that is no TOML, and what is wrong with it.
    NotToml(String, String),
    /// A lock, by its name, that names no groups, without the project's file beside it.
    NoProject(String),
}

impl NeededError {
    fn not_toml(file: &str) -> impl FnOnce(toml::de::Error) -> Self {
        move |error| Self::NotToml(file.to_owned(), error.message().to_owned())
    }
}

impl fmt::Display for NeededError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, why) => write!(f, "{}: {why}", path.display()),
            Self::LeadsOut(file) => {
                write!(f, "{file}: found a link that leads out of the project; put a copy there")
            }
            Self::NotToml(file, why) => write!(f, "{file}: {why}"),
            Self::NoProject(file) => write!(
                f,
                "{file}: found no groups, and no pyproject.toml beside it; expected one, to tell what is needed at run time; put it there"
            ),
        }
    }
}

impl std::error::Error for NeededError {}

/// Names of the distributions that are needed, in their normal form.
///
/// # Errors
/// When the lock, or the project's file that it needs, cannot be understood.
pub fn needed(file: &str, lock: &str, project: Option<&str>) -> Result<BTreeSet<String>, NeededError> {
    if file.ends_with(".txt") {
        return Ok(requirements(lock));
    }
    let table: Table = lock.parse().map_err(NeededError::not_toml(file))?;
    let packages: Vec<&Table> = table
        .get("package")
        .and_then(|all| all.as_array())
        .into_iter()
        .flatten()
        .filter_map(|p| p.as_table())
        .collect();
    let name = |package: &Table| package.get("name").and_then(|name| name.as_str()).map(normal_name);
    let groups = |package: &Table| package.get("groups").and_then(|groups| groups.as_array()).cloned();
    let own = || project.and_then(own_name);
    if packages.iter().any(|package| groups(package).is_some()) {
        // Poetry's main group is PDM's default one.
        let main = |package: &&&Table| {
            groups(package).is_some_and(|groups| groups.iter().any(|g| matches!(g.as_str(), Some("main" | "default"))))
        };
        return Ok(packages.iter().filter(main).filter_map(|package| name(package)).chain(own()).collect());
    }
    let needs: BTreeMap<String, Vec<String>> =
        packages.iter().filter_map(|package| Some((name(package)?, depends(package)))).collect();
    let project = project.ok_or_else(|| NeededError::NoProject(file.to_owned()))?;
    Ok(closure(roots(project)?, &needs).into_iter().chain(own()).collect())
}

/// What a package needs: keys of a table (Poetry), or a list of tables with names (uv) or of requirements (PDM).
fn depends(package: &Table) -> Vec<String> {
    match package.get("dependencies") {
        Some(toml::Value::Table(table)) => table.keys().map(|key| normal_name(key)).collect(),
        Some(toml::Value::Array(items)) => {
            let named = |item: &toml::Value| requirement(item.get("name").unwrap_or(item).as_str()?);
            items.iter().filter_map(named).collect()
        }
        _ => Vec::new(),
    }
}

/// The project's own name: it may be installed too.
fn own_name(project: &str) -> Option<String> {
    let table: Table = project.parse().ok()?;
    let poetry = table.get("tool").and_then(|tool| tool.get("poetry"));
    table.get("project").or(poetry)?.get("name")?.as_str().map(normal_name)
}

/// The project's own main requirements.
fn roots(project: &str) -> Result<Vec<String>, NeededError> {
    let table: Table = project.parse().map_err(NeededError::not_toml("pyproject.toml"))?;
    let poetry = table.get("tool").and_then(|t| t.get("poetry")).and_then(|t| t.get("dependencies"));
    let poetry = poetry.and_then(|t| t.as_table()).into_iter().flat_map(|t| t.keys().map(|key| normal_name(key)));
    let standard = table.get("project").and_then(|t| t.get("dependencies")).and_then(|d| d.as_array());
    let standard = standard.into_iter().flatten().filter_map(|text| requirement(text.as_str()?));
    Ok(poetry.filter(|name| name != "python").chain(standard).collect())
}

fn closure(roots: Vec<String>, needs: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open = roots;
    while let Some(name) = open.pop() {
        if all.insert(name.clone()) {
            open.extend(needs.get(&name).into_iter().flatten().cloned());
        }
    }
    all
}

/// Name of a requirement such as `click[extra]>=8; python_version > "3"`.
fn requirement(text: &str) -> Option<String> {
    let name: String = text.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    (!name.is_empty()).then(|| normal_name(&name))
}

fn requirements(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| !line.starts_with([' ', '\t', '-', '#'])).filter_map(requirement).collect()
}
