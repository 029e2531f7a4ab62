//! What builds are asked for, from a study or from options: reads the secrets, which are values only from here on.

use crate::app::Failure;
use crate::engine::BuildSettings;
use crate::study::{SecretSource, Settings};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// BuildKit's limit for one secret, in bytes.
const SECRET_LIMIT: u64 = 500 * 1024;

/// Reads the secrets and puts all together.
///
/// # Errors
/// When a secret cannot be had: it is named, and never shown.
pub fn read(settings: &Settings) -> Result<BuildSettings, Failure> {
    let mut problems = Vec::new();
    let mut secrets = Vec::new();
    for (id, source) in &settings.secrets {
        match secret(source) {
            Ok(value) => secrets.push((id.clone(), value)),
            Err(problem) => problems.push(format!("secret {id}: {problem}")),
        }
    }
    if !problems.is_empty() {
        return Err(Failure::wrong(problems.join("\n")));
    }
    Ok(BuildSettings {
        args: settings.args.iter().cloned().collect(),
        target: None,
        labels: settings.labels.iter().cloned().collect(),
        platform: settings.platform.clone(),
        network: settings.network.clone(),
        hosts: settings.hosts.clone(),
        secrets: secrets.into_iter().collect(),
    })
}

fn secret(source: &SecretSource) -> Result<Vec<u8>, String> {
    match source {
        SecretSource::Environment(name) => {
            let value = std::env::var_os(name).ok_or_else(|| format!("the variable {name} is not set; set it"))?;
            Ok(value.into_encoded_bytes())
        }
        SecretSource::File(path) => from_file(path),
    }
}

fn from_file(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |e: std::io::Error| format!("{}: {e}; name a file that can be read", path.display());
    let mut value = Vec::new();
    File::open(path).and_then(|file| file.take(SECRET_LIMIT + 1).read_to_end(&mut value)).map_err(failed)?;
    if value.len() as u64 > SECRET_LIMIT {
        return Err(format!("{}: more than 500 KiB, which BuildKit does not take", path.display()));
    }
    Ok(value)
}
