//! One build on the engine that the docker client would use, as `docker build` does it. It records nothing.

use crate::app::prepare::{recipes, secrets};
use crate::app::{Ending, Failure, InFlight, World};
use crate::engine::wire::endpoint::Endpoint;
use crate::engine::wire::timed_build;
use crate::engine::{BuildRequest, Client};
use crate::model::{Outcome, Status};
use crate::project::ignore::ignore_file;
use crate::study::{SecretSource, Settings};
use crate::text::hex;
use sha2::{Digest, Sha256};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What is asked for; everything means what it means to `docker build`.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Folder of the build context.
    pub context: PathBuf,
    /// The Dockerfile; the context's own if not given.
    pub file: Option<PathBuf>,
    /// Name of the image.
    pub tag: Option<String>,
    /// Stage to build.
    pub target: Option<String>,
    /// Each `NAME=VALUE`, or a name alone, which takes the value of the environment.
    pub build_args: Vec<String>,
    /// Named contexts, each `NAME=VALUE`: refused, with the reason.
    pub build_contexts: Vec<String>,
    /// Each `NAME=VALUE`.
    pub labels: Vec<String>,
    /// Each `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`.
    pub secrets: Vec<String>,
    /// Platform to build for.
    pub platform: Option<String>,
    /// Network of RUN steps.
    pub network: Option<String>,
    /// Each `NAME:ADDRESS`.
    pub hosts: Vec<String>,
    /// Whether the build cache is bypassed.
    pub no_cache: bool,
    /// Time limit in seconds.
    pub timeout: u64,
}

/// An image that was built.
pub struct Built {
    /// Its id.
    pub image: String,
    /// How the build went.
    pub outcome: Outcome,
}

/// Builds an image.
///
/// # Errors
/// When the call is wrong or the build fails; the message ends with what the failing step said last.
pub fn build(world: World<'_>, request: &Request) -> Result<Built, Failure> {
    let endpoint = Endpoint::from_environment()?;
    let asked = asked(request)?;
    let interrupt = world.watcher.interrupt(InFlight::Cancelled);
    let steps = world.watcher.steps();
    let outcome = timed_build::build(&endpoint, &asked, steps.as_ref(), &interrupt);
    match &outcome.result {
        Ok(()) => Ok(Built { image: outcome.image_id.clone().unwrap_or_default(), outcome }),
        Err((status, why)) => {
            for line in &outcome.log_tail {
                world.say(format!("  {}", line.trim_end()));
            }
            let ending = if *status == Status::Interrupted { Ending::Interrupted } else { Ending::Failed };
            Err(Failure { ending, text: why.clone() })
        }
    }
}

fn asked(request: &Request) -> Result<BuildRequest, Failure> {
    if let Some(named) = request.build_contexts.first() {
        return Err(Failure::wrong(format!(
            "--build-context {named}: found a named context; Docker Engine's build call takes one context; put the files into it, or name an image or a stage with COPY --from"
        )));
    }
    let dockerfile = request.file.clone().unwrap_or_else(|| request.context.join("Dockerfile"));
    let text = recipes::read_dockerfile(&dockerfile)?;
    if let Some(ignore) = ignore_file(&request.context, &dockerfile) {
        recipes::ignore_rules(&ignore, &ignore.display().to_string(), &[Path::new("/")])?;
    }
    let mut settings = secrets::read(&given(request)?)?;
    settings.target.clone_from(&request.target);
    Ok(BuildRequest {
        context: request.context.clone(),
        ignore: recipes::own_ignore_file(&dockerfile, &[Path::new("/")])?,
        dockerfile: Arc::new(text),
        dockerfile_name: dockerfile.display().to_string(),
        settings,
        no_cache: request.no_cache,
        tag: request.tag.clone().unwrap_or_default(),
        context_key: key_of(&request.context),
        timeout: Duration::from_secs(request.timeout),
        client: Client::default(),
    })
}

/// The same for every build of the same folder.
fn key_of(context: &Path) -> String {
    let real = context.canonicalize().unwrap_or_else(|_| context.to_owned());
    let hash = Sha256::digest(real.as_os_str().as_bytes());
    format!("layerbench-{}", hex(&hash[..16]))
}

/// The options of the call in the form of a study's.
fn given(request: &Request) -> Result<Settings, Failure> {
    let pairs = |option: &str, given: &[String], separator: char| {
        given
            .iter()
            .map(|text| match text.split_once(separator) {
                Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
                _ => Err(Failure::wrong(format!("{option} {text:?}: expected NAME{separator}VALUE"))),
            })
            .collect::<Result<Vec<_>, Failure>>()
    };
    let mut build_args = Vec::new();
    for text in &request.build_args {
        match text.split_once('=') {
            Some((name, value)) => build_args.push((name.to_owned(), value.to_owned())),
            // As the docker client: a name alone takes the value of the environment, if there is one.
            None => build_args.extend(std::env::var(text).ok().map(|value| (text.clone(), value))),
        }
    }
    Ok(Settings {
        args: build_args,
        labels: pairs("--label", &request.labels, '=')?,
        platform: request.platform.clone(),
        network: request.network.clone(),
        hosts: pairs("--add-host", &request.hosts, ':')?,
        secrets: request.secrets.iter().map(|text| secret(text)).collect::<Result<_, Failure>>()?,
    })
}

/// `id=NAME[,src=FILE|,env=NAME]`, as the docker client reads it.
fn secret(text: &str) -> Result<(String, SecretSource), Failure> {
    let wrong = || Failure::wrong("--secret: expected id=NAME,src=FILE or id=NAME,env=VARIABLE");
    let (mut id, mut file, mut variable) = (None, None, None);
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("src" | "source", value)) => file = Some(PathBuf::from(value)),
            Some(("env", value)) => variable = Some(value.to_owned()),
            Some(("type", "file" | "env")) => {}
            _ => return Err(wrong()),
        }
    }
    let id = id.filter(|id| !id.is_empty()).ok_or_else(wrong)?;
    let source = match (file, variable) {
        (Some(file), None) => SecretSource::File(file),
        (None, Some(variable)) => SecretSource::Environment(variable),
        (None, None) if std::env::var_os(&id).is_some() => SecretSource::Environment(id.clone()),
        (None, None) => SecretSource::File(PathBuf::from(&id)),
        (Some(_), Some(_)) => return Err(wrong()),
    };
    Ok((id, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fake_world::{DOCKERFILE, FakeWorld};

    #[test]
    fn secrets_are_read_as_the_docker_client_reads_them() {
        let file = |path: &str| SecretSource::File(PathBuf::from(path));
        for (text, id, source) in [
            ("id=a,src=/x", "a", file("/x")),
            ("type=file,source=x,id=a", "a", file("x")),
            ("id=a,env=B", "a", SecretSource::Environment("B".into())),
            ("id=PATH", "PATH", SecretSource::Environment("PATH".into())),
            ("id=no-such-variable", "no-such-variable", file("no-such-variable")),
        ] {
            assert_eq!(secret(text), Ok((id.to_owned(), source)), "{text}");
        }
        for text in ["", "a", "src=x", "id=", "id=a,src=x,env=B", "id=a,value=hunter2"] {
            let wrong = secret(text).unwrap_err().text;
            assert!(wrong.contains("expected id=NAME") && !wrong.contains("hunter2"), "{text}");
        }
    }
    #[test]
    fn what_cannot_be_built_is_refused_before_an_engine_is_asked() {
        let world = FakeWorld::new();
        world.write("context/Dockerfile", DOCKERFILE);
        let usual = Request { context: world.at("context"), timeout: 60, ..Request::default() };
        let words = |text: &str| vec![text.to_owned()];
        let wrong = [
            (
                Request { build_contexts: words("lib=."), ..usual.clone() },
                "--build-context lib=.: found a named context",
            ),
            (Request { file: Some(world.at("none")), ..usual.clone() }, "/none: No such file"),
            (Request { context: world.at("nothing"), ..usual.clone() }, "/nothing/Dockerfile: No such file"),
            (Request { labels: words("a"), ..usual.clone() }, "--label \"a\": expected NAME=VALUE"),
            (Request { hosts: words(":1.2.3.4"), ..usual.clone() }, "--add-host \":1.2.3.4\": expected NAME:VALUE"),
            (Request { secrets: words("src=x"), ..usual.clone() }, "--secret: expected id=NAME"),
            (
                Request { secrets: words("id=a,src=/nowhere/at/all"), ..usual.clone() },
                "secret a: /nowhere/at/all: No such",
            ),
        ];
        for (request, words) in wrong {
            let failure = build(world.world(), &request).err().unwrap();
            assert_eq!(failure.ending, Ending::Wrong, "{}", failure.text);
            assert!(failure.text.contains(words), "{}", failure.text);
        }
        world.write("context/.dockerignore", "[\n");
        let failure = build(world.world(), &usual).err().unwrap();
        assert!(failure.text.contains("/context/.dockerignore: "), "{}", failure.text);
        assert_eq!(world.witness.in_flight(), [], "nothing had to be stopped");
    }

    #[test]
    fn a_build_is_asked_for_with_all_that_the_call_says() {
        let world = FakeWorld::new();
        world.write("context/other", DOCKERFILE);
        world.write("context/other.dockerignore", "x\n");
        world.write("key", "hunter2");
        let request = Request {
            context: world.at("context"),
            file: Some(world.at("context/other")),
            tag: Some("a/b:1".to_owned()),
            target: Some("last".to_owned()),
            build_args: vec!["A=1".to_owned(), "NO_SUCH_VARIABLE_IS_SET".to_owned()],
            labels: vec!["b=2".to_owned()],
            secrets: vec![format!("id=c,src={}", world.at("key").display())],
            no_cache: true,
            timeout: 60,
            ..Request::default()
        };
        let asked = asked(&request).unwrap();
        assert_eq!((asked.dockerfile.as_slice(), asked.tag.as_str()), (DOCKERFILE.as_bytes(), "a/b:1"));
        assert_eq!(asked.ignore.unwrap().as_slice(), b"x\n");
        assert_eq!((asked.no_cache, asked.timeout), (true, Duration::from_secs(60)));
        let settings = asked.settings;
        assert_eq!(settings.target.as_deref(), Some("last"));
        assert_eq!(settings.args, [("A".to_owned(), "1".to_owned())].into());
        assert_eq!(settings.labels, [("b".to_owned(), "2".to_owned())].into());
        assert_eq!(format!("{:?}", settings.secrets), "[\"c\"]");
        assert!(!settings.secrets.hide("the key is hunter2").contains("hunter2"));
    }
}
