//! Addresses of repositories: which are fetched, and which are refused before anything is.

use std::fmt;
use std::path::Path;

/// Protocols that git speaks without a program of somebody else.
const PROTOCOLS: [&str; 7] = ["https", "ssh", "git", "http", "file", "git+ssh", "ssh+git"];

/// What is wrong with the address of a repository. None of the texts holds the address: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// A space or control character.
    Space,
    /// A protocol for which git may run a program.
    Protocol(String),
    /// Something that ssh would take for an option.
    Option,
    /// A port that is no number.
    Port,
    /// A name or password where others could read it.
    Login,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Space => f.write_str("a space or control character in the address of a repository"),
            Self::Protocol(found) => write!(
                f,
                "the protocol {found:?}, for which git may run a program; use one of {}",
                PROTOCOLS.join(", ")
            ),
            Self::Option => f.write_str("an address of a repository that ssh would take for an option"),
            Self::Port => f.write_str("a port that is no number in the address of a repository"),
            Self::Login => f.write_str(
                "a name or password in the address of a repository, where others could read it; leave it out, and git asks your credential helper (git config credential.helper), or use ssh",
            ),
        }
    }
}

impl std::error::Error for AddressError {}

/// Whether an address is fetched with `git` rather than opened as a folder.
#[must_use]
pub fn is_url(address: &str) -> bool {
    let scp = address.split_once(':').is_some_and(|(host, path)| {
        host.contains('@') && !host.contains('/') && !path.is_empty() && !Path::new(address).exists()
    });
    address.contains("://") || scp
}

/// Refuses an address behind which git would do more than fetch: run a program that the address names, or take it for
/// an option; and one with a password or token in it, which would stand in records, logs and lists of processes.
///
/// # Errors
/// What was found and what to do, in one line, without the address.
pub fn check(address: &str) -> Result<(), AddressError> {
    if address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(AddressError::Space);
    }
    let (scheme, place) = match address.split_once("://") {
        Some((scheme, rest)) => (scheme, rest.split(['/', '?', '#']).next().unwrap_or_default()),
        None => ("ssh", address.split_once(':').map_or(address, |(host, _)| host)),
    };
    if !PROTOCOLS.contains(&scheme) {
        return Err(AddressError::Protocol(scheme.chars().take(40).collect()));
    }
    let (user, host) = place.rsplit_once('@').map_or((None, place), |(user, host)| (Some(user), host));
    let path =
        address.split_once("://").is_none().then(|| address.split_once(':')).flatten().map_or("", |(_, path)| path);
    if [place, host, path].iter().any(|part| part.starts_with('-')) {
        return Err(AddressError::Option);
    }
    let port = host.strip_prefix('[').map_or(host, |rest| rest.split_once(']').map_or(rest, |(_, after)| after));
    if port.split_once(':').is_some_and(|(_, port)| !port.chars().all(|c| c.is_ascii_digit())) {
        // What follows the colon may be the beginning of a password with a slash in it.
        return Err(AddressError::Port);
    }
    let over_ssh = scheme.contains("ssh");
    if user.is_some_and(|user| !over_ssh || user.contains(':')) {
        return Err(AddressError::Login);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_only_be_fetched_from() {
        for fine in [
            "https://git.example.org/team/app.git",
            "http://localhost:8080/app.git",
            "ssh://git@git.example.org:22/app.git",
            "git@git.example.org:team/app.git",
            "file:///srv/git/app.git",
            "git://git.example.org/a@b.git",
        ] {
            assert!(is_url(fine), "{fine}");
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for (address, why) in [
            ("ext::sh -c touch% /tmp/x ://", "space"),
            ("ext::sh://x", "the protocol \"ext::sh\""),
            ("fd::17://x", "protocol"),
            ("https+evil://host/app", "protocol"),
            ("ssh://-oProxyCommand=reboot/app", "option"),
            ("ssh://-oProxyCommand=reboot@host/app", "option"),
            ("ssh://me@-oProxyCommand=reboot/app", "option"),
            ("-oProxyCommand=reboot@host:app", "option"),
            ("git@host:--upload-pack=reboot", "option"),
            ("git@host:app\u{1b}[2J", "control character"),
            ("https://me:hunter2@host/app", "credential helper"),
            ("https://hunter2@host/app", "credential helper"),
            ("ssh://me:hunter2@host/app", "credential helper"),
            ("https://me:hunter2/x@host/app", "no number"),
        ] {
            let said = check(address).expect_err(address).to_string();
            assert!(said.contains(why) && !said.contains("hunter2"), "{address}: {said}");
        }
    }
}
