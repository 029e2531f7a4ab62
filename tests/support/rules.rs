//! The rules of the house, each as a function from sources to breaches.

use crate::house::{File, House, Kind};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use syn::visit::{self, Visit};

/// A rule that is not kept: which and where, as `NOT_YET` has it, and what is to be known of it beside that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    pub line: String,
    pub why: String,
}

fn breach(line: impl Into<String>, why: impl Into<String>) -> Breach {
    Breach { line: line.into(), why: why.into() }
}

/// Rooms by floor, bottom up.
pub type Floors<'a> = &'a [&'a [&'a str]];

/// Pairs of one floor of which the first may import the second, with the reason.
pub type Pairs<'a> = &'a [(&'a str, &'a str, &'a str)];

/// The order inside of a room, bottom up; `*` stands for all that is not named.
pub type Orders<'a> = &'a [(&'a str, &'a [&'a str])];

/// The crate's own two files are no rooms.
fn is_root(file: &File) -> bool {
    ["lib.rs", "main.rs"].contains(&file.name.as_str())
}

fn stem(name: &str) -> &str {
    name.rsplit('/').next().unwrap().trim_end_matches(".rs")
}

/// What each file names in others: pairs of files, with the names. Only what is compiled into the program, unless tests are
/// asked for too.
fn edges(house: &House, own_items: bool) -> BTreeMap<(usize, usize), BTreeSet<String>> {
    let mut edges: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
    for (from, mentions) in house.mentions.iter().enumerate() {
        for mention in mentions.iter().filter(|mention| !(own_items && mention.test)) {
            let Some(target) = house.target(mention).filter(|target| target.file != from) else { continue };
            // A module that hands on what its children have, or only brings in a module's name, depends on neither.
            let below = house.files[target.file].module.starts_with(&house.files[from].module);
            if own_items && (target.item.is_none() || mention.kind == Kind::Reexport && below) {
                continue;
            }
            edges.entry((from, target.file)).or_default().insert(mention.path.join("::"));
        }
    }
    edges
}

fn listed(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// (a) A room imports only from floors below its own; within a floor none imports another, but for the pairs.
pub fn floors(house: &House, floors: Floors, pairs: Pairs) -> Vec<Breach> {
    let floor_of = |room: &str| floors.iter().position(|floor| floor.contains(&room));
    let (mut breaches, mut used) = (BTreeSet::new(), BTreeSet::new());
    for file in house.files.iter().filter(|file| !is_root(file) && floor_of(&file.module[0]).is_none()) {
        breaches.insert(breach(format!("a: {} stands on no floor", file.module[0]), ""));
    }
    for ((from, to), names) in edges(house, false) {
        let (from, to) = (&house.files[from], &house.files[to]);
        if is_root(from) || is_root(to) || from.module[0] == to.module[0] {
            continue;
        }
        let (own, other) = (from.module[0].as_str(), to.module[0].as_str());
        let pair = pairs.iter().position(|(one, two, _)| (*one, *two) == (own, other));
        used.extend(pair);
        if pair.is_none() && floor_of(own) <= floor_of(other) {
            breaches.insert(breach(format!("a: {} imports {other}", from.name), listed(&names)));
        }
    }
    for (number, (one, two, _)) in pairs.iter().enumerate() {
        if !used.contains(&number) {
            breaches.insert(breach(format!("a: {one} may import {two}, and does not"), "take the pair away"));
        } else if floor_of(one) != floor_of(two) {
            breaches.insert(breach(format!("a: {one} and {two} are no pair of one floor"), ""));
        }
    }
    breaches.into_iter().collect()
}

/// Where a file stands in the order of its room.
fn place(file: &File, order: &[&str]) -> Option<usize> {
    let own = file.module.get(1).and_then(|part| order.iter().position(|name| name == part));
    own.or_else(|| order.iter().position(|name| *name == "*"))
}

/// (b) Inside of a room that has an order, a file imports only from what stands before its own part.
pub fn orders(house: &House, orders: Orders) -> Vec<Breach> {
    let mut breaches = BTreeSet::new();
    for ((from, to), names) in edges(house, true) {
        let (from, to) = (&house.files[from], &house.files[to]);
        let Some((room, order)) = orders.iter().find(|(room, _)| from.module.first().is_some_and(|own| own == room))
        else {
            continue;
        };
        if to.module.first().is_none_or(|other| other != room) {
            continue;
        }
        let (own, other) = (place(from, order), place(to, order));
        if own.is_none() || other.is_none() || own < other {
            breaches.insert(breach(format!("b: {} imports {}", from.name, to.name), listed(&names)));
        }
    }
    breaches.into_iter().collect()
}

/// (c) No circle of files. One breach for each circle that is left when an edge of each shorter one is taken away.
pub fn circles(house: &House) -> Vec<Breach> {
    let named = edges(house, true);
    let mut graph: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (from, to) in named.keys() {
        graph.entry(*from).or_default().insert(*to);
    }
    let mut breaches = Vec::new();
    while let Some(circle) = shortest(&graph) {
        let next = |at: usize| circle[(at + 1) % circle.len()];
        let names: Vec<&str> = circle.iter().chain([&circle[0]]).map(|file| house.files[*file].name.as_str()).collect();
        let why = circle
            .iter()
            .enumerate()
            .map(|(at, file)| format!("{} names {}", house.files[*file].name, listed(&named[&(*file, next(at))])));
        breaches.push(breach(format!("c: {}", names.join(" > ")), why.collect::<Vec<_>>().join("; ")));
        // Rather than from a child to its parent, since that is how it mostly stays.
        let downward = |at: &usize| house.files[next(*at)].module.starts_with(&house.files[circle[*at]].module);
        let at = (0..circle.len()).find(downward).unwrap_or(circle.len() - 1);
        graph.get_mut(&circle[at]).unwrap().remove(&next(at));
    }
    breaches.sort();
    breaches
}

/// The shortest circle of a graph, and the first of several, from its first member on.
fn shortest(graph: &BTreeMap<usize, BTreeSet<usize>>) -> Option<Vec<usize>> {
    graph.keys().filter_map(|start| back_to(graph, *start)).min_by_key(Vec::len)
}

fn back_to(graph: &BTreeMap<usize, BTreeSet<usize>>, start: usize) -> Option<Vec<usize>> {
    let (mut before, mut queue) = (BTreeMap::new(), VecDeque::from([start]));
    while let Some(at) = queue.pop_front() {
        for next in graph.get(&at).into_iter().flatten() {
            if *next == start {
                let mut circle = vec![at];
                while circle[circle.len() - 1] != start {
                    circle.push(before[&circle[circle.len() - 1]]);
                }
                circle.reverse();
                return Some(circle);
            }
            if !before.contains_key(next) {
                before.insert(*next, at);
                queue.push_back(*next);
            }
        }
    }
    None
}

/// (d) No file above 500 lines and no function above 60, unless a line of the head begins with `Long:`.
pub fn lengths(house: &House) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in &house.files {
        if file.text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.starts_with("//! Long: ")) {
            continue;
        }
        let lines = file.text.lines().count();
        if lines > 500 {
            breaches.push(breach(format!("d: {} is too long", file.name), format!("{lines} lines")));
        }
        let mut functions = Functions(Vec::new());
        functions.visit_file(&file.tree);
        for (name, lines) in functions.0.into_iter().filter(|(_, lines)| *lines > 60) {
            breaches.push(breach(format!("d: fn {name} of {} is too long", file.name), format!("{lines} lines")));
        }
    }
    breaches
}

/// Names of functions, and how many lines each has.
struct Functions(Vec<(String, usize)>);

impl Functions {
    fn note(&mut self, head: &syn::Signature, body: &syn::Block) {
        let (from, to) = (head.fn_token.span.start().line, body.brace_token.span.close().end().line);
        self.0.push((head.ident.to_string(), to + 1 - from));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.note(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// (e) Nothing of a room names clap, prints, or ends the process.
pub fn quiet(house: &House, room: &str) -> Vec<Breach> {
    let mut breaches = BTreeSet::new();
    for file in house.files.iter().filter(|file| file.module.first().is_some_and(|own| own == room)) {
        let words: TokenStream = file.text.parse().unwrap();
        let mut all = Vec::new();
        flat(words, &mut all);
        for (at, word) in all.iter().enumerate() {
            let next = |by: usize| all.get(at + by).map_or("", String::as_str);
            let loud = match word.as_str() {
                "clap" | "ExitCode" => true,
                "print" | "println" | "eprint" | "eprintln" | "dbg" => next(1) == "!",
                // `process::exit`, and `process::{…, exit}`.
                "process" if next(1) == ":" && next(3) == "{" => {
                    all[at..].iter().take_while(|w| *w != "}").any(|w| w == "exit")
                }
                "process" => next(1) == ":" && next(3) == "exit",
                _ => false,
            };
            if loud {
                breaches.insert(breach(format!("e: {} names {word}", file.name), ""));
            }
        }
    }
    breaches.into_iter().collect()
}

/// All words of a text, with the brackets of its groups.
fn flat(words: TokenStream, all: &mut Vec<String>) {
    for word in words {
        match word {
            TokenTree::Group(group) => {
                all.push("{".to_owned());
                flat(group.stream(), all);
                all.push("}".to_owned());
            }
            TokenTree::Literal(_) => all.push(String::new()),
            other => all.push(other.to_string()),
        }
    }
}

/// (f) The room of the command line is short, and each command has a file of its own there, a shorter one.
pub fn commands(house: &House, room: &str, commands: &[&str], (most, of_one): (usize, usize)) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let own: Vec<&File> =
        house.files.iter().filter(|file| file.module.first().is_some_and(|own| own == room)).collect();
    let lines: usize = own.iter().map(|file| file.text.lines().count()).sum();
    if lines >= most {
        breaches.push(breach(format!("f: {room} is too long"), format!("{lines} lines; fewer than {most} are wanted")));
    }
    for command in commands {
        // Its arguments may have a file beside it.
        let named = |file: &&&File| stem(&file.name) == command.replace('-', "_") && !file.name.contains("/args/");
        let files: Vec<&&File> = own.iter().filter(named).collect();
        if files.len() != 1 {
            breaches.push(breach(format!("f: {command} has no file of its own"), format!("{} files", files.len())));
        }
        for file in files {
            let lines = file.text.lines().count();
            if lines >= of_one {
                let wanted = format!("{lines} lines; fewer than {of_one} are wanted");
                breaches.push(breach(format!("f: {} is too long for a command", file.name), wanted));
            }
        }
    }
    breaches
}

/// Base names that the files of some rooms share, with the reason. Where no rooms are named, those of all may.
pub type Shared<'a> = &'a [(&'a str, &'a [&'a str], &'a str)];

/// (g) No base name in two rooms, but for a command's file and its use case, and what the table names with the reason.
pub fn base_names(house: &House, orders: Orders, commands: &[&str], shared: Shared) -> Vec<Breach> {
    let mut rooms: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for file in house.files.iter().filter(|file| !is_root(file)) {
        let (name, room) = (stem(&file.name), file.module[0].as_str());
        if ["app", "cli"].contains(&room) && commands.iter().any(|command| command.replace('-', "_") == name) {
            continue;
        }
        // The parts of a room that has an order are rooms themselves.
        let order = orders.iter().find(|(ordered, _)| *ordered == room);
        let part = file.module.get(1).filter(|part| order.is_some_and(|(_, order)| order.contains(&part.as_str())));
        rooms.entry(name).or_default().insert(part.map_or(room.to_owned(), |part| format!("{room}/{part}")));
    }
    let mut breaches = Vec::new();
    for (name, sharing, _) in shared {
        let Some(found) = rooms.get_mut(name) else {
            breaches.push(breach(format!("g: {name}.rs is shared by no rooms"), "take it away"));
            continue;
        };
        let before = found.len();
        found.retain(|room| !(sharing.is_empty() || sharing[1..].contains(&room.as_str())));
        if sharing.len() > 1 && before - found.len() < sharing.len() - 1 || sharing.is_empty() && before < 2 {
            breaches.push(breach(format!("g: {name}.rs is shared by no rooms"), "take it away"));
        }
    }
    let twice = rooms.iter().filter(|(_, rooms)| rooms.len() > 1);
    breaches.extend(twice.map(|(name, rooms)| breach(format!("g: {name}.rs is in {}", listed(rooms)), "")));
    breaches
}

/// (h) No type name twice where both can be met in one file.
pub fn types(house: &House) -> Vec<Breach> {
    let mut defined: BTreeSet<(usize, String)> = BTreeSet::new();
    for (number, file) in house.files.iter().enumerate() {
        let mut types = Types(BTreeSet::new());
        types.visit_file(&file.tree);
        defined.extend(types.0.into_iter().map(|name| (number, name)));
    }
    let mut met: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (number, file) in house.files.iter().enumerate() {
        let own = defined.iter().filter(|(definer, _)| *definer == number).cloned();
        let targets = house.mentions[number].iter().filter_map(|mention| house.target(mention));
        let named =
            targets.filter_map(|target| Some((target.file, target.item?))).filter(|type_| defined.contains(type_));
        let mut files: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (definer, name) in own.chain(named) {
            files.entry(name).or_default().insert(&house.files[definer].name);
        }
        for (name, files) in files.into_iter().filter(|(_, files)| files.len() > 1) {
            let files: Vec<&str> = files.into_iter().collect();
            met.entry(format!("h: {name} is in {}", files.join(", "))).or_default().insert(&file.name);
        }
    }
    met.into_iter().map(|(line, places)| breach(line, places.into_iter().collect::<Vec<_>>().join(", "))).collect()
}

/// Names of types, also of those in functions.
struct Types(BTreeSet<String>);

impl<'ast> Visit<'ast> for Types {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.0.insert(item.ident.to_string());
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.0.insert(item.ident.to_string());
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.0.insert(item.ident.to_string());
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.0.insert(item.ident.to_string());
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        self.0.insert(item.ident.to_string());
    }
}
