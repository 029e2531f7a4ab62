//! Everything that a file names: in `use`, in types and expressions, and in the words of macros.

use super::{File, Module};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};

/// How something is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `use`, for this module alone.
    Use,
    /// `pub use`, in any width.
    Reexport,
    /// In an item's own text.
    Path,
    /// A macro, where it is called.
    Macro,
}

#[derive(Clone, Debug)]
pub struct Mention {
    pub path: Vec<String>,
    /// The module that it stands in: the file's, or one inside it.
    pub module: Module,
    pub kind: Kind,
    /// It is compiled for tests alone.
    pub test: bool,
    /// The name by which a `use` brings it in; none where it brings in all of a module.
    pub alias: Option<String>,
    /// A `use` inside a function.
    pub inner: bool,
}

/// A path of a `use`, and its name there.
pub struct Leaf {
    pub path: Vec<String>,
    pub alias: Option<String>,
}

/// The paths of a `use`, each whole.
pub fn leaves(tree: &syn::UseTree) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    branch(tree, &[], &mut leaves);
    leaves
}

fn branch(tree: &syn::UseTree, before: &[String], leaves: &mut Vec<Leaf>) {
    // `use a::{self}` is `use a`.
    let with =
        |name: &syn::Ident| if name == "self" && !before.is_empty() { before.to_vec() } else { joined(before, name) };
    match tree {
        syn::UseTree::Path(path) => branch(&path.tree, &joined(before, &path.ident), leaves),
        syn::UseTree::Name(name) => {
            let path = with(&name.ident);
            leaves.push(Leaf { alias: path.last().cloned(), path });
        }
        syn::UseTree::Rename(name) => {
            leaves.push(Leaf { path: with(&name.ident), alias: Some(name.rename.to_string()) });
        }
        syn::UseTree::Glob(_) => leaves.push(Leaf { path: before.to_vec(), alias: None }),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| branch(tree, before, leaves)),
    }
}

fn joined(before: &[String], name: &syn::Ident) -> Vec<String> {
    [before, &[name.to_string()]].concat()
}

/// `#[test]`, or `#[cfg(…)]` with the word `test` in it.
pub fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let cfg = || match &attribute.meta {
            syn::Meta::List(list) => {
                let words = list.tokens.to_string();
                words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test") && !words.starts_with("not")
            }
            _ => false,
        };
        attribute.path().is_ident("test") || attribute.path().is_ident("cfg") && cfg()
    })
}

/// What a file names.
pub fn of(file: &File) -> Vec<Mention> {
    let mut reader =
        Reader { module: file.module.clone(), test: file.test, bound: Vec::new(), inside: 0, found: Vec::new() };
    reader.visit_file(&file.tree);
    reader.found
}

struct Reader {
    module: Module,
    test: bool,
    /// Names of the variables of the functions around.
    bound: Vec<BTreeSet<String>>,
    /// How many functions are around.
    inside: usize,
    found: Vec<Mention>,
}

impl Reader {
    fn note(&mut self, path: Vec<String>, kind: Kind) {
        let (module, test) = (self.module.clone(), self.test);
        self.found.push(Mention { path, module, kind, test, alias: None, inner: false });
    }

    fn is_variable(&self, name: &str) -> bool {
        self.bound.iter().any(|names| names.contains(name))
    }

    /// Inside an item: what only tests compile, and the variables of a function.
    fn inside<T>(
        &mut self,
        attributes: &[syn::Attribute],
        variables: Option<BTreeSet<String>>,
        visit: impl FnOnce(&mut Self) -> T,
    ) {
        let test = self.test;
        self.test |= for_tests(attributes);
        self.inside += usize::from(variables.is_some());
        let function = variables.is_some();
        self.bound.extend(variables);
        visit(self);
        if function {
            self.bound.pop();
            self.inside -= 1;
        }
        self.test = test;
    }

    /// Paths among words that are no Rust yet. A single small word counts where it is called.
    fn words(&mut self, words: TokenStream) {
        let all: Vec<TokenTree> = words.into_iter().collect();
        let mut at = 0;
        while at < all.len() {
            match &all[at] {
                TokenTree::Group(group) => self.words(group.stream()),
                TokenTree::Ident(_)
                    if at == 0 || !is_punct(&all[at - 1], '.') || at > 1 && is_punct(&all[at - 2], '.') =>
                {
                    at = self.word(&all, at);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Takes the path that begins here; the place behind it.
    fn word(&mut self, all: &[TokenTree], mut at: usize) -> usize {
        let foreign = at > 1 && is_punct(&all[at - 1], ':') && is_punct(&all[at - 2], ':');
        let mut path = vec![all[at].to_string()];
        at += 1;
        while let [first, second, TokenTree::Ident(next), ..] = &all[at..] {
            if !(is_punct(first, ':') && is_punct(second, ':')) {
                break;
            }
            path.push(next.to_string());
            at += 3;
        }
        let called =
            matches!(all.get(at), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
        let single = path.len() == 1;
        if all.get(at).is_some_and(|next| is_punct(next, '!')) && matches!(all.get(at + 1), Some(TokenTree::Group(_))) {
            self.note(path, Kind::Macro);
        } else if !foreign && !(single && (self.is_variable(&path[0]) || is_small(&path[0]) && !called)) {
            self.note(path, Kind::Path);
        }
        at
    }
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_small(name: &str) -> bool {
    name.starts_with(|c: char| c.is_lowercase() || c == '_')
}

/// The variables of a function, its closures' too.
fn variables(visit: impl FnOnce(&mut Variables)) -> BTreeSet<String> {
    let mut variables = Variables(BTreeSet::new());
    visit(&mut variables);
    variables.0
}

struct Variables(BTreeSet<String>);

impl<'ast> Visit<'ast> for Variables {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        if is_small(&pattern.ident.to_string()) {
            self.0.insert(pattern.ident.to_string());
        }
        visit::visit_pat_ident(self, pattern);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = attributes(item);
        self.inside(attributes, None, |reader| visit::visit_item(reader, item));
    }

    fn visit_item_mod(&mut self, inner: &'ast syn::ItemMod) {
        self.module.push(inner.ident.to_string());
        visit::visit_item_mod(self, inner);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let bound = variables(|all| all.visit_item_fn(function));
        self.inside(&[], Some(bound), |reader| visit::visit_item_fn(reader, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        let bound = variables(|all| all.visit_impl_item_fn(function));
        self.inside(&function.attrs, Some(bound), |reader| visit::visit_impl_item_fn(reader, function));
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        let bound = variables(|all| all.visit_trait_item_fn(function));
        self.inside(&function.attrs, Some(bound), |reader| visit::visit_trait_item_fn(reader, function));
    }

    fn visit_item_use(&mut self, used: &'ast syn::ItemUse) {
        let kind = if matches!(used.vis, syn::Visibility::Inherited) { Kind::Use } else { Kind::Reexport };
        for Leaf { path, alias } in leaves(&used.tree) {
            let (module, test, inner) = (self.module.clone(), self.test, self.inside > 0);
            self.found.push(Mention { path, module, kind, test, alias, inner });
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_none() && !(names.len() == 1 && self.is_variable(&names[0])) {
            self.note(names, Kind::Path);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let names = call.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(names, Kind::Macro);
        self.words(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // Those of clap and serde hold expressions; the names of derives and settings lead nowhere.
        if let syn::Meta::List(list) = &attribute.meta {
            let before = self.found.len();
            self.words(list.tokens.clone());
            let late = self.found.split_off(before);
            self.found.extend(late.into_iter().filter(|mention| mention.path.len() > 1));
        }
    }

    // Modules, visibilities and the like are no names of items.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
