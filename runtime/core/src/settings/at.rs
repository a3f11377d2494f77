//! Values of settings, with the paths that lead to them, and the faults that are found in them.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Map, Value};

use super::units;
use crate::error::WrongSetting;
use crate::nearest::distance;
use crate::resilience::Percent;

/// All that is wrong.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<WrongSetting>);

impl Faults {
    pub(super) fn add(&mut self, path: &str, message: String) {
        self.0.push(WrongSetting { path: path.to_owned(), message });
    }

    /// Adds a name that is none of these.
    pub(super) fn unknown(&mut self, at: &At<'_>, what: &str, known: &[&str]) {
        let name = &*at.name;
        let nearest = known.iter().min_by_key(|known| distance(name, known));
        let nearest = nearest.filter(|known| distance(name, known) <= name.chars().count().div_ceil(3));
        let all = list(known);
        self.add(
            &at.path,
            match nearest {
                Some(nearest) => format!("`{name}` is {what}, but `{nearest}` is one: write one of {all}"),
                None => format!("`{name}` is {what}: write one of {all}"),
            },
        );
    }
}

/// Lists names.
pub(super) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A value, and the path that leads to it.
pub(super) struct At<'a> {
    pub(super) path: String,
    /// The last part of the path.
    pub(super) name: String,
    value: &'a Value,
}

impl<'a> At<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { path: String::new(), name: String::new(), value }
    }

    fn entry(&self, name: &str, value: &'a Value) -> Self {
        let quoted = name.is_empty() || name.contains(|letter: char| letter == '.' || letter.is_whitespace());
        let shown = if quoted { format!("{name:?}") } else { name.to_owned() };
        let path = if self.path.is_empty() { shown } else { format!("{}.{shown}", self.path) };
        Self { path, name: name.to_owned(), value }
    }

    /// Returns the entries of a table. Those that are null count as left out.
    pub(super) fn entries(&self, faults: &mut Faults) -> Vec<(&'a str, Self)> {
        match self.value {
            Value::Null => Vec::new(),
            Value::Object(table) => {
                let given = table.iter().filter(|(_, value)| !value.is_null());
                given.map(|(name, value)| (&**name, self.entry(name, value))).collect()
            }
            _ => {
                self.wrong("a table of settings", faults);
                Vec::new()
            }
        }
    }

    /// Returns the value as it was given, without entries that are null.
    pub(super) fn given(&self) -> Value {
        match self.value {
            Value::Object(table) => {
                let given = table.iter().filter(|(_, value)| !value.is_null());
                given.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }

    /// Adds the fault that the value is not of its kind.
    fn wrong(&self, expected: &str, faults: &mut Faults) {
        let found = match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a table",
        };
        faults.add(&self.path, format!("this is {found}: write {expected}"));
    }

    pub(super) fn boolean(&self, faults: &mut Faults) -> Option<bool> {
        let read = self.value.as_bool();
        if read.is_none() {
            self.wrong("`true` or `false`", faults);
        }
        read
    }

    /// Returns a number from 1.
    pub(super) fn count(&self, faults: &mut Faults) -> Option<usize> {
        let read = self.value.as_u64().filter(|number| *number > 0).and_then(|number| usize::try_from(number).ok());
        match (read, self.value) {
            (None, Value::Number(number)) => {
                faults.add(&self.path, format!("{number} is no count: write a whole number from 1"));
            }
            (None, _) => self.wrong("a whole number from 1", faults),
            _ => {}
        }
        read
    }

    /// Returns a number from 1, as policies count calls.
    pub(super) fn calls(&self, faults: &mut Faults) -> Option<NonZeroU32> {
        let count = self.count(faults)?;
        let read = u32::try_from(count).ok().and_then(NonZeroU32::new);
        if read.is_none() {
            faults.add(&self.path, format!("{count} is too many: write at most {}", u32::MAX));
        }
        read
    }

    /// Returns a share of calls.
    pub(super) fn percent(&self, faults: &mut Faults) -> Option<Percent> {
        let read = self
            .value
            .as_u64()
            .filter(|number| (1..=100).contains(number))
            .and_then(|number| u8::try_from(number).ok());
        match (read, self.value) {
            (None, Value::Number(number)) => {
                faults.add(&self.path, format!("{number} is no share of calls: write whole percents, from 1 to 100"));
            }
            (None, _) => self.wrong("whole percents, from 1 to 100", faults),
            _ => {}
        }
        read.map(Percent::new)
    }

    /// Returns whether the value is the word `off`.
    pub(super) fn is_off(&self) -> bool {
        self.value.as_str() == Some("off")
    }

    /// Returns one of these words.
    pub(super) fn word(&self, words: &[&'static str], faults: &mut Faults) -> Option<&'static str> {
        let read = words.iter().find(|word| self.value.as_str() == Some(word));
        if read.is_none() {
            faults.add(&self.path, format!("{} is none of the words: write one of {}", self.value, list(words)));
        }
        read.copied()
    }

    /// Returns a number of bytes.
    pub(super) fn bytes(&self, faults: &mut Faults) -> Option<usize> {
        let Value::String(text) = self.value else { return self.count(faults) };
        self.noted(units::bytes(text), faults)
    }

    /// Returns a duration, or that of one of these words.
    pub(super) fn duration(&self, words: &[(&str, Duration)], faults: &mut Faults) -> Option<Duration> {
        let read = match self.value {
            Value::String(text) => match words.iter().find(|(word, _)| word == text) {
                Some((_, time)) => Ok(*time),
                None => units::duration(text),
            },
            Value::Number(number) => match number.as_u64() {
                Some(seconds) => units::seconds(seconds),
                None => {
                    Err(format!("{number} is no number of whole seconds: write a text with a unit, as `\"250ms\"`"))
                }
            },
            _ => {
                self.wrong("a duration, as `\"5m\"`, or `300` for seconds", faults);
                return None;
            }
        };
        let or = |message: String| {
            let words: Vec<_> = words.iter().map(|(word, _)| format!(", or `\"{word}\"`")).collect();
            format!("{message}{}", words.concat())
        };
        self.noted(read.map_err(or), faults)
    }

    fn noted<T>(&self, read: Result<T, String>, faults: &mut Faults) -> Option<T> {
        read.map_err(|message| faults.add(&self.path, message)).ok()
    }
}
