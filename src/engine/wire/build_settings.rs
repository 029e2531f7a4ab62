//! What a build is asked for beside its files: the options of `docker build` that change what is built.
//!
//! No debug text shows a value of a build argument or a secret.

use super::session::Secrets;
use std::collections::BTreeMap;
use std::fmt;

/// Options of a build.
#[derive(Clone, Default)]
pub struct BuildSettings {
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// Stage to build; the last one if absent.
    pub target: Option<String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Platform to build for, e.g. `linux/arm64`; the engine's own if absent.
    pub platform: Option<String>,
    /// Network of RUN steps: `default`, `none` or `host`.
    pub network: Option<String>,
    /// Names that RUN steps know, each with its address.
    pub hosts: Vec<(String, String)>,
    /// Secrets that RUN steps may mount.
    pub secrets: Secrets,
}

/// Parts of the names of build arguments whose values are hidden like those of secrets, which they should have been.
const SECRET_NAMES: [&str; 8] =
    ["TOKEN", "PASSWORD", "PASSWD", "SECRET", "CREDENTIAL", "API_KEY", "APIKEY", "PRIVATE_KEY"];

impl BuildSettings {
    /// All that must be in no record and on no screen: secrets, arguments that are named like one, and the logins in
    /// addresses of proxies.
    #[must_use]
    pub fn hidden(&self) -> Secrets {
        let named = |name: &str| SECRET_NAMES.iter().any(|part| name.to_ascii_uppercase().contains(part));
        let login = |value: &str| {
            let (_, rest) = value.split_once("://")?;
            let (login, _) = rest.split('/').next()?.rsplit_once('@')?;
            Some(login.to_owned())
        };
        let args = self.args.iter().flat_map(|(name, value)| {
            let password = login(value).and_then(|login| Some(login.split_once(':')?.1.to_owned()));
            let whole = named(name).then(|| value.clone());
            whole.into_iter().chain(login(value)).chain(password).map(String::into_bytes)
        });
        let args = args.enumerate().map(|(number, value)| (format!("argument {number}"), value));
        self.secrets.iter().map(|(id, value)| (format!("secret {id}"), value.to_vec())).chain(args).collect()
    }
}

impl fmt::Debug for BuildSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildSettings")
            .field("args", &self.args.keys())
            .field("target", &self.target)
            .field("labels", &self.labels)
            .field("platform", &self.platform)
            .field("network", &self.network)
            .field("hosts", &self.hosts)
            .field("secrets", &self.secrets)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_hidden() {
        let args = [("NPM_TOKEN", "hunter2"), ("HTTP_PROXY", "http://me:hunter3@proxy:3128/"), ("PYTHON", "3.12")];
        let settings = BuildSettings {
            args: args.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            secrets: [("key".to_owned(), b"first line\nsecond line\n".to_vec())].into_iter().collect(),
            ..BuildSettings::default()
        };
        let hidden = settings.hidden();
        for (text, shown) in [
            ("COPY hunter2 3.12", "COPY *** 3.12"),
            ("http://me:hunter3@proxy:3128/", "http://***@proxy:3128/"),
            ("with hunter3", "with ***"),
            ("it says second line.", "it says ***."),
        ] {
            assert_eq!(hidden.hide(text), shown);
        }
        assert!(BuildSettings::default().hidden().is_empty());
    }

    #[test]
    fn values_of_arguments_and_secrets_are_in_no_debug_text() {
        let settings = BuildSettings {
            args: BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]),
            secrets: [("npm".to_owned(), b"hunter3".to_vec())].into_iter().collect(),
            ..BuildSettings::default()
        };
        let text = format!("{settings:?}");
        assert!(text.contains("TOKEN") && text.contains("npm") && !text.contains("hunter"), "{text}");
    }
}
