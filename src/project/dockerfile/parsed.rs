//! What is known of a Dockerfile once it was read.

/// A reference to an image or an earlier stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Line, from 1.
    pub line: usize,
    /// As written.
    pub written: String,
    /// With variables replaced; `None` where that cannot be told from the Dockerfile alone.
    pub expanded: Option<String>,
    /// Where the text is, in bytes of the file.
    pub place: std::ops::Range<usize>,
    /// What it refers to.
    pub target: Target,
}

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An image that the engine has or pulls.
    Image,
    /// A stage of the same Dockerfile.
    Stage,
    /// The empty image.
    Scratch,
}

/// One `FROM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What it starts from.
    pub base: Reference,
    /// Its name (`AS`), in lower case.
    pub name: Option<String>,
    /// `--platform`, as written.
    pub platform: Option<String>,
    /// Names of its `ARG` lines.
    pub args: Vec<String>,
}

/// What was read of a Dockerfile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// The frontend that `# syntax=` names.
    pub syntax: Option<String>,
    /// The character that continues a line and takes the meaning off a variable.
    pub escape: u8,
    /// `ARG` before the first `FROM`: name and expanded default.
    pub global_args: Vec<(String, Option<String>)>,
    /// In order.
    pub stages: Vec<Stage>,
    /// Images and stages that `COPY --from` and `RUN --mount=from` name, save stages named by number.
    pub sources: Vec<Reference>,
}

impl Dockerfile {
    /// The build arguments that it declares, in order; some twice.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        let stages = self.stages.iter().flat_map(|stage| stage.args.iter().map(String::as_str));
        self.global_args.iter().map(|(name, _)| name.as_str()).chain(stages)
    }

    /// Whether a build takes this argument: it is declared, or one of those that need no `ARG`. A frontend of another
    /// language may declare what cannot be seen here.
    #[must_use]
    pub fn declares(&self, name: &str) -> bool {
        let proxy = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];
        let foreign = self.syntax.as_deref().is_some_and(|syntax| !syntax.contains("docker/dockerfile"));
        foreign
            || proxy.contains(&name.to_ascii_uppercase().as_str())
            || name == "SOURCE_DATE_EPOCH"
            || name.starts_with("BUILDKIT_")
            || self.declared().any(|declared| declared == name)
    }

    /// Every image that the build may need, expanded, each once, in order.
    #[must_use]
    pub fn images(&self) -> Vec<&str> {
        let mut all = Vec::new();
        let bases = self.stages.iter().map(|stage| &stage.base);
        for reference in bases.chain(&self.sources) {
            if let (Target::Image, Some(name)) = (reference.target, reference.expanded.as_deref())
                && !all.contains(&name)
            {
                all.push(name);
            }
        }
        all
    }
}
