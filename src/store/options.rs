//! The options of a run in its record: a typed value with a version, from which a run goes on and suspects are built
//! again. Options of another shape than any version wrote are kept as they are, and nothing is made of them.

use crate::model::{ChainKind, ClientKind, Uncommitted};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The version that is written. Records without one are of the same keys, and are read.
const VERSION: u32 = 2;

/// What a record says of the call that made its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Recorded {
    /// A call of this program.
    Call(Box<RunOptions>),
    /// Something else, as it stands in the file.
    Other(Map<String, Value>),
}

impl Default for Recorded {
    fn default() -> Self {
        Self::Call(Box::default())
    }
}

impl From<RunOptions> for Recorded {
    fn from(options: RunOptions) -> Self {
        Self::Call(Box::new(options))
    }
}

impl Recorded {
    /// The options, if they are those of a call of this program.
    #[must_use]
    pub fn call(&self) -> Option<&RunOptions> {
        match self {
            Self::Call(options) => Some(options),
            Self::Other(_) => None,
        }
    }

    /// Which cache state scenarios started from; as the article did it, where nothing is said.
    #[must_use]
    pub fn chain(&self) -> ChainKind {
        self.call().map(|options| options.chain).unwrap_or_default()
    }
}

/// The options of `run`; what could do harm (values of build arguments, leaves) is not among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// Version of this value; older ones are read as this one.
    #[serde(deserialize_with = "version")]
    pub version: u32,
    /// The study, as it was named; absent for a call without a study file.
    pub study: Option<String>,
    /// What was built, said in the call itself.
    pub call: Option<CallOptions>,
    /// The table that the figures were imported from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<String>,
    /// Whether the commands of changes were allowed.
    pub allow_run: bool,
    /// Repetitions on each engine.
    pub reps: u32,
    /// Names or patterns of approaches; all if empty.
    pub approach: Vec<String>,
    /// Names or patterns of scenarios; all if empty.
    pub scenario: Vec<String>,
    /// The engines, each `[NAME=]ENGINE`.
    #[serde(serialize_with = "one_or_many", deserialize_with = "many")]
    pub engine: Vec<String>,
    /// Addresses of engines that were emptied before cold builds.
    pub may_empty: Vec<String>,
    /// Image of an engine inside the user's.
    pub dind_image: Option<String>,
    /// What was to be done about uncommitted changes.
    pub uncommitted: Option<Uncommitted>,
    /// Base images used in place of others, each `FROM=TO`.
    pub base: Vec<String>,
    /// Time limit of each build in seconds.
    pub timeout: u64,
    /// Which cache state scenarios started from.
    pub chain: ChainKind,
    /// The registry whose images a pull-through cache held.
    pub registry_cache: Option<String>,
    /// Who asked the engine for builds.
    pub client: ClientKind,
    /// The part of its median that the half-width of each interval was to be at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            version: VERSION,
            study: None,
            call: None,
            import: None,
            allow_run: false,
            reps: 10,
            approach: Vec::new(),
            scenario: Vec::new(),
            engine: vec!["auto".to_owned()],
            may_empty: Vec::new(),
            dind_image: None,
            uncommitted: None,
            base: Vec::new(),
            timeout: 1800,
            chain: ChainKind::default(),
            registry_cache: None,
            client: ClientKind::default(),
            precision: None,
        }
    }
}

/// What a call without a study file built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallOptions {
    /// The build context, as it was given.
    pub context: String,
    /// The Dockerfiles, as they were given.
    pub dockerfiles: Vec<String>,
    /// The changes, each `NAME=CHANGE`.
    pub changes: Vec<String>,
    /// Names of the build arguments; their values are not kept.
    pub build_args: Vec<String>,
    /// The stage.
    pub target: Option<String>,
}

/// Versions up to this one are read, and written as this one.
fn version<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    match u32::deserialize(from)? {
        known if known <= VERSION => Ok(VERSION),
        newer => Err(serde::de::Error::custom(newer)),
    }
}

/// A single engine stands by itself, as it did before a run could have several.
fn one_or_many<S: Serializer>(engines: &[String], to: S) -> Result<S::Ok, S::Error> {
    match engines {
        [only] => to.serialize_str(only),
        several => several.serialize(to),
    }
}

fn many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(from)? {
        OneOrMany::One(only) => vec![only],
        OneOrMany::Many(several) => several,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Recorded {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn options_come_back_as_they_were_written() {
        let options = RunOptions {
            study: Some("scenarios/tiny".to_owned()),
            engine: vec!["a=private".to_owned(), "b=tcp://x".to_owned()],
            chain: ChainKind::Checkpoint,
            client: ClientKind::Docker,
            registry_cache: Some("https://r".to_owned()),
            precision: Some(0.03),
            uncommitted: Some(Uncommitted::Refuse),
            ..RunOptions::default()
        };
        let text = serde_json::to_string(&Recorded::from(options.clone())).unwrap();
        assert!(text.contains("\"version\":2"), "{text}");
        assert_eq!(read(&text).call(), Some(&options));
    }

    #[test]
    fn options_without_a_version_are_read() {
        let old = read("{\"engine\":\"host\",\"reps\":3,\"study\":null,\"call\":{\"context\":\".\"},\"seed\":7}");
        let options = old.call().unwrap();
        assert_eq!((options.engine.as_slice(), options.reps), (&["host".to_owned()][..], 3));
        assert_eq!((options.chain, options.timeout), (ChainKind::Article, 1800));
        assert_eq!(options.call.as_ref().unwrap().context, ".");
        assert_eq!(read("{}").chain(), ChainKind::Article);
    }

    #[test]
    fn options_of_no_known_shape_are_kept_and_not_understood() {
        for text in ["{\"version\":3}", "{\"reps\":\"many\"}", "{\"chain\":\"other\",\"x\":[1]}"] {
            let other = read(text);
            assert_eq!(other.call(), None, "{text}");
            assert_eq!(serde_json::to_string(&other).unwrap(), text);
        }
    }
}
