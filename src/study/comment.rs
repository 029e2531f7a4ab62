//! Comments at the ends of files, each in the file's own syntax: a change that a build sees and a program does not.
//! Every sample gets another one, so that no cache can hold what it builds.
//! Nothing is read or written in here.

use std::path::Path;

/// Stands in a file where each sample puts its own text; of a shape that no project has by chance.
pub(super) const TOKEN: &str = "layerbench-sample-5f2c81d3a94e4b07";

/// What to do about a change of a file that takes no comment.
pub(super) const GIVE_WHOLE: &str = "give its change whole: overlay = \"changes/NAME\", patch, ref or run";

/// How a comment begins and ends.
type Ends = (&'static str, &'static str);

const HASH: Ends = ("# ", "");
const SLASHES: Ends = ("// ", "");
const STARS: Ends = ("/* ", " */");
const ARROWS: Ends = ("<!-- ", " -->");
const DASHES: Ends = ("-- ", "");
const SEMICOLONS: Ends = (";; ", "");
const PERCENT: Ends = ("% ", "");

/// Made by tools and checked by them: a comment is dropped, refused, or makes them rewrite the file.
const LOCKS: [&str; 9] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "go.sum",
    "go.work.sum",
    "pipfile.lock",
    "packages.lock.json",
    "bun.lockb",
    "gradle.lockfile",
];

/// A comment that says who wrote it, for a file of this name. `None` if its syntax has no comments, or is not known.
pub(super) fn comment(file: &Path, text: &str) -> Option<String> {
    let (open, close) = marks(file)?;
    Some(format!("{open}{text}{close}\n"))
}

/// Whether a comment can be put at the end of a file of this name.
#[must_use]
pub fn has_comments(file: &Path) -> bool {
    marks(file).is_some()
}

fn marks(file: &Path) -> Option<Ends> {
    let name = file.file_name()?.to_str()?.to_ascii_lowercase();
    if LOCKS.contains(&name.as_str()) || name.ends_with(".lock") {
        return None;
    }
    by_name(&name).or_else(|| by_extension(name.rsplit_once('.')?.1))
}

fn by_name(name: &str) -> Option<Ends> {
    let plain = ["makefile", "gemfile", "rakefile", "procfile", "vagrantfile", "cmakelists.txt", "pipfile", "justfile"];
    let stem = name.split('.').next().unwrap_or(name);
    let listed = |word: &str| name.ends_with(".txt") && name.contains(word);
    let dockerfile = ["dockerfile", "containerfile"].contains(&stem);
    if plain.contains(&name) || dockerfile || listed("requirements") || listed("constraints") {
        return Some(HASH);
    }
    match name {
        ".dockerignore" | ".gitignore" | ".env" | ".editorconfig" | ".npmrc" => Some(HASH),
        "go.mod" | "go.work" => Some(SLASHES),
        "jenkinsfile" => Some(SLASHES),
        _ => None,
    }
}

fn by_extension(extension: &str) -> Option<Ends> {
    Some(match extension {
        "py" | "pyi" | "pyx" | "toml" | "yaml" | "yml" | "sh" | "bash" | "zsh" | "fish" | "rb" | "pl" | "pm" | "r"
        | "jl" | "ex" | "exs" | "ps1" | "tf" | "nix" | "cmake" | "mk" | "ini" | "cfg" | "conf" | "properties"
        | "dockerfile" | "containerfile" | "graphql" | "gql" | "env" | "nim" | "tcl" | "awk" | "dockerignore" => HASH,
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "rs" | "go" | "c" | "h" | "cc" | "cpp"
        | "cxx" | "hh" | "hpp" | "java" | "kt" | "kts" | "scala" | "groovy" | "gradle" | "swift" | "dart" | "cs"
        | "fs" | "proto" | "zig" | "json5" | "jsonc" | "cu" | "m" | "mm" | "sol" | "v" | "d" => SLASHES,
        "css" | "scss" | "sass" | "less" => STARS,
        "html" | "htm" | "xhtml" | "xml" | "svg" | "md" | "markdown" | "vue" | "svelte" | "xsd" | "xsl" | "csproj"
        | "fsproj" | "props" | "targets" => ARROWS,
        "sql" | "lua" | "hs" | "elm" | "adb" | "ads" | "vhd" => DASHES,
        "clj" | "cljs" | "lisp" | "el" | "scm" | "rkt" => SEMICOLONS,
        "erl" | "hrl" | "tex" => PERCENT,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syntax_has_its_own_comment() {
        for (file, expected) in [
            ("src/main.py", "# x\n"),
            ("pyproject.toml", "# x\n"),
            ("Dockerfile", "# x\n"),
            ("api.Dockerfile", "# x\n"),
            ("Dockerfile.new", "# x\n"),
            ("requirements-dev.txt", "# x\n"),
            ("a/b.ini", "# x\n"),
            ("index.ts", "// x\n"),
            ("Main.KT", "// x\n"),
            ("go.mod", "// x\n"),
            ("site.css", "/* x */\n"),
            ("pom.xml", "<!-- x -->\n"),
            ("README.md", "<!-- x -->\n"),
            ("schema.sql", "-- x\n"),
            ("init.lua", "-- x\n"),
        ] {
            assert_eq!(comment(Path::new(file), "x").as_deref(), Some(expected), "{file}");
        }
    }

    #[test]
    fn locks_data_and_the_unknown_have_none() {
        for file in [
            "package.json",
            "poetry.lock",
            "Cargo.lock",
            "pnpm-lock.yaml",
            "go.sum",
            "notes.txt",
            "logo.png",
            "LICENSE",
            "",
        ] {
            assert!(!has_comments(Path::new(file)), "{file}");
        }
    }
}
