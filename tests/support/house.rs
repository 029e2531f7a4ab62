//! The source as a compiler's first look has it: files, the modules that they are, what each module's names stand for, and
//! what every file names. Methods are not looked up, since their types are not known here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[path = "mentions.rs"]
mod mentions;

pub use mentions::{Kind, Mention};

/// A module's path from the crate's root.
pub type Module = Vec<String>;

/// A file of `src`.
pub struct File {
    /// Its path in `src`, with `/`.
    pub name: String,
    pub text: String,
    pub tree: syn::File,
    pub module: Module,
    /// It is compiled for tests alone.
    pub test: bool,
}

/// What a name of a module stands for.
enum Entry {
    Item,
    Module,
    /// A `use` of this path.
    Alias(Vec<String>),
}

/// The names of a module.
struct Space {
    file: usize,
    entries: BTreeMap<String, Vec<Entry>>,
    globs: Vec<Vec<String>>,
    macros: Vec<String>,
}

/// Where a path leads: a file, and the item in it; none for a module as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub file: usize,
    pub item: Option<String>,
}

pub struct House {
    pub files: Vec<File>,
    /// What each file names, by its number.
    pub mentions: Vec<Vec<Mention>>,
    spaces: BTreeMap<Module, Space>,
}

/// `use` in `use` may go in circles.
const DEPTH: usize = 24;

impl House {
    /// Reads a folder of sources.
    pub fn read(src: &Path) -> Self {
        let mut found = Vec::new();
        sources(src, &mut String::new(), &mut found);
        found.sort();
        let texts: Vec<(String, String)> =
            found.into_iter().map(|name| (name.clone(), fs::read_to_string(src.join(&name)).unwrap())).collect();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Self::of(&texts)
    }

    /// Takes sources as they are given: names in `src` and texts.
    pub fn of(texts: &[(&str, &str)]) -> Self {
        let file = |(name, text): &(&str, &str)| File {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
            tree: syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}")),
            module: module_of(name),
            test: false,
        };
        let mut house = Self { files: texts.iter().map(file).collect(), mentions: Vec::new(), spaces: BTreeMap::new() };
        for number in 0..house.files.len() {
            let (items, module) = (house.files[number].tree.items.clone(), house.files[number].module.clone());
            house.names(number, &module, &items);
        }
        house.mark_tests();
        for number in 0..house.files.len() {
            let mentions = mentions::of(&house.files[number]);
            // Names that are brought in inside a function are taken for the module's.
            for mention in mentions.iter().filter(|mention| mention.inner) {
                let space = house.spaces.get_mut(&mention.module).unwrap();
                match &mention.alias {
                    Some(alias) => space.add(alias, Entry::Alias(mention.path.clone())),
                    None => space.globs.push(mention.path.clone()),
                }
            }
            house.mentions.push(mentions);
        }
        house
    }

    /// Notes what the names of a module stand for.
    fn names(&mut self, file: usize, module: &[String], items: &[syn::Item]) {
        let mut space = Space { file, entries: BTreeMap::new(), globs: Vec::new(), macros: Vec::new() };
        for item in items {
            match item {
                syn::Item::Mod(inner) => {
                    space.add(&inner.ident.to_string(), Entry::Module);
                    if let Some((_, items)) = &inner.content {
                        self.names(file, &[module, &[inner.ident.to_string()]].concat(), items);
                    }
                }
                syn::Item::Use(used) => {
                    for leaf in mentions::leaves(&used.tree) {
                        match leaf.alias {
                            Some(alias) => space.add(&alias, Entry::Alias(leaf.path)),
                            None => space.globs.push(leaf.path),
                        }
                    }
                }
                syn::Item::Macro(defined) => space.macros.extend(defined.ident.as_ref().map(ToString::to_string)),
                other => {
                    if let Some(name) = item_name(other) {
                        space.add(&name, Entry::Item);
                    }
                }
            }
        }
        self.spaces.insert(module.to_vec(), space);
    }

    /// A file is for tests alone where the line that declares it says so, and so is all below it.
    fn mark_tests(&mut self) {
        let mut tests: Vec<Module> = Vec::new();
        for file in &self.files {
            for item in &file.tree.items {
                if let syn::Item::Mod(inner) = item
                    && inner.content.is_none()
                    && mentions::for_tests(&inner.attrs)
                {
                    tests.push([&file.module[..], &[inner.ident.to_string()]].concat());
                }
            }
        }
        for file in &mut self.files {
            file.test = tests.iter().any(|test| file.module.starts_with(test));
        }
    }

    /// Where a mention leads; none for other crates, and for what only a compiler can tell.
    pub fn target(&self, mention: &Mention) -> Option<Target> {
        if mention.kind == Kind::Macro {
            return self.macro_target(mention);
        }
        self.resolve(&mention.module, &mention.path, 0)
    }

    /// A macro without `#[macro_export]` is known below the module that defines it.
    fn macro_target(&self, mention: &Mention) -> Option<Target> {
        let [name] = &mention.path[..] else { return self.resolve(&mention.module, &mention.path, 0) };
        (0..=mention.module.len()).rev().find_map(|length| {
            let space = self.spaces.get(&mention.module[..length])?;
            space.macros.contains(name).then(|| Target { file: space.file, item: Some(name.clone()) })
        })
    }

    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<Target> {
        let (first, mut rest) = path.split_first()?;
        let mut at = from.to_vec();
        match first.as_str() {
            "crate" | "layerbench" => at.clear(),
            "self" => {}
            "super" => {
                at.pop()?;
            }
            _ => return self.known(from, path, depth),
        }
        while let Some((first, more)) = rest.split_first()
            && first == "super"
        {
            at.pop()?;
            rest = more;
        }
        self.within(&at, rest, depth)
    }

    /// A path whose first name is one of a module's own or of those that it brings in; the prelude's are of no interest.
    fn known(&self, module: &[String], path: &[String], depth: usize) -> Option<Target> {
        if depth > DEPTH {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let space = self.spaces.get(module)?;
        let Some(entries) = space.entries.get(first) else {
            return space.globs.iter().find_map(|glob| self.through(module, glob, path, depth));
        };
        let item = entries.iter().find(|entry| !matches!(entry, Entry::Module));
        match item {
            Some(Entry::Alias(alias)) if rest.is_empty() || entries.len() == 1 => {
                let whole = [&alias[..], rest].concat();
                self.resolve(module, &whole, depth + 1)
            }
            Some(_) if rest.is_empty() || entries.len() == 1 => {
                Some(Target { file: space.file, item: Some(first.clone()) })
            }
            _ => self.within(&[module, std::slice::from_ref(first)].concat(), rest, depth),
        }
    }

    /// A path that is looked for among all the names of the module that a glob stands for.
    fn through(&self, module: &[String], glob: &[String], path: &[String], depth: usize) -> Option<Target> {
        let target = self.module(module, glob, depth + 1)?;
        (target != module).then(|| self.known(&target, path, depth + 1)).flatten()
    }

    /// The module that a path names.
    fn module(&self, from: &[String], path: &[String], depth: usize) -> Option<Module> {
        let (mut at, mut rest) = (from.to_vec(), path);
        while let Some((first, more)) = rest.split_first() {
            match first.as_str() {
                "crate" | "layerbench" => at.clear(),
                "self" => {}
                "super" => {
                    at.pop()?;
                }
                name => {
                    let entries = self.spaces.get(&at)?.entries.get(name)?;
                    let alias = entries.iter().find_map(|entry| match entry {
                        Entry::Alias(alias) => Some(alias),
                        _ => None,
                    });
                    if entries.iter().any(|entry| matches!(entry, Entry::Module)) {
                        at.push(name.to_owned());
                    } else if let Some(alias) = alias
                        && depth < DEPTH
                    {
                        at = self.module(&at, alias, depth + 1)?;
                    } else {
                        return None;
                    }
                }
            }
            rest = more;
        }
        Some(at)
    }

    /// A path inside a module that is known to exist. What it does not show, a macro has made there.
    fn within(&self, module: &[String], path: &[String], depth: usize) -> Option<Target> {
        let space = self.spaces.get(module)?;
        let Some(first) = path.first() else { return Some(Target { file: space.file, item: None }) };
        self.known(module, path, depth).or_else(|| {
            let alias =
                space.entries.get(first).is_some_and(|all| all.iter().any(|entry| matches!(entry, Entry::Alias(_))));
            // Another crate's item that this module passes on.
            (!alias).then(|| Target { file: space.file, item: Some(first.clone()) })
        })
    }
}

impl Space {
    fn add(&mut self, name: &str, entry: Entry) {
        self.entries.entry(name.to_owned()).or_default().push(entry);
    }
}

fn sources(src: &Path, below: &mut String, found: &mut Vec<String>) {
    for entry in fs::read_dir(src.join(&below)).unwrap().flatten() {
        let name = format!("{below}{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            sources(src, &mut format!("{name}/"), found);
        } else if name.ends_with(".rs") {
            found.push(name);
        }
    }
}

fn module_of(name: &str) -> Module {
    let stem = name.trim_end_matches(".rs").trim_end_matches("/mod");
    if stem == "lib" { Vec::new() } else { stem.split('/').map(str::to_owned).collect() }
}

fn item_name(item: &syn::Item) -> Option<String> {
    Some(match item {
        syn::Item::Const(item) => item.ident.to_string(),
        syn::Item::Enum(item) => item.ident.to_string(),
        syn::Item::Fn(item) => item.sig.ident.to_string(),
        syn::Item::Static(item) => item.ident.to_string(),
        syn::Item::Struct(item) => item.ident.to_string(),
        syn::Item::Trait(item) => item.ident.to_string(),
        syn::Item::Type(item) => item.ident.to_string(),
        syn::Item::Union(item) => item.ident.to_string(),
        _ => return None,
    })
}
