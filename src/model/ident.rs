//! Names that users give: approaches, scenarios, states. A name that exists is a name that is safe
//! in a file name, a CSV cell and an image tag.

use std::fmt;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdError {
    /// The text that was given.
    pub found: String,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a name: expected 1 to 100 letters, digits, '.', '_' or '-', starting with a letter or digit",
            self.found
        )
    }
}

impl std::error::Error for IdError {}

fn check(text: &str) -> Result<String, IdError> {
    let ok = (1..=100).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if ok { Ok(text.to_owned()) } else { Err(IdError { found: text.chars().take(120).collect() }) }
}

macro_rules! ident {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Checks a text and makes it a name.
            ///
            /// # Errors
            /// When the text is empty, longer than 100 bytes, or holds anything but ASCII letters,
            /// digits, `.`, `_` and `-`.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check(text).map(Self)
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

ident!(
    /// A Dockerfile (and its build arguments) under test: a row of the table.
    ApproachId
);
ident!(
    /// A cache condition and a state: a column of the table.
    ScenarioId
);
ident!(
    /// One version of the project's files.
    StateId
);
ident!(
    /// An engine of a run: a stratum, whose samples enter no figure with those of another.
    EngineId
);

impl EngineId {
    /// What the only engine of a run is called. Nobody can give this name, and it is shown nowhere.
    const ONLY: &str = "(only)";

    /// The only engine of a run.
    #[must_use]
    pub fn only() -> Self {
        Self(Self::ONLY.to_owned())
    }

    /// The name as records and tables have it: none for the only engine of a run.
    #[must_use]
    pub fn shown(&self) -> Option<&str> {
        (self.0 != Self::ONLY).then_some(&self.0)
    }

    /// ` on NAME`, where there are several.
    #[must_use]
    pub fn on(&self) -> String {
        self.shown().map_or(String::new(), |name| format!(" on {name}"))
    }

    /// `NAME` and what follows it, where there are several.
    #[must_use]
    pub fn before(&self, what: &str) -> String {
        self.shown().map_or(String::new(), |name| format!("{name}{what}"))
    }

    /// The engine that a record names: the only one by no name.
    ///
    /// # Errors
    /// When a name is given that is none.
    pub fn recorded(name: Option<&str>) -> Result<Self, IdError> {
        name.map_or_else(|| Ok(Self::only()), Self::new)
    }
}

impl Default for EngineId {
    fn default() -> Self {
        Self::only()
    }
}

/// A cell of a run: a row and a column of the table of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// The engine.
    pub engine: EngineId,
    /// The row.
    pub approach: ApproachId,
    /// The column.
    pub scenario: ScenarioId,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}{}", self.approach, self.scenario, self.engine.on())
    }
}

impl Cell {
    /// The name as calls have it: `APPROACH/SCENARIO`, or `ENGINE/APPROACH/SCENARIO` where there are several engines.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}{}/{}", self.engine.before("/"), self.approach, self.scenario)
    }
}

/// Which build of a run this is: one sample has exactly one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildKey {
    /// Repetition, from 1.
    pub block: u32,
    /// Place of the build inside the whole run, from 1.
    pub position: u32,
    /// The row of the table.
    pub approach: ApproachId,
    /// The column of the table.
    pub scenario: ScenarioId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_files_and_tags() {
        for good in ["01-simple", "a", "x.y_z-9"] {
            assert_eq!(ApproachId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", ".hidden", "a/b", "a b", "=cmd()", "ä", "a\n", "-a", &"x".repeat(101)] {
            assert!(ApproachId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_only_engine_has_a_name_that_nobody_can_give_and_nobody_sees() {
        let cell = |engine: EngineId| Cell {
            engine,
            approach: ApproachId::new("a").unwrap(),
            scenario: ScenarioId::new("cold").unwrap(),
        };
        let (only, named) = (cell(EngineId::only()), cell(EngineId::new("far").unwrap()));
        assert_eq!((only.to_string(), only.path()), ("a / cold".to_owned(), "a/cold".to_owned()));
        assert_eq!((named.to_string(), named.path()), ("a / cold on far".to_owned(), "far/a/cold".to_owned()));
        assert!(EngineId::new(EngineId::ONLY).is_err());
        assert_eq!(EngineId::recorded(None), Ok(EngineId::only()));
        assert_eq!(EngineId::recorded(Some("far")), Ok(named.engine));
    }
}
