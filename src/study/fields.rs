//! Takes the entries of a TOML table one by one, with their places, and reports what does not fit.
//! Knows types of values, not what they mean; never stops at the first problem.
//! No file is touched in here.

use super::problem::{Problems, Span, listed, nearest, quoted};
use crate::model::IdError;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub value: T,
    pub span: Span,
}

/// One table of the study.
pub(super) struct Fields<'t, 'i> {
    label: &'static str,
    span: Span,
    table: &'t DeTable<'i>,
    known: &'static [&'static str],
}

impl<'t, 'i> Fields<'t, 'i> {
    /// Opens a table, and reports the keys that it must not have.
    pub(super) fn open(
        label: &'static str,
        span: Span,
        table: &'t DeTable<'i>,
        known: &'static [&'static str],
        problems: &mut Problems<'_>,
    ) -> Self {
        for (key, _) in table {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let remedy = match nearest(name, known.iter().copied()) {
                    Some(meant) => format!("did you mean {meant}?"),
                    None => "remove it".to_owned(),
                };
                problems.add(
                    &key.span(),
                    format!("the unknown key {} in {label}", quoted(name)),
                    format!("one of {}", listed(known)),
                    remedy,
                );
            }
        }
        Self { label, span, table, known }
    }

    /// Where the table begins.
    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        debug_assert!(self.known.contains(&key), "{key} is not declared");
        self.table.get(key)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str, problems: &mut Problems<'_>) {
        problems.add(
            &value.span(),
            format!("{} for {key} in {}", described(value.get_ref()), self.label),
            wanted,
            format!("write {key} as {wanted}"),
        );
    }

    /// A text, if it is there.
    pub(super) fn text(&self, key: &str, problems: &mut Problems<'_>) -> Option<At<String>> {
        let value = self.get(key)?;
        if let DeValue::String(text) = value.get_ref() {
            return Some(At { value: text.to_string(), span: value.span() });
        }
        self.wrong_type(key, value, "a text in quotes", problems);
        None
    }

    /// A text that must be there.
    pub(super) fn need_text(&self, key: &str, example: &str, problems: &mut Problems<'_>) -> Option<At<String>> {
        if self.get(key).is_none() {
            self.missing(key, example, problems);
        }
        self.text(key, problems)
    }

    /// Reports that a key is not there.
    pub(super) fn missing(&self, key: &str, example: &str, problems: &mut Problems<'_>) {
        if problems.well_formed() {
            problems.add(
                &self.span,
                format!("{} without {key}", self.label),
                format!("the key {key}"),
                format!("add for example {example}"),
            );
        }
    }

    /// A text of one line that people will read.
    pub(super) fn line(&self, key: &str, problems: &mut Problems<'_>) -> Option<At<String>> {
        let text = self.text(key, problems)?;
        if text.value.trim().is_empty() {
            problems.add(&text.span, format!("an empty {key}"), "a line of text", "write one, or remove the key");
            return None;
        }
        if text.value.chars().any(unprintable) {
            problems.add(
                &text.span,
                format!("a control character in {key} {}", quoted(&text.value)),
                "one line of printable text",
                "remove the control character",
            );
            return None;
        }
        Some(text)
    }

    /// A name that must be there.
    pub(super) fn need_id<T>(
        &self,
        key: &str,
        example: &str,
        new: fn(&str) -> Result<T, IdError>,
        problems: &mut Problems<'_>,
    ) -> Option<At<T>> {
        let text = self.need_text(key, example, problems)?;
        as_id(&text, new, problems)
    }

    /// A name, if it is there.
    pub(super) fn id<T>(
        &self,
        key: &str,
        new: fn(&str) -> Result<T, IdError>,
        problems: &mut Problems<'_>,
    ) -> Option<At<T>> {
        let text = self.text(key, problems)?;
        as_id(&text, new, problems)
    }

    /// Yes or no; `default` if it is not there.
    pub(super) fn boolean(&self, key: &str, default: bool, problems: &mut Problems<'_>) -> bool {
        match self.get(key) {
            None => default,
            Some(value) => match value.get_ref() {
                DeValue::Boolean(value) => *value,
                _ => {
                    self.wrong_type(key, value, "true or false", problems);
                    default
                }
            },
        }
    }

    /// A number, if it is there.
    pub(super) fn number(&self, key: &str, problems: &mut Problems<'_>) -> Option<At<f64>> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
            DeValue::Integer(int) if int.radix() == 10 => int.as_str().parse::<f64>().ok(),
            _ => None,
        };
        match number.filter(|n| n.is_finite()) {
            Some(number) => Some(At { value: number, span: value.span() }),
            None => {
                self.wrong_type(key, value, "a number such as 1.5", problems);
                None
            }
        }
    }

    /// A list of texts; empty if it is not there.
    pub(super) fn texts(&self, key: &str, problems: &mut Problems<'_>) -> Vec<At<String>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value, "a list of texts", problems);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(At { value: text.to_string(), span: item.span() }),
                _ => self.wrong_type(key, item, "a list of texts", problems),
            }
        }
        texts
    }

    /// The table of a key, if it is there.
    pub(super) fn table(
        &self,
        key: &str,
        label: &'static str,
        known: &'static [&'static str],
        problems: &mut Problems<'_>,
    ) -> Option<Fields<'t, 'i>> {
        let value = self.get(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value, "a table", problems);
            return None;
        };
        Some(Fields::open(label, value.span(), table, known, problems))
    }

    /// All tables of a key that may be repeated; empty if it is not there.
    pub(super) fn tables(
        &self,
        key: &str,
        label: &'static str,
        known: &'static [&'static str],
        problems: &mut Problems<'_>,
    ) -> Vec<Fields<'t, 'i>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let wanted = format!("a list of tables, each headed [[{key}]]");
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value, &wanted, problems);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => {
                    tables.push(Fields::open(label, item.span(), table, known, problems));
                }
                _ => self.wrong_type(key, item, &wanted, problems),
            }
        }
        tables
    }
}

/// Makes a name of a text, or reports why it is none.
pub(super) fn as_id<T>(
    text: &At<String>,
    new: fn(&str) -> Result<T, IdError>,
    problems: &mut Problems<'_>,
) -> Option<At<T>> {
    match new(&text.value) {
        Ok(value) => Some(At { value, span: text.span.clone() }),
        Err(_) => {
            problems.add(
                &text.span,
                format!("{}, which is not a name", quoted(&text.value)),
                "1 to 100 letters, digits, '.', '_' or '-', starting with a letter or digit",
                "choose such a name",
            );
            None
        }
    }
}

/// A value as it can be shown in a message.
pub(super) fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {}", quoted(text)),
        DeValue::Integer(number) => shortened("the number", number),
        DeValue::Float(number) => shortened("the number", number),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(date) => shortened("the date", date),
        DeValue::Array(items) => format!("a list of {}", items.len()),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn shortened(what: &str, value: &impl fmt::Display) -> String {
    let text: String = value.to_string().chars().take(40).collect();
    format!("{what} {text}")
}

/// Control characters, and those that turn the direction of the text around them.
fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}
