//! What the builds of an approach are asked for beside its Dockerfile: the keys of `[[approach]]` that stand for
//! options of `docker build`. Secrets are named here, never read.

use super::definition::{SecretSource, Settings};
use super::fields::{At, Fields, described};
use super::matrix::Varied;
use super::paths::Root;
use super::problem::{Problems, quoted};
use std::net::IpAddr;
use toml::Spanned;
use toml::de::DeValue;

/// An entry of a table: its name, and its value where that stands.
type Entry<'t, 'i> = (&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>);

/// The settings, and the build arguments that have several values.
pub(super) fn settings(table: &Fields<'_, '_>, root: &Root, problems: &mut Problems<'_>) -> (Settings, Vec<Varied>) {
    contexts(table, problems);
    let mut varied = Vec::new();
    let settings = Settings {
        args: texts(table, "args", "{ PYTHON = \"3.12\" }", &argument_name, Some(&mut varied), problems),
        labels: texts(table, "labels", "{ \"org.example.team\" = \"web\" }", &label_name, None, problems),
        platform: platform(table, problems),
        network: network(table, problems),
        hosts: hosts(table, problems),
        secrets: secrets(table, root, problems),
    };
    (settings, varied)
}

/// The names and what is at them, of a key that is a table.
fn entries<'t, 'i>(
    table: &Fields<'t, 'i>,
    key: &str,
    example: &str,
    problems: &mut Problems<'_>,
) -> Vec<Entry<'t, 'i>> {
    match table.get(key).map(|value| (value, value.get_ref())) {
        None => Vec::new(),
        Some((_, DeValue::Table(entries))) => entries.iter().collect(),
        Some((value, other)) => {
            let found = format!("{} for {key}", described(other));
            let expected = format!("a table such as {example}");
            problems.add(&value.span(), found, expected, format!("write {key} as such a table"));
            Vec::new()
        }
    }
}

/// What a name must be: whether it is, what it stands for, and the rule.
type NameRule = dyn Fn(&str) -> (bool, &'static str, &'static str, &'static str);

/// Build arguments; their names are the author's own, so any that Docker takes is taken.
fn argument_name(name: &str) -> (bool, &'static str, &'static str, &'static str) {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (
        plain && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()),
        "build argument",
        "letters, digits and '_', not starting with a digit",
        "choose the name that the Dockerfile declares with ARG",
    )
}

fn label_name(name: &str) -> (bool, &'static str, &'static str, &'static str) {
    let fine = !name.is_empty() && !name.contains(['=', '\0']) && !name.chars().any(char::is_whitespace);
    (fine, "label", "a text without spaces and '='", "choose a name such as \"org.example.team\"")
}

fn host_name(name: &str) -> (bool, &'static str, &'static str, &'static str) {
    let fine = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    (fine && !name.is_empty(), "host", "letters, digits, '.', '_' and '-'", "choose a name such as \"db.example\"")
}

fn secret_name(name: &str) -> (bool, &'static str, &'static str, &'static str) {
    let fine = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    (
        fine && !name.is_empty(),
        "secret",
        "letters, digits, '.', '_', '-' and '/'",
        "choose the id that the Dockerfile gives to --mount=type=secret",
    )
}

fn named(key: &Spanned<std::borrow::Cow<'_, str>>, rule: &NameRule, problems: &mut Problems<'_>) -> String {
    let name: &str = key.get_ref();
    let (fine, what, expected, remedy) = rule(name);
    if !fine {
        problems.add(&key.span(), format!("{} as the name of a {what}", quoted(name)), expected, remedy);
    }
    name.to_owned()
}

/// A table of texts, and of lists of texts where there is a place for them.
fn texts(
    table: &Fields<'_, '_>,
    key: &str,
    example: &str,
    rule: &NameRule,
    mut varied: Option<&mut Vec<Varied>>,
    problems: &mut Problems<'_>,
) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, value) in entries(table, key, example, problems) {
        let what = rule("").1;
        let key_span = name.span();
        let name = named(name, rule, problems);
        match value.get_ref() {
            DeValue::String(text) if !text.contains('\0') => all.push((name, text.to_string())),
            DeValue::Array(items) if varied.is_some() => {
                if let Some((values, varied)) = values(&name, items, value, problems).zip(varied.as_deref_mut()) {
                    varied.push(At { value: (name, values), span: key_span });
                }
            }
            other => problems.add(
                &value.span(),
                format!("{} for the {what} {}", described(other), quoted(&name)),
                "a text in quotes",
                "put the value in quotes",
            ),
        }
    }
    all
}

/// The values of a build argument that has several: texts, each once.
fn values(
    name: &str,
    items: &[Spanned<DeValue<'_>>],
    list: &Spanned<DeValue<'_>>,
    problems: &mut Problems<'_>,
) -> Option<Vec<String>> {
    let mut values: Vec<String> = Vec::new();
    for item in items {
        match item.get_ref() {
            DeValue::String(text) if !text.contains('\0') && !values.iter().any(|value| value == text) => {
                values.push(text.to_string());
            }
            other => {
                let found = format!("{} in the values of the build argument {}", described(other), quoted(name));
                problems.add(&item.span(), found, "texts in quotes, each once", "correct the list");
                return None;
            }
        }
    }
    if values.is_empty() {
        let found = format!("no value for the build argument {}", quoted(name));
        problems.add(&list.span(), found, "a text, or a list such as [\"3.12\", \"3.13\"]", "give it a value");
        return None;
    }
    Some(values)
}

fn platform(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<String> {
    let text = table.text("platform", problems)?;
    let parts: Vec<&str> = text.value.split('/').collect();
    let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if (2..=3).contains(&parts.len()) && parts.iter().all(plain) {
        return Some(text.value);
    }
    problems.add(
        &text.span,
        format!("the platform {}", quoted(&text.value)),
        "a system and a processor, such as \"linux/arm64\" or \"linux/arm/v7\"",
        "write one platform so; leave it out for the engine's own",
    );
    None
}

/// BuildKit knows no others; the engine would refuse them with each build.
fn network(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<String> {
    let text = table.text("network", problems)?;
    if matches!(text.value.as_str(), "default" | "none" | "host") {
        return Some(text.value);
    }
    problems.add(
        &text.span,
        format!("the network {}", quoted(&text.value)),
        "\"default\", \"none\" or \"host\", the networks that BuildKit knows",
        "choose one of them",
    );
    None
}

fn hosts(table: &Fields<'_, '_>, problems: &mut Problems<'_>) -> Vec<(String, String)> {
    let hosts = texts(table, "hosts", "{ \"db.example\" = \"10.0.0.7\" }", &host_name, None, problems);
    if let Some(value) = table.get("hosts") {
        for (name, address) in &hosts {
            if address.parse::<IpAddr>().is_err() && address != "host-gateway" {
                problems.add(
                    &value.span(),
                    format!("{} as the address of the host {}", quoted(address), quoted(name)),
                    "an IP address, or \"host-gateway\"",
                    "write the address in digits",
                );
            }
        }
    }
    hosts
}

fn secrets(table: &Fields<'_, '_>, root: &Root, problems: &mut Problems<'_>) -> Vec<(String, SecretSource)> {
    let mut all = Vec::new();
    for (key, value) in entries(table, "secrets", "{ token = { env = \"TOKEN\" } }", problems) {
        let name = named(key, &secret_name, problems);
        let source = match value.get_ref() {
            DeValue::Table(source) if source.len() == 1 => source.iter().next().and_then(|(kind, from)| {
                let text = from.get_ref().as_str().filter(|text| !text.is_empty() && !text.contains('\0'))?;
                match kind.get_ref().as_ref() {
                    "file" => Some(SecretSource::File(root.0.join(text))),
                    "env" if !text.contains('=') => Some(SecretSource::Environment(text.to_owned())),
                    _ => None,
                }
            }),
            _ => None,
        };
        match source {
            Some(source) => all.push((name, source)),
            // What stands there may be the secret itself: it is not shown.
            None => problems.add(
                &value.span(),
                format!("no source for the secret {}", quoted(&name)),
                "{ file = \"PATH\" } or { env = \"NAME\" }",
                "say where the secret is to be read; its value must not stand in a study",
            ),
        }
    }
    all
}

/// The Engine's build call has no named contexts; only a client that speaks to BuildKit directly can give them.
fn contexts(table: &Fields<'_, '_>, problems: &mut Problems<'_>) {
    if let Some(value) = table.get("contexts") {
        problems.add(
            &value.span(),
            "named contexts",
            "none: Docker Engine's build call takes one context",
            "put the files into the project, or name an image or a stage with COPY --from",
        );
    }
}
