//! `layerbench build`: one build on the engine that the docker client would use, as `docker build` does it.
//! It records nothing.

use super::args::BuildArgs;
use super::{End, Stop, prepare, settings, signals};
use crate::engine::endpoint::Endpoint;
use crate::engine::{BuildRequest, Client, Interrupt, build};
use crate::model::{Outcome, Progress, Status, StepKind};
use crate::project::ignore::ignore_file;
use crate::study::{SecretSource, Settings};
use sha2::{Digest, Sha256};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Shows the steps as they start.
struct Lines {
    quiet: bool,
}

impl Progress for Lines {
    fn step(&self, name: &str) {
        if !self.quiet {
            say!("{name}");
        }
    }
}

/// Carries out the command.
pub fn build(args: &BuildArgs) -> Result<End, Stop> {
    let endpoint = Endpoint::from_environment()?;
    let request = request(args)?;
    let interrupt = Interrupt::default();
    signals::watch(&interrupt, signals::InFlight::Cancelled);
    let outcome = build::build(&endpoint, &request, &Lines { quiet: args.quiet }, &interrupt);
    match &outcome.result {
        Ok(()) => {
            if !args.quiet {
                summary(&outcome);
            }
            let id = outcome.image_id.as_deref().unwrap_or_default();
            super::style::write_out(format!("{id}\n").as_bytes())?;
            Ok(End::Fine)
        }
        Err((status, why)) => {
            for line in &outcome.log_tail {
                say!("  {}", line.trim_end());
            }
            let end = if *status == Status::Interrupted { End::Interrupted } else { End::Failed };
            Err(Stop { end, text: why.clone() })
        }
    }
}

fn summary(outcome: &Outcome) {
    for step in outcome.steps.iter().filter(|step| step.kind == StepKind::Work) {
        let seconds: f64 = step.intervals.iter().map(|i| i.end - i.start).sum();
        let how = if step.cached { "cached".to_owned() } else { format!("{seconds:.3} s") };
        say!("{how:>10}  {}", step.name);
    }
    say!("{:>8.3} s  in all, {} of the context sent", outcome.seconds.get(), outcome.context_bytes);
}

fn request(args: &BuildArgs) -> Result<BuildRequest, Stop> {
    if let Some(named) = args.build_context.first() {
        return Err(Stop::wrong(format!(
            "--build-context {named}: found a named context; Docker Engine's build call takes one context; put the files into it, or name an image or a stage with COPY --from"
        )));
    }
    let dockerfile = args.file.clone().unwrap_or_else(|| args.context.join("Dockerfile"));
    let text = prepare::read_dockerfile(&dockerfile).map_err(Stop::wrong)?;
    if let Some(ignore) = ignore_file(&args.context, &dockerfile) {
        prepare::ignore_rules(&ignore, &ignore.display().to_string(), &[Path::new("/")])?;
    }
    let mut settings = settings::read(&given(args)?).map_err(Stop::wrong)?;
    settings.target.clone_from(&args.target);
    Ok(BuildRequest {
        context: args.context.clone(),
        ignore: prepare::own_ignore_file(&dockerfile, &[Path::new("/")]).map_err(Stop::wrong)?,
        dockerfile: Arc::new(text),
        dockerfile_name: dockerfile.display().to_string(),
        settings,
        no_cache: args.no_cache,
        tag: args.tag.clone().unwrap_or_default(),
        context_key: key_of(&args.context),
        timeout: Duration::from_secs(args.timeout),
        client: Client::default(),
    })
}

/// The same for every build of the same folder.
fn key_of(context: &Path) -> String {
    let real = context.canonicalize().unwrap_or_else(|_| context.to_owned());
    let hash = Sha256::digest(real.as_os_str().as_bytes());
    format!("layerbench-{}", hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The options of the call in the form of a study's.
fn given(args: &BuildArgs) -> Result<Settings, Stop> {
    let pairs = |option: &str, given: &[String], separator: char| {
        given
            .iter()
            .map(|text| match text.split_once(separator) {
                Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
                _ => Err(Stop::wrong(format!("{option} {text:?}: expected NAME{separator}VALUE"))),
            })
            .collect::<Result<Vec<_>, Stop>>()
    };
    let mut build_args = Vec::new();
    for text in &args.build_arg {
        match text.split_once('=') {
            Some((name, value)) => build_args.push((name.to_owned(), value.to_owned())),
            // As the docker client: a name alone takes the value of the environment, if there is one.
            None => build_args.extend(std::env::var(text).ok().map(|value| (text.clone(), value))),
        }
    }
    Ok(Settings {
        args: build_args,
        labels: pairs("--label", &args.label, '=')?,
        platform: args.platform.clone(),
        network: args.network.clone(),
        hosts: pairs("--add-host", &args.add_host, ':')?,
        secrets: args.secret.iter().map(|text| secret(text)).collect::<Result<_, Stop>>()?,
    })
}

/// `id=NAME[,src=FILE|,env=NAME]`, as the docker client reads it.
fn secret(text: &str) -> Result<(String, SecretSource), Stop> {
    let wrong = || Stop::wrong("--secret: expected id=NAME,src=FILE or id=NAME,env=VARIABLE");
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
}
